package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/tlog"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

// A Proof is what [CheckProof] found proved: that the ledger holds the entries of these rows, as they stand here.
type Proof struct {
	Key         string             `json:"key"`         // public text of the ledger's key, as the proof brings it
	Checkpoints []books.Checkpoint `json:"checkpoints"` // that the entries were proved under, by size
	Entries     []Proved           `json:"entries"`     // the row that was asked for first
}

// Proved is one row, its entry, and the checkpoint that covers it. One of Copy, MarkKey, Receipt, Release, Submission,
// Recipient, Conclusion, Investigation and Copies is set. The state of a copy is that of the releases in its proof.
type Proved struct {
	Entry      int64             `json:"entry"`      // its number, from 1
	Checkpoint int               `json:"checkpoint"` // which of [Proof.Checkpoints]
	Copy       *books.Copy       `json:"copy,omitempty"`
	MarkKey    *books.MarkKey    `json:"mark_key,omitempty"`
	Receipt    *books.Receipt    `json:"receipt,omitempty"`
	Release    *books.Release    `json:"release,omitempty"`
	Submission *books.Submission `json:"submission,omitempty"`
	Recipient  *books.Recipient  `json:"recipient,omitempty"`
	Conclusion *books.Conclusion `json:"conclusion,omitempty"`

	Investigation *books.Investigation `json:"investigation,omitempty"`

	// Lists is the root of the lists that the ledger commits to, with this entry; zeros: none. Copies says how
	// many copies had been issued of submissions when the entry was made.
	Lists  books.Digest    `json:"lists,omitzero"`
	Copies []CopiesEntered `json:"copies,omitempty"`
}

// CopiesEntered says how many copies of a submission are in the ledger, and what became of them.
type CopiesEntered struct {
	Submission watermark.Submission `json:"submission"`
	N          uint64               `json:"n"`
	Releases   []books.Release      `json:"releases,omitempty"` // all of them, in the order of entry
}

// StateAt returns the state of the copy c of the submission, as [StatesAt] sets it.
func (e *CopiesEntered) StateAt(c books.Copy, found time.Time) string {
	records.SetState(&c, e.Releases, found)
	return c.State
}

// StatesAt sets the states of copies of one submission to those at the time of a find: what was entered later accuses no
// party, and rules none out. Copies that were issued after the find keep their state; so do all if found is zero: not known.
func StatesAt(ctx context.Context, r *Registry, copies []books.Copy, found time.Time) error {
	if found.IsZero() || len(copies) == 0 {
		return nil
	}
	releases, err := r.store.Releases(ctx, copies[0].Submission)
	for i := range copies {
		records.SetState(&copies[i], releases, found)
	}
	return err
}

// Void counts the copies that are void, or were at the time of a find, which may be zero.
func (e *CopiesEntered) Void(found time.Time) (n uint64) {
	once := make(map[watermark.CopyID]bool)
	for _, r := range e.Releases {
		c := books.Copy{ID: r.Copy}
		if !once[c.ID] && (e.StateAt(c, time.Time{}) == books.CopyVoid || e.StateAt(c, found) == books.CopyVoid) {
			n++
		}
		once[c.ID] = true
	}
	return n
}

// Prove writes a proof, as a line of JSON, that the copy id is in the ledger. The proof has the rows of the copy, its
// mark key, its receipts and its releases. Each row comes with the salt of its commitment, its entry, and the path from
// the entry to the root of a signed checkpoint. public is the public text of the ledger's key, "name+hash+key". Of
// several checkpoints Prove takes the first, and prefers a checkpoint with a witness's signature or a timestamp. The
// error wraps [ErrNotFound] if there is no such copy, and [ErrProof] if no kept checkpoint covers an entry. It wraps
// [ErrTampered] if the proof does not hold under public. The proof does not reveal whose upload the copy was made from.
func (l *Ledger) Prove(ctx context.Context, id watermark.CopyID, public string) ([]byte, error) {
	c, err := l.r.store.Copy(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("copy %s: %w", id, err)
	}
	bare := *c
	bare.State, bare.Bound = "", books.Bound{} // releases and witnesses show them
	rows := []wireEntry{{Copy: &bare, Salt: c.Salt, seq: c.Seq}}
	keys, err1 := l.r.store.MarkKeys(ctx)
	receipts, err2 := l.r.store.Receipts(ctx, id)
	releases, err3 := l.r.store.Releases(ctx, c.Submission)
	if err := cmp.Or(err1, err2, err3); err != nil {
		return nil, err
	}
	for _, k := range keys {
		if k.ID == c.KeyID {
			rows = append(rows, wireEntry{MarkKey: &k, Salt: k.Salt, seq: k.Seq})
		}
	}
	for _, x := range receipts {
		rows = append(rows, wireEntry{Receipt: &x, Salt: x.Salt, seq: x.Seq})
	}
	for _, x := range releases {
		if x.Copy == id {
			rows = append(rows, wireEntry{Release: &x, Salt: x.Salt, seq: x.Seq})
		}
	}
	return proving{l.r, public}.of(ctx, rows)
}

