package registry

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kycmark/kycmark/internal/store"
	"github.com/kycmark/kycmark/internal/tlog"
)

// A Checkpoint is a signed state of the ledger: its first Size entries, and the root
// of the Merkle tree (RFC 6962) over them. Whoever keeps one can find out later
// whether the ledger still begins with these entries.
type Checkpoint struct {
	Origin    string    `json:"origin"` // names the registry
	Size      int64     `json:"size"`   // entries
	Root      string    `json:"root"`   // hex
	Made      time.Time `json:"made,omitzero"`
	Signers   []string  `json:"signers"`         // names beside the signatures, the ledger's own first; not checked
	Witnesses []Witness `json:"witnesses"`       // those whose signatures were checked, where their keys were given
	Text      string    `json:"text"`            // as it is handed out: C2SP tlog-checkpoint, a signed note
	Stamp     []byte    `json:"stamp,omitempty"` // RFC 3161 timestamp of Body, DER, as it was kept; not checked
}

// Body is what is signed and what is stamped: Text up to the blank line before the
// signatures. Witnesses that sign later do not change it.
func (c *Checkpoint) Body() []byte {
	body, _, _ := strings.Cut(c.Text, "\n\n")
	return []byte(body + "\n")
}

// maxStamp is the most that a timestamp may have, bytes.
const maxStamp = 256 << 10

// AddStamp keeps an RFC 3161 timestamp of the [Checkpoint.Body] of a kept checkpoint, in
// the place of one that is there. It is for the caller to have checked it. The error wraps
// [ErrNotFound] where no checkpoint of that size is kept.
func (r *Registry) AddStamp(ctx context.Context, size int64, stamp []byte) (*Checkpoint, error) {
	if len(stamp) == 0 || len(stamp) > maxStamp {
		return nil, fmt.Errorf("%w: a timestamp of %d bytes", ErrInput, len(stamp))
	}
	origin, err := r.Origin(ctx)
	if err != nil {
		return nil, err
	}
	kept, err := r.store.ChangeCheckpoint(ctx, size, func(c *store.Checkpoint) error {
		c.Stamp = stamp
		return nil
	})
	if err != nil {
		return nil, err
	}
	return publicCheckpoint(*kept, origin, nil), nil
}

// A Witness is somebody else who signed a checkpoint.
type Witness struct {
	Name string    `json:"name"`
	Key  string    `json:"key"`
	Time time.Time `json:"time,omitzero"` // by the witness's own clock; zero: it does not say
}

// originPrefix and the registry's ID in hex are the origin of its checkpoints.
const originPrefix = "kycmark/"

// Origin names the registry's ledger, as its checkpoints and its key do.
func (r *Registry) Origin(ctx context.Context) (string, error) {
	info, err := r.store.Info(ctx)
	if err != nil {
		return "", err
	}
	return originPrefix + hex.EncodeToString(info.ID[:]), nil
}

// GenerateLedgerKey makes an Ed25519 key for the registry's checkpoints, as texts of
// golang.org/x/mod/sumdb/note. The private one is secret; the public one is for
// everybody who is to check checkpoints and proofs, and should reach them by
// another way than these. The registry keeps neither.
func (r *Registry) GenerateLedgerKey(ctx context.Context) (private, public string, err error) {
	origin, err := r.Origin(ctx)
	if err != nil {
		return "", "", err
	}
	return tlog.GenerateKey(origin)
}

// SignCheckpoint signs the ledger's present state with the private text of its key
// and keeps the result. A state that has a checkpoint is not signed again: the one
// that is kept is returned. What does not continue the checkpoint before is not
// signed; the error wraps [ErrTampered]. An unusable key is an error that wraps
// [ErrLedgerKey].
func (r *Registry) SignCheckpoint(ctx context.Context, private string) (*Checkpoint, error) {
	origin, err := r.Origin(ctx)
	if err != nil {
		return nil, err
	}
	kept, err := r.store.Checkpoints(ctx)
	if err != nil {
		return nil, err
	}
	size, root, err := r.store.Head(ctx)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(kept, func(c store.Checkpoint) bool { return c.Size == size && c.Root == root }); i >= 0 {
		return handedOut(kept[i], origin)
	}
	if err := r.continues(ctx, kept, size, root); err != nil {
		return nil, err
	}
	text, err := tlog.Checkpoint{Origin: origin, Size: uint64(size), Root: root}.Sign(private)
	if err != nil {
		return nil, err
	}
	row, err := r.store.AddCheckpoint(ctx, store.Checkpoint{Size: size, Root: root, Note: text, Made: r.clock()})
	if err != nil {
		return nil, fmt.Errorf("checkpoint of %d entries: %w", size, err)
	}
	return handedOut(*row, origin)
}

