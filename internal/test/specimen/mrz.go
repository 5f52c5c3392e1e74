package specimen

import (
	"strings"
	"time"
)

// The machine readable zone: ICAO Doc 9303, part 3 (characters, names, check
// digits), part 4 (TD3, two lines of 44) and part 5 (TD1, three lines of 30).

const (
	country  = "UTO" // Utopia, the fictional state of the examples in Doc 9303
	td3Width = 44
	td1Width = 30
)

// CheckDigit returns the check digit, '0' to '9', of a field of the machine readable zone. It is a
// sum modulo 10 with the weights 7, 3, 1 (Doc 9303-3 section 4.9). The values are 0-9 for digits,
// 10-35 for letters A-Z and 0 for the filler. Any other byte counts as filler.
func CheckDigit(field string) byte {
	weights := [3]int{7, 3, 1}
	sum := 0
	for i := range len(field) {
		switch c := field[i]; {
		case c >= '0' && c <= '9':
			sum += int(c-'0') * weights[i%3]
		case c >= 'A' && c <= 'Z':
			sum += int(c-'A'+10) * weights[i%3]
		}
	}
	return byte('0' + sum%10)
}

// MRZ returns the lines of the machine readable zone: two of 44 characters for the passport, three
// of 30 for the residence card. It returns nil for the other templates (an identity card has its
// zone on the back).
func (p Person) MRZ(t Template) []string {
	switch t {
	case Passport:
		return p.td3()
	case Residence:
		return p.td1()
	}
	return nil
}

// td3 returns the two lines of 44 characters of a passport, with check digits: Doc 9303-4 section
// 4.2.
func (p Person) td3() []string {
	upper := "P<" + country + NameField(p.Surname, p.Given, td3Width-5)
	number := checked(p.Number(Passport))
	born, expires := checked(mrzDate(p.Born)), checked(mrzDate(p.Expires))
	optional := checked(fill(p.personal(), 14))
	composite := CheckDigit(number + born + expires + optional)
	lower := number + country + born + p.mrzSex() + expires + optional + string(composite)
	return []string{upper, lower}
}

// td1 returns the three lines of 30 characters of a residence card, with check digits: Doc 9303-5
// section 4.2.
func (p Person) td1() []string {
	number := checked(p.Number(Residence)) + fill("", 15)
	born, expires := checked(mrzDate(p.Born)), checked(mrzDate(p.Expires))
	optional := fill("", 11)
	composite := CheckDigit(number + born + expires + optional)
	return []string{
		"IR" + country + number,
		born + p.mrzSex() + expires + country + optional + string(composite),
		NameField(p.Surname, p.Given, td1Width),
	}
}

// personal is the personal number in the passport's optional field.
func (p Person) personal() string { return p.Number(0) }

// mrzSex returns the letter of the sex in the machine readable zone: F, M, or the filler for any
// other.
func (p Person) mrzSex() string {
	if p.Sex == "F" || p.Sex == "M" {
		return p.Sex
	}
	return "<"
}

// checked appends its check digit to a field.
func checked(field string) string { return field + string(CheckDigit(field)) }

// mrzDate returns a date as the machine readable zone has it: YYMMDD.
func mrzDate(t time.Time) string { return t.Format("060102") }

// fill pads a field with fillers at its end, or cuts its end, to n bytes. n must not be negative.
func fill(s string, n int) string {
	if len(s) >= n {
		return s[:n]
	}
	return s + strings.Repeat("<", n-len(s))
}

// NameField returns the name as the zone prints it, exactly n characters of A-Z and '<': surname,
// two fillers, given names. Letters are transliterated as Doc 9303-3 section 6 recommends. A name
// that is too long is cut at the end, and the surname leaves room for one letter of the given
// names. Without a surname the given names take its place. A negative n counts as 0.
func NameField(surname, given string, n int) string {
	n = max(n, 0)
	s, g := mrzWords(surname), mrzWords(given)
	if s == "" {
		s, g = g, ""
	}
	if g == "" {
		return fill(s, n)
	}
	if maxLen := n - 3; len(s) > maxLen {
		s = strings.TrimRight(s[:max(maxLen, 0)], "<") // no third filler before the given names
	}
	return fill(s+"<<"+g, n)
}

// mrzWords turns a name into words of A-Z with one filler between them. Apostrophes and full stops
// vanish, hyphens and spaces part words (Doc 9303-3). A letter without a transliteration also parts
// words.
func mrzWords(name string) string {
	var b strings.Builder
	gap := false
	for _, c := range strings.ToUpper(name) {
		letters := string(c)
		switch {
		case c == '\'' || c == '’' || c == '.':
			continue
		case c < 'A' || c > 'Z':
			letters = transliterations[c]
		}
		if letters == "" {
			gap = b.Len() > 0
			continue
		}
		if gap {
			b.WriteByte('<')
			gap = false
		}
		b.WriteString(letters)
	}
	return b.String()
}

// transliterations are the Latin letters of Doc 9303-3 section 6 A that the
// names of this package and their neighbours use. Where the document leaves a
// choice (Ä as AE or A), the longer form stands.
var transliterations = map[rune]string{
	'À': "A", 'Á': "A", 'Â': "A", 'Ã': "A", 'Ä': "AE", 'Å': "AA", 'Æ': "AE", 'Ā': "A", 'Ă': "A", 'Ą': "A",
	'Ç': "C", 'Ć': "C", 'Ĉ': "C", 'Ċ': "C", 'Č': "C", 'Ď': "D", 'Đ': "D", 'Ð': "D",
	'È': "E", 'É': "E", 'Ê': "E", 'Ë': "E", 'Ē': "E", 'Ĕ': "E", 'Ė': "E", 'Ę': "E", 'Ě': "E",
	'Ĝ': "G", 'Ğ': "G", 'Ġ': "G", 'Ģ': "G", 'Ĥ': "H", 'Ħ': "H",
	'Ì': "I", 'Í': "I", 'Î': "I", 'Ï': "I", 'Ĩ': "I", 'Ī': "I", 'Ĭ': "I", 'Į': "I", 'İ': "I",
	'Ĵ': "J", 'Ķ': "K", 'Ĺ': "L", 'Ļ': "L", 'Ľ': "L", 'Ł': "L", 'Ñ': "N", 'Ń': "N", 'Ņ': "N", 'Ň': "N",
	'Ò': "O", 'Ó': "O", 'Ô': "O", 'Õ': "O", 'Ö': "OE", 'Ø': "OE", 'Ō': "O", 'Ŏ': "O", 'Ő': "O", 'Œ': "OE",
	'Ŕ': "R", 'Ŗ': "R", 'Ř': "R", 'Ś': "S", 'Ŝ': "S", 'Ş': "S", 'Š': "S", 'ß': "SS", 'ẞ': "SS",
	'Ţ': "T", 'Ť': "T", 'Ŧ': "T", 'Þ': "TH",
	'Ù': "U", 'Ú': "U", 'Û': "U", 'Ü': "UE", 'Ũ': "U", 'Ū': "U", 'Ŭ': "U", 'Ů': "U", 'Ű': "U", 'Ų': "U",
	'Ŵ': "W", 'Ý': "Y", 'Ÿ': "Y", 'Ŷ': "Y", 'Ź': "Z", 'Ż': "Z", 'Ž': "Z",
}
