package registry

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/tlog"
	"github.com/kycmark/kycmark/verify/books"
)

// maxStamp is the most that a timestamp may have, bytes.
const maxStamp = 256 << 10

// AddStamp keeps an RFC 3161 timestamp (DER, up to maxStamp bytes) of the [books.Checkpoint.Body] of
// the kept checkpoint of size entries, and replaces an earlier timestamp. It enters that timestamp, which says at. The
// caller must have checked both. The error wraps [ErrNotFound] if no checkpoint of that size is kept,
// and [ErrInput] if stamp is empty or too long.
func (l *Ledger) AddStamp(ctx context.Context, size int64, stamp []byte, at time.Time) (*books.Checkpoint, error) {
	if len(stamp) == 0 || len(stamp) > maxStamp {
		return nil, fmt.Errorf("%w: a timestamp of %d bytes", ErrInput, len(stamp))
	}
	kept, err := l.r.store.ChangeCheckpoint(ctx, size, func(c *books.Checkpoint) ([]records.Cosigned, error) {
		c.Stamp = stamp
		return []records.Cosigned{l.cosigned(c, "", records.Timestamp(at), stamp)}, nil
	})
	if err != nil {
		return nil, err
	}
	return describe(*kept, l.Origin(), nil), nil
}

// cosigned is the row of the signature of a witness, or of a timestamp, of a checkpoint.
func (l *Ledger) cosigned(c *books.Checkpoint, witness string, at time.Time, proof []byte) records.Cosigned {
	return records.Cosigned{Size: c.Size, Root: c.Root, Witness: witness, Dated: at, Proof: proof, Entered: l.r.clock(), Logged: books.Logged{Salt: records.NewSalt()}}
}

// TrustWitnesses says whose signatures bound the times of custody: public keys as text; none: no witness's. Custody
// then counts from the first such signature over its entry, and without one not at all. The error wraps [ErrLedgerKey].
func (r *Registry) TrustWitnesses(keys ...string) error { return r.store.TrustWitnesses(keys) }

// A StampCheck checks an RFC 3161 timestamp of a SHA-256 digest. It returns the latest time that the timestamp may be of.
type StampCheck = books.StampCheck

// TrustTimestamps says which timestamps of checkpoints bound the times of custody, as signatures of trusted witnesses do,
// if check returns no error for them; nil: none.
func (r *Registry) TrustTimestamps(check StampCheck) {
	r.stamps = check
	r.store.TrustTimestamps(check)
}

// Origin names the registry's ledger, as its checkpoints and its key do.
func (l *Ledger) Origin() string { return l.r.origin }

// GenerateKey makes an Ed25519 key for the registry's checkpoints, as texts of golang.org/x/mod/sumdb/note:
// "PRIVATE+KEY+name+hash+key" and "name+hash+key". The private text is secret. The public text is for everybody who
// checks checkpoints and proofs, and should reach them by another way than these. The registry keeps neither text.
func (l *Ledger) GenerateKey(context.Context) (private, public string, err error) {
	return tlog.GenerateKey(l.Origin())
}

// Sign signs the ledger's present state with the private text of its key and keeps the result. If the state already has
// a kept checkpoint, Sign returns that checkpoint and signs nothing. Signatures of witnesses and timestamps alone that
// were entered since make no other state. The error wraps [ErrTampered] if the state does not continue the checkpoint
// before, and [ErrLedgerKey] if the key is unusable. Sign does not check rows against entries: [Ledger.Check] does.
func (l *Ledger) Sign(ctx context.Context, private string) (*books.Checkpoint, error) {
	return sign(ctx, l, private, false)
}

// SignLast is [Ledger.Sign] for proofs that rest on the last entry, also if that is of a witness's signature or a timestamp.
func SignLast(ctx context.Context, l *Ledger, private string) (*books.Checkpoint, error) {
	return sign(ctx, l, private, true)
}

