package pdf

import (
	"bytes"
	"fmt"
)

// salvage finds the first most JPEGs that are streams of their own. In an encrypted file
// there are none.
func salvage(data []byte, most int) (out []Picture) {
	begin, end := []byte("stream"), []byte("endstream")
	for rest := data; len(out) < most; {
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
