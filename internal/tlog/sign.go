package tlog

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"
)

// GenerateKey makes an Ed25519 key of the log with the origin name. The name should look like a URL without its scheme,
// and must not contain spaces, "+" or control characters. Both texts are as in golang.org/x/mod/sumdb/note. private is
// "PRIVATE+KEY+name+hash+key" and must be kept secret; public is "name+hash+key". The error wraps [ErrKey].
func GenerateKey(name string) (private, public string, err error) {
	private, public, err = note.GenerateKey(rand.Reader, name)
	if err != nil {
		return "", "", fmt.Errorf("%w: %w", ErrKey, err)
	}
	if _, err := note.NewVerifier(public); err != nil || !isLine(name) {
		return "", "", fmt.Errorf("%w: the name %q is empty or holds spaces, + or control characters", ErrKey, name)
	}
	return private, public, nil
}

// Sign returns a signed note of the checkpoint: its body and one signature. private is the text that [GenerateKey]
// returned, and the name of the key must be the origin. Sign does not check that the log has this state. Errors wrap
// [ErrKey] or, for a checkpoint that could not be read back, [ErrCheckpoint].
func (c Checkpoint) Sign(private string) (text []byte, err error) {
	signer, err := note.NewSigner(private)
	if err != nil {
		return nil, fmt.Errorf("%w: not the private key of a log", ErrKey)
	}
	if signer.Name() != c.Origin {
		return nil, fmt.Errorf("%w: a key of %q for a checkpoint of %q", ErrKey, signer.Name(), c.Origin)
	}
	body := c.Body()
	if _, err := ParseCheckpoint(body); err != nil {
		return nil, err
	}
	text, err = note.Sign(&note.Note{Text: body}, signer)
	if err != nil {
		return nil, fmt.Errorf("tlog: sign a checkpoint: %w", err)
	}
	return limited(text)
}

// OpenCheckpoint reads a signed checkpoint of the log with the key text public. The log must
// have signed the checkpoint, and the name of its key must be the origin.
//
// witnesses are key texts, either plain Ed25519 (signature type 1) or C2SP tlog-cosignature (type 4). No two keys may
// hold the same Ed25519 key. The result lists the witnesses that signed, each once, in the order given, with its
// earliest time, which dates the checkpoint best. The caller decides how many witnesses are enough.
//
// OpenCheckpoint ignores signatures by other keys. A signature by a known key that does not hold
// is an error. Errors wrap [ErrKey] or [ErrCheckpoint].
func OpenCheckpoint(text []byte, public string, witnesses ...string) (Checkpoint, []Cosignature, error) {
	fail := func(err error) (Checkpoint, []Cosignature, error) { return Checkpoint{}, nil, err }
	keys, err := parseKeys(public, witnesses)
	if err != nil {
		return fail(err)
	}
	n, err := parseNote(text)
	if err != nil {
		return fail(err)
	}
	c, err := ParseCheckpoint(n.Text)
	if err != nil {
		return fail(err)
	}
	if keys[0].Name() != c.Origin {
		return fail(fmt.Errorf("%w: of %q, not of %q", ErrCheckpoint, c.Origin, keys[0].Name()))
	}
	var seen []Cosignature
	for i, k := range keys {
		at, found, err := k.verify(n)
		switch {
		case err != nil:
			return fail(err)
		case i == 0 && !found:
			return fail(fmt.Errorf("%w: not signed by the log's key %s", ErrCheckpoint, public))
		case i > 0 && found:
			seen = append(seen, Cosignature{k.Name(), k.text, at})
		}
	}
	return c, seen, nil
}

