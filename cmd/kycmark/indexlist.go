package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/kycmark/kycmark/phash"
)

// longestLine bounds a line of a list of hashes: a name and 64 digits.
const longestLine = 64 << 10

// readHashes reads a list of hashes, "-" for standard input, and hands every line
// to each: where it stands, and the name and hash or what is wrong with it. Where
// no name is given, it is where the line stands.
func readHashes(list string, stdin io.Reader, kind phash.Kind, each func(where, name string, h phash.Hash, err error)) error {
	in := stdin
	if list != "-" {
		f, err := openRegular(list)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, longestLine)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimRight(lines.Text(), "\r")
		if strings.TrimSpace(line) == "" {
			continue
		}
		where := fmt.Sprintf("%s:%d", list, n)
		label, digits := where, line
		if i := strings.LastIndexByte(line, '\t'); i >= 0 {
			label, digits = line[:i], line[i+1:]
		}
		h, err := parseHash(digits, kind)
		if err == nil && label == "" {
			err = errors.New("no name before the tab")
		}
		each(where, label, h, err)
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("a line is longer than %d bytes", longestLine)
	} else if err != nil {
		return err
	}
	return nil
}
