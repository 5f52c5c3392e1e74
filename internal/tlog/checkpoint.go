package tlog

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxText is the maximum size of a checkpoint with its signatures, bytes. Real checkpoints take
// some hundred bytes; a post-quantum signature takes up to 5 kB.
const maxText = 64 << 10

// A Checkpoint is the body of a C2SP tlog-checkpoint: what a log says it holds.
type Checkpoint struct {
	Origin     string   // the log's name, one line; also the name of its key
	Size       uint64   // leaves, at most [MaxSize]
	Root       Hash     // over the first Size leaves
	Extensions []string // further lines, each with text; our logs write none, since no proof covers them
}

// Body returns the text that is signed: lines with the origin, the size in decimal, the root in
// base64, and the extensions. It checks nothing. [Checkpoint.Sign] refuses a checkpoint that
// [ParseCheckpoint] would not read back from this text.
func (c Checkpoint) Body() string {
	lines := append([]string{
		c.Origin,
		strconv.FormatUint(c.Size, 10),
		base64.StdEncoding.EncodeToString(c.Root[:]),
	}, c.Extensions...)
	return strings.Join(lines, "\n") + "\n"
}

// ParseCheckpoint reads the body of a checkpoint, without signatures. A body has one form only:
// Body of the result returns the same bytes. The size must be in range, and the root of size 0
// must be the empty root. The error wraps [ErrCheckpoint].
func ParseCheckpoint(body string) (Checkpoint, error) {
	bad := func(what string) (Checkpoint, error) {
		return Checkpoint{}, fmt.Errorf("%w: %s", ErrCheckpoint, what)
	}
	if len(body) > maxText {
		return bad(fmt.Sprintf("%d bytes, the limit is %d", len(body), maxText))
	}
	text, ended := strings.CutSuffix(body, "\n")
	lines := strings.Split(text, "\n")
	if !ended || len(lines) < 3 {
		return bad("less than three lines")
	}
	for _, l := range lines {
		if !isLine(l) {
			return bad("a line that is empty or not text")
		}
	}
	size, err := strconv.ParseUint(lines[1], 10, 63)
	if err != nil {
		return bad("the size is no number in range")
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != len(Hash{}) {
		return bad("the root is no hash")
	}
	c := Checkpoint{Origin: lines[0], Size: size, Root: Hash(root)}
	if len(lines) > 3 {
		c.Extensions = lines[3:]
	}
	if c.Body() != body {
		return bad("the size or the root is written in an unusual way")
	}
	if c.Size == 0 && c.Root != EmptyRoot() {
		return bad("no leaves, but a root")
	}
	return c, nil
}

// isLine says whether s can be a line of a note: some text without control characters.
func isLine(s string) bool {
	return s != "" && utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return r < ' ' }) < 0
}
