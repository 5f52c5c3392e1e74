package records

import (
	"context"
	"time"

	"github.com/kycmark/kycmark/watermark"
)

// A KeptItem is something that is kept beside a registry, and is no evidence.
type KeptItem struct {
	ID      [16]byte // random
	Kind    string   // "spool" or "investigation"
	Made    time.Time
	Expires time.Time // 1970: it stays until it is removed
	Wrapped []byte    // its key, under the sealing key
}

// A KeptPart is a named stream of bytes of an item.
type KeptPart struct {
	Of      [16]byte // the item
	Name    string
	Version [16]byte // random
	Chunks  int64
	Size    int64    // bytes, clear
	SHA256  [32]byte // of the clear bytes
}

// Kept is what is kept beside a registry. Errors of all methods wrap ErrNotFound if the item, the part or the chunk is not there.
type Kept interface {
	Add(ctx context.Context, item KeptItem) error
	// Show enters that an item shows submissions. The error wraps ErrNotFound if the item or one of them is not there.
	Show(ctx context.Context, id [16]byte, shows ...watermark.Submission) error
	Item(ctx context.Context, id [16]byte) (*KeptItem, []KeptPart, error) // parts by name
	Items(ctx context.Context, kind string) ([]KeptItem, error)           // in the order in which they were made
	// Showing lists the items that show one of the submissions, as Items does.
	Showing(ctx context.Context, of ...watermark.Submission) ([]KeptItem, error)
	// AddChunk keeps chunk n of a version of a part. What a killed process left of it goes with the item.
	AddChunk(ctx context.Context, of *KeptPart, n int64, body []byte) error
	Chunk(ctx context.Context, of *KeptPart, n int64) ([]byte, error)
	// Publish has a version of a part read from now on, and removes its other versions. The error wraps ErrConflict if chunks of
	// the version are gone, since another was published meanwhile.
	Publish(ctx context.Context, p KeptPart) error
	Remove(ctx context.Context, id [16]byte) error
	// Expired lists the items that expired before a time.
	Expired(ctx context.Context, before time.Time) ([]KeptItem, error)
}
