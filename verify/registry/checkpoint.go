package registry

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/kycmark/kycmark/internal/books"
	"github.com/kycmark/kycmark/internal/tlog"
)

// maxStamp is the most that a timestamp may have, bytes.
const maxStamp = 256 << 10

// AddStamp keeps an RFC 3161 timestamp of the [Checkpoint.Body] of the kept checkpoint of
// size entries, and replaces an earlier timestamp. The caller must have checked the
// timestamp. The error wraps [ErrNotFound] if no checkpoint of that size is kept.
func (l *Ledger) AddStamp(ctx context.Context, size int64, stamp []byte) (*Checkpoint, error) {
	if len(stamp) == 0 || len(stamp) > maxStamp {
		return nil, fmt.Errorf("%w: a timestamp of %d bytes", ErrInput, len(stamp))
	}
	origin, err := l.Origin(ctx)
	if err != nil {
		return nil, err
	}
	kept, err := l.r.store.ChangeCheckpoint(ctx, size, func(c *books.Checkpoint) error {
		c.Stamp = stamp
		return nil
	})
	if err != nil {
		return nil, err
	}
	return describe(*kept, origin, nil), nil
}

// originPrefix and the registry's ID in hex are the origin of its checkpoints.
const originPrefix = "kycmark/"

// Origin names the registry's ledger, as its checkpoints and its key do.
func (l *Ledger) Origin(ctx context.Context) (string, error) {
	info, err := l.r.store.Info(ctx)
	if err != nil {
		return "", err
	}
	return originPrefix + hex.EncodeToString(info.ID[:]), nil
}

// GenerateKey makes an Ed25519 key for the registry's checkpoints, as texts of
// golang.org/x/mod/sumdb/note. The private one is secret; the public one is for
// everybody who is to check checkpoints and proofs, and should reach them by
// another way than these. The registry keeps neither.
func (l *Ledger) GenerateKey(ctx context.Context) (private, public string, err error) {
	origin, err := l.Origin(ctx)
	if err != nil {
		return "", "", err
	}
	return tlog.GenerateKey(origin)
}

// Sign signs the ledger's present state with the private text of its key and keeps the
// result. If the state already has a checkpoint, Sign returns that checkpoint and signs
// nothing. The error wraps [ErrTampered] if the state does not continue the checkpoint
// before, and [ErrLedgerKey] if the key is unusable.
func (l *Ledger) Sign(ctx context.Context, private string) (*Checkpoint, error) {
	origin, err := l.Origin(ctx)
	if err != nil {
		return nil, err
	}
	kept, err := l.r.store.Checkpoints(ctx)
	if err != nil {
		return nil, err
	}
	size, root, err := l.r.store.Head(ctx)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(kept, func(c books.Checkpoint) bool { return c.Size == size && c.Root == root }); i >= 0 {
		return handedOut(kept[i], origin)
	}
	if err := l.continues(ctx, kept, size, root); err != nil {
		return nil, err
	}
	text, err := tlog.Checkpoint{Origin: origin, Size: uint64(size), Root: root}.Sign(private)
	if err != nil {
		return nil, err
	}
	row, err := l.r.store.AddCheckpoint(ctx, books.Checkpoint{Size: size, Root: root, Text: string(text), Made: l.r.clock()})
	if err != nil {
		return nil, fmt.Errorf("checkpoint of %d entries: %w", size, err)
	}
	return handedOut(*row, origin)
}

// handedOut returns a kept checkpoint in the form that callers of Sign get.
func handedOut(row books.Checkpoint, origin string) (*Checkpoint, error) {
	if err := ofItsRow(row); err != nil {
		return nil, fmt.Errorf("kept checkpoint of %d entries: %w", row.Size, err)
	}
	return describe(row, origin, nil), nil
}

// ofItsRow says whether the text of a kept checkpoint is of the state that its row names: that
// of an earlier one is signed as well. The error wraps [ErrTampered].
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

