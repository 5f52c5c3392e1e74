package dump

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/kycmark/kycmark/internal/intake"
)

// maxList is the max size of a list of names in bytes.
const maxList = 64 << 20

// Expand replaces lists among the arguments of a command by the names in them: "@FILE" by those in
// that file, "-" by those on stdin. In a list each name is a line, or ends with a NUL byte, as find
// -print0 writes them. "./@FILE" is a file whose name begins so. Names are not checked, and lists
// in lists are not expanded. The error is of reading a list, or of a list above maxList bytes.
func Expand(args []string, stdin io.Reader) ([]string, error) {
	var out []string
	for _, a := range args {
		list, isList := strings.CutPrefix(a, "@")
		var data []byte
		var err error
		switch {
		case a == "-":
			if data, err = intake.ReadAll(stdin, 0, maxList); err != nil {
				return nil, fmt.Errorf("list on stdin: %w", err)
			}
		case isList:
			if data, err = intake.ReadFile(list, maxList); err != nil {
				return nil, fmt.Errorf("%s: %w", list, intake.WithoutPath(err))
			}
		default:
			out = append(out, a)
			continue
		}
		out = append(out, names(data)...)
	}
	return out, nil
}

// names splits a list into its names, without empty ones: at NUL bytes if there is one, else at
// line ends of either system. A byte order mark at its beginning is dropped.
func names(list []byte) (out []string) {
	end := byte('\n')
	if bytes.IndexByte(list, 0) >= 0 {
		end = 0
	}
	for line := range bytes.SplitSeq(bytes.TrimPrefix(list, []byte("\ufeff")), []byte{end}) {
		if end == '\n' {
			line = bytes.TrimSuffix(line, []byte{'\r'})
		}
		if len(line) > 0 {
			out = append(out, string(line))
		}
	}
	return out
}