// ProveSubmission is [Ledger.Prove] for an upload. The proof holds its subject reference and its
// hashes, since the commitment does: it is personal data. The reference is that of the upload's own
// entry; a later reference has an entry of its own. The error wraps [ErrErased] for an
// erased upload, which cannot be proved, and [ErrNotFound] if there is no such upload.
func (l *Ledger) ProveSubmission(ctx context.Context, id watermark.Submission, public string) ([]byte, error) {
	s, err := l.r.store.Submission(ctx, id)
	if err == nil && s.Erased {
		err = ErrErased
	}
	if err != nil {
		return nil, fmt.Errorf("submission %s: %w", id, err)
	}
	entered := records.AsEntered(*s)
	return proving{l.r, public}.of(ctx, []wireEntry{{Submission: &wireSubmission{entered, entered.Details}, Salt: s.Salt, seq: s.Seq}})
}

// ProveRecipient is [Ledger.Prove] for a recipient by its name, or for a reviewer by its reference. The proof has the
// name, which is personal data. The error wraps [ErrErased] if the name was erased, or [ErrNotFound].
func ProveRecipient(ctx context.Context, l *Ledger, name, public string) ([]byte, error) {
	all, err := l.r.store.Recipients(ctx)
	if err != nil {
		return nil, err
	}
	x, err := find(all, name, func(x books.Recipient) bool { return cmp.Or(x.Ref, x.Name) == name })
	if err != nil {
		return nil, err
	}
	return proving{l.r, public}.of(ctx, []wireEntry{{Recipient: &wireRecipient{*x, x.Blind}, Salt: x.Salt, seq: x.Seq}})
}

// ProveConclusion is [Ledger.Prove] for a conclusion that says what c says. The error wraps [ErrNotFound] if the ledger has no such conclusion.
func ProveConclusion(ctx context.Context, l *Ledger, c *books.Conclusion, public string) ([]byte, error) {
	all, err := l.r.store.Conclusions(ctx)
	if x := each.Find(all, func(x *books.Conclusion) bool { return x.Says(c) }); x != nil {
		return proving{l.r, public}.of(ctx, []wireEntry{{Conclusion: x, Salt: x.Salt, seq: x.Seq}})
	}
	return nil, cmp.Or(err, fmt.Errorf("conclusion of investigation %d: %w", c.Investigation, ErrNotFound))
}

// ProveInvestigation is [Ledger.Prove] for an investigation. entry is the number of its entry in
// the ledger, from 1. With files the proof has Digests. The error wraps [ErrNotFound] if that entry is not of an investigation.
func (l *Ledger) ProveInvestigation(ctx context.Context, entry int64, public string, files bool) ([]byte, error) {
	rows, err := l.r.store.Investigations(ctx)
	if err != nil {
		return nil, err
	}
	for _, x := range rows {
		if x.Entry == entry {
			row := wireEntry{Investigation: &x, Salt: x.Salt, seq: x.Entry}
			if files {
				row.Digests = x.Digests
			}
			return proving{l.r, public}.of(ctx, []wireEntry{row})
		}
	}
	return nil, fmt.Errorf("investigation %d: %w", entry, ErrNotFound)
}

