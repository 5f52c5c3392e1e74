// Package keep keeps what lies beside a registry and is no evidence, in its database and its place of objects. All of it is
// sealed by the caller. The ledger has nothing of it.
package keep

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/kycmark/kycmark/internal/objects"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/schema"
	"github.com/kycmark/kycmark/watermark"
)

// A Store implements [records.Kept].
type Store struct {
	Write, Read *sql.DB
	Lock        string                      // of the dialect
	Place       objects.Place               // nil: chunks are in the database
	Free        func(context.Context) error // removes the objects that the table removal lists
}

var _ records.Kept = Store{}

// begin runs do in a transaction that has locked the row of an item: who writes to the item, or removes it, waits. The error wraps
// [records.ErrNotFound] if the item is not there.
func (s Store) begin(ctx context.Context, id [16]byte, do func(*sql.Tx) error) error {
	tx, err := s.Write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after a commit
	err = tx.QueryRowContext(ctx, "SELECT id FROM kept WHERE id = $1"+s.Lock, id[:]).Scan(new([]byte))
	if errors.Is(err, sql.ErrNoRows) {
		return records.ErrNotFound
	}
	if err == nil {
		err = do(tx)
	}
	if err != nil {
		return err
	}
	return tx.Commit()
}

func (s Store) Add(ctx context.Context, item records.KeptItem) error {
	_, err := s.Write.ExecContext(ctx, schema.Kept.Insert(nil)+" ON CONFLICT (id) DO NOTHING", schema.Kept.Bind(&item)...)
	return err
}

