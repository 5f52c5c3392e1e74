package arch_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The limits of CONTRIBUTING.md, which the prose of the module is held to.
const (
	maxSentence = 25     // words of a sentence, without code and what is in parentheses
	maxReadme   = 1_300  // words of README.md
	maxDocs     = 21_300 // words of all Markdown files, 1,000 of them for the service
)

// forbidden are phrases that make a reader go back, each with what to write instead.
// The first group of a pattern is what is reported.
var forbidden = []struct {
	pattern string
	instead string
}{
	{`\b(whoever|whomever|whyever|nobody|somebody|whosever)\b`, "name the person or the thing"},
	{`\b((?:is|are|was|were|be) none)\b`, "say what the thing is or is not"},
	{`\b(none of which|of whose|of which|of whom)\b`, "name the thing in a sentence of its own"},
	{`\b((?:is|are|was|were|be) told)\b`, "receives, gets, is called with"},
	{`\b(stands for nothing|stands on|stands in|stands as|stand as|stands there)\b`, "is, lies, depends on"},
	{`\b(belies|lest|albeit)\b`, "contradicts; so that … not; although"},
	{`\b(but for)\b`, "except"},
	{`\b(as of)\b`, "as in, since, from"},
	{`(, too[,.;])`, "also, before the verb"},
	{`\b(where there (?:is|are|was|were) (?:none|no)|where none|where nothing|where it is not|where they are not)\b`, "if"},
	{`\b(that which|those that|those which|those of)\b`, "repeat the noun"},
	{`\b(what is what|one that)\b`, "repeat the noun"},
	{`\b(the former|the latter|hitherto|thereof|wherein|whereof|thereby)\b`, "repeat the noun"},
}

// banned are parts of identifiers for which the module has one word.
var banned = map[string]string{"least": "min", "most": "max", "greatest": "max", "lot": "segment", "lots": "segments"}

// maxBreaches is how many breaches the module still has. The number may only shrink.
const maxBreaches = 0

// A sayer is something that a reader reads.
type sayer struct {
	at       string // folder
	position string // file:line
	text     string
	prose    bool // sentences, which have a greatest length
}

func TestWords(t *testing.T) {
	src := os.DirFS(root(t))
	found := map[string][]string{}
	for _, s := range append(goProse(t, src), markdown(t, src)...) {
		if b := breachesOfWords(s); b != nil {
			found[s.at] = append(found[s.at], b...)
		}
	}
	for _, name := range identifiers(t, src) {
		found[name.at] = append(found[name.at], name.position+": "+name.text)
	}
	total := 0
	for _, at := range sorted(found) {
		total += len(found[at])
		t.Logf("%s: %d breaches\n\t%s", at, len(found[at]), strings.Join(found[at], "\n\t"))
	}
	assert.LessOrEqual(t, total, maxBreaches, "breaches of the rules for words: the list is above, by folder")
}

// The rules must be able to fail.
func TestWordsBite(t *testing.T) {
	long := "// F " + strings.Repeat("counts the copies and ", 7) + "ends.\n"
	for _, c := range []struct{ name, source, want string }{
		{"clean", "// F counts copies.\nfunc F() {}", ""},
		{"a forbidden word", "// F asks whoever it knows.\nfunc F() {}", "whoever"},
		{"in an error", "var err = errors.New(\"segment 3 is none\")", "is none"},
		{"over two lines", "// F is what\n// nobody knows.\nfunc F() {}", "nobody"},
		{"a long sentence", long + "func F() {}", "words"},
		{"long through code", "// F runs [x.A], [x.B], [x.C], [x.D] and `go test -run a -bench b -count 7 -cpu 1,2,4,8 -v ./x ./y ./z ./w ./u ./v`.\nfunc F() {}", ""},
		{"long by parentheses", "// F is fast (" + strings.Repeat("very ", 30) + "fast).\nfunc F() {}", ""},
		{"two sentences", "// F counts the copies of the one and of the other and of the third. It returns the copies of the one and the other and the third, sorted.\nfunc F() {}", ""},
		{"an identifier", "const leastPower = 0.9", "leastPower"},
		{"an identifier's last part", "var atMost = 2", "atMost"},
		{"almost", "func almostDone() {}", ""},
		{"a directive", "//go:embed whoever.txt\nvar x string", ""},
	} {
		src := fstest.MapFS{"p/a.go": {Data: []byte("package p\n\n" + c.source + "\n")}}
		var got []string
		for _, s := range goProse(t, src) {
			got = append(got, breachesOfWords(s)...)
		}
		for _, s := range identifiers(t, src) {
			got = append(got, s.text)
		}
		if c.want == "" {
			assert.Empty(t, got, c.name)
			continue
		}
		if assert.Len(t, got, 1, c.name) {
			assert.Contains(t, got[0], c.want, c.name)
		}
	}
}

