package arch_test

import (
	"bytes"
	"go/ast"
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
	maxLinked = 84_500 // lines of cmd/kycmark and of all packages of this module that it imports: 75,000, 3,500 for the stories and faults of 2026-11, and 6,000 for the service
	maxBench  = 8_830  // lines of module bench
	longFile  = 400    // lines
	maxLong   = 6      // files of the command with more lines
)

func TestLinesOfTheCommand(t *testing.T) {
	src := os.DirFS(root(t))
	got, long := lines(t, src, load(t, src).linked("cmd/kycmark"))
	t.Logf("%d lines are linked into the command, at most %d", got, maxLinked)
	assert.LessOrEqual(t, got, maxLinked)
	assert.LessOrEqual(t, long, maxLong, "files of more than %d lines", longFile)
}

func TestLinesOfBench(t *testing.T) {
	src, err := fs.Sub(os.DirFS(root(t)), "bench")
	require.NoError(t, err)
	m := load(t, src)
	got, _ := lines(t, src, sorted(m.packages))
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
	got, long := lines(t, src, m.linked("cmd"))
	assert.Equal(t, []int{7, 0}, []int{got, long})
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

// lines counts the lines of the packages' Go files that are no tests, and the long files among these.
func lines(t *testing.T, src fs.FS, packages []string) (n, long int) {
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
			of := bytes.Count(text, []byte("\n"))
			if n += of; of > longFile {
				long++
			}
		}
	}
	return n, long
}

// What a reader can hold in the head.
const (
	maxPackage = 4_500 // lines of a package, without tests
	maxMethods = 25    // methods that are declared on a type
)

func TestPackagesAndTypesAreSmall(t *testing.T) {
	src := os.DirFS(root(t))
	m := load(t, src)
	for name, p := range m.packages {
		if strings.HasPrefix(name, "internal/test/") {
			continue
		}
		own, _ := lines(t, src, []string{name})
		assert.LessOrEqual(t, own, maxPackage, name)
		for of, n := range p.methods() {
			assert.LessOrEqual(t, n, maxMethods, name+"."+of)
		}
	}
}

// methods counts the methods that are declared on each type, without tests.
func (p *pkg) methods() map[string]int {
	out := map[string]int{}
	for file, f := range p.files {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv == nil || strings.HasSuffix(file, "_test.go") {
				continue
			}
			of := fn.Recv.List[0].Type
			if star, ok := of.(*ast.StarExpr); ok {
				of = star.X
			}
			if index, ok := of.(*ast.IndexExpr); ok {
				of = index.X
			}
			if name, ok := of.(*ast.Ident); ok {
				out[name.Name]++
			}
		}
	}
	return out
}