func sign(ctx context.Context, l *Ledger, private string, last bool) (*books.Checkpoint, error) {
	kept, err1 := l.r.store.Checkpoints(ctx)
	size, root, err2 := l.r.store.Head(ctx)
	if err := cmp.Or(err1, err2); err != nil {
		return nil, err
	}
	now := state{l.r.store, size, root}
	for _, c := range kept { // the first: else each SignLast would bring another timestamp, which is an entry
		same := c.Size == size && c.Root == root
		if !same && !last {
			if same, err1 = now.onlyCosigned(ctx, c.Size); err1 != nil {
				return nil, err1
			}
		}
		if same {
			return l.handedOut(c)
		}
	}
	if err := now.continues(ctx, kept); err != nil {
		return nil, err
	}
	text, err := tlog.Checkpoint{Origin: l.Origin(), Size: uint64(size), Root: root}.Sign(private)
	if err != nil {
		return nil, err
	}
	row, err := l.r.store.AddCheckpoint(ctx, books.Checkpoint{Size: size, Root: root, Text: string(text), Made: l.r.clock()})
	if err != nil {
		return nil, fmt.Errorf("checkpoint of %d entries: %w", size, err)
	}
	return l.handedOut(*row)
}

// A state is that of the ledger when it had size entries.
type state struct {
	in   records.Store
	size int64
	root tlog.Hash
}

// onlyCosigned reports whether the entries with numbers above from are signatures of witnesses and timestamps.
func (s state) onlyCosigned(ctx context.Context, from int64) (bool, error) {
	const maxCosigned = 64 // Chosen: so many witnesses sign no checkpoint
	if s.size <= from || s.size-from > maxCosigned {
		return false, nil
	}
	entries, err := s.in.Entries(ctx, from, int(s.size-from))
	for _, raw := range entries {
		if e, err := records.ParseEntry(raw); err != nil || e.Kind != records.EntryCosigned {
			return false, nil
		}
	}
	return len(entries) == int(s.size-from), err
}

// handedOut returns the kept checkpoint row with the origin and the signers' names that its text has. No witness's
// signature is checked. The error wraps [ErrTampered] if the text is of another state than the row.
func (l *Ledger) handedOut(row books.Checkpoint) (*books.Checkpoint, error) {
	if err := ofItsRow(row); err != nil {
		return nil, fmt.Errorf("kept checkpoint of %d entries: %w", row.Size, err)
	}
	return describe(row, l.Origin(), nil), nil
}

// ofItsRow checks that the text of a kept checkpoint is of the size and root that its row names: the text of an
// earlier checkpoint would be signed as well.
func ofItsRow(row books.Checkpoint) error {
	c, err := tlog.ParseCheckpoint(string(row.Body()))
	if err == nil && (int64(c.Size) != row.Size || c.Root != row.Root) {
		err = fmt.Errorf("its text is of %d entries with the root %x", c.Size, c.Root)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrTampered, err)
	}
	return nil
}

// continues checks that the root is of the ledger's first entries, and that this state begins with the last of kept.
func (s state) continues(ctx context.Context, kept []books.Checkpoint) error {
	at, err := tlog.RootAt(ctx, uint64(s.size), s.in.Nodes)
	if err != nil {
		return err
	}
	if at != s.root {
		return fmt.Errorf("%w: the root of its %d entries is another", ErrTampered, s.size)
	}
	if len(kept) == 0 {
		return nil
	}
	last := kept[len(kept)-1]
	path, err := tlog.Consistency(ctx, uint64(last.Size), uint64(s.size), s.in.Nodes)
	if err == nil {
		err = tlog.VerifyConsistency(uint64(last.Size), uint64(s.size), path, last.Root, s.root)
	}
	if err != nil {
		return fmt.Errorf("%w: it does not continue the checkpoint of %d entries: %w", ErrTampered, last.Size, err)
	}
	return nil
}

// AddCosignatures adds the signatures of witnesses in text, a checkpoint signed by the ledger's key and by witnesses,
// to the kept checkpoint of that state. public is the ledger's public key, witnesses are public keys of 1 or more
// witnesses. Every listed witness must have signed; signatures by others are left out. The error wraps [ErrCheckpoint]
// if the text is wrong or a signature is missing, and [ErrNotFound] if this ledger keeps no checkpoint of that state.
func (l *Ledger) AddCosignatures(ctx context.Context, text []byte, public string, witnesses ...string) (*books.Checkpoint, error) {
	if len(witnesses) == 0 {
		return nil, fmt.Errorf("%w: no witness's key", ErrInput)
	}
	c, seen, err := tlog.OpenCheckpoint(text, public, witnesses...)
	if err != nil {
		return nil, err
	}
	for _, w := range witnesses {
		if !slices.ContainsFunc(seen, func(s tlog.Cosignature) bool { return s.Key == w }) {
			return nil, fmt.Errorf("%w: not signed by the witness %s", ErrCheckpoint, w)
		}
	}
	row, err := l.r.store.ChangeCheckpoint(ctx, int64(c.Size), func(kept *books.Checkpoint) (more []records.Cosigned, err error) {
		if kept.Root != c.Root {
			return nil, fmt.Errorf("checkpoint of %d entries with the root %x: %w", c.Size, c.Root, ErrNotFound)
		}
		_, before, err := tlog.OpenCheckpoint([]byte(kept.Text), public, witnesses...)
		if err != nil {
			return nil, err
		}
		for _, w := range seen {
			if w.Time.IsZero() || slices.Contains(before, w) {
				continue // without a time it proves none
			}
			alone := append([]byte(c.Body()+"\n"), signaturesOf(text, []tlog.Cosignature{w})...)
			more = append(more, l.cosigned(kept, w.Key, w.Time, alone))
		}
		merged, err := tlog.AddSignatures([]byte(kept.Text), signaturesOf(text, seen))
		if err != nil {
			return nil, err
		}
		kept.Text = string(merged)
		_, seen, err = tlog.OpenCheckpoint(merged, public, witnesses...)
		return more, err
	})
	if err != nil {
		return nil, err
	}
	return describe(*row, c.Origin, seen), nil
}

