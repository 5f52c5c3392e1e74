package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"hash/crc32"
	"image"
	"image/draw"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/minio/minio-go/v7"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"
	"github.com/ulikunitz/xz"

	"github.com/kycmark/kycmark/decoders"
	"github.com/kycmark/kycmark/decoders/pdfs"
	"github.com/kycmark/kycmark/internal/cli"
	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/jobs"
	"github.com/kycmark/kycmark/internal/keyfile"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/store/sqldb"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/fromfile"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/pages"
	"github.com/kycmark/kycmark/internal/test/pgtest"
	"github.com/kycmark/kycmark/internal/test/s3test"
	"github.com/kycmark/kycmark/internal/test/skip"
	"github.com/kycmark/kycmark/internal/test/wasmtest"
	"github.com/kycmark/kycmark/testdata"
	"github.com/kycmark/kycmark/watermark"
)

// TestMain collects garbage less often than programs do, also in the commands that scripts run: that takes a tenth of the
// processor time, or more.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	_ = os.Setenv("GOGC", "400") // main and what it starts keep that
	wasmtest.Keep()
	keyfile.Work = 4  // TestPassphrase has what a guess costs
	if pdfs.Serve() { // for screenshot
		return
	}
	if n, err := strconv.ParseInt(os.Getenv("KYCMARK_TEST_SEGMENTS"), 10, 64); err == nil { // of a script: small segments
		sqldb.SegmentFrom = n
	}
	if n, err := strconv.Atoi(os.Getenv("KYCMARK_TEST_TRIES")); err == nil { // of a script whose S3 server is away
		minio.MaxRetry = n
	}
	if lease, err := time.ParseDuration(os.Getenv("KYCMARK_TEST_LEASE")); err == nil { // of a worker that is stopped
		jobs.Lease = lease
	}
	_ = flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0))) // much of what runs here waits
	testscript.Main(m, commands)
}

var commands = map[string]func(){"kycmark": main}

// server is for all scripts; it ends with the test binary.
var server pgtest.Server

