// Package kept keeps two kinds of things beside a registry, in its database and its place of originals, for all processes
// that open it. A [Spool] item has bytes on their way to a worker of any machine, until they expire. An [Investigation]
// item has the state, findings and report of an investigation, until it is removed.
//
// Each item is sealed under a key of its own, which is sealed under the registry's sealing key. A removed item cannot be opened
// from a backup of its chunks alone. Nothing of it is evidence: the ledger does not commit to it. An item has an ID
// of 16 random bytes and named parts. A part is written as a stream and replaced as a whole. [registry.Clone] leaves all
// items out.
//
// The erasure of a subject leaves investigations as they are: findings name uploads by their IDs, and may be needed in
// court. [Store.Showing] says which investigations show an upload, so that who erases can remove them.
package kept

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"time"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/internal/engine"
	"github.com/kycmark/kycmark/verify/internal/sealing"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// A Kind is what an item is for.
type Kind string

// The kinds of items.
const (
	Spool         Kind = "spool"
	Investigation Kind = "investigation"
)

// Parts of an Investigation item that tell [Store.Showing] how far it is.
const (
	Begun    = "begun"
	Findings = "findings"
)

// chunk is how many clear bytes are sealed at a time: a writer and a reader hold one chunk in memory. Chosen: an object of a
// bucket costs a request.
const chunk = 4 << 20

// maxName is the max length of a part's name, in bytes. Chosen.
const maxName = 64

// An ID names an item. Its text form is 32 hex digits.
type ID [16]byte

func (id ID) String() string { return hex.EncodeToString(id[:]) }

func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText writes, as [ParseID] does.
func (id *ID) UnmarshalText(text []byte) (err error) {
	*id, err = ParseID(string(text))
	return err
}

// ParseID reads what String writes. The error wraps [registry.ErrInput].
func ParseID(s string) (id ID, err error) {
	raw, err := hex.DecodeString(s)
	if err != nil || len(raw) != len(id) || hex.EncodeToString(raw) != s {
		return id, fmt.Errorf("%w: got %.40q, want an ID of 32 hex digits", registry.ErrInput, s)
	}
	return ID(raw), nil
}

// An Item is something that is kept.
type Item struct {
	ID      ID
	Kind    Kind
	Made    time.Time
	Expires time.Time // zero: it stays until it is removed
	Parts   []Part    // by name; lists leave them out
}

// A Part is a named stream of bytes of an item.
type Part struct {
	Name   string
	Size   int64        // bytes
	SHA256 books.Digest // of the bytes
}

// A Store keeps items beside a registry. It is safe for concurrent use.
type Store struct {
	rows records.Kept
	key  *registry.SealKey
	of   string // the registry's ID
	now  func() time.Time
}

// New returns the store beside a registry. The sealing key must be the registry's.
func New(r *registry.Registry, key *registry.SealKey) *Store {
	return &Store{rows: engine.Kept(r.Engine()), key: key, of: r.ID(), now: time.Now}
}

// about names the key of an item. No item's key opens another's.
func (s *Store) about(id ID) string { return "kept " + s.of + " " + id.String() }

// A Request says what is to be kept. The zero value of all fields but Kind works.
type Request struct {
	ID   ID // zero: a random one
	Kind Kind
	For  time.Duration // until it expires; 0: it stays, which a Spool item may not
}

// Create makes an item without parts. If an item has the ID, it stays. The error wraps [registry.ErrInput] if the request cannot be.
func (s *Store) Create(ctx context.Context, q Request) (ID, error) {
	switch {
	case q.Kind != Spool && q.Kind != Investigation:
		return ID{}, fmt.Errorf("%w: kind %.40q, want %q or %q", registry.ErrInput, q.Kind, Spool, Investigation)
	case q.For < 0 || q.For == 0 && q.Kind == Spool:
		return ID{}, fmt.Errorf("%w: kind %q for %s, want a longer time", registry.ErrInput, q.Kind, q.For)
	}
	id := q.ID
	if id == (ID{}) {
		rand.Read(id[:])
	}
	wrapped, err := sealing.NewKey(s.key, s.about(id))
	if err != nil {
		return ID{}, err
	}
	item := records.KeptItem{ID: id, Kind: string(q.Kind), Made: records.Timestamp(s.now()), Expires: time.UnixMicro(0), Wrapped: wrapped}
	if q.For > 0 {
		item.Expires = item.Made.Add(q.For)
	}
	return id, s.rows.Add(ctx, item)
}

// Show enters that an item shows uploads, for [Store.Showing]. The error wraps [registry.ErrNotFound] if the item or an
// upload is not there.
func (s *Store) Show(ctx context.Context, id ID, of ...watermark.Submission) error {
	if err := s.rows.Show(ctx, id, of...); err != nil {
		return fmt.Errorf("kept item %s: %w", id, err)
	}
	return nil
}

