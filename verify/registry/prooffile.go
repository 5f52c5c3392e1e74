package registry

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/kycmark/kycmark/internal/store"
	"github.com/kycmark/kycmark/internal/tlog"
)

// proofFormat names the meaning of a proof's fields; it never changes.
const proofFormat = "kycmark proof v1"

// maxProof is the most that a proof may have, bytes: a copy with a hundred receipts
// has some 300 kB.
const maxProof = 16 << 20

// wireProof is a proof as one line of JSON. There is one way to write each: whatever would be
// written otherwise than it stands is refused. Sum is SHA-256, in hex, of the same
// JSON with an empty Sum: it finds accidents in what no key is given for.
type wireProof struct {
	Format      string      `json:"format"`
	Key         string      `json:"key"`
	Checkpoints []string    `json:"checkpoints"`
	Entries     []wireEntry `json:"entries"`
	Sum         string      `json:"sum"`
}

// wireEntry is a row, the salt of its commitment, its entry, and the hashes from the
// entry's leaf upwards to the root of a checkpoint.
type wireEntry struct {
	Entry      string          `json:"entry"`
	Checkpoint int             `json:"checkpoint"`
	Path       []string        `json:"path"`
	Salt       string          `json:"salt"`
	Copy       *Copy           `json:"copy,omitempty"`
	MarkKey    *wireKey        `json:"mark_key,omitempty"`
	Receipt    *Receipt        `json:"receipt,omitempty"`
	Submission *wireSubmission `json:"submission,omitempty"`

	Investigation *Investigation `json:"investigation,omitempty"`

	seq int64
}

// wireKey is what the ledger commits to of a mark key.
type wireKey struct {
	ID         string    `json:"key_id"`
	Commitment string    `json:"commitment"`
	Added      time.Time `json:"added"`
}

// wireSubmission is all that the ledger commits to of a submission.
type wireSubmission struct {
	Submission
	Decoder     string `json:"decoder"`
	Area        string `json:"area"`
	Chain       string `json:"chain"`
	AreaQuality int    `json:"area_quality"`
	Kept        bool   `json:"kept"`
	Rendition   string `json:"rendition,omitempty"`
}

func wireKeyOf(k store.MarkKey) *wireKey {
	return &wireKey{ID: k.ID, Commitment: hex.EncodeToString(k.Commitment[:]), Added: k.Since}
}

func wireSubmissionOf(s *store.Submission) *wireSubmission {
	w := &wireSubmission{Submission: *publicSubmission(s),
		Decoder: s.Decoder, Area: s.Area, Chain: s.Chain, AreaQuality: s.AreaQuality, Kept: s.Kept}
	if s.Rendition != [32]byte{} {
		w.Rendition = hex.EncodeToString(s.Rendition[:])
	}
	return w
}

func (p wireProof) encode() ([]byte, error) {
	p.Sum = ""
	data, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("proof: %w", err)
	}
	sum := sha256.Sum256(data)
	p.Sum = hex.EncodeToString(sum[:])
	data, err = json.Marshal(p)
	return append(data, '\n'), err
}

func parseProof(data []byte) (*wireProof, error) {
	if len(data) > maxProof {
		return nil, fmt.Errorf("%w: %d bytes, the limit is %d", ErrProof, len(data), maxProof)
	}
	var p wireProof
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p); err != nil {
		return nil, fmt.Errorf("%w: it is no proof: %w", ErrProof, err)
	}
	if p.Format != proofFormat {
		return nil, fmt.Errorf("%w: its format is %.40q, not %q", ErrProof, p.Format, proofFormat)
	}
	if len(p.Entries) == 0 {
		return nil, fmt.Errorf("%w: it has no entry", ErrProof)
	}
	again, err := p.encode()
	if err != nil || !bytes.Equal(again, data) {
		return nil, fmt.Errorf("%w: it was edited after it was written", ErrProof)
	}
	return &p, nil
}

// holds checks a row against its entry and the entry against its checkpoint, and
// returns its number.
func (w *wireEntry) holds(signed []tlog.Checkpoint) (int64, error) {
	fail := func(err error) (int64, error) { return 0, fmt.Errorf("%w: %w", ErrProof, err) }
	e, err := store.ParseEntry([]byte(w.Entry))
	if err != nil {
		return fail(err)
	}
	if x := w.Investigation; x != nil && x.Entry != e.Seq {
		return fail(fmt.Errorf("entry %d is said to be %d", e.Seq, x.Entry))
	}
	row, err := w.row()
	if err != nil {
		return fail(fmt.Errorf("entry %d: %w", e.Seq, err))
	}
	want := row.Entry()
	want.Seq = e.Seq
	if !bytes.Equal(want.Encode(), []byte(w.Entry)) {
		return fail(fmt.Errorf("entry %d is not that of the row", e.Seq))
	}
	if !w.says(row) {
		return fail(fmt.Errorf("entry %d does not commit to all that the row says", e.Seq))
	}
	if w.Checkpoint < 0 || w.Checkpoint >= len(signed) || e.Seq < 1 {
		return fail(fmt.Errorf("entry %d has no checkpoint", e.Seq))
	}
	path := make([]tlog.Hash, len(w.Path))
	for i, s := range w.Path {
		if err := unhex("path", path[i][:], s); err != nil {
			return fail(err)
		}
	}
	c := signed[w.Checkpoint]
	if err := tlog.VerifyInclusion(tlog.LeafHash([]byte(w.Entry)), uint64(e.Seq-1), c.Size, path, c.Root); err != nil {
		return fail(err)
	}
	return e.Seq, nil
}

