package registry

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/tlog"
	"github.com/kycmark/kycmark/verify/books"
)

// proofFormat names the meaning of a proof's fields; it never changes.
const proofFormat = "kycmark proof v1"

// maxProof is the max of a proof, bytes: a copy with 100 receipts has some 300 kB, an investigation 22 bytes a file.
const maxProof = 64 << 20

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
	Entry      string            `json:"entry"`
	Checkpoint int               `json:"checkpoint"`
	Path       []books.Digest    `json:"path"`
	Salt       books.Digest      `json:"salt"`
	Copy       *books.Copy       `json:"copy,omitempty"`
	MarkKey    *records.KeyEntry `json:"mark_key,omitempty"`
	Receipt    *books.Receipt    `json:"receipt,omitempty"`
	Release    *books.Release    `json:"release,omitempty"`
	Submission *wireSubmission   `json:"submission,omitempty"`
	Recipient  *wireRecipient    `json:"recipient,omitempty"`
	Conclusion *books.Conclusion `json:"conclusion,omitempty"`

	Investigation *books.Investigation `json:"investigation,omitempty"`
	Digests       []byte               `json:"digests,omitempty"` // of its files; none: its entry alone is proved
	Copies        []wireCopies         `json:"copies,omitempty"`

	seq   int64
	lists books.Digest // root of the lists; set by holds
}

// wireCopies says how many copies a submission has, and what became of them. From the entry's root of the lists, Nodes
// lead to their list, and ReleaseNodes to the list of their releases. Salts and Entries are of the releases.
type wireCopies struct {
	CopiesEntered
	Head         books.Digest   `json:"head"`
	Nodes        [][]byte       `json:"nodes"`
	Salts        []books.Digest `json:"salts,omitempty"`
	Entries      []int64        `json:"entries,omitempty"`
	ReleaseNodes [][]byte       `json:"release_nodes,omitempty"`
}

// holds checks w against the root of lists. The error wraps nothing.
func (w *wireCopies) holds(root tlog.Hash) error {
	list, err := tlog.CheckList(root, records.CopiesOf(w.Submission), w.Nodes)
	if err == nil && (list != tlog.List{N: w.N, Head: tlog.Hash(w.Head)}) {
		err = fmt.Errorf("it says that there are %d copies of %s, and there are %d", w.N, w.Submission, list.N)
	}
	if err != nil {
		return err
	}
	if len(w.Releases) != len(w.Salts) || len(w.Releases) != len(w.Entries) {
		return fmt.Errorf("it has %d releases, %d salts and %d numbers of entries", len(w.Releases), len(w.Salts), len(w.Entries))
	}
	want, err := tlog.CheckList(root, records.ReleasesOf(w.Submission), w.ReleaseNodes)
	var got tlog.List
	for i, x := range w.Releases { // a copy, whose salt stays unset
		if x.Salt = w.Salts[i]; inexact(x.Entered) {
			return fmt.Errorf("a release of a copy of %s has another time than its entry", w.Submission)
		}
		e := records.EntryOf(x)
		e.Seq = w.Entries[i]
		got = got.Add(e.Item())
	}
	if err == nil && got != want {
		err = fmt.Errorf("it does not say what became of the copies of %s as the ledger does", w.Submission)
	}
	return err
}

// wireSubmission is all that the ledger commits to of a submission.
type wireSubmission struct {
	books.Submission
	books.Details
}

// wireRecipient is a recipient. To the name of a reviewer the ledger commits with Blind.
type wireRecipient struct {
	books.Recipient
	Blind books.Digest `json:"blind,omitzero"`
}

// encode returns the proof as a line of JSON with a line feed, and sets Sum in it.
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

// parseProof reads a proof of up to maxProof bytes that encode wrote, and nothing else. It checks the sum, but
// neither entries nor signatures: [CheckProof] does.
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

