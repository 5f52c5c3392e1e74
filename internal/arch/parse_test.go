package arch_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// A tree is the module's source, read without the go command: files of all
// systems count, and nothing need compile.
type tree struct {
	packages map[string]*pkg // by folder
}

type pkg struct {
	imports map[string]string // import to the file that has it, without tests
	tests   map[string]string
	files   map[string]*ast.File
}

func parse(src fs.FS) (*tree, error) {
	m := &tree{packages: map[string]*pkg{}}
	positions := token.NewFileSet()
	err := fs.WalkDir(src, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if ignored(name) || nested(src, name) {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		text, err := fs.ReadFile(src, name)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(positions, name, text, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		return m.add(name, f)
	})
	return m, err
}

// ignored folders are not built, except the module's own testdata, which is a
// package that embeds pictures.
func ignored(name string) bool {
	base := path.Base(name)
	if name == "." {
		return false
	}
	return base[0] == '.' || base[0] == '_' || base == "vendor" || base == "testdata" && name != "testdata"
}

// nested says whether a folder below the root is a module of its own.
func nested(src fs.FS, name string) bool {
	_, err := fs.Stat(src, path.Join(name, "go.mod"))
	return name != "." && err == nil
}

func (m *tree) add(name string, f *ast.File) error {
	dir := path.Dir(name)
	p := m.packages[dir]
	if p == nil {
		p = &pkg{map[string]string{}, map[string]string{}, map[string]*ast.File{}}
		m.packages[dir] = p
	}
	p.files[name] = f
	into := p.imports
	if strings.HasSuffix(name, "_test.go") {
		into = p.tests
	}
	for _, i := range f.Imports {
		to, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return err
		}
		into[strings.TrimPrefix(to, module+"/")] = name
	}
	return nil
}

// matches says whether a package or import fits one of the patterns.
func matches(patterns []string, name string) bool {
	for _, p := range patterns {
		base, below := strings.CutSuffix(p, "/...")
		if p == "..." || name == base || below && strings.HasPrefix(name, base+"/") {
			return true
		}
	}
	return false
}

// breaches lists, sorted, what the rules forbid.
func (m *tree) breaches(rules []rule) (out []string) {
	for _, r := range rules {
		for _, name := range sorted(m.packages) {
			if !matches(r.of, name) || matches(r.except, name) {
				continue
			}
			out = append(out, m.check(r, name, name, map[string]bool{name: true})...)
		}
	}
	return out
}

// check follows the module's own imports when the rule is deep; chain says
// the way so far.
func (m *tree) check(r rule, name, chain string, seen map[string]bool) (out []string) {
	p := m.packages[name]
	if p == nil {
		return nil
	}
	sets := []map[string]string{p.imports}
	if r.tests {
		sets = append(sets, p.tests)
	}
	for _, set := range sets {
		for _, to := range sorted(set) {
			_, ours := m.packages[to]
			ours = ours || strings.HasPrefix(to, "internal/") && r.only != nil
			if matches(r.never, to) || r.only != nil && ours && !matches(r.only, to) {
				out = append(out, fmt.Sprintf("%s imports %s (%s): %s", chain, to, set[to], r.why))
			}
		}
	}
	if !r.deep {
		return out
	}
	for _, to := range sorted(p.imports) {
		if seen[to] || m.packages[to] == nil || matches(r.except, to) || matches(r.never, to) {
			continue
		}
		seen[to] = true
		out = append(out, m.check(r, to, chain+" -> "+to, seen)...)
	}
	return out
}

// forbiddenCalls looks for uses of the functions in calls, under whatever name
// their package is imported. A dot import would hide them, so it is one.
func (m *tree) forbiddenCalls() (out []string) {
	for _, name := range sorted(m.packages) {
		for _, file := range sorted(m.packages[name].files) {
			for _, c := range calls {
				if matches(c.except, name) || !c.tests && strings.HasSuffix(file, "_test.go") {
					continue
				}
				for _, used := range uses(m.packages[name].files[file], c.pkg, c.never) {
					out = append(out, fmt.Sprintf("%s calls %s.%s: %s", file, path.Base(c.pkg), used, c.why))
				}
			}
		}
	}
	return out
}

func uses(f *ast.File, imported string, functions []string) (out []string) {
	local := ""
	for _, i := range f.Imports {
		if to, _ := strconv.Unquote(i.Path.Value); to == imported {
			local = path.Base(imported)
			if i.Name != nil {
				local = i.Name.Name
			}
		}
	}
	switch local {
	case "":
		return nil
	case ".":
		return []string{"* (dot import)"}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := s.X.(*ast.Ident); ok && x.Name == local && slices.Contains(functions, s.Sel.Name) {
			out = append(out, s.Sel.Name)
		}
		return true
	})
	return out
}

func sorted[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
