package dump

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/kycmark/kycmark/internal/intake"
)

// maxList is the most that a list of names may have, bytes.
const maxList = 64 << 20

// Expand replaces lists among the arguments of a command by the names in them: "@FILE" by
// those in that file, "-" by those on stdin. Names stand one a line, or end with NUL bytes, as
// find -print0 writes them. "./@FILE" is a file whose name begins so.
func Expand(args []string, stdin io.Reader) ([]string, error) {
	var out []string
	for _, a := range args {
		list, isList := strings.CutPrefix(a, "@")
		switch {
		case a == "-":
			names, err := names(stdin)
			if err != nil {
				return nil, fmt.Errorf("list on stdin: %w", err)
			}
			out = append(out, names...)
		case isList:
			f, err := intake.OpenRegular(list)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", list, intake.WithoutPath(err))
			}
			names, err := names(f)
			f.Close()
			if err != nil {
				return nil, fmt.Errorf("%s: %w", list, err)
			}
			out = append(out, names...)
		default:
			out = append(out, a)
		}
	}
	return out, nil
}

func names(r io.Reader) ([]string, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxList+1))
	if err != nil {
		return nil, intake.WithoutPath(err)
	}
	if len(data) > maxList {
		return nil, fmt.Errorf("larger than %d bytes", maxList)
	}
	end := byte('\n')
	if bytes.IndexByte(data, 0) >= 0 {
		end = 0
	}
	var out []string
	for line := range bytes.SplitSeq(bytes.TrimPrefix(data, []byte("\ufeff")), []byte{end}) {
		if end == '\n' {
			line = bytes.TrimSuffix(line, []byte{'\r'})
		}
		if len(line) > 0 {
			out = append(out, string(line))
		}
	}
	return out, nil
}