// handedOut is a kept checkpoint as whoever asked for a signature gets it.
func handedOut(row store.Checkpoint, origin string) (*Checkpoint, error) {
	if err := ofItsRow(row); err != nil {
		return nil, fmt.Errorf("kept checkpoint of %d entries: %w", row.Size, err)
	}
	return publicCheckpoint(row, origin, nil), nil
}

// ofItsRow says whether the text of a kept checkpoint is of the state that its row names: that
// of an earlier one is signed as well. The error wraps [ErrTampered].
func ofItsRow(row store.Checkpoint) error {
	text := Checkpoint{Text: string(row.Note)}
	c, err := tlog.ParseCheckpoint(string(text.Body()))
	if err == nil && (int64(c.Size) != row.Size || c.Root != row.Root) {
		err = fmt.Errorf("its text is of %d entries with the root %x", c.Size, c.Root)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrTampered, err)
	}
	return nil
}

// continues proves that a state begins with what was signed last.
func (r *Registry) continues(ctx context.Context, kept []store.Checkpoint, size int64, root tlog.Hash) error {
	at, err := r.rootAt(ctx, size)
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
	path, err := tlog.Consistency(ctx, uint64(last.Size), uint64(size), r.store.Nodes)
	if err == nil {
		err = tlog.VerifyConsistency(uint64(last.Size), uint64(size), path, last.Root, root)
	}
	if err != nil {
		return fmt.Errorf("%w: it does not continue the checkpoint of %d entries: %w", ErrTampered, last.Size, err)
	}
	return nil
}

// rootAt is the root of the first size entries, from the kept nodes of the tree.
func (r *Registry) rootAt(ctx context.Context, size int64) (tlog.Hash, error) {
	border, err := r.store.Nodes(ctx, tlog.Border(uint64(size)))
	if err != nil {
		return tlog.Hash{}, err
	}
	tree, err := tlog.NewTree(uint64(size), border)
	if err != nil {
		return tlog.Hash{}, fmt.Errorf("%w: %w", ErrTampered, err)
	}
	return tree.Root(), nil
}

// AddCosignatures takes back a checkpoint that witnesses have signed beside the
// ledger's own key, public, and adds their signatures to the one that is kept. Every
// witness must have signed; signatures by others are left out. An error that wraps
// [ErrCheckpoint] says what is wrong with the text, one that wraps [ErrNotFound]
// that this ledger never signed that state.
func (r *Registry) AddCosignatures(ctx context.Context, text []byte, public string, witnesses ...string) (*Checkpoint, error) {
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
	row, err := r.store.ChangeCheckpoint(ctx, int64(c.Size), func(kept *store.Checkpoint) (err error) {
		if kept.Root != c.Root {
			return fmt.Errorf("checkpoint of %d entries with the root %x: %w", c.Size, c.Root, ErrNotFound)
		}
		if kept.Note, err = tlog.AddSignatures(kept.Note, lines); err == nil {
			_, seen, err = tlog.OpenCheckpoint(kept.Note, public, witnesses...)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return publicCheckpoint(*row, c.Origin, seen), nil
}

// signaturesOf returns the signature lines of the named witnesses: an em dash, the
// name, and base64 of the key's hash and the signature (C2SP signed-note).
func signaturesOf(text []byte, by []tlog.Cosignature) []byte {
	var out bytes.Buffer
	for line := range strings.Lines(noteSignatures(text)) {
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
func noteSignatures(text []byte) string {
	_, lines, _ := bytes.Cut(text, []byte("\n\n"))
	return string(lines)
}

// Checkpoints lists the checkpoints that are kept, by size.
func (r *Registry) Checkpoints(ctx context.Context) ([]Checkpoint, error) {
	origin, err := r.Origin(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := r.store.Checkpoints(ctx)
	out := make([]Checkpoint, len(rows))
	for i, row := range rows {
		out[i] = *publicCheckpoint(row, origin, nil)
	}
	return out, err
}

func publicCheckpoint(row store.Checkpoint, origin string, seen []tlog.Cosignature) *Checkpoint {
	c := &Checkpoint{
		Origin: origin, Size: row.Size, Root: hex.EncodeToString(row.Root[:]), Made: row.Made,
		Text: string(row.Note), Signers: []string{}, Witnesses: []Witness{}, Stamp: row.Stamp,
	}
	for line := range strings.Lines(noteSignatures(row.Note)) {
		if f := strings.Fields(line); len(f) == 3 && !slices.Contains(c.Signers, f[1]) {
			c.Signers = append(c.Signers, f[1])
		}
	}
	for _, s := range seen {
		c.Witnesses = append(c.Witnesses, Witness{s.Name, s.Key, s.Time})
	}
	return c
}
