package arch_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/kycmark/kycmark"

// A rule forbids imports to some packages. Packages of the module are named by
// their folder; "x/..." means x and all below it, and "..." everything.
type rule struct {
	of     []string // the importing packages
	except []string // of those, the ones that may
	deep   bool     // also through other packages of the module
	tests  bool     // also in _test.go files
	never  []string // the imports
	only   []string // if set: of the module's packages no others may be imported
	why    string
}

var rules = []rule{
	{
		of: []string{"watermark", "phash/..."}, deep: true,
		never: []string{"verify/...", "cmd/...", "examples/..."},
		why:   "the mark and the hashes know nothing of registries and commands: verify stands on them",
	},
	{
		of: []string{"watermark", "phash/..."}, deep: true,
		never: []string{"os/...", "io/ioutil", "net/...", "database/sql/...", "syscall", "path/filepath", "golang.org/x/sys/unix/...", "golang.org/x/sys/windows/...", "golang.org/x/sys/plan9", "golang.org/x/sys/execabs"},
		why:   "marking and hashing are pure functions on pictures: files, networks and databases are the caller's (x/sys/cpu only says what the processor can)",
	},
	{
		of: []string{"watermark", "phash/...", "verify/..."}, deep: true, except: []string{"internal/attack/...", "verify/internal/stories"}, // the latter only tests use
		never: []string{"math/rand/..."},
		why:   "whatever is keyed or stands in evidence comes from keys or crypto/rand",
	},
	{
		of: []string{"watermark", "phash/..."}, deep: true,
		never: []string{"expvar", "os/signal", "unsafe"},
		why:   "libraries return errors and stay portable",
	},
	{
		of:    []string{"verify/registry"},
		never: []string{"verify", "verify/leaktest/...", "html/template", "internal/capture", "internal/register"},
		why:   "the registry keeps and hands out, and judges nothing: verify stands on it",
	},
	{
		of: []string{"watermark", "phash/...", "verify", "verify/registry", "verify/odds/..."}, deep: true,
		never: []string{"database/sql/...", "modernc.org/...", "github.com/jackc/...", "github.com/pressly/..."},
		why:   "a program links the database that it names: registry.Open(ctx, sqlite.At(path)), or postgres.At(dsn)",
	},
	{
		of: []string{"verify/registry/sqlite", "internal/store/sqlite"}, deep: true, never: []string{"github.com/jackc/..."},
		why: "who keeps a registry in a file links no client of a server",
	},
	{
		of: []string{"verify/registry/postgres", "internal/store/postgres"}, deep: true, never: []string{"modernc.org/..."},
		why: "who keeps a registry in PostgreSQL links no SQLite",
	},
	{
		of: []string{"verify", "verify/leaktest/..."}, never: []string{"internal/store/..."},
		why: "what judges asks the registry, which knows which rows count and opens what is sealed",
	},
	{
		of: []string{"verify/books", "verify/findings", "verify/internal/words", "verify/internal/conclude", "verify/internal/weigh", "verify/internal/recheck", "verify/internal/report"}, deep: true,
		never: []string{"verify", "verify/registry/...", "verify/internal/engine", "internal/store/...", "internal/records", "database/sql/..."},
		why:   "what a finding and a verdict follow from is a value, so that a reader of the findings alone concludes the same",
	},
	{
		of:    []string{"verify/internal/words", "verify/internal/conclude", "verify/internal/weigh"},
		never: []string{"context", "os/...", "net/...", "verify/internal/recheck", "verify/internal/report"},
		why:   "these rooms are pure: they wait for nothing and read no clock",
	},
	{
		of:    []string{"verify/internal/search", "verify/internal/examine"},
		never: []string{"verify", "verify/internal/weigh", "verify/internal/recheck", "verify/internal/report"},
		why:   "what is seen in a leak does not depend on what is said of it",
	},
	{
		of: []string{"verify/..."}, never: []string{"cmd/...", "examples/...", "internal/home/...", "internal/demo/...", "internal/seal"},
		why: "commands stand on verify, not the other way round",
	},
	{
		of: []string{"verify/...", "cmd/..."}, deep: true, never: []string{"phash/index"},
		why: "investigations search beyond the radius where tables serve: they compare with every hash, by phash.List",
	},
	{
		of: []string{"watermark", "phash/...", "verify/...", "internal/records", "internal/store/..."}, deep: true, tests: true,
		never: []string{"internal/service", "github.com/danielgtaylor/...", "github.com/prometheus/..."},
		why:   "the library knows of no service: a handler that decides what the library does not know is at the wrong place",
	},
	{
		of: []string{"..."}, except: []string{"internal/service"}, tests: true,
		never: []string{"github.com/danielgtaylor/...", "github.com/prometheus/...", "github.com/coreos/..."},
		why:   "routes, tokens, answers and metrics are of one room",
	},
	{
		of: []string{"internal/service"}, tests: false,
		never: []string{"verify", "verify/odds/...", "internal/seal", "internal/jobs"},
		why:   "no route judges: it has an investigation done, and knows no verdict",
	},
	{
		of:    []string{"..."},
		never: []string{"cmd/...", "examples/...", "internal/arch/..."},
		why:   "they are ends: nothing stands on them",
	},
	{
		of:     []string{"..."},
		except: []string{"internal/attack/...", "internal/test/attack", "verify/leaktest/..."},
		never:  []string{"internal/attack/..."},
		why:    "leaks are simulated to measure (module bench), to test and to show (demo), never in what marks or judges",
	},
	{
		of: []string{"..."}, tests: true,
		never: []string{"bench/...", "client/...", "deploy/..."},
		why:   "they are modules of their own, so that nothing that measures, calls or deploys the product is linked into it",
	},
	{
		of:     []string{"..."},
		except: []string{"internal/test/pages"}, // drives a browser for tests of two packages
		never:  []string{"github.com/stretchr/testify/...", "github.com/rogpeppe/go-internal/...", "github.com/santhosh-tekuri/...", "github.com/chromedp/...", "github.com/pb33f/...", "pgregory.net/..."},
		why:    "test libraries stay in _test.go files, so that no user builds them in",
	},
	{
		of: []string{"..."}, except: []string{"internal/cli/..."},
		never: []string{"github.com/spf13/..."},
		why:   "flags are the command's",
	},
	{
		of: []string{"..."}, except: []string{"cmd/...", "internal/cli/...", "examples/..."},
		never: []string{"log"}, // log/slog has types that keep secrets out of users' logs
		why:   "libraries return errors and do not log",
	},
	{
		of: []string{"..."}, except: []string{"internal/picture/..."}, tests: false,
		never: []string{"golang.org/x/image/tiff/...", "golang.org/x/image/webp", "golang.org/x/image/bmp", "golang.org/x/image/vp8/...", "golang.org/x/image/vp8l"},
		why:   "pictures are decoded by internal/picture, where the limits hold",
	},
	{
		of: []string{"..."}, tests: true, except: []string{"cmd/...", "internal/cli/...", "internal/webp"},
		never: []string{"github.com/deepteams/...", "internal/webp"},
		why:   "it registers a decoder with package image, which is the command's to bear and no library user's",
	},
	{
		of: []string{"..."}, tests: true, except: []string{"cmd/...", "internal/cli/...", "internal/pdf", "decoders/pdfs"},
		never: []string{"github.com/klippa-app/...", "internal/pdf", "decoders/pdfs"},
		why:   "PDFium is 4 MB of WebAssembly, which is the command's to bear and no library user's",
	},
	{
		of: []string{"..."}, tests: true, except: []string{"cmd/...", "internal/cli/...", "internal/unpack"},
		never: []string{"github.com/bodgit/...", "github.com/nwaples/...", "github.com/ulikunitz/...", "github.com/klauspost/...", "internal/unpack"},
		why:   "their readers are run in a process of their own, which is the command's to start",
	},
	{
		of: []string{"..."}, tests: true, except: []string{"cmd/...", "internal/cli/...", "decoders"},
		never: []string{"decoders"},
		why:   "they are 0.7 MB of WebAssembly and run in a process of their own: a program chooses them",
	},
	{
		of: []string{"..."}, tests: true, except: []string{"phash"},
		never: []string{"github.com/corona10/goimagehash/..."},
		why:   "it reads from the corner (0,0) whatever the bounds, and its hashes are not everybody's: phash knows",
	},
	{
		of: []string{"..."}, tests: true, except: []string{"internal/tlog"},
		never: []string{"golang.org/x/mod/...", "github.com/transparency-dev/..."},
		why:   "trees, proofs and notes go through internal/tlog, where the limits and the strictness hold",
	},
	{
		of: []string{"..."}, tests: true, except: []string{"internal/jobs"},
		never: []string{"github.com/riverqueue/..."},
		why:   "what a job's row may show is decided in one place",
	},
	{
		of: []string{"..."}, tests: true, except: []string{"internal/seal"},
		never: []string{"github.com/digitorus/...", "github.com/secure-systems-lab/...", "github.com/in-toto/..."},
		why:   "signatures and timestamps of reports go through internal/seal, where the limits and the strictness hold",
	},
	{
		of:    []string{"..."},
		never: []string{"github.com/in-toto/...", "github.com/secure-systems-lab/..."},
		why:   "they read our statements and envelopes in tests; they accept several forms of one thing",
	},
	{
		of: []string{"internal/tlog"}, deep: true,
		never: []string{"os/...", "net/...", "database/sql/...", "syscall", "path/filepath"},
		only:  []string{"internal/each"},
		why:   "the ledger's arithmetic is handed all that it works on, so that stores and auditors run the same code",
	},
	{
		of: []string{"..."}, tests: true,
		never: []string{"C", "io/ioutil"},
		why:   "the module builds without cgo, for every system, and with the present standard library",
	},
	{
		of:    []string{"internal/picture/...", "internal/durable", "internal/quality", "internal/dsp", "internal/hamming", "internal/geometry", "internal/attack/...", "internal/mark/code", "internal/register", "internal/photometry", "internal/requant", "internal/capture"},
		deep:  true,
		never: []string{"watermark", "phash/...", "verify/..."},
		why:   "tools know nothing of what is built with them",
	},
	{
		of:    []string{"internal/mark/..."},
		never: []string{"watermark", "phash/...", "verify/..."},
		why:   "package watermark is the front of these rooms",
	},
	{
		of:    []string{"internal/mark/blind", "internal/mark/spectrum"},
		never: []string{"internal/mark/trace", "internal/capture", "internal/register", "internal/photometry"},
		why:   "a blind reading is evidence by itself: nothing of the original may flow into it",
	},
	{
		of:    []string{"internal/mark/trace"},
		never: []string{"internal/mark/blind", "internal/mark/spectrum"},
		why:   "the p of a trace is a theorem about keyed signs: no search for marks may choose what it weighs",
	},
	{
		of:    []string{"internal/mark/code", "internal/mark/pattern"},
		never: []string{"internal/mark/blind", "internal/mark/spectrum", "internal/mark/trace"},
		why:   "a mark is what it is, whatever reads it",
	},
	{
		of: []string{"cmd/..."}, only: []string{"internal/cli", "internal/unpack", "internal/memory", "decoders/..."},
		why: "the program is package cli, beside its memory and the processes that it starts",
	},
	{
		of:    []string{"internal/cli/ui"},
		never: []string{"internal/cli", "internal/cli/pictures", "internal/cli/books", "internal/cli/judge", "internal/cli/audit", "internal/cli/serve", "internal/service"},
		why:   "how the command speaks does not depend on its verbs",
	},
	{
		of:    []string{"internal/cli/pictures", "internal/cli/books"},
		never: []string{"internal/cli", "internal/cli/judge", "internal/cli/audit", "internal/cli/serve", "internal/seal", "internal/service"},
		why:   "marking and keeping books stand on no verdict",
	},
	{
		of: []string{"..."}, except: []string{"cmd/...", "internal/cli/..."},
		never: []string{"internal/cli/..."},
		why:   "the verbs are the command's: what a user of the library needs lies in the library",
	},
	{
		of: []string{"internal/cli/..."}, tests: false,
		only: []string{
			"internal/cli/...", "watermark/...", "phash/...", "verify/...", "testdata/...", "decoders/...",
			"internal/each", "internal/picture/...", "internal/webp", "internal/durable", "internal/quality",
			"internal/hooks", "internal/investigations", "internal/home/...", "internal/keyfile", "internal/demo/...", "internal/dump", "internal/intake", "internal/memory", "internal/passing", "internal/pdf", "internal/seal", "internal/unpack", "internal/jobs", "internal/service",
		},
		why: "commands are thin: what they need of the maths and the stores, the public packages offer",
	},
	{
		of: []string{"examples/..."}, only: []string{"watermark/...", "phash/...", "verify/...", "testdata"},
		why: "users copy the examples into modules of their own, where internal packages cannot be imported",
	},
}