func (s Store) Show(ctx context.Context, id [16]byte, shows ...watermark.Submission) error {
	return s.begin(ctx, id, func(tx *sql.Tx) error {
		for _, of := range records.Ascending(shows) {
			n, err := schema.Number(ctx, tx, "SELECT count(*) FROM submission WHERE id = $1", of[:])
			if err == nil && n == 0 {
				err = records.ErrNotFound
			}
			if err != nil {
				return fmt.Errorf("submission %s: %w", of, err)
			}
			if _, err := tx.ExecContext(ctx, "INSERT INTO kept_submission (kept, submission) VALUES ($1, $2) ON CONFLICT DO NOTHING", id[:], of[:]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s Store) Item(ctx context.Context, id [16]byte, names ...string) (*records.KeptItem, []records.KeptPart, error) {
	item, err := schema.Kept.One(ctx, s.Read, " WHERE id = $1", id[:])
	if err != nil {
		return nil, nil, err
	}
	if len(names) == 0 {
		parts, err := schema.KeptParts.Rows(ctx, s.Read, " WHERE kept = $1 ORDER BY part", id[:])
		return item, parts, err
	}
	var parts []records.KeptPart
	for _, name := range names {
		some, err := schema.KeptParts.Rows(ctx, s.Read, " WHERE kept = $1 AND part = $2", id[:], name)
		if err != nil {
			return nil, nil, err
		}
		parts = append(parts, some...)
	}
	return item, parts, nil
}

func (s Store) Parts(ctx context.Context, id [16]byte) (int64, error) {
	return schema.Number(ctx, s.Read, "SELECT count(*) FROM kept_part WHERE kept = $1", id[:])
}

func (s Store) Items(ctx context.Context, kind string) ([]records.KeptItem, error) {
	return schema.Kept.Rows(ctx, s.Read, " WHERE kind = $1 ORDER BY made, id", kind)
}

func (s Store) Showing(ctx context.Context, of ...watermark.Submission) (out []records.KeptItem, err error) {
	seen := make(map[[16]byte]bool)
	for _, id := range of {
		some, err := schema.Kept.Rows(ctx, s.Read, " WHERE id IN (SELECT kept FROM kept_submission WHERE submission = $1) ORDER BY made, id", id[:])
		if err != nil {
			return nil, err
		}
		for _, x := range some {
			if !seen[x.ID] {
				seen[x.ID], out = true, append(out, x)
			}
		}
	}
	return out, nil
}

func (s Store) Unfinished(ctx context.Context, begun, done string) ([]records.KeptItem, error) {
	return schema.Kept.Rows(ctx, s.Read, ` WHERE id IN (SELECT kept FROM kept_part WHERE part = $1) AND id NOT IN (SELECT kept FROM kept_part WHERE part = $2)
		ORDER BY made, id`, begun, done)
}

func (s Store) Expired(ctx context.Context, before time.Time) ([]records.KeptItem, error) {
	return schema.Kept.Rows(ctx, s.Read, " WHERE expires > 0 AND expires < $1 ORDER BY expires", schema.Micros(&before))
}

// AddChunk commits the row before it writes the object, so that a row names each object. A removed item leaves none.
func (s Store) AddChunk(ctx context.Context, of *records.KeptPart, n int64, body []byte) error {
	name, size, inRow := objects.NameOf(body), int64(len(body)), []byte{}
	if s.Place == nil {
		name, size, inRow = objects.Name{}, 0, body
	}
	err := s.begin(ctx, of.Of, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO kept_chunk (kept, part, version, n, body, object, object_size) VALUES ($1, $2, $3, $4, $5, $6, $7)",
			of.Of[:], of.Name, of.Version[:], n, inRow, schema.Sparse(name[:]), size)
		return err
	})
	if err != nil || s.Place == nil {
		return err
	}
	if err := s.Place.Put(ctx, name, body); err != nil {
		return fmt.Errorf("keep a chunk: %w", err)
	}
	there, err := schema.Number(ctx, s.Write, "SELECT count(*) FROM kept_chunk WHERE object = $1 AND object_size > 0", name[:])
	if err != nil || there > 0 {
		return err
	}
	if _, _, err = s.Item(ctx, of.Of, of.Name); err == nil {
		err = fmt.Errorf("%w: another process wrote the part %q meanwhile", records.ErrConflict, of.Name)
	}
	return errors.Join(err, s.Place.Remove(ctx, name))
}

func (s Store) Chunk(ctx context.Context, of *records.KeptPart, n int64) ([]byte, error) {
	var body []byte
	var o records.Object
	err := s.Read.QueryRowContext(ctx, "SELECT body, object, object_size FROM kept_chunk WHERE kept = $1 AND part = $2 AND version = $3 AND n = $4",
		of.Of[:], of.Name, of.Version[:], n).Scan(schema.Blob(&body), schema.Sparse(o.Name[:]), &o.Size)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, records.ErrNotFound
	case err != nil || o.Size == 0:
		return body, err
	case s.Place == nil:
		return nil, fmt.Errorf("%w: it is an object, and the registry names no place of objects", records.ErrSealed)
	}
	body, err = objects.Get(ctx, s.Place, o.Name, o.Size)
	if errors.Is(err, fs.ErrNotExist) { // its row goes first: it may have been replaced meanwhile
		there, counted := schema.Number(ctx, s.Read, "SELECT count(*) FROM kept_chunk WHERE object = $1 AND object_size > 0", o.Name[:])
		if counted != nil || there == 0 {
			return nil, cmp.Or(counted, records.ErrNotFound)
		}
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, objects.ErrDiffers) {
		err = fmt.Errorf("%w: object %s: %w", records.ErrSealed, o.Name, err)
	}
	return body, err
}

func (s Store) Publish(ctx context.Context, p records.KeptPart, unless string) error {
	err := s.begin(ctx, p.Of, func(tx *sql.Tx) error {
		n, err := schema.Number(ctx, tx, "SELECT count(*) FROM kept_part WHERE kept = $1 AND part = $2", p.Of[:], unless)
		if err == nil && n > 0 {
			err = fmt.Errorf("%w: it has the part %q", records.ErrConflict, unless)
		}
		if err == nil {
			n, err = schema.Number(ctx, tx, "SELECT count(*) FROM kept_chunk WHERE kept = $1 AND part = $2 AND version = $3", p.Of[:], p.Name, p.Version[:])
		}
		if err != nil {
			return err
		}
		if n != p.Chunks {
			return fmt.Errorf("%w: %d of %d chunks of the part %q are there: another process wrote it meanwhile", records.ErrConflict, n, p.Chunks, p.Name)
		}
		if err := drop(ctx, tx, "kept = $1 AND part = $2 AND version <> $3", p.Of[:], p.Name, p.Version[:]); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM kept_part WHERE kept = $1 AND part = $2", p.Of[:], p.Name); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, schema.KeptParts.Insert(nil), schema.KeptParts.Bind(&p)...)
		return err
	})
	if err == nil {
		_ = s.Free(ctx) // what is left goes later
	}
	return err
}

// drop deletes the chunks that a condition selects, and enters their objects for removal.
func drop(ctx context.Context, tx *sql.Tx, where string, args ...any) error {
	if _, err := tx.ExecContext(ctx, "INSERT INTO removal (object) SELECT object FROM kept_chunk WHERE object_size > 0 AND "+where, args...); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, "DELETE FROM kept_chunk WHERE "+where, args...)
	return err
}

func (s Store) Remove(ctx context.Context, id [16]byte) error {
	err := s.begin(ctx, id, func(tx *sql.Tx) error {
		if err := drop(ctx, tx, "kept = $1", id[:]); err != nil {
			return err
		}
		for _, query := range []string{"DELETE FROM kept_part WHERE kept = $1", "DELETE FROM kept_submission WHERE kept = $1", "DELETE FROM kept WHERE id = $1"} {
			if _, err := tx.ExecContext(ctx, query, id[:]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.Free(ctx)
}