// WitnessRequest returns what a witness is asked with to sign c (C2SP tlog-witness, add-checkpoint): the proof that the
// ledger then had continues its first old entries, which the witness signed last, and the text of c. The error
// wraps [ErrTampered] if c does not continue them, or the ledger has less entries. It wraps [ErrConflict] if c alone has less.
func (l *Ledger) WitnessRequest(ctx context.Context, c *books.Checkpoint, old int64) ([]byte, error) {
	if head, _, err := l.r.store.Head(ctx); err == nil && old > c.Size && old <= head {
		return nil, fmt.Errorf("%w: a witness signed a later state, of %d entries, and the checkpoint has %d: run again", ErrConflict, old, c.Size)
	}
	if old < 0 || old > c.Size {
		return nil, fmt.Errorf("%w: a witness signed %d entries, and the checkpoint has %d", ErrTampered, old, c.Size)
	}
	out := fmt.Appendf(nil, "old %d\n", old)
	if old > 0 && old < c.Size {
		path, err := tlog.Consistency(ctx, uint64(old), uint64(c.Size), l.r.store.Nodes)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrTampered, err)
		}
		for _, h := range path {
			out = base64.StdEncoding.AppendEncode(out, h[:])
			out = append(out, '\n')
		}
	}
	return append(append(out, '\n'), c.Text...), nil
}

// signaturesOf returns the signature lines in text, a signed note, that are by the witnesses by. A line is an em
// dash, the name, and base64 of the key's hash and the signature (C2SP signed-note). It checks no signature.
func signaturesOf(text []byte, by []tlog.Cosignature) []byte {
	var out bytes.Buffer
	for line := range strings.Lines(noteSignatures(string(text))) {
		f := strings.Fields(line)
		if len(f) != 3 {
			continue
		}
		raw, err := base64.StdEncoding.DecodeString(f[2])
		if err != nil || len(raw) < 4 {
			continue
		}
		id := f[1] + "+" + hex.EncodeToString(raw[:4]) + "+"
		if slices.ContainsFunc(by, func(c tlog.Cosignature) bool { return strings.HasPrefix(c.Key, id) }) {
			out.WriteString(line)
		}
	}
	return out.Bytes()
}

func noteSignatures(text string) string {
	_, lines, _ := strings.Cut(text, "\n\n")
	return lines
}

// Checkpoints lists the kept checkpoints, sorted by size, with the signers' names that their
// texts have. No signature is checked, so Witnesses is empty: [Ledger.Audit] checks.
func (l *Ledger) Checkpoints(ctx context.Context) ([]books.Checkpoint, error) {
	kept, err := l.r.store.Checkpoints(ctx)
	for i := range kept {
		kept[i] = *describe(kept[i], l.Origin(), nil)
	}
	return kept, err
}

// describe returns c with Origin, Signers and Witnesses set. seen has signatures of witnesses, which the caller has checked.
func describe(c books.Checkpoint, origin string, seen []tlog.Cosignature) *books.Checkpoint {
	c.Origin, c.Signers = origin, []string{}
	c.Witnesses = each.Of(seen, func(w tlog.Cosignature) books.Witness { return books.Witness(w) })
	for line := range strings.Lines(noteSignatures(c.Text)) {
		if f := strings.Fields(line); len(f) == 3 && !slices.Contains(c.Signers, f[1]) {
			c.Signers = append(c.Signers, f[1])
		}
	}
	return &c
}

