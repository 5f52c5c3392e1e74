package sqldb

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kycmark/kycmark/internal/durable"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/objects"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/schema"
	"github.com/kycmark/kycmark/watermark"
)

// Originals may be kept outside of the database, as objects. Segments in a bucket are objects beside them. An object is written before the row that
// names it is committed, and removed after the row is gone. A crash leaves objects without rows at most.

// maxPuts is how many objects one call writes at a time: each waits for a disk or a server. Chosen.
const maxPuts = 16

// keepAt opens the place at an address for the registry with this ID, which may be new, and keeps new originals there. "": the database.
func (d *core) keepAt(ctx context.Context, address string, id [16]byte, isNew bool) error {
	if address == d.address {
		return nil
	}
	place, err := d.dialect.Originals(ctx, address, hex.EncodeToString(id[:]))
	if errors.Is(err, errors.ErrUnsupported) {
		err = fmt.Errorf("%w: originals at %q: %w", records.ErrSchema, address, err)
	}
	if err == nil && isNew {
		err = objects.Make(place)
	}
	if err != nil {
		return err
	}
	d.address, d.place = address, place
	return nil
}

// originals are sealed originals, and the objects that hold them.
type originals struct{ *core }

// put moves a sealed original to its place, unless that is the database. It sets x.Object, and x.Body to nil.
func (d originals) put(ctx context.Context, x *records.Sealed) error {
	if d.place == nil || len(x.Body) == 0 {
		return nil
	}
	name := objects.NameOf(x.Body)
	if err := d.place.Put(ctx, name, x.Body); err != nil {
		return fmt.Errorf("keep an original: %w", err)
	}
	x.Object, x.Body = records.Object{Name: name, Size: int64(len(x.Body))}, nil
	return nil
}

// putOriginals returns the uploads with their originals put where they are kept. put has an element for each upload:
// the object that was written, or a zero one. After an error no object is left, if that can be.
func (d originals) putOriginals(ctx context.Context, uploads []records.Upload) (out []records.Upload, put []records.Object, err error) {
	if d.readOnly || d.place == nil {
		return uploads, nil, nil
	}
	out, put = append(out, uploads...), make([]records.Object, len(uploads))
	group, all := errgroup.WithContext(ctx)
	group.SetLimit(maxPuts)
	for i := range out {
		if out[i].Sealed == nil || len(out[i].Sealed.Body) == 0 {
			continue
		}
		group.Go(func() error {
			x := *out[i].Sealed
			err := d.put(all, &x)
			out[i].Sealed, put[i] = &x, x.Object
			return err
		})
	}
	if err := group.Wait(); err != nil {
		d.dropOriginals(ctx, put, make([]bool, len(put)))
		return nil, nil, err
	}
	return out, put, nil
}

// dropOriginals removes those objects in put whose uploads were not entered, unless a row names them: another attempt to
// enter the same upload puts the same object. entered says it for each object. It is empty if that is unknown: then all
// stay. An object that cannot be removed is left for the next audit: it belongs to no submission.
func (d originals) dropOriginals(ctx context.Context, put []records.Object, entered []bool) {
	ctx = context.WithoutCancel(ctx)
	for i, o := range put {
		if i >= len(entered) || entered[i] || o.Size == 0 {
			continue
		}
		if named, err := d.named(ctx, []objects.Object{{Name: o.Name}}); err == nil && len(named) == 0 {
			_ = d.place.Remove(ctx, o.Name)
		}
	}
}

// fetch reads the original of a sealed row into x.Body, if it is an object. The error wraps
// [records.ErrSealed] if the object is missing or changed.
func (d originals) fetch(ctx context.Context, x *schema.Sealed) error {
	if x.Object.Size == 0 {
		return nil
	}
	if d.place == nil {
		return fmt.Errorf("%w: it is an object, and the registry names no place of objects", records.ErrSealed)
	}
	body, err := objects.Get(ctx, d.place, x.Object.Name, x.Object.Size)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: its object is missing: %s", records.ErrSealed, x.Object.Name)
	case errors.Is(err, objects.ErrDiffers):
		return fmt.Errorf("%w: its object %s: %w", records.ErrSealed, x.Object.Name, err)
	case err != nil && whole(ctx, err):
		return fmt.Errorf("read its sealed original: %w", err)
	case err != nil:
		return fmt.Errorf("%w: %w: object %s: %w", records.ErrSealed, records.ErrUnread, x.Object.Name, intake.WithoutPath(err))
	}
	x.Body = body
	return nil
}

