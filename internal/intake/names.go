package intake

import (
	"crypto/sha256"
	_ "embed" // the table of confusable characters
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"
)

// MaxName and MaxNote are the max numbers of bytes of texts that users enter.
const (
	MaxName = 200
	MaxNote = 4000
)

// CheckText returns an error for a text s of more than limit bytes or not in UTF-8. Control characters, line breaks
// and format characters are errors also. "" and joiners are accepted. what names the text in the error.
func CheckText(what, s string, limit int) error {
	if len(s) > limit {
		return fmt.Errorf("%s: got %d bytes, want at most %d", what, len(s), limit)
	}
	if !utf8.ValidString(s) {
		return fmt.Errorf("%s: got %+q, want UTF-8", what, s)
	}
	for _, r := range s {
		if !unicode.IsGraphic(r) && !joins(r) {
			return fmt.Errorf("%s: got %U, want visible characters", what, r)
		}
	}
	return nil
}

// Breaks reports whether a character ends a line, or is a control character.
func Breaks(r rune) bool { return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp) }

// joins reports whether r is a zero-width joiner or non-joiner, which Persian and Indic words need.
func joins(r rune) bool { return r == '\u200c' || r == '\u200d' }

// blank reports whether a character leaves no ink, or is a space other than U+0020 and U+3000.
func blank(r rune) bool {
	if ' ' <= r && r <= '~' {
		return false
	}
	return !unicode.IsGraphic(r) || r == '\u2800' || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) ||
		unicode.Is(unicode.Zs, r) && r != ' ' && r != '\u3000'
}

// maxMarks is how many marks may follow a letter: UTS #39, section 5.4.
const maxMarks = 4

var (
	freeform = precis.NewFreeform(precis.Norm(norm.NFC)) // RFC 8264, with its rules for joiners
	// styled are letters and digits of Unicode that imitate others: mathematical, circled, squared.
	styled = &unicode.RangeTable{R16: []unicode.Range16{{Lo: 0x2460, Hi: 0x24ff, Stride: 1}},
		R32: []unicode.Range32{{Lo: 0x1d400, Hi: 0x1d7ff, Stride: 1}, {Lo: 0x1f100, Hi: 0x1f1ff, Stride: 1}}}
	// alphabets have letters that look like the letters of each other.
	alphabets = []*unicode.RangeTable{unicode.Latin, unicode.Cyrillic, unicode.Greek, unicode.Armenian, unicode.Cherokee, unicode.Coptic}
	// notInNames are markup, code, parts of paths and URLs, what a spreadsheet computes, and the colon of a sentence.
	notInNames = regexp.MustCompile("[<>\\\\|{}`;]|//|(?:^|/)\\.\\.?(?:/|$)|\\$\\(|%[0-7][0-9A-Fa-f]|^[=+@/~-]|^:|:(?:\\x20|$)|[\\pL\\pM\\pN]{4}:[\\pL\\pM\\pN]{3}")
	// parties are what reports call others than the recipients.
	parties = regexp.MustCompile(`(?i)^(?:nobody|no\x20?one|no\x20(?:party|recipient)|(?:the\x20)?exchange|(?:the\x20|an?\x20|any\x20)?(?:issuer|recipient)s?|` +
		`recipient\x20\d+|(?:all|other|further|another|several)\x20recipients?|an?\x20reviewer\x20of\x20.+)(?:$|\x20?[.,!?:—–-](?:\x20|$))`)
	stacked = regexp.MustCompile(fmt.Sprintf(`^\pM|\pM{%d}`, maxMarks+1))
)

