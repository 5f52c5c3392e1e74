package sqldb

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/schema"
	"github.com/kycmark/kycmark/internal/tlog"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

// Check recomputes the ledger's tree, and compares every entry with the row that carries its number, all in one
// snapshot. Numbers are unique in each table, so equal counts leave no row without an entry. Check also compares kept
// checkpoints and sealed rows, and names segments that were found altered. It returns the number of entries and the
// root. Check verifies no signature and opens no seal. It calls each with every entry, in their order.
func (d ledger) Check(ctx context.Context, each ...func(records.Entry)) (size int64, root tlog.Hash, err error) {
	if err := (segments(d)).finishErasures(ctx); err != nil {
		return 0, root, err
	}
	raw, err := d.read.BeginTx(ctx, d.dialect.Snapshot)
	if err != nil {
		return 0, root, err
	}
	defer raw.Rollback()
	if size, root, err = check(ctx, raw, each...); err != nil {
		return size, root, err
	}
	if err = d.sound(ctx, raw); err == nil {
		err = alteredSegment(ctx, raw)
	}
	return size, root, err
}

// Schema returns what a query lists of the schema: names with their texts.
func (d *DB) Schema(ctx context.Context, query string) (map[string]string, error) {
	type object struct{ name, text string }
	all, err := schema.Collect(ctx, d.read, func(o *object) []any { return []any{&o.name, &o.text} }, query)
	return each.Map(all, func(o object) (string, string) { return o.name, o.text }), err
}

// sound compares the schema with what it should be. It then has the database compare tables with their indexes, which
// find what verdicts and erasures rest on. Package registry compares sealed rows. The error wraps [records.ErrTampered].
func (d ledger) sound(ctx context.Context, q *sql.Tx) error {
	if what, err := d.dialect.Drift(ctx, q); err != nil {
		return err
	} else if what != "" {
		return schema.Tampered("the schema was changed: %s", what)
	}
	for _, table := range []string{"recipient", "submission", "subject", "copy", "release", "receipt", "came_back", "custody", "custody_event", "custody_submission", "cosigned", "erasure_submission", "ledger", "list_node", "segment"} {
		if wrong, err := d.dialect.Sound(ctx, q, table); err != nil {
			return err
		} else if wrong != "" {
			return schema.Tampered("the table %s or an index of it is damaged: %s", table, wrong)
		}
	}
	return nil
}

// check is [DB.Check] within the transaction q, which must show one state of all tables.
func check(ctx context.Context, q schema.Querier, each ...func(records.Entry)) (size int64, root tlog.Hash, err error) {
	tree, err := tlog.NewTree(0, nil)
	if err != nil {
		return 0, root, err
	}
	c := checker{ctx: ctx, q: q, tree: tree, root: tlog.EmptyRoot(), lists: tlog.NewLists(tlog.Hash{}, nil), seen: make(map[string]int64), each: each}
	var unread error
	if c.checkpoints, unread = schema.Checkpoints.Rows(ctx, q, " ORDER BY size"); unread != nil && !errors.Is(unread, records.ErrTampered) {
		return 0, root, unread
	}
	if err := c.ledger(); err != nil {
		return 0, root, err
	}
	if err := c.atEnd(); err != nil {
		return 0, root, err
	}
	return c.size(), c.root, unread
}

type checker struct {
	ctx         context.Context
	q           schema.Querier
	tree        *tlog.Tree
	root        tlog.Hash
	lists       *tlog.Lists                        // made from the rows: some 400 bytes for a copy
	submitted   map[watermark.Submission]time.Time // of the copies that were read last
	checkpoints []books.Checkpoint                 // not passed yet
	seen        map[string]int64                   // entries by kind
	erased      int64                              // submissions
	listed      int64                              // submissions that erasures erased
	kept        int64                              // originals
	each        []func(records.Entry)
}

func (c *checker) size() int64 { return int64(c.tree.Size()) }

// page is how many entries are held against their rows at a time.
const page = 1000

