package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/schema"
	"github.com/kycmark/kycmark/internal/tlog"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

// A tx is a transaction that writes rows and their entries. It holds the ledger's lock from its beginning to its end.
type tx struct {
	*sql.Tx
	conn    *sql.Conn
	dialect *schema.Dialect
	tree    *tlog.Tree
	lists   *tlog.Lists    // nil: no entry was made yet
	entries []schema.Entry // not written yet
}

// lock waits until other writers have ended, locks the ledger's head, and sets t.tree. last is the tree as this process
// left it, or nil. If it is still the ledger's, lock takes it; else lock reads the right border. The error wraps
// [records.ErrTampered] if the border does not give the head's root.
func (t *tx) lock(ctx context.Context, last *tlog.Tree) error {
	head, err := readHead(ctx, t, t.dialect.Lock)
	if err != nil {
		return err
	}
	size := uint64(head.size)
	if last != nil && last.Size() == size && last.Root() == head.root {
		t.tree = last
		return nil
	}
	border, err := readNodes(ctx, t, tlog.Border(size))
	if err != nil {
		return err
	}
	if t.tree, err = tlog.NewTree(size, border); err != nil {
		return fmt.Errorf("%w: %w", records.ErrTampered, err)
	}
	if t.tree.Root() != head.root {
		return schema.Tampered("the ledger's tree of %d entries has another root", size)
	}
	return nil
}

// update runs write in a transaction and returns after the commit. write may run more than once, and must then set its results anew. An
// error of write rolls back all that it wrote. what names the deed ("erase") in the error that
// wraps [records.ErrReadOnly], if the registry is open for investigation only. The error wraps [records.ErrFrozen] if the database is read-only.
func (d *core) update(ctx context.Context, what string, write func(*tx) error) error {
	if d.readOnly {
		return fmt.Errorf("%s: %w", what, records.ErrReadOnly)
	}
	return d.transact(ctx, write)
}

// adding is update for a row that may be there already. write reports whether it entered the row.
func (d *core) adding(ctx context.Context, what string, write func(*tx) (bool, error)) (added bool, err error) {
	err = d.update(ctx, what, func(t *tx) (err error) {
		added, err = write(t)
		return err
	})
	return added && err == nil, err
}

// errCommit is wrapped by errors that leave unknown whether the transaction was committed.
var errCommit = errors.New("commit")

// attempts is how often a transaction is run that the database gave up.
const attempts = 10

// transact is update for any registry. If the database gave the transaction up (Again of the dialect), transact repeats
// it: attempts runs in all, and no run after ctx has ended. It returns the error of the last run.
func (d *core) transact(ctx context.Context, write func(*tx) error) error {
	for n := 1; ; n++ {
		err := d.try(ctx, write)
		if err != nil && d.frozen(err) {
			return records.ErrFrozen
		}
		if err == nil || n == attempts || !d.dialect.Again(err) || ctx.Err() != nil {
			return err
		}
	}
}

// frozen reports whether an error says that the database is read-only.
func (d *core) frozen(err error) bool {
	return errors.Is(err, records.ErrFrozen) || d.dialect.Frozen != nil && d.dialect.Frozen(err)
}

// try runs write in one transaction. The end of ctx stops the transaction before the commit, but not during it. An
// error that wraps [errCommit] leaves unknown whether the transaction was committed. After other errors it was rolled back.
func (d *core) try(ctx context.Context, write func(*tx) error) error {
	conn, err := d.write.Conn(ctx) // the only one: writers of a process take turns
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close()
	// Who is cancelled gives up before the commit or not at all: a commit that is cut off would leave the caller in doubt.
	raw, err := conn.BeginTx(context.WithoutCancel(ctx), d.dialect.Write)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer raw.Rollback() // does nothing after a commit
	t := &tx{Tx: raw, conn: conn, dialect: &d.dialect}
	if err := t.lock(ctx, d.last.swap(nil)); err != nil { // the tree grows with what may be rolled back
		return err
	}
	if err := schema.Check(ctx, t); err != nil { // another version may have changed it
		return err
	}
	if err := t.alone(ctx); err != nil {
		return err
	}
	if err := write(t); err != nil {
		return err
	}
	if err := t.flush(ctx); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := d.commit(raw); err != nil {
		return fmt.Errorf("%w: %w", errCommit, err)
	}
	d.last.swap(t.tree)
	return nil
}