// CheckName is [CheckText] for a name that becomes words of a report: of a recipient, a purpose, a subject. A name
// must be in NFC. It must not look like a sentence, a path, markup, a formula, or what reports call other parties.
// [Alike] compares names.
func CheckName(what, s string, limit int) error {
	if err := CheckText(what, s, limit); err != nil || s == "" {
		return err
	}
	for _, r := range s {
		if blank(r) && !joins(r) || r == utf8.RuneError || r == '\ufffc' || unicode.Is(styled, r) {
			return fmt.Errorf("%s: got %U in %+q, want visible characters", what, r, s)
		}
	}
	plain := norm.NFKC.String(s)
	want := ""
	switch nfc := norm.NFC.String(s); {
	case nfc != s:
		want = fmt.Sprintf("its normal form (NFC) %+q", nfc)
	case strings.TrimSpace(s) != s || strings.Contains(plain, "  "):
		want = "single spaces, and none at the ends"
	case notInNames.MatchString(plain):
		at := notInNames.FindStringIndex(plain)
		want = fmt.Sprintf("no %q at byte %d", plain[at[0]:at[1]], at[0])
	case !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }):
		want = "a letter or a digit"
	case stacked.MatchString(norm.NFD.String(s)):
		want = fmt.Sprintf("at most %d marks on a letter", maxMarks)
	case mixed(s):
		want = "words of one alphabet"
	case parties.MatchString(plain):
		want = "no name that reports have for other parties"
	default:
		if _, err := freeform.String(s); err != nil {
			want = fmt.Sprintf("a text of PRECIS (RFC 8264): %v", err)
		}
	}
	if want != "" {
		return fmt.Errorf("%s: got %+q, want %s", what, s, want)
	}
	return nil
}

// mixed reports whether a word of s has letters of two of the alphabets.
func mixed(s string) bool {
	for _, word := range strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) }) {
		n := 0
		for _, a := range alphabets {
			if strings.ContainsFunc(word, func(r rune) bool { return unicode.Is(a, r) }) {
				n++
			}
		}
		if n > 1 {
			return true
		}
	}
	return false
}

//go:embed confusables.txt
var confusables string

// prototypes returns by each confusable character of UTS #39 what it is compared as.
var prototypes = sync.OnceValue(func() map[rune]string {
	points := func(hex string) (out []rune) {
		for _, x := range strings.Fields(hex) {
			r, _ := strconv.ParseUint(x, 16, 32) // a test reads all of the table
			out = append(out, rune(r))
		}
		return out
	}
	of := make(map[rune]string)
	for line := range strings.Lines(confusables) {
		if to, from, is := strings.Cut(line, ";"); is && line[0] != '#' {
			for _, r := range points(from) {
				of[r] = string(points(to))
			}
		}
	}
	return of
})

// Folded returns s without the differences of letter case and of canonical form, as file systems compare names.
func Folded(s string) string { return norm.NFC.String(cases.Fold().String(norm.NFD.String(s))) }

// looks returns the skeletons (UTS #39, section 4) of s as it is, and of s without letter case. Compatibility
// forms are decomposed; joiners, and punctuation at the end, are left out.
func looks(s string) (out [2]string) {
	for i, s := range []string{s, Folded(s)} {
		var b strings.Builder
		for _, r := range norm.NFKD.String(s) {
			if p := prototypes()[r]; p != "" {
				b.WriteString(p)
			} else if !joins(r) {
				b.WriteRune(r)
			}
		}
		out[i] = strings.TrimRightFunc(norm.NFD.String(b.String()), func(r rune) bool { return unicode.Is(unicode.Terminal_Punctuation, r) })
	}
	return out
}

// Alike reports whether two names look alike, or differ in letter case alone.
func Alike(a, b string) bool {
	x, y := looks(a), looks(b)
	return x[0] == y[0] || x[1] == y[1]
}

// devices are the names that Windows keeps for devices, whatever their endings.
var devices = regexp.MustCompile(`(?i)^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?:[ .]|$)`)

// maxFolder is the max number of bytes of a folder's name: file systems take 255. Chosen.
const maxFolder = 200

// FolderName returns a name as one element of a path, for every system. Two names never have the same
// FolderName, also if letter case does not count. Unusual characters become %XX, a byte each. A name with capitals, or too long, gets
// "~" and the beginning of its SHA-256.
func FolderName(name string) string {
	var b strings.Builder
	for i, r := range name {
		if _, n := utf8.DecodeRuneInString(name[i:]); blank(r) || n == 1 && r == utf8.RuneError || strings.ContainsRune(`%~<>:"/\|?*`, r) ||
			i == 0 && (strings.ContainsRune(" .-", r) || devices.MatchString(name)) || i+n == len(name) && (r == ' ' || r == '.') {
			for _, c := range []byte(name[i : i+n]) {
				fmt.Fprintf(&b, "%%%02X", c)
			}
			continue
		}
		b.WriteRune(r)
	}
	out, sum := b.String(), fmt.Sprintf("~%.8x", sha256.Sum256([]byte(name)))
	if len(out) > maxFolder {
		out = strings.ToValidUTF8(out[:maxFolder-len(sum)], "")
	} else if name == Folded(name) && name != "" {
		return out
	}
	return out + sum
}