// TestScripts runs testdata/*.txtar, one story each. Beside testscript's own
// commands they may use:
//
//	code N PROGRAM ARGS...    like exec, for an exit code that is not 0
//	markkey FILE              a mark key that FILE's name makes: what is a matter of chance is the same each time
//	shipped NAME FILE         the shipped picture NAME.jpg
//	sample NAME FILE          a HEIC or AVIF of decoders/testdata
//	small NAME FILE [SIDE]    the shipped picture at a long side of 720 pixels, or of SIDE, which takes less time
//	attack NAME IN OUT        what becomes of a picture, as JPEG 92 or PNG
//	cut N IN OUT              the first N bytes of a file
//	huge FILE                 a PNG header of 65536 x 65536 pixels
//	paged NAME FILE           the same as a TIFF of two pages
//	blank FILE [W H]          a small black PNG, on which no mark holds
//	dressed NAME FILE QUALITY [SIDE]
//	                          the shipped picture, of 1,000 pixels or SIDE, as a camera's JPEG, with metadata
//	written FILE QUALITY SUBSAMPLING ICC ORIENTATION
//	                          how a JPEG must be written
//	weighs FILE FILE          two files' sizes must be within 15 %
//	flip FILE                 change one letter near the end of a text
//	pack ARCHIVE FILE...      a .zip, .docx, .tar.gz or .tar.xz of files
//	browse REPORT             opens a report in Chromium and tries all that it can do (needs [browser])
//	locked ARCHIVE FILE...    a .zip of files that all say that they are encrypted
//	pdf FILE PAGE...          a PDF of pages: JPEG, full:JPEG (without margins) or text:NUMBER
//	ids FIELD                 the first such field of the JSON on stdout, as $FIELD, without v1-
//	session readme|help OUT   writes the documented session as shell scripts: OUT.1 up to the investigation, OUT.2 with it
//	overhttp OUT              writes the documented session over HTTP: OUT.1 before it, OUT.2 the service, OUT.3 the client
//	witness NAME KEY          a witness that signs checkpoints, at $WITNESS
//	objects DIR N             N sealed originals are in a folder, those of the registry in $OBJECTS
//	setting HOME LINE         puts a setting into kycmark.toml of a home
//	aged FILE                 makes a file two days old
//	postgres                  the address of a PostgreSQL schema, as $DSN, and its name, as $SCHEMA
//	bucket [kill|run]         starts an S3 server, with a bucket at $BUCKET; kills it, or starts it again
//	queued N                  waits until N jobs are in its queue and not done
//	query SQL                 what PostgreSQL answers, on stdout
//	tsa FILE                  starts a timestamp authority at $TSA, its certificate in FILE (needs [exec:openssl])
//	skipped REASON            the script ends here, for a reason that CI must see
//	cosigned NAME IN OUT KEY  a witness's signature added to a checkpoint
//	receipted NAME IN SIGNATURE KEY
//	                          a file signed with Ed25519
//
// With -short only those run that mark and read nothing; with the tag long those of testdata/long run also.
func TestScripts(t *testing.T) {
	var err error
	moduleRoot, err = filepath.Abs("../..")
	require.NoError(t, err)
	var files []string
	for _, folder := range long.Cases(1, "testdata", "testdata/long") {
		stories, err := filepath.Glob(folder + "/*.txtar")
		require.NoError(t, err)
		require.NotEmpty(t, stories)
		files = append(files, stories...)
	}
	if testing.Short() {
		files = []string{"testdata/usage.txtar", "testdata/keygen.txtar", "testdata/keys.txtar", "testdata/hash.txtar", "testdata/init.txtar", "testdata/witness.txtar", "testdata/custody.txtar"}
	}
	files = slices.DeleteFunc(files, func(file string) bool {
		needs := !decoders.HEIC && filepath.Base(file) == "heic.txtar"
		if needs {
			require.NoError(t, skip.Note(t.Name()+"/heic", "the tag nolgpl leaves libheif out"))
			t.Log("SKIPPED, NOT TESTED: heic.txtar: the tag nolgpl leaves libheif out")
		}
		return needs
	})
	testscript.Run(t, testscript.Params{
		Files:               files,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Condition:           condition,
		Setup: func(env *testscript.Env) error { // later than what a script does first, and no future
			env.Setenv(wasmtest.Variable, os.Getenv(wasmtest.Variable))
			env.Setenv("SOON", time.Now().Add(20*time.Hour).UTC().Format(time.RFC3339))
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"code":    code,
			"markkey": markKey, "markfile": markFile,
			"shipped": shipped,
			"sample":  sample,
			"small":   small,
			"attack":  attacked,
			"cut":     cut,
			"pdf":     writePDF,
			"browse":  browse,
			"huge":    huge,
			"frames":  frames, "screenshot": screenshot, "paged": paged,
			"blank":   blank,
			"dressed": dressed,
			"written": written,
			"weighs":  weighs,
			"flip":    flip,
			"damage":  damage,
			"pack":    pack,
			"locked":  locked,
			"ids":     ids,
			"session": session, "overhttp": overHTTP,
			"objects": countObjects,
			"skipped": func(ts *testscript.TestScript, neg bool, args []string) { ts.Check(skip.Note(ts.Name(), args[0])) },
			"aged":    aged,
			"setting": func(ts *testscript.TestScript, neg bool, args []string) {
				arguments(ts, neg, args, 2)
				ts.Check(setting(ts.MkAbs(args[0]), args[1]))
			},

			"postgres": func(ts *testscript.TestScript, neg bool, args []string) {
				ts.Setenv("DSN", server.DSN(t))
				_, schema, _ := strings.Cut(ts.Getenv("DSN"), "search_path=")
				ts.Setenv("SCHEMA", schema)
			},
			"bucket": func(ts *testscript.TestScript, neg bool, args []string) { bucket(t, ts, args) },
			"query":  query,
			"queued": queued,

			"witness": witness, "tsa": tsa,
			"cosigned":  cosigned,
			"receipted": receipted,
		},
	})
}

// moduleRoot is the folder of the module, since scripts run in folders of their own.
var moduleRoot string

