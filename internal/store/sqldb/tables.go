package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

// A table ties a row type to the columns that keep it. Reading and writing share bind, so that they cannot differ.
type table[T any] struct {
	name    string
	columns []string
	bind    func(*T) []any // in the order of columns
}

// tableOf returns a table with these columns, a list with spaces between.
func tableOf[T any](name, columns string, bind func(*T) []any) table[T] {
	return table[T]{name, strings.Fields(columns), bind}
}

var (
	infoTable = tableOf("registry", "id created seal_hashes salt seq originals",
		func(i *records.Info) []any {
			return []any{fixed(i.ID[:]), microsOf(&i.Created), flag{&i.SealHashes}, fixed(i.Salt[:]), &i.Seq, &i.Originals}
		})
	recipientTable = tableOf("recipient", "name kind actor added salt seq",
		func(r *books.Recipient) []any {
			return []any{&r.Name, &r.Kind, &r.Actor, microsOf(&r.Added), fixed(r.Salt[:]), &r.Seq}
		})
	markKeyTable = tableOf("mark_key", "id commitment since salt seq",
		func(k *records.KeyEntry) []any {
			return []any{&k.ID, fixed(k.Commitment[:]), microsOf(&k.Added), fixed(k.Salt[:]), &k.Seq}
		})
	keyStateTable = tableOf("key_state", "key_id state since note entered actor salt seq",
		func(s *books.KeyState) []any {
			return []any{&s.KeyID, &s.State, microsOf(&s.Since), &s.Note, microsOf(&s.Entered), &s.Actor, fixed(s.Salt[:]), &s.Seq}
		})
	submissionTable = tableOf("submission", "id sha256 size format decoder width height submitted received subject hash area chain quality area_quality kept salt seq erased rendition document page pages",
		func(s *books.Submission) []any {
			return []any{fixed(s.ID[:]), fixed(s.SHA256[:]), &s.Size, &s.Format, &s.Decoder, &s.Width, &s.Height,
				microsOf(&s.Submitted), microsOf(&s.Received), &s.Subject, &s.Hash, &s.Area, &s.Chain, &s.Quality,
				&s.AreaQuality, flag{&s.Kept}, fixed(s.Salt[:]), &s.Seq, erasedBy{s}, sparse(s.Rendition[:]), sparse(s.Document[:]), &s.Page, &s.Pages}
		})
	// presentTable has the rows of submissionTable with the present subjects. It is for reading.
	presentTable = table[books.Submission]{`(SELECT s.*, coalesce(x.reference, '') AS later, coalesce(x.entered, 0) AS set_at
		FROM submission s LEFT JOIN subject x ON x.submission = s.id AND x.reference <> '') AS submission`,
		append(slices.Clone(submissionTable.columns), "later", "set_at"),
		func(s *books.Submission) []any { return append(submissionTable.bind(s), laterSubject{s}, setAt{s}) }}
	subjectTable = tableOf("subject", "submission reference blind digest entered actor salt seq",
		func(c *records.SubjectChange) []any {
			return []any{fixed(c.Submission[:]), &c.Subject, fixed(c.Blind[:]), fixed(c.Digest[:]), microsOf(&c.Entered), &c.Actor, fixed(c.Salt[:]), &c.Seq}
		})
	sealedTable = tableOf("sealed", "submission key_id wrapped hashes features body object object_size",
		func(x *sealedRow) []any {
			return []any{fixed(x.of[:]), &x.KeyID, blobOf(&x.Wrapped), blobOf(&x.Hashes), blobOf(&x.Features), blobOf(&x.Body), sparse(x.Object.Name[:]), &x.Object.Size}
		})
	erasureTable = tableOf("erasure", "remains note entered actor salt seq",
		func(e *records.Erasure) []any {
			return []any{fixed(e.Left[:]), &e.Note, microsOf(&e.Entered), &e.Actor, fixed(e.Salt[:]), &e.Seq}
		})
	erasureListTable = tableOf("erasure_submission", "erasure submission", bindListed)
	copyTable        = tableOf("copy", "id submission recipient purpose key_id strength margin weak psnr ssim format width height sha256 size issued actor salt seq",
		func(c *books.Copy) []any {
			return []any{copyIDOf(&c.ID), fixed(c.Submission[:]), &c.Recipient, &c.Purpose, &c.KeyID, &c.Strength,
				&c.Margin, flag{&c.Weak}, &c.PSNR, &c.SSIM, &c.Format, &c.Width, &c.Height, fixed(c.SHA256[:]),
				&c.Size, microsOf(&c.Issued), &c.Actor, fixed(c.Salt[:]), &c.Seq}
		})
	releaseTable = tableOf("release", "copy submission state note entered actor salt seq",
		func(r *books.Release) []any {
			return []any{copyIDOf(&r.Copy), fixed(r.Submission[:]), &r.State, &r.Note, microsOf(&r.Entered), &r.Actor, fixed(r.Salt[:]), &r.Seq}
		})
	receiptTable = tableOf("receipt", "copy public_key signature entered actor salt seq",
		func(r *books.Receipt) []any {
			return []any{copyIDOf(&r.Copy), fixed(r.PublicKey[:]), fixed(r.Signature[:]), microsOf(&r.Entered), &r.Actor, fixed(r.Salt[:]), &r.Seq}
		})
	returnTable = tableOf("came_back", "submission copy log10_p entered actor salt seq",
		func(r *books.Return) []any {
			return []any{fixed(r.Submission[:]), copyIDOf(&r.Copy), &r.LogP, microsOf(&r.Entered), &r.Actor, fixed(r.Salt[:]), &r.Seq}
		})
	custodyTable = tableOf("custody", "recipient through since until listed note entered actor salt seq",
		func(c *custodyRow) []any {
			return []any{&c.Recipient, &c.Through, microsOf(&c.From), microsOf(&c.To), &c.listed, &c.Note, microsOf(&c.Entered), &c.Actor, fixed(c.Salt[:]), &c.Seq}
		})
	custodyListTable   = tableOf("custody_submission", "custody submission", bindListed)
	investigationTable = tableOf("investigation", "started actor command input files salt seq found evidence evidence_sha256 published pictures digests",
		func(i *books.Investigation) []any {
			return []any{microsOf(&i.Started), &i.Actor, &i.Command, fixed(i.Input[:]), &i.Files, fixed(i.Salt[:]), &i.Entry,
				microsOf(&i.Found), &i.Evidence, sparse(i.EvidenceSHA256[:]), flag{&i.Published}, sparse(i.Pictures[:]), blobOf(&i.Digests)}
		})
	conclusionTable = tableOf("conclusion", "investigation entered named copies actor salt seq",
		func(c *records.Conclusion) []any {
			return []any{&c.Investigation, microsOf(&c.Entered), lines{&c.Named}, copyIDs{&c.Copies}, &c.Actor, fixed(c.Salt[:]), &c.Seq}
		})
	checkpointTable = tableOf("checkpoint", "size root note made stamp",
		func(c *books.Checkpoint) []any {
			return []any{&c.Size, fixed(c.Root[:]), textOf(&c.Text), microsOf(&c.Made), blobOf(&c.Stamp)}
		})
	cosignedTable = tableOf("cosigned", "size root witness dated proof entered salt seq",
		func(c *records.Cosigned) []any {
			return []any{&c.Size, fixed(c.Root[:]), &c.Witness, microsOf(&c.Dated), blobOf(&c.Proof), microsOf(&c.Entered), fixed(c.Salt[:]), &c.Seq}
		})
	segmentTable = tableOf("segment", "name state made first last digest size wrapped",
		func(s *segmentRow) []any {
			return []any{fixed(s.name[:]), &s.state, microsOf(&s.made), &s.first, &s.last, sparse(s.digest[:]), &s.size, blobOf(&s.wrapped)}
		})
	listNodeTable = tableOf("list_node", "id body",
		func(n *listNode) []any { return []any{blobOf(&n.id), blobOf(&n.body)} })
	ledgerTable = tableOf("ledger", "seq entry nodes",
		func(r *ledgerRow) []any { return []any{&r.seq, blobOf(&r.entry), blobOf(&r.nodes)} })
)