// TestLengthOfDocs holds how much a reader must read.
func TestLengthOfDocs(t *testing.T) {
	src := os.DirFS(root(t))
	total := 0
	require.NoError(t, walkFiles(src, ".md", func(name string, data []byte) {
		n := len(strings.Fields(comment.ReplaceAllString(string(data), "")))
		total += n
		if name == "README.md" {
			assert.LessOrEqual(t, n, maxReadme, name)
		}
	}))
	assert.LessOrEqual(t, total, maxDocs, "words of Markdown")
}

var (
	comment     = regexp.MustCompile(`<!--.*?-->`) // which names the result of a figure, and is not shown
	quoted      = regexp.MustCompile("`[^`]*`")
	link        = regexp.MustCompile(`\[[^\]]*\](\([^)]*\))?`)
	parentheses = regexp.MustCompile(`\([^()]*\)`)
	sentenceEnd = regexp.MustCompile(`[.!?;:]["”)]*(\s|$)`)
	patterns    = func() (out []*regexp.Regexp) {
		for _, f := range forbidden {
			out = append(out, regexp.MustCompile(`(?i)`+f.pattern))
		}
		return out
	}()
)

// breachesOfWords lists what is wrong with one text.
func breachesOfWords(s sayer) (out []string) {
	text := strings.Join(strings.Fields(quoted.ReplaceAllString(s.text, "X")), " ")
	for i, p := range patterns {
		for _, m := range p.FindAllStringSubmatch(text, -1) {
			out = append(out, fmt.Sprintf("%s: %q: %s", s.position, m[1], forbidden[i].instead))
		}
	}
	if !s.prose {
		return out
	}
	plain := parentheses.ReplaceAllString(link.ReplaceAllString(text, "X"), "")
	for _, sentence := range sentenceEnd.Split(plain, -1) {
		words := slices.DeleteFunc(strings.Fields(sentence), func(w string) bool { return !strings.ContainsFunc(w, unicode.IsLetter) })
		if len(words) > maxSentence {
			out = append(out, fmt.Sprintf("%s: %d words, at most %d: %s …", s.position, len(words), maxSentence, strings.Join(words[:8], " ")))
		}
	}
	return out
}

// goProse returns the comments and the texts of several words of all Go files but tests and
// generated ones.
func goProse(t *testing.T, src fs.FS) (out []sayer) {
	eachGoFile(t, src, func(name string, f *ast.File, positions *token.FileSet) {
		at := func(p token.Pos) string { return fmt.Sprintf("%s:%d", name, positions.Position(p).Line) }
		for _, group := range f.Comments {
			for _, paragraph := range paragraphs(group.Text()) {
				out = append(out, sayer{path.Dir(name), at(group.Pos()), paragraph, true})
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
				if text, err := strconv.Unquote(l.Value); err == nil && len(strings.Fields(text)) > 2 {
					out = append(out, sayer{path.Dir(name), at(l.Pos()), text, false})
				}
			}
			return true
		})
	})
	return out
}