// condition is [root]: whether no permission stops this user; or [browser]: whether there is one,
// which CI must have.
func condition(name string) (bool, error) {
	if name == "root" {
		return os.Geteuid() == 0, nil
	}
	if name != "browser" {
		return false, fmt.Errorf("unknown condition %q", name)
	}
	_, err := pages.Program()
	return err == nil, nil
}

func countObjects(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 2)
	found, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "*", "*", "*")) // of a registry, two digits, name
	ts.Check(err)
	if len(found) != number(ts, args[1]) {
		ts.Fatalf("%d objects in %s", len(found), args[0])
	}
	ts.Setenv("OBJECTS", filepath.Dir(filepath.Dir(found[0])))
}

// buckets has the S3 server of each script.
var buckets sync.Map

func bucket(t *testing.T, ts *testscript.TestScript, args []string) {
	server, _ := buckets.LoadOrStore(ts, sync.OnceValue(func() *s3test.Server { return s3test.Start(t) }))
	s := server.(func() *s3test.Server)()
	switch {
	case len(args) == 0:
		ts.Setenv("BUCKET", s.Address)
		ts.Setenv("AWS_ACCESS_KEY_ID", os.Getenv("AWS_ACCESS_KEY_ID"))
		ts.Setenv("AWS_SECRET_ACCESS_KEY", os.Getenv("AWS_SECRET_ACCESS_KEY"))
	case args[0] == "kill":
		s.Kill()
	case args[0] == "run":
		s.Run(t)
	default:
		ts.Fatalf("wants kill or run")
	}
}

// query prints the rows of a query, as text, a line each.
func query(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 1)
	lines, err := asked(ts, args[0])
	ts.Check(err)
	fmt.Fprintln(ts.Stdout(), strings.Join(lines, "\n"))
}

func queued(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 1)
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		lines, err := asked(ts, "SELECT id FROM "+ts.Getenv("SCHEMA")+"_queue.river_job WHERE finalized_at IS NULL")
		if err == nil && len(lines) == number(ts, args[0]) {
			return
		}
	}
	ts.Fatalf("not %s jobs in the queue", args[0])
}

// asked returns the rows of a query, as text; none of DELETE.
func asked(ts *testscript.TestScript, sql string) ([]string, error) {
	ctx := context.Background()
	c, err := pgx.Connect(ctx, ts.Getenv("DSN"))
	ts.Check(err)
	defer c.Close(ctx)
	if strings.HasPrefix(sql, "DELETE") {
		_, err := c.Exec(ctx, sql)
		return nil, err
	}
	rows, err := c.Query(ctx, "SELECT x::text FROM ("+sql+") x")
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// setting puts a line at the beginning of the configuration of the home in dir.
func setting(dir, line string) error {
	path := filepath.Join(dir, "kycmark.toml")
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, append([]byte(line+"\n"), text...), 0o600)
}

func aged(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 1)
	then := time.Now().Add(-48 * time.Hour)
	ts.Check(os.Chtimes(ts.MkAbs(args[0]), then, then))
}

func arguments(ts *testscript.TestScript, neg bool, args []string, n int) {
	if neg || len(args) != n {
		ts.Fatalf("wants %d arguments", n)
	}
}

func number(ts *testscript.TestScript, s string) int {
	n, err := strconv.Atoi(s)
	ts.Check(err)
	return n
}

func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("wants an exit code and a program")
	}
	err := ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	if want := number(ts, args[0]); !errors.As(err, &exit) || exit.ExitCode() != want {
		ts.Fatalf("want exit code %d, got %v", want, err)
	}
}

func markKey(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 1)
	secret := sha256.Sum256([]byte("kycmark script " + args[0]))
	sum := sha256.Sum256(secret[:])
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(append(secret[:], sum[:4]...))
	key, err := watermark.ParseKey("KYCMARK-SECRET-KEY-1-" + text)
	ts.Check(err)
	ts.Check(keyfile.CreateMark(ts.MkAbs(args[0]), key))
}

func shipped(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 2)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), shippedFile(ts, args[0]), 0o644))
}

// decoderSamples is the folder of pictures for sample, from this package's.
const decoderSamples = "../../decoders/testdata"

