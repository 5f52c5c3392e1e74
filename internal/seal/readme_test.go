package seal_test

import (
	"crypto/x509"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/keyfile"
	"github.com/kycmark/kycmark/internal/seal"
	"github.com/kycmark/kycmark/internal/test/skip"
)

// commands are the lines of README.txt that are meant for a terminal.
func commands(t *testing.T, dir string) (out []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "README.txt"))
	require.NoError(t, err)
	for _, m := range regexp.MustCompile(`(?m)^    (\S.*)$`).FindAllStringSubmatch(string(text), -1) {
		out = append(out, m[1])
	}
	return out
}

func shell(t *testing.T, dir, line string) (string, error) {
	t.Helper()
	openssl(t)
	sh, err := exec.LookPath("sh")
	if err != nil {
		skip.Test(t, "there is no shell: the commands of README.txt were not run")
	}
	cmd := exec.Command(sh, "-c", line)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// opensslBundle is a bundle in a folder, stamped by openssl. What is trusted is the
// authority's root, or its own certificate alone.
func opensslBundle(t *testing.T, c seal.Content, leaf bool) string {
	t.Helper()
	a := newAuthority(t, nil)
	tsa := a.tsaBy(t, a.byOpenssl(t, "sha256"))
	if leaf {
		tsa.Trusted = []*x509.Certificate{a.cert}
	}
	b, err := seal.Sign(t.Context(), c, fixedKey(1), tsa)
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "bundle")
	require.NoError(t, b.Write(dir))
	return dir
}

// The commands that README.txt gives are run as they stand there, and answer what it
// says they do.
func TestReadmeCommands(t *testing.T) {
	want := []string{
		keyfile.ReportID(public(fixedKey(1))), "Signature Verified Successfully", "", "Signature Verified Successfully", "",
		"Verification: OK", "Time stamp: ", `"_type":"https://in-toto.io/Statement/v1"`,
	}
	for _, leaf := range []bool{false, true} {
		dir := opensslBundle(t, someContent(), leaf)
		lines := commands(t, dir)
		require.Len(t, lines, len(want))
		for i, line := range lines {
			out, err := shell(t, dir, line)
			require.NoError(t, err, "%s\n%s", line, out)
			if want[i] == "" {
				assert.Empty(t, out, line)
			}
			assert.Contains(t, out, want[i], line)
		}
	}
}

// Each of them can fail: of every file one edit at least one of them finds.
func TestReadmeCommandsFindEdits(t *testing.T) {
	dir := opensslBundle(t, someContent(), false)
	lines := commands(t, dir)[1:6]
	found := map[string]int{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		require.NoError(t, err)
		if d.IsDir() {
			return nil
		}
		good, err := os.ReadFile(path)
		require.NoError(t, err)
		edited := append([]byte{}, good...)
		edited[len(edited)/2] ^= 1
		require.NoError(t, os.WriteFile(path, edited, 0o600))
		caught := false
		for _, line := range lines {
			if _, err := shell(t, dir, line); err != nil {
				found[line]++
				caught = true
			}
		}
		assert.True(t, caught, "%s was edited and no command noticed", d.Name())
		return os.WriteFile(path, good, 0o600)
	}))
	for _, line := range lines {
		assert.Positive(t, found[line], "never fails: %s", line)
	}
}

// A statement of some megabytes, ten thousand inputs, is no problem for them.
func TestReadmeCommandsOfManyInputs(t *testing.T) {
	c := someContent()
	for i := range 10_000 {
		c.Inputs = append(c.Inputs, seal.Input(strings.Repeat("folder/", 10)+string(rune('a'+i%26))+strings.Repeat("x", i%50), int64(i), [32]byte{byte(i), byte(i >> 8)}))
	}
	dir := opensslBundle(t, c, false)
	for _, line := range commands(t, dir) {
		out, err := shell(t, dir, line)
		require.NoError(t, err, "%s\n%.1000s", line, out)
	}
}

// Without a timestamp it speaks of none.
func TestReadmeWithout(t *testing.T) {
	text, ok := someBundle(t, nil).File("README.txt")
	require.True(t, ok)
	require.NotContains(t, string(text), "timestamp")
	require.NotContains(t, string(text), "openssl ts")
	require.Contains(t, string(text), keyfile.ReportID(public(fixedKey(1))))
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "    ") {
			assert.LessOrEqual(t, len(strings.TrimSuffix(line, "\n")), 100, line)
		}
	}
}