// item returns an item that has not expired, with its parts, or with the ones that are named.
func (s *Store) item(ctx context.Context, id ID, names ...string) (*records.KeptItem, []records.KeptPart, error) {
	x, parts, err := s.rows.Item(ctx, id, names...)
	if err == nil && x.Expires.UnixMicro() > 0 && !s.now().Before(x.Expires) {
		err = registry.ErrNotFound
	}
	if err != nil {
		return nil, nil, fmt.Errorf("kept item %s: %w", id, err)
	}
	return x, parts, nil
}

// Write keeps what r has as a part of an item, in the place of what the part had before. Until it returns nil, readers get
// the part as it was. The error wraps [registry.ErrNotFound] if the item is not there or expired, and [registry.ErrConflict] if
// another process wrote the part meanwhile. It wraps [registry.ErrInput] if the name is empty or longer than 64 bytes, or is r's.
func (s *Store) Write(ctx context.Context, id ID, part string, r io.Reader) (Part, error) {
	return s.WriteUnless(ctx, id, part, "", r)
}

// WriteUnless is [Store.Write] while the item has no part that is called unless. The error wraps [registry.ErrConflict] if it
// has one, and the part stays as it is.
func (s *Store) WriteUnless(ctx context.Context, id ID, part, unless string, r io.Reader) (Part, error) {
	if part == "" || len(part) > maxName {
		return Part{}, fmt.Errorf("%w: the name of a part has %d bytes, want 1 to %d", registry.ErrInput, len(part), maxName)
	}
	x, _, err := s.item(ctx, id, part)
	if err != nil {
		return Part{}, err
	}
	key, err := sealing.OpenKey(s.key, s.about(id), x.Wrapped)
	if err != nil {
		return Part{}, err
	}
	p := records.KeptPart{Of: id, Name: part}
	rand.Read(p.Version[:])
	sum, clear := sha256.New(), bytes.NewBuffer(make([]byte, 0, chunk+bytes.MinRead))
	for more := true; more; p.Chunks++ {
		clear.Reset()
		n, err := io.CopyN(clear, r, chunk) // [io.ReadFull] says of the end what a stream that is cut off says
		if more = err == nil; err != nil && err != io.EOF {
			return Part{}, err
		}
		sum.Write(clear.Bytes())
		p.Size += n
		body, err := key.Encrypt(clear.Bytes(), place(&p, p.Chunks, !more))
		if err != nil {
			return Part{}, err
		}
		if err := s.rows.AddChunk(ctx, &p, p.Chunks, body); err != nil {
			return Part{}, fmt.Errorf("kept item %s: %w", id, err)
		}
	}
	p.SHA256 = [32]byte(sum.Sum(nil))
	if err := s.rows.Publish(ctx, p, unless); err != nil {
		return Part{}, fmt.Errorf("kept item %s: %w", id, err)
	}
	return partOf(&p), nil
}

// place is the associated data of a chunk: no chunk passes for another, and a part cannot be cut short.
func place(p *records.KeptPart, n int64, last bool) []byte {
	return fmt.Appendf(nil, "kycmark kept v1\x00%x %x %d %t %s", p.Of, p.Version, n, last, p.Name)
}

func partOf(p *records.KeptPart) Part { return Part{p.Name, p.Size, p.SHA256} }

// An Opened item has the parts that it had when it was opened. It is safe for concurrent use.
type Opened struct {
	Item
	rows  records.Kept
	key   sealing.AEAD
	parts []records.KeptPart // of Parts
}

// Open opens an item, with all its parts or with the ones that are named. The error wraps [registry.ErrNotFound] if it is
// not there or expired, and [registry.ErrSealed] if it was sealed under another key.
func (s *Store) Open(ctx context.Context, id ID, names ...string) (*Opened, error) {
	x, parts, err := s.item(ctx, id, names...)
	if err != nil {
		return nil, err
	}
	o := &Opened{Item: itemOf(x), rows: s.rows, parts: parts}
	for i := range parts {
		o.Parts = append(o.Parts, partOf(&parts[i]))
	}
	o.key, err = sealing.OpenKey(s.key, s.about(id), x.Wrapped)
	return o, err
}

// Read returns the part that want names. If want has a digest, reading ends with an error unless the bytes have it: a
// job that has the Part which [Store.Write] returned gets these bytes and no others. An error of reading wraps
// [registry.ErrSealed] if a chunk was altered, and [registry.ErrNotFound] if the part was replaced or removed meanwhile.
// The error of Read wraps [registry.ErrNotFound] if the part is not there.
func (o *Opened) Read(ctx context.Context, want Part) (io.Reader, Part, error) {
	i := slices.IndexFunc(o.parts, func(p records.KeptPart) bool { return p.Name == want.Name })
	if i < 0 {
		return nil, Part{}, fmt.Errorf("kept item %s: part %q: %w", o.ID, want.Name, registry.ErrNotFound)
	}
	return &reader{ctx: ctx, rows: o.rows, key: o.key, part: o.parts[i], sum: sha256.New(), want: want.SHA256}, o.Parts[i], nil
}