func sample(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 2)
	data, err := os.ReadFile(filepath.Join(decoderSamples, args[0]))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), data, 0o644))
}

func shippedFile(ts *testscript.TestScript, name string) []byte {
	data, err := testdata.Pictures.ReadFile("pictures/" + name + ".jpg")
	ts.Check(err)
	return data
}

// decoded is a shipped picture's pixels.
func decoded(ts *testscript.TestScript, name string) *image.NRGBA {
	p, err := picture.Decode(shippedFile(ts, name), picture.Limits{})
	ts.Check(err)
	return p.Image
}

// smallFiles keeps what small made, by the picture and the side.
var smallFiles sync.Map

func small(ts *testscript.TestScript, neg bool, args []string) {
	side := 720
	if len(args) == 3 {
		side, args = number(ts, args[2]), args[:2]
	}
	arguments(ts, neg, args, 2)
	name := fmt.Sprint(args[0], " ", side)
	file, ok := smallFiles.Load(name)
	if !ok {
		var buf bytes.Buffer
		ts.Check(picture.Encode(&buf, picture.Fit(picture.Flatten(decoded(ts, args[0])), side), "jpeg", 90))
		file = buf.Bytes()
		smallFiles.Store(name, file)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), file.([]byte), 0o644))
}

func attacked(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 3)
	a, err := attack.Find(args[0])
	if side, is := strings.CutPrefix(args[0], "thumb"); err != nil && is { // of any size, as JPEG 80
		n, err := strconv.Atoi(side)
		ts.Check(err)
		a = attack.New(args[0], "", "", attack.FitTo(n), attack.JPEG(80))
	} else {
		ts.Check(err)
	}
	p, err := fromfile.Picture(ts.MkAbs(args[1]), picture.Limits{})
	ts.Check(err)
	format, err := picture.FormatOf(args[2])
	ts.Check(err)
	var buf bytes.Buffer
	ts.Check(picture.Encode(&buf, a.Apply(p.Image, 1), format, 0))
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), buf.Bytes(), 0o644))
}

func cut(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 3)
	data, err := os.ReadFile(ts.MkAbs(args[1]))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), data[:number(ts, args[0])], 0o644))
}

func huge(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 1)
	header := []byte("IHDR\x00\x01\x00\x00\x00\x01\x00\x00\x08\x02\x00\x00\x00")
	png := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), header...)
	png = binary.BigEndian.AppendUint32(png, crc32.ChecksumIEEE(header))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), png, 0o644))
}

func blank(ts *testscript.TestScript, neg bool, args []string) {
	width, height := 330, 250
	if len(args) == 3 {
		width, height, args = number(ts, args[1]), number(ts, args[2]), args[:1]
	}
	arguments(ts, neg, args, 1)
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	draw.Draw(img, img.Rect, image.Black, image.Point{}, draw.Src)
	var buf bytes.Buffer
	ts.Check(picture.Encode(&buf, img, "png", 0))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), buf.Bytes(), 0o644))
}

func flip(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 1)
	data, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	i := len(bytes.TrimRight(data, "\n")) - 3
	data[i] = 'A' + (data[i]-'A'+1)%26
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o600))
}

// damage changes a bit of each file of a folder.
func damage(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 1)
	paths, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "*"))
	ts.Check(err)
	if len(paths) == 0 {
		ts.Fatalf("no files in %s", args[0])
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		ts.Check(err)
		data[len(data)-1] ^= 1
		ts.Check(os.WriteFile(path, data, 0o600))
	}
}

func pack(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("wants an archive and files")
	}
	var buf bytes.Buffer
	create, finish := packZip(&buf)
	switch {
	case strings.HasSuffix(args[0], ".tar.gz"):
		create, finish = packTar(gzip.NewWriter(&buf))
	case strings.HasSuffix(args[0], ".tar.xz"):
		z, err := xz.NewWriter(&buf)
		ts.Check(err)
		create, finish = packTar(z)
	}
	for _, name := range args[1:] {
		data, err := os.ReadFile(ts.MkAbs(name))
		ts.Check(err)
		ts.Check(create(name, data))
	}
	ts.Check(finish())
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), buf.Bytes(), 0o644))
}