// ProveCopies is [Ledger.Prove] for the number of copies, also 0, that were ever issued of each submission in of, and for
// what became of them. The proof names no recipient, and rests on the last entry. Others may enter more meanwhile: ProveCopies
// calls sign when that entry is known, to sign the state of the ledger; nil signs nothing.
func (l *Ledger) ProveCopies(ctx context.Context, of []watermark.Submission, public string, sign func(context.Context) error) ([]byte, error) {
	var names []string
	for _, id := range of {
		names = append(names, records.CopiesOf(id), records.ReleasesOf(id))
	}
	size, root, proofs, err := l.r.store.ProveLists(ctx, names)
	if err != nil {
		return nil, err
	}
	p, row := proving{l.r, public}, wireEntry{seq: size}
	for i, id := range of {
		list, err := tlog.CheckList(root, names[2*i], proofs[2*i])
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrTampered, err)
		}
		releases, err := p.releasesIn(ctx, id, root, proofs[2*i+1])
		if err != nil {
			return nil, err
		}
		c := wireCopies{CopiesEntered: CopiesEntered{id, list.N, releases}, Head: list.Head, Nodes: proofs[2*i], ReleaseNodes: proofs[2*i+1]}
		for _, x := range releases {
			c.Salts, c.Entries = append(c.Salts, x.Salt), append(c.Entries, x.Seq)
		}
		row.Copies = append(row.Copies, c)
	}
	if sign != nil {
		if err := sign(ctx); err != nil {
			return nil, err
		}
	}
	return p.of(ctx, []wireEntry{row})
}

// A proving makes a proof for readers who have a public key of the ledger.
type proving struct {
	*Registry
	public string
}

// releasesIn returns the releases of a submission's copies that lists with this root have, and no later ones.
func (p proving) releasesIn(ctx context.Context, of watermark.Submission, root tlog.Hash, proof [][]byte) ([]books.Release, error) {
	list, err := tlog.CheckList(root, records.ReleasesOf(of), proof)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTampered, err)
	}
	all, err := p.store.Releases(ctx, of)
	if err == nil && uint64(len(all)) < list.N {
		err = fmt.Errorf("%w: releases of copies of %s are missing", ErrTampered, of)
	}
	if err != nil {
		return nil, err
	}
	return all[:list.N], nil
}

// of writes a proof of rows, the requested row first, and checks it like a reader. It sets Entry, Path and Checkpoint.
func (p proving) of(ctx context.Context, rows []wireEntry) ([]byte, error) {
	kept, err := p.store.Checkpoints(ctx)
	if err != nil {
		return nil, err
	}
	used := make([]int, len(rows)) // checkpoints
	for i, row := range rows {
		if used[i] = covering(kept, row.seq); used[i] < 0 {
			return nil, fmt.Errorf("%w: no signed checkpoint covers entry %d yet", ErrProof, row.seq)
		}
		if err := p.path(ctx, &rows[i], kept[used[i]]); err != nil {
			return nil, err
		}
	}
	of := slices.Compact(slices.Sorted(slices.Values(used)))
	out := wireProof{Format: proofFormat, Key: p.public, Entries: rows}
	out.Checkpoints = each.Of(of, func(i int) string { return kept[i].Text })
	for i := range rows {
		rows[i].Checkpoint = slices.Index(of, used[i])
	}
	data, err := out.encode()
	if err != nil {
		return nil, err
	}
	if _, err := CheckProof(data, p.public); errors.Is(err, ErrProof) {
		return nil, fmt.Errorf("%w: %w", ErrTampered, err)
	} else if err != nil {
		return nil, err
	}
	return data, nil
}

// covering returns the index in kept, sorted by size, of the checkpoint under which the entry seq is proved: the
// first that covers the entry and has a timestamp or two or more signers, else the first that covers it; -1: none.
func covering(kept []books.Checkpoint, seq int64) int {
	first := -1
	for i, c := range kept {
		if c.Size < seq {
			continue
		}
		if len(c.Stamp) > 0 || len(describe(c, "", nil).Signers) > 1 {
			return i
		}
		if first < 0 {
			first = i
		}
	}
	return first
}