// paragraphs splits a comment. What is indented is code, and each item of a list counts
// by itself.
func paragraphs(text string) (out []string) {
	fresh := true
	for _, line := range strings.Split(text, "\n") {
		trimmed := strings.TrimSpace(line)
		item := strings.HasPrefix(trimmed, "- ") || strings.HasPrefix(trimmed, "* ")
		switch {
		case trimmed == "" || strings.HasPrefix(line, "\t"):
			fresh = true
		case fresh || item || strings.HasPrefix(trimmed, "#"):
			out = append(out, trimmed)
			fresh = strings.HasPrefix(trimmed, "#")
		default:
			out[len(out)-1] += " " + trimmed
		}
	}
	return out
}

// identifiers returns the declared names that have a banned part.
func identifiers(t *testing.T, src fs.FS) (out []sayer) {
	eachGoFile(t, src, func(name string, f *ast.File, positions *token.FileSet) {
		check := func(id *ast.Ident) {
			for _, part := range camel(id.Name) {
				if instead, ok := banned[part]; ok {
					out = append(out, sayer{at: path.Dir(name), position: fmt.Sprintf("%s:%d", name, positions.Position(id.Pos()).Line), text: fmt.Sprintf("%s: write %s", id.Name, instead)})
				}
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				check(n.Name)
			case *ast.TypeSpec:
				check(n.Name)
			case *ast.ValueSpec:
				for _, id := range n.Names {
					check(id)
				}
			case *ast.Field:
				for _, id := range n.Names {
					check(id)
				}
			case *ast.AssignStmt:
				for _, e := range n.Lhs {
					if id, ok := e.(*ast.Ident); ok && n.Tok == token.DEFINE {
						check(id)
					}
				}
			}
			return true
		})
	})
	return out
}

// camel splits an identifier into lower-case words.
func camel(name string) (out []string) {
	word := ""
	for _, r := range name {
		if unicode.IsUpper(r) || r == '_' {
			if word != "" {
				out = append(out, word)
			}
			word = ""
		}
		word += string(unicode.ToLower(r))
	}
	return append(out, word)
}

// markdown returns the sentences of the documents, without code and tables.
func markdown(t *testing.T, src fs.FS) (out []sayer) {
	require.NoError(t, walkFiles(src, ".md", func(name string, data []byte) {
		fenced := false
		var prose, tables []string
		for _, line := range strings.Split(comment.ReplaceAllString(string(data), ""), "\n") {
			trimmed := strings.TrimSpace(line)
			switch {
			case strings.HasPrefix(trimmed, "```"):
				fenced = !fenced
				line = ""
			case fenced:
				line = ""
			case strings.HasPrefix(trimmed, "|"):
				tables = append(tables, line)
				line = ""
			}
			prose = append(prose, strings.TrimPrefix(strings.TrimPrefix(line, "\t"), "> "))
		}
		for _, p := range paragraphs(strings.Join(prose, "\n")) {
			out = append(out, sayer{path.Dir(name) + "/*.md", name, p, true})
		}
		for _, line := range tables {
			out = append(out, sayer{path.Dir(name) + "/*.md", name, line, false})
		}
	}))
	return out
}

// eachGoFile parses all Go files but tests and generated ones.
func eachGoFile(t *testing.T, src fs.FS, do func(string, *ast.File, *token.FileSet)) {
	require.NoError(t, walkFiles(src, ".go", func(name string, data []byte) {
		if strings.HasSuffix(name, "_test.go") {
			return
		}
		positions := token.NewFileSet()
		f, err := parser.ParseFile(positions, name, data, parser.ParseComments|parser.SkipObjectResolution)
		require.NoError(t, err)
		if !ast.IsGenerated(f) {
			do(name, f, positions)
		}
	}))
}

// walkFiles reads the files that end in ext, without hidden folders, test data and what npm installs.
func walkFiles(src fs.FS, ext string, do func(name string, data []byte)) error {
	return fs.WalkDir(src, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if base := path.Base(name); d.IsDir() && name != "." && (base[0] == '.' || base == "node_modules" || base == "testdata" && name != "testdata") {
			return fs.SkipDir
		}
		if d.IsDir() || path.Ext(name) != ext {
			return nil
		}
		data, err := fs.ReadFile(src, name)
		if err == nil {
			do(name, data)
		}
		return err
	})
}