// calls forbids single functions.
var calls = []struct {
	pkg    string
	except []string
	tests  bool // also in _test.go files
	never  []string
	why    string
}{
	{
		"github.com/disintegration/imaging", nil, true, []string{"Open", "Decode", "Save", "AutoOrientation"},
		"it has no limits, and a bad palette kills the process (CVE-2023-36308): read with internal/picture, write with internal/durable",
	},
	{
		"image", []string{"internal/picture"}, false, []string{"Decode", "DecodeConfig", "RegisterFormat"},
		"what they accept depends on who else is linked in, and they have no limits: read with internal/picture",
	},
	{
		"log/slog", []string{"cmd/...", "internal/cli/..."}, false, []string{"Debug", "Info", "Warn", "Error", "Log", "LogAttrs", "Default", "SetDefault"},
		"libraries return errors and do not log",
	},
}

func TestImports(t *testing.T) {
	m := load(t, os.DirFS(root(t)))
	require.NotEmpty(t, m.packages)
	for _, b := range m.breaches(rules) {
		t.Error(b)
	}
	for _, b := range m.forbiddenCalls() {
		t.Error(b)
	}
}

// A skipped test says so in one place, so that CI sees it.
func TestSkipsAreSaid(t *testing.T) {
	direct := regexp.MustCompile(`\b[tbf]\.Skip(f|Now)?\(`)
	require.NoError(t, walkFiles(os.DirFS(root(t)), ".go", func(name string, data []byte) {
		if name != "internal/test/skip/skip.go" && name != "internal/arch/arch_test.go" {
			assert.False(t, direct.Match(data), "%s: skip.Test of internal/test/skip skips a test", name)
		}
	}))
}

