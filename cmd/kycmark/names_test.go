package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/cli"
	bookverbs "github.com/kycmark/kycmark/internal/cli/books"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/sqlite"
	"github.com/kycmark/kycmark/verify/books"
)

// lying are names that show as something else, where they are not isolated.
var lying = []string{
	"a\u202egpj.exe", "b\u2066c\u2067", "d\u200be", "f\x1b[2J", "g\u009b2J", "h\nkycmark: all is well", "i\u200fj", "=cmd|'k'!A1", "<script>l", "m\xffn", "o\u2028p",
	"nobody: all pictures are of vendor-z", "“q” is innocent", "\u05d0 (5)", "r\ts", "t\U000e0061", " u  v ", "$(touch w)", "x'y",
}

// telling fails for characters in an output that a terminal or a browser would obey.
func telling(t *testing.T, of, output string) {
	t.Helper()
	for i, r := range output {
		if r != '\n' && !unicode.IsGraphic(r) {
			assert.Fail(t, "an output obeys a name", "%s: %U at byte %d: %q", of, r, i, output[max(0, i-60):min(len(output), i+60)])
			return
		}
	}
}

// TestNamesAreIsolated plants names in the folder of leaks and, as an earlier version would have entered them, in
// the registry. No output has a character of theirs that does anything.
func TestNamesAreIsolated(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // which has no such files
	}
	home := filepath.Join(t.TempDir(), "home")
	t.Setenv("KYCMARK_HOME", home)
	dir := t.TempDir()
	t.Chdir(dir)
	kycmark := func(code int, args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		require.Equal(t, code, cli.Run(t.Context(), args, nil, &out, &errs), "%q: %s", args, &errs)
		telling(t, fmt.Sprintf("%q", args), out.String()+errs.String())
		return out.String()
	}
	kycmark(0, "init", home)
	require.NoError(t, setting(home, "references = -1"))
	kycmark(0, "recipient", "add", "vendor-a", "--kind", "vendor")
	kycmark(0, "recipient", "add", "A/S", "--kind", "vendor")
	for _, name := range lying[:17] {
		if utf8.ValidString(name) && !strings.ContainsAny(name, "\x1b\n\t\u009b\u2028") { // no version took these
			store, err := sqlite.At(filepath.Join(home, "registry.db")).Open(t.Context())
			require.NoError(t, err)
			_, err = store.AddRecipient(t.Context(), books.Recipient{Name: name, Kind: books.KindVendor, Added: time.Now(), Logged: books.Logged{Salt: records.NewSalt()}})
			require.NoError(t, err)
			require.NoError(t, store.Close())
		}
	}
	kycmark(2, "recipient", "add", "vendor-\u202ez", "--kind", "vendor")
	kycmark(4, "recipient", "add", "vendor-A", "--kind", "vendor")
	kycmark(4, "recipient", "add", "a/s", "--kind", "vendor")

	require.NoError(t, os.Mkdir("up", 0o700))
	for i := range 3 {
		require.NoError(t, os.MkdirAll(filepath.Join("up", fmt.Sprint("customer ", i)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join("up", fmt.Sprint("customer ", i), lying[i]+".jpg"), tiny(t, i), 0o600))
	}
	var first struct{ Submission string }
	require.NoError(t, json.Unmarshal([]byte(strings.SplitAfter(kycmark(0, "submit", "up", "--subject-from", "folder", "--json"), "\n")[0]), &first))
	kycmark(0, "issue", "--to", "vendor-a", "--to", "A/S", "--to", lying[0], "--submission", first.Submission, "--max-side", "900", "--out", "out")
	folders, err := os.ReadDir("out")
	require.NoError(t, err)
	require.Len(t, folders, 3)
	for i, want := range []string{`^A%2FS~[0-9a-f]{16}$`, `^a%E2%80%AEgpj\.exe$`, `^vendor-a$`} {
		assert.Regexp(t, want, folders[i].Name())
	}
	kycmark(0, "custody", "add", lying[0], "--all", "--note", "contract: “1”")
	kycmark(0, "custody", "add", lying[11], "--all", "--note", "contract 2")
	kycmark(0, "custody", "add", "A/S", "--through", lying[0], "--note", "letter")

	require.NoError(t, os.Mkdir("leaks", 0o700))
	copies, err := filepath.Glob("out/*/*.jpg")
	require.NoError(t, err)
	for i, name := range lying {
		data := []byte("\xff\xd8\xff broken")
		if i == 0 {
			data, err = os.ReadFile(copies[1]) // of the second folder, whose recipient lies
			require.NoError(t, err)
		}
		require.NoError(t, os.WriteFile(filepath.Join("leaks", name+".jpg"), data, 0o600))
	}
	kycmark(2, "investigate", "leaks", "--examiner", "A\u202e. B, case \u202e1")
	out := kycmark(3, "investigate", "leaks", "--report", "r.html", "--bundle", "bundle", "--examiner", "A. \u05d1, case \u05d0 1", "--reveal")
	assert.Contains(t, out, `“leaks/a\u202egpj.exe.jpg”`)
	assert.Contains(t, out, `issued to “a\u202egpj.exe”`)
	kycmark(0, "investigate", filepath.Join("leaks", lying[0]+".jpg"), "--json", "--report", "redacted.html")
	kycmark(0, "verify-report", "bundle")
	kycmark(0, "verify-report", "r.html")
	for _, name := range []string{"r.html", "redacted.html", "bundle/report.html", "bundle/findings.json", "bundle/README.txt", "bundle/SHA256SUMS"} {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		telling(t, name, string(data))
	}
	page, err := os.ReadFile("r.html")
	require.NoError(t, err)
	for _, want := range []string{"issued to <bdi>“a\\u202egpj.exe”</bdi>", `<bdi>“f\x1b[2J.jpg”</bdi>`, "Custody of <bdi>“nobody: all pictures are of vendor-z”</bdi>, which covers", "<bdi>=cmd|&#39;k&#39;!A1.jpg</bdi>", "<bdi>&lt;script&gt;l.jpg</bdi>"} {
		assert.True(t, strings.Contains(string(page), want), want)
	}
	for _, what := range bookverbs.ListKinds {
		kycmark(0, "list", what)
		for line := range strings.Lines(kycmark(0, "list", what, "--json")) {
			assert.True(t, json.Valid([]byte(line)), line)
		}
	}
	kycmark(0, "list", "copies", "--to", lying[0])
	var c struct{ Copy, Submission string }
	require.NoError(t, json.Unmarshal([]byte(strings.SplitAfter(kycmark(0, "list", "copies", "--to", lying[0], "--json"), "\n")[0]), &c))
	kycmark(0, "show", c.Copy, c.Submission)
	kycmark(3, "detect", "--key", filepath.Join(home, "keys", "mark.key"), "leaks")
	kycmark(3, "hash", "leaks")
	kycmark(0, "audit")
}