// A ledgerRow is an entry and the nodes of the tree that it completes, from its leaf upwards.
type ledgerRow struct {
	seq   int64
	entry []byte
	nodes []byte
}

type sealedRow struct {
	of watermark.Submission
	records.Sealed
}

// custodyRow is a row of custody without its list.
type custodyRow struct {
	listed int64 // how many submissions the list has
	books.Custody
}

// listed is one submission of a list that the row of that number has.
type listed struct {
	in int64
	id watermark.Submission
}

// bindListed binds the columns of a list.
func bindListed(l *listed) []any { return []any{&l.in, fixed(l.id[:])} }

// querier is a *sql.DB, *sql.Tx or *sql.Conn.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// rows returns all rows that the query with this tail selects. tail follows the table's name ("
// WHERE seq = $1"); args are its arguments. Without rows the result is empty.
func (t table[T]) rows(ctx context.Context, q querier, tail string, args ...any) ([]T, error) {
	rows, err := collect(ctx, q, t.bind, t.query()+tail, args...)
	if errors.Is(err, records.ErrTampered) {
		err = fmt.Errorf("%s: %w", t.name[strings.LastIndexByte(t.name, ' ')+1:], err)
	}
	return rows, err
}

// among returns the rows that have one of these values in a column. It asks for inList values at a time; tail follows them.
func (t table[T]) among(ctx context.Context, q querier, d *Dialect, column string, values []any, tail string) (out []T, err error) {
	for part := range slices.Chunk(values, inList) {
		rows, err := t.rows(ctx, q, " WHERE "+column+" IN "+d.in(1, len(part))+tail, part...)
		if err != nil {
			return nil, err
		}
		out = append(out, rows...)
	}
	return out, nil
}