// The bill of materials names what is in each WebAssembly file that the command embeds: no scanner sees it.
func TestEmbeddedAreNamed(t *testing.T) {
	list := exec.Command("go", "list", "-deps", "-f", `{{$p := .ImportPath}}{{range .EmbedFiles}}{{$p}}/{{.}} {{end}}`, "./cmd/kycmark")
	list.Dir = root(t)
	out, err := list.Output()
	require.NoError(t, err)
	named, err := os.ReadFile(filepath.Join(root(t), ".ci/sbom/main.go"))
	require.NoError(t, err)
	n := 0
	for _, file := range strings.Fields(string(out)) {
		if strings.Contains(file, ".wasm") {
			n++
			assert.Contains(t, string(named), `"`+file+`"`)
		}
	}
	assert.Equal(t, n, strings.Count(string(named), ".wasm"), "and no other file")
}

// root is the folder of go.mod.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(".")
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		require.NotEqual(t, up, dir, "no go.mod above the test")
		dir = up
	}
}

// The rules must be able to fail, and must not when packages are missing.
func TestRulesBite(t *testing.T) {
	file := func(imports ...string) *fstest.MapFile {
		src := "package p\n"
		for _, i := range imports {
			src += "import _ \"" + strings.Replace(i, "M/", module+"/", 1) + "\"\n"
		}
		return &fstest.MapFile{Data: []byte(src)}
	}
	body := func(src string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(src)} }
	for _, c := range []struct {
		name  string
		files fstest.MapFS
		want  string // "" for no breach
	}{
		{"empty module", fstest.MapFS{}, ""},
		{"allowed", fstest.MapFS{"watermark/a.go": file("image", "math", "M/internal/dsp"), "internal/dsp/a.go": file("math")}, ""},
		{"tables in the command", fstest.MapFS{"cmd/kycmark/a.go": file("M/verify"), "verify/a.go": file("M/phash/index")}, "verify imports phash/index"},
		{"arrow turned round", fstest.MapFS{"phash/a.go": file("M/verify")}, "phash imports verify"},
		{"I/O", fstest.MapFS{"watermark/a.go": file("os")}, "watermark imports os"},
		{"I/O behind a helper", fstest.MapFS{"watermark/a.go": file("M/internal/dsp"), "internal/dsp/a.go": file("M/internal/x"), "internal/x/a.go": file("net/http")},
			"watermark -> internal/dsp -> internal/x imports net/http"},
		{"I/O in another system's file", fstest.MapFS{"watermark/a_windows.go": file("os")}, "watermark imports os"},
		{"I/O in a test", fstest.MapFS{"watermark/a_test.go": file("os", "math/rand/v2")}, ""},
		{"seedable randomness", fstest.MapFS{"verify/a.go": file("math/rand/v2")}, "verify imports math/rand/v2"},
		{"a verdict in the registry", fstest.MapFS{"verify/registry/a.go": file("M/verify")}, "verify/registry imports verify"},
		{"judging in the registry", fstest.MapFS{"verify/registry/a.go": file("M/internal/capture")}, "verify/registry imports internal/capture"},
		{"every database in the registry", fstest.MapFS{"verify/registry/a.go": file("M/internal/store/sqlite"), "internal/store/sqlite/a.go": file("modernc.org/sqlite")},
			"verify/registry -> internal/store/sqlite imports modernc.org/sqlite"},
		{"both databases for one", fstest.MapFS{"verify/registry/sqlite/a.go": file("M/internal/store/sqldb"), "internal/store/sqldb/a.go": file("github.com/jackc/pgx/v5")},
			"imports github.com/jackc/pgx/v5"},
		{"rows in a verdict", fstest.MapFS{"verify/a.go": file("M/verify/registry", "M/internal/store")}, "verify imports internal/store"},
		{"attack in a verdict", fstest.MapFS{"verify/a.go": file("M/internal/attack")}, "verify imports internal/attack"},
		{"attack for users' tests", fstest.MapFS{"verify/leaktest/a.go": file("M/internal/attack"), "internal/attack/a.go": file("math/rand")}, ""},
		{"attack in a command", fstest.MapFS{"internal/cli/a.go": file("M/internal/attack")}, "internal/cli imports internal/attack"},
		{"measuring in the product", fstest.MapFS{"internal/x/a_test.go": file("M/bench/ruler")}, "internal/x imports bench/ruler"},
		{"another module", fstest.MapFS{"bench/go.mod": body("module m"), "bench/a.go": file("C"), "internal/x/a.go": file("os")}, ""},
		{"testify in a binary", fstest.MapFS{"cmd/kycmark/a.go": file("github.com/stretchr/testify/require")}, "imports github.com/stretchr/testify/require"},
		{"testify in a test", fstest.MapFS{"cmd/kycmark/a_test.go": file("github.com/stretchr/testify/require")}, ""},
		{"command in the maths", fstest.MapFS{"internal/cli/a.go": file("M/internal/dsp")}, "internal/cli imports internal/dsp"},
		{"command", fstest.MapFS{"internal/cli/a.go": file("M/verify", "M/internal/picture", "log/slog", "github.com/spf13/cobra")}, ""},
		{"example", fstest.MapFS{"examples/mark/main.go": file("M/internal/picture")}, "examples/mark imports internal/picture"},
		{"imaging opens", fstest.MapFS{"internal/picture/a.go": body("package p\nimport x \"github.com/disintegration/imaging\"\nvar _ = x.Open")}, "calls imaging.Open"},
		{"imaging in a test", fstest.MapFS{"internal/picture/a_test.go": body("package p\nimport \"github.com/disintegration/imaging\"\nfunc f() { imaging.Decode(nil) }")}, "calls imaging.Decode"},
		{"imaging without a name", fstest.MapFS{"internal/picture/a.go": body("package p\nimport . \"github.com/disintegration/imaging\"")}, "dot"},
		{"imaging resizes", fstest.MapFS{"internal/picture/a.go": body("package p\nimport \"github.com/disintegration/imaging\"\nvar _ = imaging.Resize")}, ""},
		{"image decodes", fstest.MapFS{"verify/a.go": body("package p\nimport \"image\"\nvar _, _, _ = image.Decode(nil)")}, "calls image.Decode"},
		{"image decodes in a test", fstest.MapFS{"verify/a_test.go": body("package p\nimport \"image\"\nvar _, _, _ = image.Decode(nil)")}, ""},
		{"a handler in the library", fstest.MapFS{"verify/registry/a.go": file("M/internal/x"), "internal/x/a.go": file("M/internal/service")}, "verify/registry -> internal/x imports internal/service"},
		{"metrics elsewhere", fstest.MapFS{"internal/cli/a.go": file("github.com/prometheus/client_golang/prometheus")}, "imports github.com/prometheus/client_golang"},
		{"goimagehash elsewhere", fstest.MapFS{"verify/a_test.go": file("github.com/corona10/goimagehash")}, "imports github.com/corona10/goimagehash"},
		{"a note behind the limits", fstest.MapFS{"verify/a_test.go": file("golang.org/x/mod/sumdb/note")}, "imports golang.org/x/mod/sumdb/note"},
		{"a timestamp behind the limits", fstest.MapFS{"verify/a_test.go": file("github.com/digitorus/timestamp")}, "imports github.com/digitorus/timestamp"},
		{"a statement in floating point", fstest.MapFS{"internal/seal/a.go": file("github.com/in-toto/attestation/go/v1")}, "imports github.com/in-toto"},
		{"a statement in a test", fstest.MapFS{"internal/seal/a_test.go": file("github.com/in-toto/attestation/go/v1")}, ""},
		{"the ledger's arithmetic", fstest.MapFS{"internal/tlog/a.go": file("golang.org/x/mod/sumdb/note", "github.com/transparency-dev/merkle")}, ""},
		{"the ledger's arithmetic stores", fstest.MapFS{"internal/tlog/a.go": file("M/internal/store"), "internal/store/a.go": file("database/sql")}, "internal/tlog imports internal/store"},
		{"cgo", fstest.MapFS{"internal/x/a.go": file("C")}, "internal/x imports C"},
		{"a library logs", fstest.MapFS{"verify/a.go": body("package p\nimport \"log/slog\"\nfunc f() { slog.Info(\"x\") }")}, "calls slog.Info"},
		{"a key hides from logs", fstest.MapFS{"watermark/a.go": body("package p\nimport \"log/slog\"\nvar _ slog.LogValuer")}, ""},
		{"folders that Go does not build", fstest.MapFS{"testdata/x/y/testdata/a.go": file("C"), "_x/a.go": file("C"), ".x/a.go": file("C"), "vendor/a.go": file("C")}, ""},
	} {
		m := load(t, c.files)
		got := append(m.breaches(rules), m.forbiddenCalls()...)
		if c.want == "" {
			assert.Empty(t, got, c.name)
			continue
		}
		if assert.NotEmpty(t, got, c.name) {
			assert.Contains(t, got[0], c.want, c.name)
		}
	}
}

func TestBrokenSourceIsAnError(t *testing.T) {
	_, err := parse(fstest.MapFS{"a/a.go": {Data: []byte("packag a")}})
	assert.Error(t, err)
}

func load(t *testing.T, src fs.FS) *tree {
	t.Helper()
	m, err := parse(src)
	require.NoError(t, err)
	return m
}
