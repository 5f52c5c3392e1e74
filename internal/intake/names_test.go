package intake_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/intake"
)

// companies returns the names of companies in testdata/companies.txt by their scripts, which lines with "# " name.
func companies(t *testing.T) map[string][]string {
	text, err := os.ReadFile("testdata/companies.txt")
	require.NoError(t, err)
	of, script := map[string][]string{}, ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if s, is := strings.CutPrefix(line, "# "); is {
			script = s
			continue
		}
		of[script] = append(of[script], line)
	}
	return of
}

// TestCompanies accepts 50 names of real companies in each of ten scripts, of which no two look alike.
func TestCompanies(t *testing.T) {
	seen, n, refused := map[string]string{}, 0, 0
	for script, names := range companies(t) {
		assert.Len(t, names, 50, script)
		for _, name := range names {
			n++
			if err := intake.CheckName("name", name, intake.MaxName); !assert.NoError(t, err, script) {
				refused++
			}
			for _, look := range intake.Looks(name) {
				if other := seen[look]; other != "" && other != name {
					t.Errorf("%s looks like %s", name, other)
				}
				seen[look] = name
			}
		}
	}
	assert.Equal(t, 500, n)
	t.Logf("%d of %d names of companies refused", refused, n)
}

// carriers are the names of recipients that hostile names are made of.
var carriers = []string{
	"vendor-a", "vendor-z", "Acme Corp", "Deutsche Bank", "Coca-Cola", "paypal", "Apple Inc", "HSBC Holdings", "Société Générale", "Nestlé",
	"Газпром", "Сбербанк", "ООО Ромашка", "Ростех", "Оксана", "Αθήνα", "Εθνική Τράπεζα", "Космос", "Jumio", "Onfido",
	"Sumsub", "authority-b", "reviewer one", "Bank of Spain", "Oslo Post",
}

// twins are characters that look like others.
var twins = strings.NewReplacer("a", "а", "e", "е", "o", "о", "c", "с", "p", "р", "а", "a", "е", "e", "о", "o", "с", "c", "ν", "v", "Α", "A", "Ε", "E", "m", "rn")

// after inserts s after the first letter of a name.
func after(name, s string) string {
	r := []rune(name)
	return string(r[:1]) + s + string(r[1:])
}

// hostile are 40 kinds of names that are refused, also those that are refused only beside the name they are made of.
var hostile = []struct {
	kind string
	of   func(string) string
}{
	{"right-to-left override", func(s string) string { return after(s, "\u202e") }},
	{"left-to-right override", func(s string) string { return "\u202d" + s }},
	{"embedding", func(s string) string { return "\u202b" + s + "\u202c" }},
	{"isolate", func(s string) string { return "\u2067" + s + "\u2069" }},
	{"left open isolate", func(s string) string { return s + "\u2068" }},
	{"left-to-right mark", func(s string) string { return after(s, "\u200e") }},
	{"Arabic letter mark", func(s string) string { return s + "\u061c" }},
	{"zero-width space", func(s string) string { return after(s, "\u200b") }},
	{"zero-width non-joiner out of context", func(s string) string { return after(s, "\u200c") }},
	{"zero-width joiner out of context", func(s string) string { return after(s, "\u200d") }},
	{"word joiner", func(s string) string { return after(s, "\u2060") }},
	{"byte order mark", func(s string) string { return "\ufeff" + s }},
	{"soft hyphen", func(s string) string { return after(s, "\u00ad") }},
	{"combining grapheme joiner", func(s string) string { return after(s, "\u034f") }},
	{"Hangul filler", func(s string) string { return s + "\u3164" }},
	{"blank Braille", func(s string) string { return s + "\u2800" }},
	{"variation selector", func(s string) string { return s + "\ufe0f" }},
	{"tag characters", func(s string) string { return s + "\U000e0061\U000e007f" }},
	{"line break", func(s string) string { return s + "\nall pictures" }},
	{"line separator", func(s string) string { return s + "\u2028x" }},
	{"tab", func(s string) string { return s + "\tvendor" }},
	{"escape sequence", func(s string) string { return after(s, "\x1b[2J") }},
	{"C1 control", func(s string) string { return s + "\u009b2J" }},
	{"null", func(s string) string { return s + "\x00" }},
	{"leading space", func(s string) string { return " " + s }},
	{"trailing space", func(s string) string { return s + " " }},
	{"no-break space", func(s string) string { return s + "\u00a0Ltd" }},
	{"two spaces", func(s string) string { return s + "  copy" }},
	{"not normalized", func(s string) string { return s + " Cafe\u0301" }},
	{"no UTF-8", func(s string) string { return after(s, "\xff") }},
	{"private use", func(s string) string { return s + "\ue000" }},
	{"replacement character", func(s string) string { return s + "\ufffd" }},
	{"homoglyphs", func(s string) string { return twins.Replace(s) }},
	{"other case", strings.ToUpper},
	{"full width", func(s string) string { return wide(s) }},
	{"mathematical letters", func(s string) string { return s + " \U0001d41a\U0001d41b" }},
	{"stacked marks", func(s string) string { return after(s, strings.Repeat("\u0335\u0336", 3)) }},
	{"path", func(s string) string { return "../../" + s }},
	{"markup", func(s string) string { return "<b>" + s + "</b>" }},
	{"a sentence", func(s string) string { return "nobody: all pictures are of " + s }},
}