func locked(ts *testscript.TestScript, neg bool, args []string) {
	pack(ts, neg, args)
	data, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	for at := 0; ; at++ {
		i := bytes.Index(data[at:], []byte("PK\x01\x02"))
		if i < 0 {
			break
		}
		at += i
		data[at+8] |= 1 // APPNOTE 4.4.4
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o644))
}

func packZip(w io.Writer) (create func(string, []byte) error, finish func() error) {
	z := zip.NewWriter(w)
	return func(name string, data []byte) error {
		f, err := z.Create(name)
		if err == nil {
			_, err = f.Write(data)
		}
		return err
	}, z.Close
}

func packTar(z io.WriteCloser) (create func(string, []byte) error, finish func() error) {
	t := tar.NewWriter(z)
	return func(name string, data []byte) error {
		err := t.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Size: int64(len(data)), Mode: 0o600})
		_, writing := t.Write(data)
		return errors.Join(err, writing)
	}, func() error { return errors.Join(t.Close(), z.Close()) }
}

func session(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 2)
	text := cli.NewRoot(ui.NewUI(io.Discard, io.Discard)).Example
	begin, end := "# keep the books", "\n\n"
	if args[0] == "readme" {
		data, err := os.ReadFile(filepath.Join(moduleRoot, "README.md"))
		ts.Check(err)
		text, begin, end = string(data), "## Mark your first picture", "Each leak gets one finding"
	}
	_, text, found := strings.Cut(text, begin)
	if !found {
		ts.Fatalf("no session in %s", args[0])
	}
	text, _, _ = strings.Cut(text, end)
	var before, after []string
	for line := range strings.Lines(text) {
		switch line = strings.TrimSpace(line); {
		case strings.HasPrefix(line, "kycmark investigate"):
			after = append(after, line)
		case strings.HasPrefix(line, "kycmark "), strings.HasPrefix(line, "export "):
			before = append(before, line)
		}
	}
	for name, lines := range map[string][]string{".1": before, ".2": after} {
		ts.Check(os.WriteFile(ts.MkAbs(args[1]+name), []byte("set -e\n"+strings.Join(lines, "\n")+"\n"), 0o644))
	}
}

// overHTTP writes the session of README.md over HTTP as shell scripts: .1 makes the home, .2 serves it at a free port in
// the place of 8080, and .3 is what a client does with the token of the first start.
func overHTTP(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 1)
	data, err := os.ReadFile(filepath.Join(moduleRoot, "README.md"))
	ts.Check(err)
	_, text, _ := strings.Cut(string(data), "## From any language\n\n```sh\n")
	text, _, _ = strings.Cut(text, "```")
	server, client, found := strings.Cut(text, "\n\n")
	if !found {
		ts.Fatalf("no session over HTTP in README.md")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	address := l.Addr().String()
	ts.Check(l.Close())
	first, second, _ := strings.Cut(server, "\n")
	second, _, _ = strings.Cut(second, "#")
	client, _, _ = strings.Cut(strings.Replace(client, "# in another shell", "", 1), "\n\n")
	client = strings.NewReplacer("127.0.0.1:8080", address, "token=kycmark_…", `token=$(sed -n 's/.*shown once: //p' served)`).Replace(client)
	for end, script := range map[string]string{".1": first, ".2": "exec " + strings.TrimSpace(second) + " --listen " + address + " >served",
		".3": "until grep -q listening served; do sleep 0.1; done\n" + client} {
		ts.Check(os.WriteFile(ts.MkAbs(args[0]+end), []byte("set -e\n"+script+"\n"), 0o644))
	}
}

func ids(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 1)
	m := regexp.MustCompile(`"` + args[0] + `":"(?:v1-)?([0-9a-f]+)"`).FindStringSubmatch(ts.ReadFile("stdout"))
	if m == nil {
		ts.Fatalf("no %s in stdout", args[0])
	}
	ts.Setenv(strings.ToUpper(args[0]), m[1])
	ts.Setenv(strings.ToUpper(args[0])+"_SHORT", m[1][:min(len(m[1]), 8)])
}