// whole reports whether an error of a place is not about one object: its server is away or refuses all, or the caller gave up.
func whole(ctx context.Context, err error) bool {
	return errors.Is(err, objects.ErrAway) || errors.Is(err, objects.ErrRefused) || ctx.Err() != nil
}

// isLost reports whether x's original must be put again: see [records.Store].Restore. It reads no object that opens.
func (d originals) isLost(ctx context.Context, x *schema.Sealed) (bool, error) {
	if x.Object.Size == 0 || d.place == nil {
		return len(x.Body) == 0 && x.Object.Size == 0, nil
	}
	size, err := d.place.Size(ctx, x.Object.Name)
	if err == nil && size == x.Object.Size {
		var r io.ReadCloser
		if r, err = d.place.Open(ctx, x.Object.Name); err == nil {
			return false, r.Close()
		}
	}
	if err != nil && whole(ctx, err) {
		return false, err
	}
	return true, nil
}

func (d originals) Restore(ctx context.Context, id watermark.Submission, seal func(x *records.Sealed) error) (restored bool, err error) {
	row, err := schema.Seals.One(ctx, d.read, " WHERE submission = $1", id[:])
	if err != nil {
		return false, err
	}
	if lost, err := d.isLost(ctx, row); err != nil || !lost {
		return false, err
	}
	old := row.Object
	if err := seal(&row.Sealed); err != nil {
		return false, err
	}
	row.Object = records.Object{}
	if err := d.put(ctx, &row.Sealed); err != nil {
		return false, err
	}
	err = d.update(ctx, "restore an original", func(t *tx) error {
		const query = "UPDATE sealed SET body = $1, object = $2, object_size = $3 WHERE submission = $4 AND object = $5"
		n, err := schema.Changed(t.ExecContext(ctx, query, schema.Blob(&row.Body), schema.Sparse(row.Object.Name[:]),
			row.Object.Size, id[:], schema.Sparse(old.Name[:])))
		restored = n > 0 // else another process restored or erased it
		return err
	})
	if err == nil && restored && old.Size > 0 {
		_ = d.place.Remove(ctx, old.Name) // else the next audit does
	}
	if !errors.Is(err, errCommit) {
		d.dropOriginals(ctx, []records.Object{row.Object}, []bool{restored && err == nil})
	}
	return restored && err == nil, err
}

// removeErased removes the objects of erased originals. Its error says that the erasure is done, and which object stays first.
func (d originals) removeErased(ctx context.Context) (failed error) {
	rows, err := schema.Collect(ctx, d.read, bindName, "SELECT object FROM removal")
	if err != nil || len(rows) == 0 {
		return err
	}
	if d.place == nil {
		return errors.New("the erasure is done, but its originals are objects, and the registry names no place of objects")
	}
	for _, name := range rows {
		if err := d.place.Remove(ctx, name); err != nil {
			failed = cmp.Or(failed, fmt.Errorf("the erasure is done and its key is destroyed, but the object %s could not be removed; the next erasure or audit removes it: %w", name, err))
			if errors.Is(err, objects.ErrAway) {
				break // so it is for the others
			}
			continue
		}
		if _, err := d.write.ExecContext(ctx, "DELETE FROM removal WHERE object = $1", name[:]); err != nil {
			return err
		}
	}
	return failed
}

// lost returns an error that wraps [records.ErrTampered] if an original of submissions to erase is not where originals
// are kept. An altered address may have left it elsewhere. Once the erasure is committed, any process may remove it.
func (d originals) lost(ctx context.Context, ids []watermark.Submission) (lost, err error) {
	originals := schema.TableOf("sealed", "object", bindName)
	names, err := originals.Among(ctx, d.read, &d.dialect, "object_size > 0 AND submission", schema.Each(ids, schema.IDOf), "")
	if err != nil || d.place == nil { // without a place removeErased says so
		return nil, err
	}
	for _, name := range names {
		if _, err := d.place.Size(ctx, name); errors.Is(err, fs.ErrNotExist) {
			lost = errors.Join(lost, schema.Tampered("a sealed original was not found at %s (object %s): it may be left elsewhere, without its key", d.address, name))
		}
	}
	return lost, nil
}

// settle makes a commit of nothing. A process that was killed may leave a commit in SQLite's log that no reader sees and that the
// next opening of the file finds: its row would name an object that was removed meanwhile. A commit behind it takes its place.
func (d originals) settle(ctx context.Context) error {
	return d.update(ctx, "check originals", func(t *tx) error {
		var none objects.Name
		if _, err := t.ExecContext(ctx, "INSERT INTO removal (object) VALUES ($1)", none[:]); err != nil {
			return err
		}
		_, err := t.ExecContext(ctx, "DELETE FROM removal WHERE object = $1", none[:])
		return err
	})
}