// OpenCosigned returns the checkpoint text that a witness signed with a time, and the earliest such time. It needs no
// key of the log. Errors wrap [ErrKey] or [ErrCheckpoint].
func OpenCosigned(text []byte, witness string) (Checkpoint, time.Time, error) {
	k, ok := parseKey(witness)
	if !ok {
		return Checkpoint{}, time.Time{}, fmt.Errorf("%w: not the public key of a witness", ErrKey)
	}
	n, err := parseNote(text)
	if err != nil {
		return Checkpoint{}, time.Time{}, err
	}
	at, _, err := k.verify(n)
	if err == nil && at.IsZero() {
		err = fmt.Errorf("%w: not signed with a time by %s", ErrCheckpoint, witness)
	}
	if err != nil {
		return Checkpoint{}, time.Time{}, err
	}
	c, err := ParseCheckpoint(n.Text)
	return c, at, err
}

// AddSignatures adds the signatures of witnesses to the signed checkpoint text. cosigned is the
// same checkpoint with their signatures, or the signature lines alone, as a C2SP tlog-witness
// answers. Every signature of both is in the result once. AddSignatures checks no signature:
// open the result with [OpenCheckpoint] before it replaces text. Errors wrap [ErrCheckpoint].
func AddSignatures(text, cosigned []byte) ([]byte, error) {
	n, err := parseNote(text)
	if err != nil {
		return nil, err
	}
	if _, err := limited(cosigned); err != nil {
		return nil, err
	}
	if !bytes.Contains(cosigned, []byte("\n\n")) {
		cosigned = append([]byte(n.Text+"\n"), cosigned...)
	}
	more, err := parseNote(cosigned)
	if err != nil {
		return nil, err
	}
	if more.Text != n.Text {
		return nil, fmt.Errorf("%w: signatures of another one", ErrCheckpoint)
	}
	for _, s := range more.UnverifiedSigs {
		if !slices.Contains(n.UnverifiedSigs, s) {
			n.UnverifiedSigs = append(n.UnverifiedSigs, s)
		}
	}
	merged, err := note.Sign(n)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	if _, err := parseNote(merged); err != nil {
		return nil, err // too many now
	}
	return merged, nil
}

// parseNote splits a signed note and checks no signature. All signatures are in UnverifiedSigs of
// the result, in their order; identical signatures are there once. Errors wrap [ErrCheckpoint].
func parseNote(text []byte) (*note.Note, error) {
	if _, err := limited(text); err != nil {
		return nil, err
	}
	_, err := note.Open(text, nil)
	if unverified, ok := errors.AsType[*note.UnverifiedNoteError](err); ok {
		return unverified.Note, nil
	}
	return nil, fmt.Errorf("%w: %w", ErrCheckpoint, err)
}

// limited returns text, or an error that wraps [ErrCheckpoint] if text is longer than [maxText].
func limited(text []byte) ([]byte, error) {
	if len(text) > maxText {
		return nil, fmt.Errorf("%w: %d bytes, the limit is %d", ErrCheckpoint, len(text), maxText)
	}
	return text, nil
}

// maxText is the maximum size of a checkpoint with its signatures, bytes. Real checkpoints take
// some hundred bytes; a post-quantum signature takes up to 5 kB.
const maxText = 64 << 10

// A Checkpoint is the body of a C2SP tlog-checkpoint without extension lines: what a log says it holds.
type Checkpoint struct {
	Origin string // the log's name, one line; also the name of its key
	Size   uint64 // leaves, at most [MaxSize]
	Root   Hash   // over the first Size leaves
}

// Body returns the text that is signed: lines with the origin, the size in decimal, and the root in base64.
// It checks nothing. [Checkpoint.Sign] refuses a checkpoint that [ParseCheckpoint] would not read back from this text.
func (c Checkpoint) Body() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root[:]))
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
	if !ended || len(lines) != 3 {
		return bad("not three lines")
	}
	if slices.ContainsFunc(lines, func(l string) bool { return !isLine(l) }) {
		return bad("a line that is empty or not text")
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
	if c.Body() != body {
		return bad("the size or the root is written in an unusual way")
	}
	if c.Size == 0 && c.Root != EmptyRoot() {
		return bad("no leaves, but a root")
	}
	return c, nil
}

func isLine(s string) bool {
	return s != "" && utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return r < ' ' }) < 0
}
