package sqldb

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/kycmark/kycmark/internal/books"
	"github.com/kycmark/kycmark/internal/tlog"
)

// Check recomputes the ledger's tree and holds every entry against the row that
// carries its number, all in one snapshot. As numbers are unique in each table,
// equal counts then leave no row without an entry.
func (d *DB) Check(ctx context.Context) (size int64, root tlog.Hash, err error) {
	raw, err := d.read.BeginTx(ctx, d.dialect.Snapshot)
	if err != nil {
		return 0, root, err
	}
	defer raw.Rollback()
	return check(ctx, raw)
}

// check is [DB.Check] within a transaction.
func check(ctx context.Context, q querier) (size int64, root tlog.Hash, err error) {
	tree, err := tlog.NewTree(0, nil)
	if err != nil {
		return 0, root, err
	}
	c := checker{ctx: ctx, q: q, tree: tree, root: tlog.EmptyRoot(), seen: make(map[string]int64)}
	if c.checkpoints, err = checkpointTable.rows(ctx, q, " ORDER BY size"); err != nil {
		return 0, root, err
	}
	if err := c.segments.start(ctx, q); err != nil {
		return 0, root, err
	}
	if err := c.ledger(); err != nil {
		return 0, root, err
	}
	if err := c.ends(); err != nil {
		return 0, root, err
	}
	return c.size(), c.root, nil
}

type checker struct {
	ctx         context.Context
	q           querier
	tree        *tlog.Tree
	root        tlog.Hash
	checkpoints []books.Checkpoint // not passed yet
	seen        map[string]int64   // entries by kind
	erased      int64              // submissions
	listed      int64              // submissions that erasures erased
	kept        int64              // originals
	segments    segmentCheck
}

// size returns how many entries were read so far.
func (c *checker) size() int64 { return int64(c.tree.Size()) }

// page is how many entries are held against their rows at a time.
const page = 1000

// ledger reads all entries and checks each of them.
func (c *checker) ledger() error {
	for {
		entries, err := ledgerTable.rows(c.ctx, c.q, " WHERE seq > $1 ORDER BY seq LIMIT $2", c.size(), page)
		if err != nil {
			return err
		}
		if err := c.page(entries); err != nil {
			return err
		}
		if len(entries) < page {
			return nil
		}
	}
}

// page checks entries that follow one another, with the rows that belong to them.
func (c *checker) page(entries []ledgerRow) error {
	if len(entries) == 0 {
		return nil
	}
	first, last := entries[0].seq, entries[len(entries)-1].seq
	evidence, err := c.evidence(first, last)
	if err != nil {
		return err
	}
	for _, r := range entries {
		if r.seq != c.size()+1 {
			return tampered("entry %d is missing", c.size()+1)
		}
		if err := c.leaf(r); err != nil {
			return err
		}
		if err := c.entry(r, evidence); err != nil {
			return err
		}
	}
	return nil
}

// leaf adds an entry to the tree and compares what is kept of it.
func (c *checker) leaf(r ledgerRow) error {
	if !bytes.Equal(appendLeaf(c.tree, r.entry), r.nodes) {
		return tampered("entry %d differs from the entry in the ledger's tree", r.seq)
	}
	for len(c.checkpoints) > 0 && c.checkpoints[0].Size == c.size() {
		if c.checkpoints[0].Root != c.tree.Root() {
			return tampered("the first %d entries are not the entries of the checkpoint that was signed", c.size())
		}
		c.checkpoints = c.checkpoints[1:]
	}
	return nil
}

