package sqldb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/kycmark/kycmark/internal/durable"
	"github.com/kycmark/kycmark/internal/objects"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/schema"
	"github.com/kycmark/kycmark/internal/tlog"
)

// Transfer copies the registry from, in its state at one moment, into to, a database of [OpenCopy]. It checks the copy
// and compares the roots of the ledgers. Size (entries) and root are the copy's. progress, if not nil, is called with
// the rows copied and the total. Transfer closes neither database.
//
// All is one transaction: after an error or a kill nothing was copied, but objects of originals may be there, which the next Transfer
// does not copy again. The error wraps [fs.ErrExist] if a registry is there.
func Transfer(ctx context.Context, from, to *DB, progress func(done, total int)) (size int64, root tlog.Hash, err error) {
	if to.place != nil {
		if _, err := objects.Rests(ctx, to.place, time.Now().Add(-durable.Settled), true); err != nil {
			return 0, root, err
		}
	}
	source, err := from.read.BeginTx(ctx, from.dialect.Snapshot)
	if err != nil {
		return 0, root, err
	}
	defer source.Rollback()
	t := &transfer{from: source, of: from, to: to, progress: progress}
	info, err := schema.Info.One(ctx, source, "")
	if err != nil {
		return 0, root, err
	}
	info.Originals = to.address
	head, err := readHead(ctx, source, "")
	if err != nil {
		return 0, root, err
	}
	for _, s := range transferred {
		n, err := schema.Number(ctx, source, "SELECT count(*) FROM "+s.table)
		if err != nil {
			return 0, root, fmt.Errorf("%s: %w", s.table, err)
		}
		t.total += int(n)
	}
	err = to.update(ctx, "copy a registry", func(into *tx) error {
		if err := vacant(ctx, into); err != nil {
			return err
		}
		t.done = 0
		for _, s := range transferred {
			if err := s.run(ctx, t, into); err != nil {
				return fmt.Errorf("copy the rows of %s: %w", s.table, err)
			}
		}
		if err := insert(ctx, into, schema.Info, *info); err != nil {
			return err
		}
		if _, err := into.ExecContext(ctx, "UPDATE ledger_head SET size = $1, root = $2, lists = $3", head.size, head.root[:], head.lists[:]); err != nil {
			return err
		}
		size, root, err = check(ctx, into)
		if err == nil && (size != head.size || root != head.root) {
			err = errors.New("the copy has another ledger")
		}
		return err
	})
	if err != nil {
		return 0, root, err
	}
	to.info = info
	return size, root, nil
}

type transfer struct {
	from        schema.Querier
	of          *DB // that from reads
	to          *DB
	progress    func(done, total int)
	done, total int
}

// A transferStep copies the rows of one table.
type transferStep struct {
	table string
	run   func(ctx context.Context, t *transfer, into *tx) error
}

// Rows that are written at a time. Sealed ones hold pictures.
const (
	transferRows   = 2000
	transferSealed = 8
)

// transferred lists all tables of evidence, except the registry's name and the ledger's head, and tokens. It lacks segments, removals,
// and requests, notices and kept investigations of a service. What others refer to is first.
var transferred = []transferStep{
	all(schema.Ledger), all(schema.ListNodes), all(schema.Recipients), all(schema.MarkKeys), all(schema.KeyStates), all(schema.Submissions), all(schema.Subjects),
	{schema.Seals.Name, func(ctx context.Context, t *transfer, into *tx) error {
		return stream(ctx, t, into, schema.Seals, transferSealed, t.original)
	}},
	all(schema.Erasures), all(schema.ErasureLists), all(schema.Copies), all(schema.Releases), all(schema.Receipts), all(schema.Returns), all(schema.CustodyFacts), all(schema.CustodyLists), all(schema.CustodyEvents),
	all(schema.Investigations), all(schema.Conclusions), all(schema.Checkpoints), all(schema.Cosigned), all(schema.Tokens),
}

// all returns the step that copies a table as it is.
func all[T any](from schema.Table[T]) transferStep {
	return transferStep{from.Name, func(ctx context.Context, t *transfer, into *tx) error {
		return stream(ctx, t, into, from, transferRows, func(context.Context, *T) error { return nil })
	}}
}

// original brings the original of a sealed row to where the copy keeps originals. An object that is there
// already, from an earlier copy, is not copied again: objects never change.
func (t *transfer) original(ctx context.Context, x *schema.Sealed) error {
	if place := t.to.place; place != nil && x.Object.Size > 0 {
		switch size, err := place.Size(ctx, x.Object.Name); {
		case err == nil && size == x.Object.Size:
			return nil
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return err
		}
	}
	if err := t.of.fetch(ctx, x); err != nil {
		if _, gone := schema.Seals.One(ctx, t.of.read, " WHERE submission = $1", x.Of[:]); errors.Is(gone, records.ErrNotFound) {
			err = records.ErrErased // since the copy began
		}
		return fmt.Errorf("submission %s: %w", x.Of, err)
	}
	x.Object = records.Object{}
	return t.to.put(ctx, &x.Sealed)
}

// stream copies the rows of the table from, atATime rows at once. each changes a row before it is
// written. progress is called after each insertion.
func stream[T any](ctx context.Context, t *transfer, into *tx, from schema.Table[T], atATime int, each func(context.Context, *T) error) error {
	rows, err := t.from.QueryContext(ctx, from.Query())
	if err != nil {
		return err
	}
	defer rows.Close()
	var batch []T
	for more := true; more; {
		if more = rows.Next(); more {
			batch = append(batch, *new(T))
			if err := rows.Scan(from.Bind(&batch[len(batch)-1])...); err != nil {
				return schema.Unreadable(err)
			}
			if err := each(ctx, &batch[len(batch)-1]); err != nil {
				return err
			}
		}
		if len(batch) == atATime || !more {
			if err := insert(ctx, into, from, batch...); err != nil {
				return err
			}
			if t.done += len(batch); t.progress != nil {
				t.progress(t.done, t.total)
			}
			batch = nil
		}
	}
	return rows.Err()
}
