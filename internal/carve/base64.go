package carve

import (
	"bytes"
	"cmp"
	"io"
	"mime"
	"regexp"
	"strings"
	"sync"
)

// sign64 has the value of each sign of base64, of both alphabets of RFC 4648; -1 for others.
var sign64 = func() (v [256]int8) {
	for i := range v {
		v[i] = -1
	}
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		v[c] = int8(i)
	}
	v['-'], v['_'] = 62, 63
	return v
}()

// replaced64 are signs of base64, and line ends, as JSON, addresses, XML and quoted-printable write them.
var replaced64 = []struct {
	written string
	sign    byte
}{
	{`\/`, '/'}, {`\u002b`, '+'}, {`\u002B`, '+'}, {`\u002f`, '/'}, {`\u002F`, '/'}, {`\u003d`, '='}, {`\u003D`, '='},
	{"%2b", '+'}, {"%2B", '+'}, {"%2f", '/'}, {"%2F", '/'}, {"%3d", '='}, {"%3D", '='}, {"%0a", '\n'}, {"%0A", '\n'}, {"%0d", '\n'}, {"%0D", '\n'}, {"%20", '\n'},
	{"&#43;", '+'}, {"&#47;", '/'}, {"&#61;", '='}, {"&#x2b;", '+'}, {"&#x2B;", '+'}, {"&#x2f;", '/'}, {"&#x2F;", '/'}, {"&#x3d;", '='}, {"&#x3D;", '='},
	{"&#10;", '\n'}, {"&#13;", '\n'}, {"&#xa;", '\n'}, {"&#xA;", '\n'}, {"&#xd;", '\n'}, {"&#xD;", '\n'},
	{`\n`, '\n'}, {`\r`, '\n'}, {`\t`, '\n'}, {"\\\n", '\n'}, {"\\\r\n", '\n'}, {"=3D", '='}, {"=2B", '+'}, {"=2F", '/'},
}

// escaped64 returns the sign of base64, or line end, that starts b in another form, and its length there; 0 if none does.
func escaped64(b []byte) (sign byte, n int) {
	if len(b) == 0 || b[0] != '\\' && b[0] != '%' && b[0] != '&' && b[0] != '=' {
		return 0, 0
	}
	for _, r := range replaced64 {
		if bytes.HasPrefix(b, []byte(r.written)) {
			return r.sign, len(r.written)
		}
	}
	return 0, 0
}

// run64 reads base64 up to its end: padding, a foreign sign, an empty line, or a line that starts another file.
type run64 struct {
	s     *stream
	bits  uint32
	held  int  // bits of bits
	n     int  // signs
	line  int  // signs in this line
	from  int  // column at which the first line starts
	width int  // signs in the line before, if a space ended it
	mark  byte // the first sign that only one alphabet has
	over  bool
	joins func([]byte) bool // whether the writing goes on behind the line end with which bytes start
}

func (r *run64) Read(out []byte) (int, error) {
	b := r.s.have(bufferSize / 4)
	end := len(b)
	if end == bufferSize/4 {
		end -= 2 * maxByte
	}
	n, i := 0, 0
	for n < len(out) && i < end && !r.over {
		c, used := b[i], 1
		v := sign64[c]
		if v < 0 {
			if c, used = r.between(b[i:]); used == 0 {
				r.over = true
				break
			}
			if c == 0 {
				i += used
				continue
			}
			v = sign64[c]
		}
		if v > 61 && c != r.mark && !r.fits(c) {
			r.over = true
			break
		}
		i += used
		r.n, r.line = r.n+1, r.line+1
		r.bits, r.held = r.bits<<6|uint32(v), r.held+6
		if r.held >= 8 {
			r.held -= 8
			out[n] = byte(r.bits >> r.held)
			n++
		}
	}
	r.s.skip(i)
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// fits reports whether a sign is of the alphabet of the signs before it.
func (r *run64) fits(c byte) bool {
	standard := func(c byte) bool { return c == '+' || c == '/' }
	r.mark = cmp.Or(r.mark, c)
	return standard(r.mark) == standard(c)
}

// between returns the sign that starts b in another form, or 0, and how far the next sign is; 0: the run ends.
func (r *run64) between(b []byte) (sign byte, used int) {
	switch {
	case b[0] == '=' && (len(b) < 3 || string(b[:3]) != "=3D" && string(b[:3]) != "=2B" && string(b[:3]) != "=2F"):
		line := bytes.TrimPrefix(b[1:], []byte("\r"))
		if r.n > r.line {
			r.from = 0
		}
		if len(line) == 0 || line[0] != '\n' || len(line) > 1 && sign64[line[1]] < 0 || r.n%4 > 1 && r.from+r.line != softLine-1 || coded64(line[1:]) {
			return 0, 0
		}
		r.line = 0
		return 0, len(b) - len(line) + 1
	case b[0] == ' ' && r.line >= minRun && r.line%4 == 0 && (r.n == r.line || r.line == r.width): // lines that were joined
		if len(b) < 2 || sign64[b[1]] < 0 || coded64(b[1:]) {
			return 0, 0
		}
		r.line, r.width = 0, r.line
		return 0, 1
	case b[0] == '\r' || b[0] == '\n':
		ends := 0
		for used < len(b) && used < maxByte && (b[used] == '\r' || b[used] == '\n' || ends > 0 && (b[used] == ' ' || b[used] == '\t')) {
			if b[used] == '\n' {
				ends++
			}
			used++
		}
		if ends > 1 || used >= len(b) || coded64(b[used:]) || r.joins(b) {
			return 0, 0
		}
		r.line = 0
		return 0, used
	}
	switch sign, used = escaped64(b); sign {
	case '\n':
		if used = white(b, used); coded64(b[used:]) {
			return 0, 0
		}
		return 0, used
	case '=':
		return 0, 0
	}
	return sign, used
}

// softLine is the length of a line of quoted-printable, with the sign at its end that joins it to the next (RFC 2045, 6.7).
const softLine = 76

// labels are what names a file beside its writing, the best first: the parameter of a mail or form, and the key of JSON,
// XML, LDIF, a card or an attribute right before it.
var labels = sync.OnceValue(func() []*regexp.Regexp {
	return []*regexp.Regexp{
		regexp.MustCompile(`(?i)(?:file)?name\*?="?([^"\r\n;<>]{1,80})"?[^<>]*$`),
		regexp.MustCompile(`"([\w .-]{1,60})"\s*:\s*\[?\s*"?(?:data:[\w/+.;=-]*,)?$`),
		regexp.MustCompile(`<([\w:.-]{1,60})[^<>]*>\s*$`),
		regexp.MustCompile(`([\w-]{2,60})(?:;[\w=;,/-]*)?::?\s?(?:data:[\w/+.;=-]*,)?$`),
	}
})

// unsafe are signs that a label must not have: they divide names of files, or are of no name.
var unsafe = regexp.MustCompile(`[^\pL\pN ._-]+`)

// label returns the name or key of what is written behind before; "": none.
func label(before []byte) string {
	for _, l := range labels() {
		if m := l.FindSubmatch(before); m != nil {
			name, err := new(mime.WordDecoder).DecodeHeader(string(m[1])) // of a mail
			if err != nil {
				name = string(m[1])
			}
			return strings.TrimSpace(unsafe.ReplaceAllString(strings.ToValidUTF8(name, ""), ""))
		}
	}
	return ""
}