// cosigned notes which rows, signatures of witnesses and timestamps, do not hold, or are kept no more.
// It returns the signatures with a time that hold, of the witnesses that o names.
func (a auditing) cosigned(kept []books.Checkpoint, rows []records.Cosigned) (holds []records.Cosigned) {
	stamps := make(map[int]records.Cosigned) // the last of each of kept
	for _, s := range rows {
		at := slices.IndexFunc(kept, func(c books.Checkpoint) bool { return c.Size == s.Size && c.Root == s.Root })
		wrong := func(what string) { a.Problems = append(a.Problems, fmt.Sprintf("entry %d: %s", s.Seq, what)) }
		switch {
		case at < 0:
			wrong(fmt.Sprintf("the checkpoint of %d entries was removed", s.Size))
			continue
		case s.Witness == "":
			stamps[at] = s
			if a.l.r.stamps != nil {
				if latest, err := a.l.r.stamps(s.Proof, sha256.Sum256(kept[at].Body())); err == nil {
					holds = append(holds, records.Cosigned{Size: s.Size, Dated: latest})
				}
			}
			continue
		}
		c, dated, err := tlog.OpenCosigned(s.Proof, s.Witness)
		switch lines := noteSignatures(string(s.Proof)); {
		case err != nil || int64(c.Size) != s.Size || c.Root != s.Root || !dated.Equal(s.Dated):
			wrong("the signature of the witness " + s.Witness + " does not hold")
		case !strings.Contains(kept[at].Text, lines):
			wrong(fmt.Sprintf("the signature of the witness %s was removed from the checkpoint of %d entries", s.Witness, s.Size))
		case slices.Contains(a.o.Witnesses, s.Witness):
			holds = append(holds, s)
		}
	}
	for at, s := range stamps {
		if !bytes.Equal(kept[at].Stamp, s.Proof) {
			a.Problems = append(a.Problems, fmt.Sprintf("entry %d: its timestamp was removed from the checkpoint of %d entries, or is another", s.Seq, s.Size))
		}
	}
	for _, c := range append(slices.Clip(a.Checkpoints), a.Outside...) { // also signatures that an earlier version kept
		for _, w := range c.Witnesses {
			if !w.Time.IsZero() && !slices.ContainsFunc(holds, func(s records.Cosigned) bool { return s.Size == c.Size && s.Witness == w.Key }) {
				holds = append(holds, records.Cosigned{Size: c.Size, Witness: w.Key, Dated: w.Time})
			}
		}
	}
	slices.SortFunc(holds, func(a, b records.Cosigned) int { return cmp.Compare(a.Size, b.Size) })
	return holds
}

// checkpoint checks that one of o.Keys signed text, and the signatures of o.Witnesses that are there. It then checks
// that the checkpoint is of this ledger, which begins with its entries. The result has no Made and no Stamp.
func (a auditing) checkpoint(ctx context.Context, text []byte) (*books.Checkpoint, error) {
	c, seen, err := openByAny(text, a.o.Keys, a.o.Witnesses)
	if err != nil {
		return nil, err
	}
	if c.Origin != a.l.Origin() {
		return nil, fmt.Errorf("%w: of %s, while this ledger is %s", ErrTampered, c.Origin, a.l.Origin())
	}
	size, _, err := a.l.r.store.Head(ctx)
	if err != nil {
		return nil, err
	}
	if int64(c.Size) > size {
		return nil, fmt.Errorf("%w: it is of %d entries, while there are %d", ErrTampered, c.Size, size)
	}
	root, err := tlog.RootAt(ctx, c.Size, a.l.r.store.Nodes)
	if err != nil {
		return nil, err
	}
	if root != c.Root {
		return nil, fmt.Errorf("%w: the first %d entries differ from the signed entries", ErrTampered, c.Size)
	}
	return describe(books.Checkpoint{Size: int64(c.Size), Root: c.Root, Text: string(text)}, c.Origin, seen), nil
}

// openByAny opens a checkpoint that one of keys, which must not be empty, signed, and returns the witnesses that
// signed it also. If no key fits, it returns the error of the last key.
func openByAny(text []byte, keys, witnesses []string) (c tlog.Checkpoint, seen []tlog.Cosignature, err error) {
	for _, k := range keys {
		if c, seen, err = tlog.OpenCheckpoint(text, k, witnesses...); err == nil || errors.Is(err, ErrLedgerKey) {
			return c, seen, err
		}
	}
	return c, seen, err
}