// continues proves that a state begins with what was signed last.
func (l *Ledger) continues(ctx context.Context, kept []books.Checkpoint, size int64, root tlog.Hash) error {
	at, err := l.rootAt(ctx, size)
	if err != nil {
		return err
	}
	if at != root {
		return fmt.Errorf("%w: the root of its %d entries is another", ErrTampered, size)
	}
	if len(kept) == 0 {
		return nil
	}
	last := kept[len(kept)-1]
	path, err := tlog.Consistency(ctx, uint64(last.Size), uint64(size), l.r.store.Nodes)
	if err == nil {
		err = tlog.VerifyConsistency(uint64(last.Size), uint64(size), path, last.Root, root)
	}
	if err != nil {
		return fmt.Errorf("%w: it does not continue the checkpoint of %d entries: %w", ErrTampered, last.Size, err)
	}
	return nil
}

// rootAt is the root of the first size entries, from the kept nodes of the tree.
func (l *Ledger) rootAt(ctx context.Context, size int64) (tlog.Hash, error) {
	border, err := l.r.store.Nodes(ctx, tlog.Border(uint64(size)))
	if err != nil {
		return tlog.Hash{}, err
	}
	tree, err := tlog.NewTree(uint64(size), border)
	if err != nil {
		return tlog.Hash{}, fmt.Errorf("%w: %w", ErrTampered, err)
	}
	return tree.Root(), nil
}

// AddCosignatures takes back a checkpoint that witnesses have signed beside the ledger's own
// key, public. It adds the signatures of witnesses to the kept checkpoint. Every listed
// witness must have signed; signatures by others are left out. The error wraps
// [ErrCheckpoint] if the text is wrong, and [ErrNotFound] if this ledger never signed that
// state.
func (l *Ledger) AddCosignatures(ctx context.Context, text []byte, public string, witnesses ...string) (*Checkpoint, error) {
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
	lines := signaturesOf(text, seen)
	row, err := l.r.store.ChangeCheckpoint(ctx, int64(c.Size), func(kept *books.Checkpoint) error {
		if kept.Root != c.Root {
			return fmt.Errorf("checkpoint of %d entries with the root %x: %w", c.Size, c.Root, ErrNotFound)
		}
		merged, err := tlog.AddSignatures([]byte(kept.Text), lines)
		if err != nil {
			return err
		}
		kept.Text = string(merged)
		_, seen, err = tlog.OpenCheckpoint(merged, public, witnesses...)
		return err
	})
	if err != nil {
		return nil, err
	}
	return describe(*row, c.Origin, seen), nil
}

// signaturesOf returns the signature lines of the named witnesses: an em dash, the
// name, and base64 of the key's hash and the signature (C2SP signed-note).
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

// noteSignatures is what follows the last blank line of a signed note.
func noteSignatures(text string) string {
	_, lines, _ := strings.Cut(text, "\n\n")
	return lines
}

// Checkpoints lists the checkpoints that are kept, by size.
func (l *Ledger) Checkpoints(ctx context.Context) ([]Checkpoint, error) {
	origin, err := l.Origin(ctx)
	if err != nil {
		return nil, err
	}
	kept, err := l.r.store.Checkpoints(ctx)
	for i := range kept {
		kept[i] = *describe(kept[i], origin, nil)
	}
	return kept, err
}

// describe adds to a kept checkpoint what its text says: the signers' names, and the
// witnesses whose signatures were checked.
func describe(c Checkpoint, origin string, seen []tlog.Cosignature) *Checkpoint {
	c.Origin, c.Signers, c.Witnesses = origin, []string{}, []books.Witness{}
	for line := range strings.Lines(noteSignatures(c.Text)) {
		if f := strings.Fields(line); len(f) == 3 && !slices.Contains(c.Signers, f[1]) {
			c.Signers = append(c.Signers, f[1])
		}
	}
	for _, s := range seen {
		c.Witnesses = append(c.Witnesses, books.Witness{Name: s.Name, Key: s.Key, Time: s.Time})
	}
	return &c
}
