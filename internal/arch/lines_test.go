package arch_test

import (
	"bytes"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Ceilings of code, in lines of Go without tests: code, comments, blank and generated lines. Files of all
// systems count. A ceiling falls with each deletion. It rises only if an issue says by how much.
const (
	maxLinked = 78_500 // lines of cmd/kycmark and of all packages of this module that it imports: 75,000, and 3,500 for the stories and faults of 2026-11
	maxBench  = 9_000  // lines of module bench
)

func TestLinesOfTheCommand(t *testing.T) {
	src := os.DirFS(root(t))
	got := lines(t, src, load(t, src).linked("cmd/kycmark"))
	t.Logf("%d lines are linked into the command, at most %d", got, maxLinked)
	assert.LessOrEqual(t, got, maxLinked)
}

func TestLinesOfBench(t *testing.T) {
	src, err := fs.Sub(os.DirFS(root(t)), "bench")
	require.NoError(t, err)
	m := load(t, src)
	got := lines(t, src, sorted(m.packages))
	t.Logf("bench has %d lines, at most %d", got, maxBench)
	assert.LessOrEqual(t, got, maxBench)
}

// Nothing that only tests use is linked into the command: it lies in internal/test.
func TestCommandLinksNoTests(t *testing.T) {
	for _, name := range load(t, os.DirFS(root(t))).linked("cmd/kycmark") {
		assert.False(t, strings.HasPrefix(name, "internal/test/"), name)
	}
}

func TestLinesAreCounted(t *testing.T) {
	src := fstest.MapFS{
		"cmd/a.go":      {Data: []byte("package a\n\nimport _ \"" + module + "/b\"\n")},
		"cmd/a_test.go": {Data: []byte("package a\n\nimport _ \"" + module + "/c\"\n")},
		"b/b.go":        {Data: []byte("package b\n\nimport _ \"os\"\n")},
		"b/b_darwin.go": {Data: []byte("package b\n")},
		"c/c.go":        {Data: []byte("package c\n")},
	}
	m := load(t, src)
	assert.Equal(t, []string{"b", "cmd"}, m.linked("cmd"))
	assert.Equal(t, 7, lines(t, src, m.linked("cmd")))
}

// linked returns a package and all packages of the module that it imports, also through others, sorted.
func (m *tree) linked(name string) []string {
	seen := map[string]bool{}
	var follow func(string)
	follow = func(name string) {
		p := m.packages[name]
		if p == nil || seen[name] {
			return
		}
		seen[name] = true
		for to := range p.imports {
			follow(to)
		}
	}
	follow(name)
	return sorted(seen)
}

// lines counts the lines of the packages' Go files that are no tests.
func lines(t *testing.T, src fs.FS, packages []string) (n int) {
	t.Helper()
	for _, name := range packages {
		files, err := fs.Glob(src, path.Join(name, "*.go"))
		require.NoError(t, err)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			text, err := fs.ReadFile(src, file)
			require.NoError(t, err)
			n += bytes.Count(text, []byte("\n"))
		}
	}
	return n
}