// ledger reads all entries in the order of their numbers, page entries at a time, and checks each entry.
func (c *checker) ledger() error {
	for {
		entries, err := schema.Ledger.Rows(c.ctx, c.q, " WHERE seq > $1 ORDER BY seq LIMIT $2", c.size(), page)
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

// page checks entries, sorted by number, and the rows that carry their numbers. The first entry must follow the last
// entry that was checked before. Without entries page does nothing.
func (c *checker) page(entries []schema.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	first, last := entries[0].Seq, entries[len(entries)-1].Seq
	evidence, err := c.evidence(first, last)
	if err != nil {
		return err
	}
	for _, r := range entries {
		if r.Seq != c.size()+1 {
			return schema.Tampered("entry %d is missing", c.size()+1)
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

// leaf appends the entry of r to the tree. It compares the nodes that this completes with the nodes that r keeps, and
// the new root with a kept checkpoint of this size. A difference is an error that wraps [records.ErrTampered].
func (c *checker) leaf(r schema.Entry) error {
	if !bytes.Equal(appendLeaf(c.tree, r.Text), r.Nodes) {
		return schema.Tampered("entry %d differs from the entry in the ledger's tree", r.Seq)
	}
	for len(c.checkpoints) > 0 && c.checkpoints[0].Size == c.size() {
		if c.checkpoints[0].Root != c.tree.Root() {
			return schema.Tampered("the first %d entries are not the entries of the checkpoint that was signed", c.size())
		}
		c.checkpoints = c.checkpoints[1:]
	}
	return nil
}

// entry compares the entry of r with the entry that its row gives (evidence, by number): kind, time in microseconds and, unless
// the row was erased, commitment. It counts the entry by kind, adds it to the lists of the row, and compares the root of all
// lists. A difference, or an entry without a row, is an error that wraps [records.ErrTampered].
func (c *checker) entry(r schema.Entry, evidence map[int64]rowEntry) error {
	e, err := records.ParseEntry(r.Text)
	if err != nil {
		return schema.Tampered("entry %d: %v", r.Seq, err)
	}
	if e.Seq != r.Seq {
		return schema.Tampered("entry %d calls itself %d", r.Seq, e.Seq)
	}
	c.seen[e.Kind]++
	for _, f := range c.each {
		f(e)
	}
	want, ok := evidence[r.Seq]
	switch {
	case !ok:
		return schema.Tampered("the %s of entry %d was removed", e.Kind, e.Seq)
	case want.Kind != e.Kind, want.Time.UnixMicro() != e.Time.UnixMicro(),
		want.Commitment != e.Commitment && want.Commitment != erasedCommitment:
		return schema.Tampered("the %s of entry %d was edited", e.Kind, e.Seq)
	}
	for _, name := range want.lists {
		if err := c.lists.Add(c.ctx, name, e.Item()); err != nil {
			return err
		}
	}
	if want.counted != "" {
		if err := c.lists.Add(c.ctx, want.counted, want.item); err != nil {
			return err
		}
	}
	if e.Lists != (tlog.Hash{}) && e.Lists != c.lists.Root() {
		return schema.Tampered("entry %d has other lists than the rows", e.Seq)
	}
	return nil
}

// erasedCommitment replaces the commitment of an erased row, which can no longer be
// computed. No SHA-256 is known to be zero.
var erasedCommitment = [32]byte{}

// evidence reads all rows that carry the numbers from first to last, both included. For each number it returns the
// entry that its row must have, without Lists. Two rows with one number are an error that wraps [records.ErrTampered].
func (c *checker) evidence(first, last int64) (map[int64]rowEntry, error) {
	found := make(map[int64]rowEntry)
	var twice error
	put := func(row records.Row) {
		e := records.EntryOf(row)
		e.Seq = row.Number()
		if _, ok := found[e.Seq]; ok {
			twice = schema.Tampered("two rows carry the number %d", e.Seq)
		}
		x := rowEntry{Entry: e, lists: records.ListsOf(row, e.Kind)}
		var submitted time.Time
		switch row := row.(type) {
		case books.Copy:
			submitted = c.submitted[row.Submission]
		case books.Submission:
			if row.ErasedBy != 0 {
				x.Commitment = erasedCommitment
			}
		}
		x.counted, x.item = records.CountedOn(row, x.Entry, submitted)
		found[e.Seq] = x
	}
	for _, t := range evidenceTables {
		if err := t.read(c, first, last, put); err != nil {
			return nil, err
		}
	}
	return found, twice
}

// A rowEntry is the entry that a row must have, without Lists, and the lists that the row is on.
type rowEntry struct {
	records.Entry
	lists   []string
	counted string // the list by which it is counted; "": none
	item    tlog.Hash
}

// An evidenceTable is a table of rows that the ledger commits to.
type evidenceTable struct {
	kind, name string
	// read calls put with every row that carries a number from first to last, both included.
	read func(c *checker, first, last int64, put func(records.Row)) error
}

// evidenceTables has one table for each kind of entries.
var evidenceTables = []evidenceTable{
	plain(records.EntryRegistry, schema.Info), evidenceOf(records.EntryRecipient, schema.Recipients.Name, schema.Recipients.Rows, (*checker).recipients), plain(records.EntryKey, schema.MarkKeys),
	plain(records.EntryKeyState, schema.KeyStates), evidenceOf(records.EntryIssue, schema.Copies.Name, schema.Copies.Rows, (*checker).copies),
	plain(records.EntryRelease, schema.Releases), plain(records.EntryReceipt, schema.Receipts), plain(records.EntryReturn, schema.Returns),
	plain(records.EntryConclusion, schema.Conclusions), plain(records.EntryCosigned, schema.Cosigned),
	evidenceOf(records.EntryInvestigation, schema.Investigations.Name, schema.Investigations.Rows,
		func(_ *checker, _, _ int64, rows []books.Investigation) error { return filesEntered(rows) }),
	evidenceOf(records.EntryCustody, schema.CustodyFacts.Name, readCustody, nil),
	evidenceOf(records.EntrySubmission, schema.Submissions.Name, schema.Submissions.Rows, (*checker).submissions),
	evidenceOf(records.EntryErasure, schema.Erasures.Name, readErasures, (*checker).erasures),
	evidenceOf(records.EntrySubject, schema.Subjects.Name, schema.Subjects.Rows, (*checker).subjects),
}

// plain describes the table t of entries of one kind (a constant of package books). Each row has
// all that its entry commits to, and is kept as it was entered.
func plain[T records.Row](kind string, t schema.Table[T]) evidenceTable {
	return evidenceOf(kind, t.Name, t.Rows, nil)
}

// evidenceOf describes a table whose rows read returns. further, if it is not nil, checks what their entries do not show, of
// the rows with the numbers from first to last: a difference is an error that wraps [records.ErrTampered].
func evidenceOf[T records.Row](kind, name string, read func(ctx context.Context, q schema.Querier, tail string, args ...any) ([]T, error),
	further func(c *checker, first, last int64, rows []T) error) evidenceTable {
	return evidenceTable{kind, name, func(c *checker, first, last int64, put func(records.Row)) error {
		rows, err := read(c.ctx, c.q, " WHERE seq BETWEEN $1 AND $2", first, last)
		if err == nil && len(rows) > 0 && further != nil {
			err = further(c, first, last, rows)
		}
		for _, r := range rows {
			put(r)
		}
		return err
	}}
}

func (c *checker) copies(_, _ int64, rows []books.Copy) (err error) {
	c.submitted, err = submittedOf(c.ctx, c.q, rows)
	return err
}

// filesEntered compares the files of investigations with what was entered. The error wraps [records.ErrTampered].
func filesEntered(all []books.Investigation) error {
	for _, i := range all {
		if (len(i.Digests) > 0 || i.Pictures != books.Digest{}) && sha256.Sum256(i.Digests) != i.Pictures {
			return schema.Tampered("the files of the investigation of entry %d were edited", i.Entry)
		}
	}
	return nil
}

// submissions checks that erased uploads hold nothing but what an erasure leaves, and that pages can be what
// they say. It counts erased uploads and kept originals.
func (c *checker) submissions(_, _ int64, rows []books.Submission) error {
	for i := range rows {
		s := &rows[i]
		if s.ErasedBy != 0 {
			if c.erased++; !blanked(s) {
				return schema.Tampered("the erased submission of entry %d is not blank", s.Seq)
			}
		}
		if s.Kept && s.Page < 2 {
			c.kept++
		}
		if s.Page > 1 && s.ID != records.PageID(s.Document, s.Page) || s.Page < 2 && s.Document != (watermark.Submission{}) ||
			s.Pages == 1 || s.Page < 0 || s.Page > s.Pages || (s.Page == 0) != (s.Pages == 0) {
			return schema.Tampered("the submission of entry %d cannot be page %d of %d", s.Seq, s.Page, s.Pages)
		}
	}
	return nil
}

// erasures compares each erasure with the submissions that it blanked: digest (Left) and number. c.listed counts them.
func (c *checker) erasures(_, _ int64, rows []records.Erasure) error {
	for _, e := range rows {
		left, err := schema.Submissions.Rows(c.ctx, c.q, " WHERE erased > 0 AND erased = $1 ORDER BY id", e.Seq)
		if err != nil {
			return err
		}
		if records.Left(left) != e.Left || len(left) != len(e.Submissions) {
			return schema.Tampered("the submissions that entry %d erased were edited", e.Seq)
		}
		if e.Reviewer != "" {
			if err := c.isNameErased(&e); err != nil {
				return err
			}
		}
		c.listed += int64(len(left))
	}
	return nil
}

// subjects checks that the digest of a change binds the reference. The reference must be blank exactly if a later change
// replaced it or its submission was erased.
func (c *checker) subjects(first, last int64, rows []records.SubjectChange) error {
	counting, err := schema.Numbers(c.ctx, c.q, `SELECT x.seq FROM subject x JOIN submission s ON s.id = x.submission
		WHERE x.seq BETWEEN $1 AND $2 AND s.erased = 0 AND NOT EXISTS (SELECT 1 FROM subject y WHERE y.submission = x.submission AND y.seq > x.seq)
		ORDER BY x.seq`, first, last)
	if err != nil {
		return err
	}
	for _, x := range rows {
		blank := x.Subject == "" && x.Blind == [32]byte{}
		if _, counts := slices.BinarySearch(counting, x.Seq); blank == counts || !blank && records.SubjectDigest(x.Blind, x.Subject) != x.Digest {
			return schema.Tampered("the subject of entry %d was edited", x.Seq)
		}
	}
	return nil
}

// atEnd sets c.root, and checks what is left when all entries are read: the stored head and lists, checkpoints of more entries
// than there are, rows without an entry, pages, and sealed rows. A difference is an error that wraps [records.ErrTampered].
func (c *checker) atEnd() error {
	head, err := readHead(c.ctx, c.q, "")
	if err != nil {
		return err
	}
	c.root = c.tree.Root()
	if head.size != c.size() || head.root != c.root {
		return schema.Tampered("the ledger ends at entry %d, where %d entries were written", c.size(), head.size)
	}
	if len(c.checkpoints) > 0 {
		return schema.Tampered("a checkpoint of %d entries was signed, but there are %d", c.checkpoints[0].Size, head.size)
	}
	return errors.Join(c.counts(), c.pages(), c.sealed(), c.storedLists(head.lists))
}

// storedLists compares the stored lists, under this root, with those made from the rows.
func (c *checker) storedLists(root tlog.Hash) error {
	if root != c.lists.Root() {
		return schema.Tampered("the root of the lists is not that of the rows")
	}
	nodes := make(map[string][32]byte)
	c.lists.Nodes(func(id string, body []byte) { nodes[id] = sha256.Sum256(body) })
	last, read := []byte{}, page
	for read == page {
		rows, err := schema.ListNodes.Rows(c.ctx, c.q, " WHERE id > $1 ORDER BY id LIMIT $2", last, page)
		if err != nil {
			return err
		}
		for _, n := range rows {
			if sum, ok := nodes[string(n.ID)]; !ok || sum != sha256.Sum256(n.Body) {
				return schema.Tampered("node %x of the lists is not that of the rows", n.ID)
			}
			delete(nodes, string(n.ID))
			last = n.ID
		}
		read = len(rows)
	}
	if len(nodes) > 0 {
		return schema.Tampered("%d nodes of the lists are missing", len(nodes))
	}
	return nil
}

// counts compares the number of rows of each evidence table with the number of entries of its kind, so that no row
// lacks an entry. It also compares the lengths of the lists of custody and erasures with what was entered.
func (c *checker) counts() error {
	for _, t := range evidenceTables {
		n, err := c.count("SELECT count(*) FROM " + t.name)
		if err != nil {
			return err
		}
		if n != c.seen[t.kind] {
			return schema.Tampered("%d rows of %s, but %d entries", n, t.name, c.seen[t.kind])
		}
	}
	if c.erased != c.listed {
		return schema.Tampered("%d submissions are erased, but erasures list %d", c.erased, c.listed)
	}
	return errors.Join(
		c.equal("custody lists", "SELECT count(*) FROM custody_submission", "SELECT CAST(coalesce(sum(listed), 0) AS BIGINT) FROM custody"),
		c.equal("erasures list", "SELECT count(*) FROM erasure_submission", "SELECT count(*) FROM submission WHERE erased <> 0"),
	)
}

// pages finds submissions whose pages are not all there, and pages without their submission, entered
// before it, or not erased with it. Each is an error that wraps [records.ErrTampered].
func (c *checker) pages() error {
	err := c.none("of %d submissions pages are missing", `submission d WHERE d.page = 1
		AND (SELECT count(*) FROM submission p WHERE p.page > 1 AND p.document = d.id) <> d.pages - 1`)
	if err != nil {
		return err
	}
	return c.none("%d pages belong to no submission, or differ from it", `submission p WHERE p.page > 1 AND NOT EXISTS (SELECT 1 FROM submission d
		WHERE d.id = p.document AND d.page = 1 AND d.pages = p.pages AND d.seq < p.seq AND d.erased = p.erased)`)
}

// sealed finds originals, hashes and local features that were sealed and removed. It also finds sealed rows whose submission is
// missing or erased, and sealed files of submissions that were entered by their hashes alone.
// Each is an error that wraps [records.ErrTampered]. sealed decrypts nothing.
func (c *checker) sealed() error {
	err := c.noSubmission(fmt.Sprintf("%%d of %d sealed originals were removed", c.kept), `s.kept <> 0 AND s.page < 2
		AND NOT EXISTS (SELECT 1 FROM sealed x WHERE x.submission = s.id AND (length(x.body) > 0 OR x.object_size > 0))`)
	if err != nil {
		return err
	}
	for what, lost := range map[string]string{
		"hashes":   "(SELECT seal_hashes FROM registry) <> 0",
		"features": "s.kept <> 0 AND s.chain LIKE '%" + records.ChainFeatures + "%' AND s.chain NOT LIKE '%" + records.ChainFeatures + "0'",
	} {
		if err := c.noSubmission("the sealed "+what+" of %d submissions were removed", "s.erased = 0 AND "+lost+
			" AND NOT EXISTS (SELECT 1 FROM sealed x WHERE x.submission = s.id AND length(x."+what+") > 0)"); err != nil {
			return err
		}
	}
	if err := c.none("the events of %d facts of custody were removed", `custody c JOIN custody_submission l ON l.custody = c.seq JOIN submission s ON s.id = l.submission
		WHERE length(c.event) > 0 AND s.erased = 0 AND NOT EXISTS (SELECT 1 FROM custody_event e WHERE e.custody = c.seq)`); err != nil {
		return err
	}
	return c.none("%d sealed rows belong to no submission", `sealed x WHERE NOT EXISTS (
		SELECT 1 FROM submission s WHERE s.id = x.submission AND s.erased = 0 AND (s.kept <> 0 OR length(x.body) + x.object_size = 0))`)
}

// none returns an error that wraps [records.ErrTampered] if a query has rows. wrong, its text, has their number. rows follows "FROM".
func (c *checker) none(wrong, rows string) error {
	n, err := c.count("SELECT count(*) FROM " + rows)
	if err == nil && n > 0 {
		err = schema.Tampered(wrong, n)
	}
	return err
}

// noSubmission does what none does, for the submissions s that an SQL condition selects. The error names the first.
func (c *checker) noSubmission(wrong, where string) error {
	n, err := c.count("SELECT count(*) FROM submission s WHERE " + where)
	if err != nil || n == 0 {
		return err
	}
	var id []byte
	if err = c.q.QueryRowContext(c.ctx, "SELECT s.id FROM submission s WHERE "+where+" ORDER BY s.seq LIMIT 1").Scan(schema.Blob(&id)); err != nil {
		return fmt.Errorf("count: %w", err)
	}
	return schema.Tampered(wrong+", the first of submission %x", n, id)
}

// equal runs the queries left and right, of one number each, and compares the numbers. If they
// differ, the error wraps [records.ErrTampered], and what begins its text: "custody lists".
func (c *checker) equal(what, left, right string) error {
	a, err1 := c.count(left)
	b, err2 := c.count(right)
	err := cmp.Or(err1, err2)
	if err == nil && a != b {
		err = schema.Tampered("%s %d submissions, but %d were entered", what, a, b)
	}
	return err
}

func (c *checker) count(query string) (n int64, err error) {
	if n, err = schema.Number(c.ctx, c.q, query); err != nil {
		err = fmt.Errorf("count: %w", err)
	}
	return n, err
}