// path sets Entry and Path of row: the entry with the number row.seq, and its hashes up to the root of c.
func (p proving) path(ctx context.Context, row *wireEntry, c books.Checkpoint) error {
	entries, err := p.store.Entries(ctx, row.seq-1, 1)
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return fmt.Errorf("%w: entry %d is missing", ErrTampered, row.seq)
	}
	row.Entry = string(entries[0])
	path, err := tlog.Inclusion(ctx, uint64(row.seq-1), uint64(c.Size), p.store.Nodes)
	if err != nil {
		return fmt.Errorf("entry %d: %w", row.seq, err)
	}
	row.Path = []books.Digest{}
	for _, h := range path {
		row.Path = append(row.Path, h)
	}
	return nil
}

// CheckProof checks a proof without the registry, and returns its rows. It checks the rows against the entries'
// commitments, and the entries against the checkpoints' roots. It also checks the ledger key's signatures of the
// checkpoints, and the receipts' signatures. public, the text of the ledger's key, should have come by another way than
// the proof. If public is "", CheckProof uses the proof's own key, and the caller must compare [Proof.Key]. Signatures
// of witnesses are checked if their keys are given; a missing one is no error. Timestamps are not in a proof. Every
// byte of a proof counts. Errors wrap [ErrProof], or [ErrLedgerKey] if a key is unusable.
func CheckProof(data []byte, public string, witnesses ...string) (*Proof, error) {
	w, err := parseProof(data)
	if err != nil {
		return nil, err
	}
	if public != "" && public != w.Key {
		return nil, fmt.Errorf("%w: it was made under the key %s, not %s", ErrProof, w.Key, public)
	}
	p := &Proof{Key: w.Key}
	signed := make([]tlog.Checkpoint, len(w.Checkpoints))
	for i, text := range w.Checkpoints {
		c, seen, err := tlog.OpenCheckpoint([]byte(text), w.Key, witnesses...)
		if errors.Is(err, ErrLedgerKey) {
			return nil, err
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrProof, err)
		}
		signed[i] = c
		p.Checkpoints = append(p.Checkpoints, *describe(
			books.Checkpoint{Size: int64(c.Size), Root: c.Root, Text: text}, c.Origin, seen))
	}
	for i := range w.Entries {
		row := &w.Entries[i]
		seq, err := row.holds(signed)
		if err != nil {
			return nil, err
		}
		p.Entries = append(p.Entries, row.proved(seq))
	}
	if err := p.fits(); err != nil {
		return nil, err
	}
	return p, nil
}

// fits checks that the rows belong to each other: one submission, recipient, investigation, conclusion or list of numbers alone, or a
// copy first, with its one mark key, entered before it. Receipts and releases of the copy may follow. fits checks
// the signatures of the receipts, and sets the state of the copy. The error wraps [ErrProof].
func (p *Proof) fits() error {
	first := p.Entries[0]
	if first.Copy == nil {
		if first.MarkKey != nil || first.Receipt != nil || first.Release != nil || len(p.Entries) != 1 {
			return fmt.Errorf("%w: its first row is of a mark key, a receipt or a release, or it has other rows as well", ErrProof)
		}
		return nil
	}
	keys := 0
	var releases []books.Release
	for _, e := range p.Entries[1:] {
		switch {
		case e.MarkKey != nil && e.MarkKey.KeyID == first.Copy.KeyID && e.Entry < first.Entry:
			keys++
		case e.Release != nil && e.Release.Copy == first.Copy.ID && e.Release.Submission == first.Copy.Submission:
			releases = append(releases, *e.Release)
		case e.Receipt != nil && e.Receipt.Copy == first.Copy.ID:
			if !signs(e.Receipt, first.Copy) {
				return fmt.Errorf("%w: %w", ErrProof, errReceipt)
			}
		default:
			return fmt.Errorf("%w: entry %d has nothing to do with copy %s", ErrProof, e.Entry, first.Copy.ID)
		}
	}
	records.SetState(first.Copy, releases, time.Time{})
	if keys != 1 {
		return fmt.Errorf("%w: the mark key of copy %s is missing", ErrProof, first.Copy.ID)
	}
	return nil
}