// alone returns an error that wraps [records.ErrTampered] if something in the database may change what is written:
// an erased original could be put back, an entry left out.
func (t *tx) alone(ctx context.Context) error {
	var name string
	if err := t.QueryRowContext(ctx, t.dialect.Meddler).Scan(&name); errors.Is(err, sql.ErrNoRows) {
		return nil
	} else if err != nil {
		return err
	}
	return schema.Tampered("the database has a %s, which was added: nothing was written", name)
}

// append makes the entry of a row, adds it to its lists and to t.tree, and returns its number. flush
// writes both at the end of the transaction. The caller sets Seq of the row and inserts the row. The error
// wraps [records.ErrTampered] if lists were changed.
func (t *tx) append(ctx context.Context, row records.Row) (int64, error) {
	e := t.next(row)
	for _, name := range records.ListsOf(row, e.Kind) {
		if err := t.list(ctx, name, e.Item()); err != nil {
			return 0, err
		}
	}
	var submitted time.Time
	if c, ok := row.(books.Copy); ok {
		at, err := submittedOf(ctx, t, []books.Copy{c})
		if err != nil {
			return 0, err
		}
		submitted = at[c.Submission]
	}
	if name, item := records.CountedOn(row, e, submitted); name != "" {
		if err := t.list(ctx, name, item); err != nil {
			return 0, err
		}
	}
	e.Lists = t.lists.Root()
	t.put(e)
	return e.Seq, nil
}

func submittedOf(ctx context.Context, q schema.Querier, copies []books.Copy) (map[watermark.Submission]time.Time, error) {
	times := schema.TableOf("submission", "id submitted", func(c *records.Counted) []any { return []any{schema.Fixed(c.Of[:]), schema.Micros(&c.Submitted)} })
	rows, err := times.Among(ctx, q, nil, "id", schema.Each(copies, func(c *books.Copy) any { return c.Submission[:] }), "")
	return each.Map(rows, func(r records.Counted) (watermark.Submission, time.Time) { return r.Of, r.Submitted }), err
}

// appendSubmissions is append for submissions, which it also inserts. They are many: the last entry alone has the root of the
// lists. So the last entry of every transaction has it.
func (t *tx) appendSubmissions(ctx context.Context, rows []books.Submission) error {
	items := make(map[string][]tlog.Hash) // by the name of the list
	for i := range rows {
		e := t.next(rows[i])
		rows[i].Seq = e.Seq
		items[e.Kind] = append(items[e.Kind], e.Item())
		name, item := records.CountedOn(rows[i], e, time.Time{})
		items[name] = append(items[name], item)
		if i < len(rows)-1 {
			t.put(e)
			continue
		}
		if err := t.readLists(ctx, slices.Collect(maps.Keys(items))...); err != nil {
			return err
		}
		for name, more := range items {
			if err := t.list(ctx, name, more...); err != nil {
				return err
			}
		}
		e.Lists = t.lists.Root()
		t.put(e)
	}
	if err := insert(ctx, t, schema.Submissions, rows...); err != nil {
		return fmt.Errorf("submissions: %w", err)
	}
	return nil
}

// next returns the entry of a row that would be the next one, without Lists.
func (t *tx) next(row records.Row) records.Entry {
	e := records.EntryOf(row)
	e.Seq = int64(t.tree.Size()) + 1
	return e
}

func (t *tx) list(ctx context.Context, name string, items ...tlog.Hash) error {
	if err := t.readLists(ctx); err != nil {
		return err
	}
	return damaged(t.lists.Add(ctx, name, items...))
}

// readLists sets t.lists, if it is not set, and reads the nodes on the way to lists with these names.
func (t *tx) readLists(ctx context.Context, names ...string) (err error) {
	if t.lists == nil {
		if t.lists, err = readLists(ctx, t, t.dialect); err != nil {
			return err
		}
	}
	return damaged(t.lists.Read(ctx, names...))
}

func (t *tx) put(e records.Entry) {
	raw := e.Encode()
	t.entries = append(t.entries, schema.Entry{Seq: e.Seq, Text: raw, Nodes: appendLeaf(t.tree, raw)})
}

// enter appends the entry of a row, sets seq, the row's number, and inserts the row.
func enter[T records.Row](ctx context.Context, t *tx, into schema.Table[T], row *T, seq *int64) (err error) {
	if *seq, err = t.append(ctx, *row); err != nil {
		return err
	}
	return insert(ctx, t, into, *row)
}

