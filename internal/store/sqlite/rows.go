package sqlite

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/kycmark/kycmark/internal/store"
)

type scanner interface{ Scan(dest ...any) error }

// collect runs a query and scans all of its rows.
func collect[T any](ctx context.Context, q querier, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		t, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, rows.Err()
}

// one scans the only row of a query; none is [store.ErrNotFound].
func one[T any](ctx context.Context, q querier, scan func(scanner) (T, error), query string, args ...any) (*T, error) {
	t, err := scan(q.QueryRowContext(ctx, query, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, store.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return &t, nil
}

// fixed copies a blob into an array of its size.
func fixed(dst, src []byte) error {
	if len(dst) != len(src) {
		return fmt.Errorf("%w: a blob of %d bytes where %d belong", store.ErrTampered, len(src), len(dst))
	}
	copy(dst, src)
	return nil
}

func at(micro int64) time.Time { return time.UnixMicro(micro).UTC() }

func scanInfo(s scanner) (i store.Info, err error) {
	var id, salt []byte
	var created int64
	if err := s.Scan(&id, &created, &salt, &i.Seq); err != nil {
		return i, err
	}
	i.Created = at(created)
	return i, errors.Join(fixed(i.ID[:], id), fixed(i.Salt[:], salt))
}

func scanRecipient(s scanner) (r store.Recipient, err error) {
	var salt []byte
	var added int64
	if err := s.Scan(&r.Name, &r.Kind, &r.Actor, &added, &salt, &r.Seq); err != nil {
		return r, err
	}
	r.Added = at(added)
	return r, fixed(r.Salt[:], salt)
}

func scanMarkKey(s scanner) (k store.MarkKey, err error) {
	var salt []byte
	var since int64
	if err := s.Scan(&k.ID, &since, &salt, &k.Seq); err != nil {
		return k, err
	}
	k.Since = at(since)
	return k, fixed(k.Salt[:], salt)
}

func scanSubmission(s scanner) (u store.Submission, err error) {
	var id, sum, salt []byte
	var submitted, received int64
	if err := s.Scan(&u.Ref, &id, &sum, &u.Size, &u.Format, &u.Decoder, &u.Width, &u.Height,
		&submitted, &received, &u.Subject, &u.Hash, &u.Chain, &u.Quality, &salt, &u.Seq); err != nil {
		return u, err
	}
	u.Submitted, u.Received = at(submitted), at(received)
	return u, errors.Join(fixed(u.ID[:], id), fixed(u.SHA256[:], sum), fixed(u.Salt[:], salt))
}

func scanHash(s scanner) (h store.Hash, err error) {
	err = s.Scan(&h.Ref, &h.Hash, &h.Quality)
	return h, err
}

func scanSealed(s scanner) (x store.Sealed, err error) {
	err = s.Scan(&x.KeyID, &x.Wrapped, &x.Body)
	return x, err
}

// copyID is the key of a copy: 8 bytes, big endian, as a mark carries them.
func copyID(id uint64) []byte { return binary.BigEndian.AppendUint64(nil, id) }

func scanCopy(s scanner) (c store.Copy, err error) {
	var id, of, sum, salt []byte
	var issued int64
	if err := s.Scan(&id, &of, &c.Recipient, &c.Purpose, &c.KeyID, &c.Strength, &c.Margin, &c.Weak, &c.PSNR,
		&c.SSIM, &c.Format, &c.Width, &c.Height, &sum, &c.Size, &issued, &c.Actor, &salt, &c.Seq); err != nil {
		return c, err
	}
	c.Issued = at(issued)
	var raw [8]byte
	err = errors.Join(fixed(raw[:], id), fixed(c.Submission[:], of), fixed(c.SHA256[:], sum), fixed(c.Salt[:], salt))
	c.ID = binary.BigEndian.Uint64(raw[:])
	return c, err
}

// custodyRow is a row of custody before its list is read.
type custodyRow struct {
	id     int64
	listed int64
	store.Custody
}

func scanCustody(s scanner) (c custodyRow, err error) {
	var salt []byte
	var since, until, entered int64
	if err := s.Scan(&c.id, &c.Recipient, &since, &until, &c.listed, &c.Note, &entered, &c.Actor, &salt, &c.Seq); err != nil {
		return c, err
	}
	c.From, c.To, c.Entered = at(since), at(until), at(entered)
	return c, fixed(c.Salt[:], salt)
}

func scanID(s scanner) (id [16]byte, err error) {
	var b []byte
	if err := s.Scan(&b); err != nil {
		return id, err
	}
	return id, fixed(id[:], b)
}