// Escaped returns a text of lines as a terminal may show it: characters that it would obey, or that leave no
// ink, become escapes of Go. Joiners stay where a word needs them.
func Escaped(text string) string { return escape(text, false) }

// escape is [Escaped]. Within quotes, line breaks and quotation marks get escapes also.
func escape(s string, quoted bool) string {
	var b strings.Builder
	for i, r := range s {
		_, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case n == 1 && r == utf8.RuneError:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case quoted && (r == '\\' || unicode.Is(unicode.Quotation_Mark, r) && r != '\'' && r != '’'): // no apostrophes
			b.WriteString(`\` + string(r))
		case r == '\n' && !quoted, !blank(r), joins(r) && needed(s, i):
			b.WriteRune(r)
		default:
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
	}
	return b.String()
}

// nearby is how many bytes before and after a joiner decide whether a word needs it. Chosen: 4 characters.
const nearby = 16

// needed reports whether the rules of PRECIS allow the joiner at byte i of s.
func needed(s string, i int) bool {
	inWord := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsMark(r) }
	head, tail := s[max(0, i-nearby):i], s[i+len("\u200c"):]
	tail = tail[:min(nearby, len(tail))]
	head, tail = head[len(strings.TrimRightFunc(head, inWord)):], tail[:len(tail)-len(strings.TrimLeftFunc(tail, inWord))]
	_, err := freeform.String(head + s[i:i+len("\u200c")] + tail)
	return err == nil
}

// Shown returns a name from outside as a text may have it. A name with characters that get escapes, quotation
// marks, or spaces at the ends or side by side, is put between “ and ”.
func Shown(name string) string {
	out := escape(name, true)
	if strings.Trim(name, " ") != name || strings.Contains(name, "  ") || strings.ReplaceAll(out, `\\`, `\`) != name {
		return Quoted(name)
	}
	return name
}

// Quoted is [Shown] with quotation marks whatever the name is.
func Quoted(name string) string { return "“" + escape(name, true) + "”" }

// InSentence is [Shown] for a sentence. Names of three words or more are between quotation marks also. So are names
// with the punctuation of sentences, and names that are written from right to left.
func InSentence(name string) string {
	if out := Shown(name); out != name || len(strings.Fields(name)) < 3 && !sentential.MatchString(name) {
		return out
	}
	return Quoted(name)
}

var sentential = regexp.MustCompile(`[.,:;!?](?: |$)|[、。，．：；！？।॥‚—–…]|[\p{Arabic}\p{Hebrew}\p{Syriac}\p{Thaana}\p{Nko}\p{Adlam}]`)

// ShellLine joins arguments into a command line for a POSIX shell. Arguments that are empty, or have other characters
// than letters, digits and -_=+,./:@%, are in single quotes. Arguments that a terminal would obey are in $'…'.
func ShellLine(args ...string) string {
	out := make([]string, len(args))
	for i, a := range args {
		if Escaped(a) != a || strings.Contains(a, "\n") {
			escaped := strconv.QuoteToASCII(a)
			a = "$'" + strings.ReplaceAll(escaped[1:len(escaped)-1], "'", `\'`) + "'"
		} else if a == "" || strings.ContainsFunc(a, func(r rune) bool {
			return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+,./:@%", r)
		}) {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		out[i] = a
	}
	return strings.Join(out, " ")
}

// EscapedJSON returns JSON in which characters of strings that a terminal or a browser would obey are escapes.
func EscapedJSON(data []byte) []byte {
	var out []byte
	from := 0 // data up to from is in out
	for i := 0; i < len(data); {
		if data[i] == '\n' || ' ' <= data[i] && data[i] <= '~' { // most of it
			i++
			continue
		}
		r, n := utf8.DecodeRune(data[i:])
		if blank(r) {
			out = append(out, data[from:i]...)
			if r > 0xffff {
				hi, lo := utf16.EncodeRune(r)
				out = fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
			} else {
				out = fmt.Appendf(out, `\u%04x`, r)
			}
			from = i + n
		}
		i += n
	}
	return append(out, data[from:]...)
}