func bindName(n *objects.Name) []any { return []any{schema.Fixed(n[:])} }

// CheckObjects also removes the objects of erased originals. Objects of the last hour that no row names are not
// counted, unless they are removed. What killed processes left of objects counts as such. From a read-only registry nothing is removed.
func (d originals) CheckObjects(ctx context.Context, sweep time.Time) (out records.Objects, err error) {
	out.Place = d.address
	readOnly := d.readOnly
	if !readOnly && !sweep.IsZero() {
		err := d.settle(ctx)
		if readOnly = d.frozen(err); err != nil && !readOnly {
			return out, err
		}
	}
	kept, err := schema.Number(ctx, d.read, "SELECT count(*) FROM ("+objectRows+" AND there > 0) AS counted")
	if err != nil {
		return out, err
	}
	out.Kept = int(kept)
	if d.place == nil {
		out.Missing = out.Kept
		return out, nil
	}
	if !readOnly {
		if err := d.removeErased(ctx); err != nil && !d.frozen(err) {
			return out, err
		}
	}
	found := make(map[objects.Name]bool)
	var batch []objects.Object
	look := func() error {
		named, err := d.named(ctx, batch)
		if err != nil {
			return err
		}
		for _, o := range batch {
			switch size, ok := named[o.Name]; {
			case ok && size == o.Size:
				found[o.Name] = true
			case ok: // missing
			case o.Written.Before(sweep) && !readOnly:
				out.Extra++
				if err := d.place.Remove(ctx, o.Name); err == nil {
					out.Removed++
				} else if !errors.Is(err, syscall.EROFS) && !errors.Is(err, fs.ErrPermission) {
					return err
				}
			case time.Since(o.Written) > durable.Settled: // a younger one may belong to an upload that is being entered
				out.Extra++
			}
		}
		batch = batch[:0]
		return nil
	}
	for o, err := range d.place.All(ctx) {
		if err != nil && whole(ctx, err) {
			return out, fmt.Errorf("list the objects at %s: %w", out.Place, err)
		}
		if err != nil {
			out.Unread = fmt.Sprintf("list the objects at %s: %v", out.Place, err)
			continue
		}
		if batch = append(batch, o); len(batch) == schema.InList {
			if err := look(); err != nil {
				return out, err
			}
		}
	}
	if err := look(); err != nil {
		return out, err
	}
	remove := !readOnly && !sweep.IsZero()
	rests, err := objects.Rests(ctx, d.place, time.Now().Add(-durable.Settled), remove)
	if out.Extra += rests; remove {
		out.Removed += rests
	}
	if err != nil || len(found) >= out.Kept {
		return out, err
	}
	return out, d.missing(ctx, found, &out)
}

// objectRows are the objects that rows name. Objects of segments that are being made, or removed, may not be there, nor objects of kept chunks.
const objectRows = "SELECT object, size FROM (SELECT object, object_size AS size, 1 AS there FROM sealed UNION ALL SELECT digest, size, state FROM segment UNION ALL SELECT object, object_size, 0 FROM kept_chunk) AS named WHERE size > 0"

// named returns the sizes of those objects that rows name.
func (d originals) named(ctx context.Context, list []objects.Object) (map[objects.Name]int64, error) {
	named := make(map[objects.Name]int64, len(list))
	if len(list) == 0 {
		return named, nil
	}
	rows, err := schema.Collect(ctx, d.read, func(o *records.Object) []any { return []any{schema.Fixed(o.Name[:]), &o.Size} },
		objectRows+" AND object IN "+d.dialect.Placeholders(1, len(list)), schema.Each(list, func(o *objects.Object) any { return o.Name[:] })...)
	for _, r := range rows {
		named[r.Name] = r.Size
	}
	return named, err
}

// missing counts the objects that rows name and that were not found. Rows of the last minutes, whose
// objects came after the list began, are looked for again.
func (d originals) missing(ctx context.Context, found map[objects.Name]bool, out *records.Objects) error {
	rows, err := d.read.QueryContext(ctx, objectRows+" AND there > 0")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var o records.Object
		if err := rows.Scan(schema.Fixed(o.Name[:]), &o.Size); err != nil {
			return schema.Unreadable(err)
		}
		if found[o.Name] {
			continue
		}
		if err := objects.Copy(ctx, io.Discard, d.place, o.Name, o.Size); err != nil && whole(ctx, err) {
			return err
		} else if err != nil {
			out.Missing++
		}
	}
	return rows.Err()
}