// flush writes the entries that append made, if any, and the ledger's new head. It does not commit.
func (t *tx) flush(ctx context.Context) error {
	if len(t.entries) == 0 {
		return nil
	}
	if err := insert(ctx, t, schema.Ledger, t.entries...); err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	root := t.tree.Root()
	if _, err := t.ExecContext(ctx, "UPDATE ledger_head SET size = $1, root = $2 WHERE one = 1", int64(t.tree.Size()), root[:]); err != nil {
		return fmt.Errorf("ledger head: %w", err)
	}
	return t.writeLists(ctx)
}

// insert enters rows in the table into, in the transaction t; without rows it does nothing.
func insert[T any](ctx context.Context, t *tx, into schema.Table[T], rows ...T) error {
	if len(rows) > 1 {
		return t.dialect.Insert(ctx, t.conn, into.Name, into.Columns, len(rows), func(i int) ([]any, error) { return values(into.Bind(&rows[i])) })
	}
	for i := range rows {
		if _, err := t.ExecContext(ctx, into.Insert(t.dialect), into.Bind(&rows[i])...); err != nil {
			return err
		}
	}
	return nil
}

// values replaces what columns bind by what a driver takes, in place.
func values(row []any) ([]any, error) {
	for i, v := range row {
		var err error
		switch v := v.(type) {
		case *string:
			row[i] = *v
		case *int64:
			row[i] = *v
		case *int:
			row[i] = int64(*v)
		case driver.Valuer:
			row[i], err = v.Value()
		default:
			row[i], err = driver.DefaultParameterConverter.ConvertValue(v)
		}
		if err != nil {
			return nil, err
		}
	}
	return row, nil
}

// A ledgerHead is what the ledger says of itself.
type ledgerHead struct {
	size        int64 // entries
	root, lists tlog.Hash
}

// readHead reads the ledger's head. tail ends the query, and may lock the head; "" locks nothing. The error wraps
// [records.ErrTampered] if the head is missing or its size negative.
func readHead(ctx context.Context, q schema.Querier, tail string) (h ledgerHead, err error) {
	err = q.QueryRowContext(ctx, "SELECT size, root, lists FROM ledger_head WHERE one = 1"+tail).Scan(&h.size, schema.Fixed(h.root[:]), schema.Fixed(h.lists[:]))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		err = schema.Tampered("the ledger has no head")
	case err != nil:
		err = fmt.Errorf("ledger head: %w", schema.Unreadable(err))
	case h.size < 0:
		err = schema.Tampered("the ledger has %d entries", h.size)
	}
	return h, err
}

// appendLeaf adds the [tlog.LeafHash] of an encoded entry to the tree. It returns the hashes of
// the nodes that the entry completes, one after another, from the leaf upwards: 32 bytes each.
func appendLeaf(tree *tlog.Tree, entry []byte) (nodes []byte) {
	for _, n := range tree.Append(tlog.LeafHash(entry)) {
		nodes = append(nodes, n.Hash[:]...)
	}
	return nodes
}

// lastLeaf returns the number (from 1) of the entry that completes the node id. Its row keeps the node's hash.
func lastLeaf(id tlog.NodeID) int64 { return int64((id.Index + 1) << id.Level) }

// readNodes returns the hashes of nodes of the ledger's tree, in the order of ids. The row of an entry keeps the nodes
// that the entry completes. The error wraps [records.ErrTampered] if a node is missing.
func readNodes(ctx context.Context, q schema.Querier, ids []tlog.NodeID) ([]tlog.Hash, error) {
	ledger := schema.TableOf("ledger", "seq nodes", func(r *schema.Entry) []any { return []any{&r.Seq, schema.Blob(&r.Nodes)} })
	rows, err := ledger.Among(ctx, q, nil, "seq", schema.Each(ids, func(id *tlog.NodeID) any { return lastLeaf(*id) }), "")
	if err != nil {
		return nil, fmt.Errorf("ledger tree: %w", err)
	}
	at := each.Map(rows, func(r schema.Entry) (int64, []byte) { return r.Seq, r.Nodes })
	out := make([]tlog.Hash, len(ids))
	for i, id := range ids {
		nodes, from := at[lastLeaf(id)], int(id.Level)*len(tlog.Hash{})
		if len(nodes) < from+len(tlog.Hash{}) {
			return nil, schema.Tampered("node %d of level %d of the ledger's tree is missing", id.Index, id.Level)
		}
		out[i] = tlog.Hash(nodes[from:])
	}
	return out, nil
}

func rootAt(ctx context.Context, q schema.Querier, size int64) (tlog.Hash, error) {
	return tlog.RootAt(ctx, uint64(size), func(ctx context.Context, ids []tlog.NodeID) ([]tlog.Hash, error) { return readNodes(ctx, q, ids) })
}