// says reports whether the row stands as it is written of what the ledger commits to: without
// other fields, and to the microsecond.
func (w *wireEntry) says(row store.Row) bool {
	var again wireEntry
	switch x := row.(type) {
	case store.Copy:
		again.Copy = publicCopy(&x)
	case store.MarkKey:
		again.MarkKey = wireKeyOf(x)
	case store.Receipt:
		again.Receipt = publicReceipt(&x)
	case store.Submission:
		again.Submission = wireSubmissionOf(&x)
	case store.Investigation:
		again.Investigation = publicInvestigation(x)
	}
	a, errA := json.Marshal(again)
	b, errB := json.Marshal(wireEntry{Copy: w.Copy, MarkKey: w.MarkKey, Receipt: w.Receipt, Submission: w.Submission, Investigation: w.Investigation})
	return errA == nil && errB == nil && bytes.Equal(a, b)
}

// row is the row as the ledger commits to it.
func (w *wireEntry) row() (store.Row, error) {
	var salt store.Salt
	if err := unhex("salt", salt[:], w.Salt); err != nil {
		return nil, err
	}
	rows := 0
	for _, there := range []bool{w.Copy != nil, w.MarkKey != nil, w.Receipt != nil, w.Submission != nil, w.Investigation != nil} {
		if there {
			rows++
		}
	}
	if rows != 1 {
		return nil, errors.New("it has not one row")
	}
	switch {
	case w.Copy != nil:
		return w.Copy.row(salt)
	case w.MarkKey != nil:
		k := store.MarkKey{ID: w.MarkKey.ID, Since: timestamp(w.MarkKey.Added), Salt: salt}
		return k, unhex("commitment", k.Commitment[:], w.MarkKey.Commitment)
	case w.Receipt != nil:
		x, err := w.Receipt.row()
		x.Salt = salt
		return x.Receipt, err
	case w.Submission != nil:
		return w.Submission.row(salt)
	}
	return w.Investigation.row(salt)
}

func (c *Copy) row(salt store.Salt) (store.Copy, error) {
	x := store.Copy{
		ID: uint64(c.ID), Submission: c.Submission, Recipient: c.Recipient, Purpose: c.Purpose, KeyID: c.KeyID,
		Strength: c.Strength, Margin: c.Margin, Weak: c.Weak, PSNR: c.PSNR, SSIM: c.SSIM, Format: c.Format,
		Width: c.Width, Height: c.Height, Size: c.Size, Issued: timestamp(c.Issued), Actor: c.Actor, Salt: salt,
	}
	return x, unhex("digest", x.SHA256[:], c.SHA256)
}

func (s *wireSubmission) row(salt store.Salt) (store.Submission, error) {
	x := store.Submission{
		ID: s.ID, Size: s.Size, Format: s.Format, Decoder: s.Decoder, Width: s.Width, Height: s.Height,
		Submitted: timestamp(s.Submitted), Received: timestamp(s.Received), Subject: s.Subject, Hash: s.Hash, Area: s.Area, Chain: s.Chain,
		Quality: s.Quality, AreaQuality: s.AreaQuality, Kept: s.Kept, Salt: salt,
	}
	if s.Rendition != "" {
		if err := unhex("rendition", x.Rendition[:], s.Rendition); err != nil {
			return x, err
		}
	}
	return x, unhex("digest", x.SHA256[:], s.SHA256)
}

// proved is the row as it is handed on.
func (w *wireEntry) proved(seq int64) Proved {
	p := Proved{Entry: seq, Checkpoint: w.Checkpoint, Copy: w.Copy, Receipt: w.Receipt, Investigation: w.Investigation}
	if s := w.Submission; s != nil {
		p.Submission = &s.Submission
		p.Submission.Kept = s.Kept
	}
	if k := w.MarkKey; k != nil {
		p.MarkKey = &MarkKey{KeyState: KeyState{KeyID: k.ID}, Commitment: k.Commitment, Added: k.Added}
	}
	return p
}
