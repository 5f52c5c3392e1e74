package dump

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// maxType is the maximum length of the type of a picture in a web page, such as "image/jpeg;base64",
// bytes.
const maxType = 100

// drawings are types of pictures that web pages hold for their buttons.
var drawings = []string{"svg+xml", "x-icon", "vnd.microsoft.icon"}

// inPage calls each for the pictures in a web page itself: addresses that begin "data:image/" (RFC 2397),
// in base64. Drawings are passed over. It ends at an error of each, or of r.
func inPage(r io.Reader, each lister) error {
	b := bufio.NewReaderSize(r, 1<<16)
	for n := 0; ; {
		_, err := b.ReadSlice(':')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		head, _ := b.Peek(maxType)
		comma := bytes.IndexByte(head, ',')
		kind, is := bytes.CutPrefix(bytes.ToLower(head[:max(comma, 0)]), []byte("image/"))
		kind, coded := bytes.CutSuffix(kind, []byte(";base64"))
		name, _, _ := strings.Cut(string(kind), ";")
		if !is || !coded || slices.Contains(drawings, name) || strings.ContainsAny(name, "!#/\\ \"'<>") {
			continue
		}
		b.Discard(comma + 1)
		n++
		if err := each(fmt.Sprintf("picture %d.%s", n, name), true, base64.NewDecoder(base64.RawStdEncoding, &inAddress{b})); err != nil {
			return err
		}
	}
}

// inAddress reads the base64 of an address up to its end. White space and the signs of percent encoding
// are dropped, as browsers do. "=" ends it.
type inAddress struct{ r *bufio.Reader }

// Read reads characters of base64.
func (a *inAddress) Read(out []byte) (n int, err error) {
	for n < len(out) {
		c, err := a.r.ReadByte()
		if err != nil {
			return n, err
		}
		if c == '%' {
			two, _ := a.r.Peek(2)
			switch strings.ToUpper(string(two)) {
			case "2B":
				c = '+'
			case "2F":
				c = '/'
			case "0A", "0D", "20":
				c = ' '
			case "3D":
				c = '='
			}
			if c != '%' {
				a.r.Discard(2)
			}
		}
		switch {
		case c == ' ' || c == '\n' || c == '\r' || c == '\t':
		case c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '/':
			out[n] = c
			n++
		default:
			a.r.UnreadByte()
			if n == 0 {
				return 0, io.EOF
			}
			return n, nil
		}
	}
	return n, nil
}