// wide returns a name in full-width letters. Letters without such a form stay.
func wide(s string) string {
	return strings.Map(func(r rune) rune {
		if '!' <= r && r <= '~' {
			return r - '!' + '！'
		}
		return r
	}, s) + "．"
}

// refused returns why a name is not entered beside others; "": it is entered.
func refused(name string, others ...string) string {
	if err := intake.CheckName("name", name, intake.MaxName); err != nil {
		return err.Error()
	}
	for _, o := range others {
		if intake.Alike(name, o) {
			return "looks like " + o
		}
	}
	return ""
}

func TestHostileNames(t *testing.T) {
	require.Len(t, hostile, 40)
	require.Len(t, carriers, 25)
	n, accepted := 0, 0
	for _, h := range hostile {
		for _, c := range carriers {
			name := h.of(c)
			n++
			if !assert.NotEqual(t, c, name, h.kind) || !assert.NotEmpty(t, refused(name, c), "%s: %+q", h.kind, name) {
				accepted++
			}
		}
	}
	t.Logf("%d of %d hostile names accepted", accepted, n)
	for _, c := range carriers {
		assert.Empty(t, refused(c), c)
	}
}

func TestCheckName(t *testing.T) {
	for name, says := range map[string]string{
		"":                                "",
		"A/S":                             "",
		"S:t Eriks":                       "",
		"نرم\u200cافزار":                  "",
		"श्री\u200d":                      "name: ",
		"क्\u200dष":                       "",
		"株式会社　日立":                         "",
		strings.Repeat("ä", 101):          "name: got 202 bytes, want at most 200",
		"a\u202eb":                        `name: got U+202E, want visible characters`,
		"a\xffb":                          `name: got "a\xffb", want UTF-8`,
		"Cafe\u0301":                      `name: got "Cafe\u0301", want its normal form (NFC) "Caf\u00e9"`,
		" a":                              `name: got " a", want single spaces, and none at the ends`,
		".":                               `name: got ".", want no "." at byte 0`,
		"../../etc":                       `name: got "../../etc", want no "../" at byte 0`,
		"/etc/passwd":                     `want no "/" at byte 0`,
		"a\\..\\b":                        `name: got "a\\..\\b", want no "\\" at byte 1`,
		"=cmd()":                          `want no "=" at byte 0`,
		"＝cmd":                            `want no "=" at byte 0`,
		"nobody: all pictures":            `want no ": " at byte 6`,
		"nobody：all pictures":             `want no "body:all" at byte 2`,
		"javascript:alert(1)":             `want no "ript:ale" at byte 6`,
		"nobody. All are of vendor-z":     "want no name that reports have",
		"the issuer":                      "want no name that reports have",
		"Exchange":                        "want no name that reports have",
		"a reviewer of vendor-a (erased)": "want no name that reports have",
		"Recipient 2":                     "want no name that reports have",
		"Nobody's Child Ltd":              "",
		"vеndor-b":                        `name: got "v\u0435ndor-b", want words of one alphabet`,
		"Яндекс Go":                       "",
		"́a":                              "name: ",
		"a" + strings.Repeat("\u0335", 5): "name: ",
		"a&lt;b":                          `want no ";" at byte 4`,
		"{{.}}":                           `want no "{" at byte 0`,
	} {
		err := intake.CheckName("name", name, intake.MaxName)
		if says == "" {
			assert.NoError(t, err, "%+q", name)
		} else {
			assert.ErrorContains(t, err, says, "%+q", name)
		}
	}
}

