package pdf

import (
	"bytes"
	"fmt"
)

// salvage returns the first maxPictures JPEGs of a damaged PDF that are complete streams of their
// own, found by the words around them. It does not decode them. It finds nothing in an encrypted
// file.
func salvage(data []byte, maxPictures int) (out []Picture) {
	begin, end := []byte("stream"), []byte("endstream")
	for rest := data; len(out) < maxPictures; {
		_, after, ok := bytes.Cut(rest, begin)
		if !ok {
			return out
		}
		rest = after
		body := bytes.TrimPrefix(bytes.TrimPrefix(after, []byte("\r")), []byte("\n"))
		if !bytes.HasPrefix(body, []byte("\xff\xd8\xff")) {
			continue
		}
		n := bytes.Index(body, end)
		if n < 0 {
			return out
		}
		out = append(out, Picture{Name: fmt.Sprintf("salvaged%d.jpg", len(out)+1), data: bytes.TrimRight(body[:n], "\r\n")})
		rest = body[n+len(end):]
	}
	return out
}