// inList is the most values that one query asks for.
const inList = 250

// each returns a value of each element of a list, for a query.
func each[T any](list []T, value func(*T) any) []any {
	out := make([]any, len(list))
	for i := range list {
		out[i] = value(&list[i])
	}
	return out
}

// idOf is the value of a submission's ID.
func idOf(id *watermark.Submission) any { return id[:] }

// query returns the begin of a query of all columns: "SELECT … FROM …".
func (t table[T]) query() string {
	return "SELECT " + strings.Join(t.columns, ", ") + " FROM " + t.name
}

// one returns the first row that the query with this tail selects. tail follows the table's name;
// args are its arguments. Without a row the error is [records.ErrNotFound].
func (t table[T]) one(ctx context.Context, q querier, tail string, args ...any) (*T, error) {
	rows, err := t.rows(ctx, q, tail, args...)
	if err == nil && len(rows) == 0 {
		err = records.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return &rows[0], nil
}

// collect runs a query and returns its rows. bind returns the pointers into which a row is
// scanned, in the order of the columns. Without rows the result is empty, not nil.
func collect[T any](ctx context.Context, q querier, bind func(*T) []any, query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []T{} // a list of nothing is [] in JSON
	for rows.Next() {
		var row T
		if err := rows.Scan(bind(&row)...); err != nil {
			return nil, fmt.Errorf("%w%s", unreadable(err), inEntry(rows))
		}
		out = append(out, row)
	}
	return out, rows.Err()
}

// numbers runs a query whose rows are a number each.
func numbers(ctx context.Context, q querier, query string, args ...any) ([]int64, error) {
	return collect(ctx, q, func(n *int64) []any { return []any{n} }, query, args...)
}

// number runs a query that returns one number.
func number(ctx context.Context, q querier, query string, args ...any) (n int64, err error) {
	err = q.QueryRowContext(ctx, query, args...).Scan(&n)
	return n, err
}

// in returns "($1, $2, …)" for n arguments from number first on.
func in(first, n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(", $" + strconv.Itoa(first+i))
	}
	return "(" + strings.TrimPrefix(b.String(), ", ") + ")"
}

// in returns the placeholders of n arguments from number first on: "($1, $2, …)". If the dialect
// prefers question marks, it is "(?, ?, …)", and the arguments must be passed in order. d may be nil.
func (d *Dialect) in(first, n int) string {
	if d != nil && d.Questions {
		return "(?" + strings.Repeat(", ?", n-1) + ")"
	}
	return in(first, n)
}

// insert is a statement that enters a row.
func (t table[T]) insert(d *Dialect) string {
	return "INSERT INTO " + t.name + " (" + strings.Join(t.columns, ", ") + ") VALUES " + d.in(1, len(t.columns))
}