func TestAlike(t *testing.T) {
	for _, pair := range [][2]string{
		{"vendor-a", "vendor-а"}, {"paypal", "раураl"}, {"vendor-1", "vendor-l"}, {"vendor-I", "vendor-l"}, {"Vendor-A", "vendor-a"}, {"corn", "com"},
		{"ΑΒ", "AB"}, {"Straße", "STRASSE"}, {"ＮＴＴ", "NTT"}, {"vendor-a", "vendor-a."}, {"O2", "02"}, {"a\u200cb", "ab"}, {"a‐b", "a-b"},
	} {
		assert.True(t, intake.Alike(pair[0], pair[1]), "%+q", pair)
	}
	for _, pair := range [][2]string{{"vendor-a", "vendor-b"}, {"vendor A", "vendor B"}, {"中国银行", "中国农业银行"}, {"Nestle", "Nestlé"}, {"A/S", "AS"}} {
		assert.False(t, intake.Alike(pair[0], pair[1]), "%+q", pair)
	}
}

// TestFolderName: no two names share a folder, on any file system, and each folder is one element of a path that
// Windows takes.
func TestFolderName(t *testing.T) {
	for name, want := range map[string]string{
		"vendor-a": "vendor-a", "a b": "a b", "a/s": "a%2Fs", "..": "%2E%2E", ".": "%2E", "con": "%63on", "lpt1.x": "%6Cpt1.x", "конто": "конто",
		"s.p.a.": "s.p.a%2E", "a%2fs": "a%252fs", "a~1": "a%7E1", " a ": "%20a%20", "c:\\x": "c%3A%5Cx", "a\u202eb": "a%E2%80%AEb", "-rf": "%2Drf",
	} {
		assert.Equal(t, want, intake.FolderName(name), name)
	}
	assert.Regexp(t, `^A%2FS~[0-9a-f]{16}$`, intake.FolderName("A/S"))
	seen := map[string]string{}
	names := append([]string{"a", "A", "ä", "a\u0308", "Ä", "a ", "a.", "A/S", "a/s", "a/S", "ﬁ", "fi", "ss", "ß", "CON", "con", "Con", "aux.txt", "x\xff", "x\xfe", "x\ufffd", "", "%", "~"}, carriers...)
	for _, of := range companies(t) {
		names = append(names, of...)
	}
	names = append(names, strings.Repeat("長", 66), strings.Repeat("長", 66)+"い")
	for _, h := range hostile {
		for _, c := range carriers {
			names = append(names, h.of(c))
		}
	}
	for _, name := range names {
		folder := intake.FolderName(name)
		assert.NotRegexp(t, `[<>:"/\\|?*\x00-\x1f\x7f]|^[ .-]|[ .]$|^$`, folder)
		assert.LessOrEqual(t, len(folder), 200)
		key := intake.Folded(folder)
		if other, there := seen[key]; there {
			assert.Equal(t, other, name, "they share %s", folder)
		}
		seen[key] = name
	}
}