// entry compares an entry with the commitment of the row that it stands for.
func (c *checker) entry(r ledgerRow, evidence map[int64]books.Entry) error {
	e, err := books.ParseEntry(r.entry)
	if err != nil {
		return tampered("entry %d: %v", r.seq, err)
	}
	if e.Seq != r.seq {
		return tampered("entry %d calls itself %d", r.seq, e.Seq)
	}
	c.seen[e.Kind]++
	want, ok := evidence[r.seq]
	switch {
	case !ok:
		return tampered("the %s of entry %d was removed", e.Kind, e.Seq)
	case want.Kind != e.Kind, want.Time.UnixMicro() != e.Time.UnixMicro(),
		want.Commitment != e.Commitment && want.Commitment != erasedCommitment:
		return tampered("the %s of entry %d was edited", e.Kind, e.Seq)
	}
	return nil
}

// erasedCommitment replaces the commitment of an erased row, which can no longer be
// computed. No SHA-256 is known to be zero.
var erasedCommitment = [32]byte{}

// evidence reads the rows that carry the numbers from first to last, and returns the entries
// that belong to them.
func (c *checker) evidence(first, last int64) (map[int64]books.Entry, error) {
	found := make(map[int64]books.Entry)
	var twice error
	put := func(seq int64, e books.Entry) {
		if _, ok := found[seq]; ok {
			twice = tampered("two rows carry the number %d", seq)
		}
		found[seq] = e
	}
	for _, t := range evidenceTables {
		if err := t.read(c, first, last, put); err != nil {
			return nil, err
		}
	}
	return found, twice
}

// An evidenceTable is a table of rows that the ledger commits to.
type evidenceTable struct {
	kind, name string
	// read calls put with the number and the entry of every row that carries a number from
	// first to last.
	read func(c *checker, first, last int64, put func(int64, books.Entry)) error
}

// evidenceTables has one table for each kind of entries.
var evidenceTables = []evidenceTable{
	plain(books.EntryRegistry, infoTable), plain(books.EntryRecipient, recipientTable), plain(books.EntryKey, markKeyTable),
	plain(books.EntryKeyState, keyStateTable), plain(books.EntryIssue, copyTable), plain(books.EntryReceipt, receiptTable),
	plain(books.EntryInvestigation, investigationTable),
	{books.EntryCustody, custodyTable.name, (*checker).custody},
	{books.EntrySubmission, submissionTable.name, (*checker).submissions},
	{books.EntryErasure, erasureTable.name, (*checker).erasures},
}

const between = " WHERE seq BETWEEN $1 AND $2"

// plain describes a table whose rows are kept as they were entered.
func plain[T any, P interface {
	*T
	books.Row
}](kind string, t table[T]) evidenceTable {
	return evidenceTable{kind, t.name, func(c *checker, first, last int64, put func(int64, books.Entry)) error {
		rows, err := t.rows(c.ctx, c.q, between, first, last)
		for i := range rows {
			put(P(&rows[i]).Number(), P(&rows[i]).LedgerEntry())
		}
		return err
	}}
}

// custody reads facts of custody with their lists.
func (c *checker) custody(first, last int64, put func(int64, books.Entry)) error {
	facts, err := readCustody(c.ctx, c.q, between, first, last)
	for i := range facts {
		put(facts[i].Seq, facts[i].LedgerEntry())
	}
	return err
}

// submissions reads uploads. Of an erased upload it checks that nothing is left but what the
// erasure leaves, and gives the entry with [erasedCommitment].
func (c *checker) submissions(first, last int64, put func(int64, books.Entry)) error {
	rows, err := submissionTable.rows(c.ctx, c.q, between, first, last)
	for i := range rows {
		s := &rows[i]
		e := s.LedgerEntry()
		if s.ErasedBy != 0 {
			c.erased++
			e.Commitment = erasedCommitment
			if blanked := (books.Submission{ID: s.ID, Submitted: s.Submitted, Received: s.Received, Logged: books.Logged{Seq: s.Seq}, Erased: true, ErasedBy: s.ErasedBy}); *s != blanked {
				return tampered("the erased submission of entry %d is not blank", s.Seq)
			}
		}
		if s.Kept {
			c.kept++
		}
		if err := c.segments.expect(s); err != nil {
			return err
		}
		put(s.Seq, e)
	}
	return err
}

