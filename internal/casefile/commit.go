package casefile

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/kycmark/kycmark/verify"
)

// A commitment binds the examiner to the values of one leak: distances, scores, powers, rows. It
// tells nothing of them.
type commitment struct {
	File   string `json:"file"`
	Digest string `json:"commitment"` // SHA-256, hex, of "kycmark leak values v1\n", the salt and the values
}

// An Opening is what opens a commitment. The holder of an opening can compare the values with a
// measurement of their own.
type Opening struct {
	File   string          `json:"file"`
	Salt   string          `json:"salt"`   // 32 random bytes, hex
	Values json.RawMessage `json:"values"` // of the leak, as in the findings
}

// digest returns the digest that commits to the values.
func (o *Opening) digest() (string, error) {
	salt, err := hex.DecodeString(o.Salt)
	if err != nil || len(salt) != sha256.Size {
		return "", fmt.Errorf("%w: the salt of %.100q is not 32 bytes in hex", ErrCase, o.File)
	}
	h := sha256.New()
	fmt.Fprintf(h, "kycmark leak values v1\n%s%s", salt, o.Values)
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Commit returns a commitment to the values of each leak, one a line, and what opens them, one a line
// in the same order. The openings are to be kept: an opening can be handed out alone.
func Commit(f *verify.Findings) (commitments, openings []byte, err error) {
	var c, o bytes.Buffer
	for _, l := range f.Leaks {
		values, err := json.Marshal(l)
		if err != nil {
			return nil, nil, err
		}
		salt := make([]byte, sha256.Size)
		rand.Read(salt)
		x := Opening{File: l.File, Salt: hex.EncodeToString(salt), Values: values}
		digest, _ := x.digest()
		if err := json.NewEncoder(&c).Encode(commitment{l.File, digest}); err != nil {
			return nil, nil, err
		}
		if err := json.NewEncoder(&o).Encode(x); err != nil {
			return nil, nil, err
		}
	}
	return c.Bytes(), o.Bytes(), nil
}

// readCommitments reads the lines of commitments.jsonl. The error wraps [ErrCase].
func readCommitments(text []byte) ([]commitment, error) {
	return lines[commitment](text, commitmentsName)
}

// checkOpenings checks that each opening opens a commitment, and that its values are the values of
// a leak of the findings, unless f is nil. It returns the number of openings. The error wraps
// [ErrCase] and names the file.
func checkOpenings(text []byte, committed []commitment, f *verify.Findings) (int, error) {
	openings, err := lines[Opening](text, "openings")
	if err != nil {
		return 0, err
	}
	known := make(map[commitment]bool)
	for _, c := range committed {
		known[c] = true
	}
	found := make(map[string]bool)
	for _, l := range f.Leaks {
		values, err := json.Marshal(l)
		if err != nil {
			return 0, err
		}
		found[string(values)] = true
	}
	for _, o := range openings {
		digest, err := o.digest()
		switch {
		case err != nil:
			return 0, err
		case !known[commitment{o.File, digest}]:
			return 0, fmt.Errorf("%w: the values of %.100q are not the values that were committed to", ErrCase, o.File)
		case !found[string(o.Values)]:
			return 0, fmt.Errorf("%w: the values of %.100q are not the values of the findings", ErrCase, o.File)
		}
	}
	return len(openings), nil
}

// compare compares the values of each leak of a case with a measurement of the same file by another
// party, if there is one. Names of files and numbers of subjects may differ. It returns the number
// of leaks compared. The error wraps [ErrCase] and names the file and the value.
func compare(f, measured *verify.Findings) (n int, err error) {
	again := make(map[string]map[string]json.RawMessage)
	for i := range measured.Leaks {
		if again[measured.Leaks[i].SHA256], err = valuesOf(measured.Leaks[i]); err != nil {
			return n, err
		}
	}
	for i := range f.Leaks {
		l := f.Leaks[i]
		ours, err := valuesOf(l)
		if err != nil {
			return n, err
		}
		theirs := again[l.SHA256]
		if theirs == nil || l.SHA256 == "" {
			continue
		}
		names := slices.Sorted(maps.Keys(ours))
		for name := range theirs {
			if ours[name] == nil {
				names = append(names, name)
			}
		}
		for _, name := range names {
			if !bytes.Equal(ours[name], theirs[name]) {
				return n, fmt.Errorf("%w: %.100q: %s is %.100s in the case, and was measured as %.100s", ErrCase, l.File, name, ours[name], theirs[name])
			}
		}
		n++
	}
	if n == 0 {
		return 0, fmt.Errorf("%w: no leak of the case was measured again: the SHA-256 of each file differs", ErrCase)
	}
	return n, nil
}

// valuesOf returns the values of a leak by their names in the findings. Words are left out, and the
// values that depend on other leaks or on where the file lies.
func valuesOf(leak any) (out map[string]json.RawMessage, err error) {
	text, err := json.Marshal(leak)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	for _, name := range []string{"file", "cluster", "note", "said"} {
		delete(out, name)
	}
	return out, err
}

// lines reads one JSON value a line. name is for the error, which wraps [ErrCase].
func lines[T any](text []byte, name string) (out []T, err error) {
	for line := range bytes.Lines(text) {
		var x T
		if err := json.Unmarshal(line, &x); err != nil {
			return nil, fmt.Errorf("%w: %s, line %d: %w", ErrCase, name, len(out)+1, err)
		}
		out = append(out, x)
	}
	return out, nil
}