func TestShown(t *testing.T) {
	for s, want := range map[string]string{
		"vendor-a": "vendor-a", "scan 1.jpg": "scan 1.jpg", "a\u202egpj.exe": `“a\u202egpj.exe”`, "a\nb": `“a\nb”`, "a\x1b[2J": `“a\x1b[2J”`, " a": "“ a”", "a  b": "“a  b”",
		"a\xffb": `“a\xffb”`, "Toys “R” Us": `“Toys \“R\” Us”`, "نرم\u200cافزار": "نرم\u200cافزار", "a\u200cb": `“a\u200cb”`, "a\u3164": `“a\u3164”`, "": "", "a\u00a0b": `“a\u00a0b”`,
		"a\U000e0061": `“a\U000e0061”`, "L'Oréal": "L'Oréal", `C:\x`: `C:\x`, `a"b`: `“a\"b”`,
	} {
		assert.Equal(t, want, intake.Shown(s), "%+q", s)
	}
	for s, want := range map[string]string{
		"vendor A": "vendor A", "Enel S.p.A.": "“Enel S.p.A.”", "nobody: all": "“nobody: all”", "Yahoo! Inc": "“Yahoo! Inc”", "one two three": "“one two three”", "O2": "O2", "S.p.A": "S.p.A",
		"vendor-a, vendor-b": "“vendor-a, vendor-b”", "国。家": "“国。家”", "בנק הפועלים": "“בנק הפועלים”", "a\u202eb": `“a\u202eb”`,
	} {
		assert.Equal(t, want, intake.InSentence(s), "%+q", s)
	}
	assert.Equal(t, `{"a":"x\u202ey\u009bz\udb40\udc61é\u200c"}`, string(intake.EscapedJSON([]byte("{\"a\":\"x\u202ey\u009bz\U000e0061é\u200c\"}"))))
	assert.Equal(t, "a\\u202eb\nc", intake.Escaped("a\u202eb\nc"), "lines stay lines")
}

func TestShellLine(t *testing.T) {
	assert.Equal(t, `kycmark investigate 'a b' 'it'\''s' '' --json`, intake.ShellLine("kycmark", "investigate", "a b", "it's", "", "--json"))
	assert.Equal(t, `--at 2018-02-14T09:30:00Z 'ü/1.jpg' '' 'a;b' '*' '(x)' $'a\nb' $'\u202ea'`,
		intake.ShellLine("--at", "2018-02-14T09:30:00Z", "ü/1.jpg", "", "a;b", "*", "(x)", "a\nb", "\u202ea"))
}

// TestPrototypes: the table has all characters of confusables.txt of UTS #39, version 17, that stay after compatibility
// decomposition. No prototype is confusable itself.
func TestPrototypes(t *testing.T) {
	assert.Equal(t, 2780, len(intake.Prototypes()))
	for r, p := range intake.Prototypes() {
		require.NotZero(t, r)
		require.NotEmpty(t, p)
		for _, x := range p {
			assert.Empty(t, intake.Prototypes()[x], "%U is like %U", r, x)
		}
	}
}

// FuzzNames: no name is shown with a character that a terminal obeys, and a folder has none.
func FuzzNames(f *testing.F) {
	for i, h := range hostile {
		f.Add(h.of(carriers[i%len(carriers)]))
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, out := range []string{intake.Shown(s), intake.InSentence(s), intake.FolderName(s)} {
			assert.NoError(t, intake.CheckText("", out, 1<<20), "%+q", s)
		}
		if intake.CheckName("", s, 1<<20) == nil {
			assert.True(t, intake.Alike(s, s))
		}
	})
}