// erasures compares every erasure with the submissions that it lists.
func (c *checker) erasures(first, last int64, put func(int64, books.Entry)) error {
	rows, err := erasureTable.rows(c.ctx, c.q, between, first, last)
	if err != nil {
		return err
	}
	for _, e := range rows {
		if e.Submissions, err = readList(c.ctx, c.q, erasureListTable, e.Seq); err != nil {
			return err
		}
		put(e.Seq, e.LedgerEntry())
		left, err := submissionTable.rows(c.ctx, c.q, " WHERE erased > 0 AND erased = $1 ORDER BY id", e.Seq)
		if err != nil {
			return err
		}
		if books.Left(left) != e.Left || len(left) != len(e.Submissions) {
			return tampered("the submissions that entry %d erased were edited", e.Seq)
		}
		c.listed += int64(len(left))
	}
	return nil
}

// ends checks what is left when all entries are read: the head, checkpoints beyond
// it, and rows that no entry stands for.
func (c *checker) ends() error {
	size, root, err := readHead(c.ctx, c.q, "")
	if err != nil {
		return err
	}
	c.root = c.tree.Root()
	if size != c.size() || root != c.root {
		return tampered("the ledger ends at entry %d, where %d entries were written", c.size(), size)
	}
	if len(c.checkpoints) > 0 {
		return tampered("a checkpoint of %d entries was signed, but there are %d", c.checkpoints[0].Size, size)
	}
	return errors.Join(c.counts(), c.sealed(), c.segments.finish(c.ctx, c.q))
}

// counts finds rows without an entry, and submissions that were blanked without an erasure.
func (c *checker) counts() error {
	for _, t := range evidenceTables {
		n, err := c.count("SELECT count(*) FROM " + t.name)
		if err != nil {
			return err
		}
		if n != c.seen[t.kind] {
			return tampered("%d rows of %s, but %d entries", n, t.name, c.seen[t.kind])
		}
	}
	if c.erased != c.listed {
		return tampered("%d submissions are erased, but erasures list %d", c.erased, c.listed)
	}
	return errors.Join(
		c.equal("custody lists", "SELECT count(*) FROM custody_submission", "SELECT CAST(coalesce(sum(listed), 0) AS BIGINT) FROM custody"),
		c.equal("erasures list", "SELECT count(*) FROM erasure_submission", "SELECT count(*) FROM submission WHERE erased <> 0"),
	)
}

// sealed finds originals that were removed and sealed rows of what is not there.
func (c *checker) sealed() error {
	n, err := c.count(`SELECT count(*) FROM submission s WHERE s.kept <> 0
		AND NOT EXISTS (SELECT 1 FROM sealed x WHERE x.submission = s.id AND length(x.body) > 0)`)
	if err != nil {
		return err
	}
	if n > 0 {
		return tampered("%d of %d sealed originals were removed", n, c.kept)
	}
	n, err = c.count(`SELECT count(*) FROM sealed x WHERE NOT EXISTS (
		SELECT 1 FROM submission s WHERE s.id = x.submission AND s.erased = 0 AND (s.kept <> 0 OR length(x.body) = 0))`)
	if err == nil && n > 0 {
		err = tampered("%d sealed rows belong to no submission", n)
	}
	return err
}

// equal compares the numbers that two queries count. what begins the finding: "custody lists".
func (c *checker) equal(what, left, right string) error {
	a, err := c.count(left)
	if err != nil {
		return err
	}
	b, err := c.count(right)
	if err == nil && a != b {
		err = tampered("%s %d submissions, but %d were entered", what, a, b)
	}
	return err
}

// count runs a query that returns one number.
func (c *checker) count(query string) (n int64, err error) {
	if err = c.q.QueryRowContext(c.ctx, query).Scan(&n); err != nil {
		return 0, fmt.Errorf("count: %w", err)
	}
	return n, nil
}