// holds checks a row against the commitment of its entry, and the path from the entry to the root of its checkpoint
// in signed. The signatures of signed were checked. It returns the entry's number.
func (w *wireEntry) holds(signed []tlog.Checkpoint) (int64, error) {
	fail := func(err error) (int64, error) { return 0, fmt.Errorf("%w: %w", ErrProof, err) }
	e, err := records.ParseEntry([]byte(w.Entry))
	if err != nil {
		return fail(err)
	}
	if x := w.Investigation; x != nil && x.Entry != e.Seq {
		return fail(fmt.Errorf("entry %d is said to be %d", e.Seq, x.Entry))
	}
	if len(w.Digests) > 0 {
		if w.Investigation == nil || sha256.Sum256(w.Digests) != w.Investigation.Pictures {
			return fail(fmt.Errorf("entry %d is not of these files", e.Seq))
		}
		w.Investigation.Digests = w.Digests
	}
	row, times, err := w.row()
	for i := range w.Copies {
		err = errors.Join(err, w.Copies[i].holds(e.Lists))
	}
	if err != nil {
		return fail(fmt.Errorf("entry %d: %w", e.Seq, err))
	}
	if row != nil {
		want := records.EntryOf(row)
		want.Seq, want.Lists = e.Seq, e.Lists
		if !bytes.Equal(want.Encode(), []byte(w.Entry)) {
			return fail(fmt.Errorf("entry %d is not that of the row", e.Seq))
		}
	} else if e.Lists == (tlog.Hash{}) {
		return fail(fmt.Errorf("entry %d has no lists", e.Seq)) // an entry that follows has them
	}
	w.lists = e.Lists
	if slices.ContainsFunc(times, inexact) || w.Submission != nil && w.Submission.Erased {
		return fail(fmt.Errorf("entry %d does not commit to all that the row says", e.Seq))
	}
	if w.Checkpoint < 0 || w.Checkpoint >= len(signed) || e.Seq < 1 {
		return fail(fmt.Errorf("entry %d has no checkpoint", e.Seq))
	}
	path := each.Of(w.Path, func(h books.Digest) tlog.Hash { return tlog.Hash(h) })
	c := signed[w.Checkpoint]
	if err := tlog.VerifyInclusion(tlog.LeafHash([]byte(w.Entry)), uint64(e.Seq-1), c.Size, path, c.Root); err != nil {
		return fail(err)
	}
	return e.Seq, nil
}

// row returns the only row of w, with the salt of w set, and the times in the row; nil for numbers of copies.
func (w *wireEntry) row() (row records.Row, times []time.Time, err error) {
	rows := 0
	set := func(r records.Row, at ...time.Time) {
		row, times, rows = r, at, rows+1
	}
	if x := copied(w.Copy); x != nil {
		if x.State != "" || x.Bound != (books.Bound{}) {
			return nil, nil, errors.New("its entry does not say what became of the copy, or who dated it")
		}
		x.Salt = books.Salt(w.Salt)
		set(*x, x.Issued)
	}
	if x := w.MarkKey; x != nil {
		x.Salt = books.Salt(w.Salt)
		set(*x, x.Added)
	}
	if x := copied(w.Receipt); x != nil {
		x.Salt = books.Salt(w.Salt)
		set(*x, x.Entered)
	}
	if x := copied(w.Release); x != nil {
		x.Salt = books.Salt(w.Salt)
		set(*x, x.Entered)
	}
	if x := w.Submission; x != nil {
		x.Submission.Details = x.Details
		x.Salt = books.Salt(w.Salt)
		set(x.Submission, x.Submitted, x.Received)
	}
	if x := copied(w.Conclusion); x != nil {
		x.Salt = books.Salt(w.Salt)
		set(*x, x.Entered)
	}
	if w.Recipient != nil {
		x := w.Recipient.Recipient
		if x.Salt = books.Salt(w.Salt); x.Ref != "" {
			x.Digest = records.NameDigest(w.Recipient.Blind, x.Name)
		}
		set(x, x.Added)
	}
	if x := copied(w.Investigation); x != nil {
		x.Salt = books.Salt(w.Salt)
		set(*x, x.Started, x.Found)
	}
	if len(w.Copies) > 0 {
		rows++
	}
	if rows != 1 {
		return nil, nil, errors.New("it has not one row")
	}
	return row, times, nil
}

// copied returns a copy of a row: what is handed on has no salt. Of nil it returns nil.
func copied[T any](row *T) *T {
	if row == nil {
		return nil
	}
	x := *row
	return &x
}

// inexact reports whether t says more than the ledger commits to: a zone other than UTC, or parts of a microsecond.
func inexact(t time.Time) bool {
	_, offset := t.Zone()
	return offset != 0 || !t.Equal(records.Timestamp(t))
}

// proved returns the row of w, of entry seq, as [CheckProof] hands it on. A mark key has no state: no proof shows it.
func (w *wireEntry) proved(seq int64) Proved {
	p := Proved{Entry: seq, Checkpoint: w.Checkpoint, Copy: w.Copy, Receipt: w.Receipt, Release: w.Release, Conclusion: w.Conclusion, Investigation: w.Investigation, Lists: w.lists}
	for _, c := range w.Copies {
		p.Copies = append(p.Copies, c.CopiesEntered)
	}
	if w.Submission != nil {
		p.Submission = &w.Submission.Submission
	}
	if w.Recipient != nil {
		p.Recipient = &w.Recipient.Recipient
	}
	if k := w.MarkKey; k != nil {
		p.MarkKey = &books.MarkKey{KeyState: books.KeyState{KeyID: k.ID}, Commitment: k.Commitment, Added: k.Added}
	}
	return p
}
