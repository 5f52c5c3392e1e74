package tlog

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

const (
	typeCosignature = 4            // C2SP signed-note, signature types
	maxTime         = 253402300799 // seconds: the end of the year 9999
)

// A Cosignature says that a witness signed a checkpoint.
type Cosignature struct {
	Name string    `json:"name"`          // of the witness
	Key  string    `json:"key"`           // its key text, as given to [OpenCheckpoint]
	Time time.Time `json:"time,omitzero"` // of the signature, by the witness's clock, in UTC, whole seconds; zero for a plain signature, which has no time
}

// A cosigner is a [note.Verifier] of the cosignatures v1 of C2SP tlog-cosignature: eight bytes of time, then an Ed25519
// signature of a header, that time and the checkpoint's body.
type cosigner struct {
	note.Verifier // of plain signatures by the same key
	id            uint32
}

// KeyHash returns the ID of the key of type 4, which differs from the ID of the plain key.
func (c cosigner) KeyHash() uint32 { return c.id }

// Verify reports whether sig is a cosignature of the checkpoint body: 8 bytes of time (seconds since 1970, big endian),
// then 64 bytes of Ed25519. Times after the year 9999 are refused. Verify compares the time with no clock.
func (c cosigner) Verify(body, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	at := binary.BigEndian.Uint64(sig)
	return at <= maxTime && c.Verifier.Verify(fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", at, body), sig[8:])
}

// A key verifies the signatures of a log or of a witness.
type key struct {
	note.Verifier
	text    string
	ed25519 [ed25519.PublicKeySize]byte
	timed   bool // signs cosignatures rather than plain signatures
}

// parseKeys returns the log's public key and then the keys of the witnesses, in their order. public must be a plain
// key; a witness's key may be plain or a cosigner's. Two keys with the same Ed25519 key are an error. Errors wrap
// [ErrKey] and do not repeat a text that is no public key.
func parseKeys(public string, witnesses []string) ([]key, error) {
	keys := make([]key, 0, 1+len(witnesses))
	have := map[[ed25519.PublicKeySize]byte]bool{}
	for i, text := range append([]string{public}, witnesses...) {
		k, ok := parseKey(text)
		switch {
		case !ok && i == 0: // the text stays out of errors: it may be a private key, by mistake
			return nil, fmt.Errorf("%w: not the public key of a log", ErrKey)
		case !ok:
			return nil, fmt.Errorf("%w: witness %d of %d is not a public key", ErrKey, i, len(witnesses))
		case i == 0 && k.timed:
			return nil, fmt.Errorf("%w: %q is a witness's, not a log's", ErrKey, text)
		}
		if have[k.ed25519] { // a cosignature does not cover its witness's name, so one could count twice
			return nil, fmt.Errorf("%w: %q holds the same Ed25519 key as another", ErrKey, text)
		}
		have[k.ed25519] = true
		keys = append(keys, k)
	}
	return keys, nil
}

// IsKey reports whether a text is the private key of a log, or the public key of a log or a witness.
func IsKey(text string, private bool) bool {
	if !private {
		_, ok := parseKey(text)
		return ok
	}
	parts := strings.Split(text, "+") // PRIVATE, KEY, name, hash of the public half, base64 of type and seed
	if _, err := note.NewSigner(text); err != nil {
		return false
	}
	typed, err := base64.StdEncoding.DecodeString(strings.Join(parts[4:], "+"))
	if err != nil || len(typed) != 1+ed25519.SeedSize {
		return false
	}
	public, err := note.NewEd25519VerifierKey(parts[2], ed25519.NewKeyFromSeed(typed[1:]).Public().(ed25519.PublicKey))
	return err == nil && strings.HasPrefix(public, parts[2]+"+"+parts[3]+"+")
}

// parseKey reads a public key: name, eight hex digits, and base64 of the signature type and the Ed25519 key, with "+"
// between them. The digits must be the hash of name and key. It returns false for any other text, a private key also.
func parseKey(text string) (key, bool) {
	parts := strings.SplitN(text, "+", 3)
	if len(parts) < 3 || !isLine(text) {
		return key{}, false
	}
	name, id := parts[0], parts[1]
	typed, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(typed) != 1+ed25519.PublicKeySize {
		return key{}, false
	}
	k := key{text: text, ed25519: [ed25519.PublicKeySize]byte(typed[1:]), timed: typed[0] == typeCosignature}
	if !k.timed {
		if k.Verifier, err = note.NewVerifier(text); err != nil {
			return key{}, false
		}
		return k, true
	}
	sum := sha256.Sum256(append([]byte(name+"\n"), typed...))
	if !strings.EqualFold(id, fmt.Sprintf("%x", sum[:4])) {
		return key{}, false
	}
	plain, err := note.NewEd25519VerifierKey(name, typed[1:])
	if err != nil {
		return key{}, false
	}
	v, err := note.NewVerifier(plain)
	if err != nil {
		return key{}, false
	}
	k.Verifier = cosigner{v, binary.BigEndian.Uint32(sum[:])}
	return k, true
}

// verify checks every signature of the note n that names the key. found says whether there is such a signature. at is
// the earliest time of the cosignatures; it is zero for plain signatures. If any of these signatures does not hold, the
// error wraps [ErrCheckpoint]. Signatures by other keys are ignored.
func (k key) verify(n *note.Note) (at time.Time, found bool, err error) {
	for _, s := range n.UnverifiedSigs {
		if s.Name != k.Name() || s.Hash != k.KeyHash() {
			continue
		}
		raw, err := base64.StdEncoding.Strict().DecodeString(s.Base64)
		if err != nil || !k.Verify([]byte(n.Text), raw[4:]) {
			return time.Time{}, false, fmt.Errorf("%w: the signature by %q does not hold", ErrCheckpoint, k.text)
		}
		if k.timed {
			signed := time.Unix(int64(binary.BigEndian.Uint64(raw[4:])), 0).UTC()
			if !found || signed.Before(at) {
				at = signed
			}
		}
		found = true
	}
	return at, found, nil
}