// Read opens an item and returns a part of it, as [Opened.Read] does.
func (s *Store) Read(ctx context.Context, id ID, want Part) (io.Reader, Part, error) {
	o, err := s.Open(ctx, id, want.Name)
	if err != nil {
		return nil, Part{}, err
	}
	return o.Read(ctx, want)
}

// Parts returns how many parts an item has.
func (s *Store) Parts(ctx context.Context, id ID) (int64, error) { return s.rows.Parts(ctx, id) }

// A reader opens the chunks of a part, one after another.
type reader struct {
	ctx  context.Context
	rows records.Kept
	key  sealing.AEAD
	part records.KeptPart
	n    int64 // the next chunk
	rest bytes.Reader
	sum  hash.Hash    // of the chunks before
	want books.Digest // zero: any
	err  error
}

func (r *reader) Read(p []byte) (int, error) {
	for r.rest.Len() == 0 {
		if r.err == nil && r.n == r.part.Chunks {
			if r.err = io.EOF; r.want != (books.Digest{}) && r.want != books.Digest(r.sum.Sum(nil)) {
				r.err = fmt.Errorf("part %q of kept item %s: %w: its SHA-256 is not %s", r.part.Name, ID(r.part.Of), registry.ErrSealed, r.want)
			}
		}
		if r.err != nil {
			return 0, r.err
		}
		body, err := r.rows.Chunk(r.ctx, &r.part, r.n)
		if err == nil {
			if body, err = r.key.Decrypt(body, place(&r.part, r.n, r.n+1 == r.part.Chunks)); err != nil {
				err = fmt.Errorf("%w: it was altered", registry.ErrSealed)
			}
		}
		if err != nil {
			r.err = fmt.Errorf("chunk %d of the part %q of kept item %s: %w", r.n, r.part.Name, ID(r.part.Of), err)
			continue
		}
		r.sum.Write(body)
		r.rest.Reset(body)
		r.n++
	}
	return r.rest.Read(p)
}

// List lists the items of a kind that have not expired, in the order in which they were made, without parts.
func (s *Store) List(ctx context.Context, kind Kind) ([]Item, error) {
	all, err := s.rows.Items(ctx, string(kind))
	return s.listed(all), err
}

// Showing lists the investigations that show one of the uploads, as [Store.List] does, and after them the investigations that
// have begun and have no findings: they may show it. Uploads may be erased.
func (s *Store) Showing(ctx context.Context, of ...watermark.Submission) ([]Item, error) {
	more, err := s.rows.Unfinished(ctx, Begun, Findings) // first: who ends meanwhile has entered what it shows
	if err != nil || len(of) == 0 {
		return nil, err
	}
	all, err := s.rows.Showing(ctx, of...)
	for _, x := range more {
		if !slices.ContainsFunc(all, func(y records.KeptItem) bool { return x.ID == y.ID }) {
			all = append(all, x)
		}
	}
	return s.listed(all), err
}

// listed leaves out what expired.
func (s *Store) listed(all []records.KeptItem) []Item {
	out := []Item{}
	for i := range all {
		if x := itemOf(&all[i]); x.Expires.IsZero() || s.now().Before(x.Expires) {
			out = append(out, x)
		}
	}
	return out
}

// itemOf returns an item without its parts.
func itemOf(x *records.KeptItem) Item {
	item := Item{ID: x.ID, Kind: Kind(x.Kind), Made: x.Made}
	if x.Expires.UnixMicro() > 0 {
		item.Expires = x.Expires
	}
	return item
}

// Remove destroys an item with its key. The error wraps [registry.ErrNotFound] if it is not there.
func (s *Store) Remove(ctx context.Context, id ID) error {
	if err := s.rows.Remove(ctx, id); err != nil {
		return fmt.Errorf("kept item %s: %w", id, err)
	}
	return nil
}

// Sweep removes the items that expired, with what killed writers left of them, and returns their number. Call it at the
// start of a program and from time to time.
func (s *Store) Sweep(ctx context.Context) (n int, err error) {
	all, err := s.rows.Expired(ctx, s.now())
	for _, x := range all {
		if err == nil {
			if err = s.Remove(ctx, x.ID); err == nil {
				n++
			}
		}
		if errors.Is(err, registry.ErrNotFound) { // by another process
			err = nil
		}
	}
	return n, err
}
