package schema

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

// A Table ties a row type to the columns that keep it. Reading and writing share bind, so that they cannot differ.
type Table[T any] struct {
	Name    string
	Columns []string
	Bind    func(*T) []any // Placeholders the order of columns
}

// TableOf returns a table with these columns, a list with spaces between.
func TableOf[T any](name, columns string, bind func(*T) []any) Table[T] {
	return Table[T]{name, strings.Fields(columns), bind}
}

var (
	Info = TableOf("registry", "id created seal_hashes salt seq originals", func(i *records.Info) []any {
		return []any{Fixed(i.ID[:]), Micros(&i.Created), flag{&i.SealHashes}, Fixed(i.Salt[:]), &i.Seq, &i.Originals}
	})
	Recipients = TableOf("recipient", "name kind ref employer blind digest actor added salt seq", func(r *books.Recipient) []any {
		return []any{&r.Name, &r.Kind, &r.Ref, &r.Of, Sparse(r.Blind[:]), Sparse(r.Digest[:]), &r.Actor, Micros(&r.Added), Fixed(r.Salt[:]), &r.Seq}
	})
	MarkKeys = TableOf("mark_key", "id commitment since salt seq", func(k *records.KeyEntry) []any {
		return []any{&k.ID, Fixed(k.Commitment[:]), Micros(&k.Added), Fixed(k.Salt[:]), &k.Seq}
	})
	KeyStates = TableOf("key_state", "key_id state since note entered actor salt seq", func(s *books.KeyState) []any {
		return []any{&s.KeyID, &s.State, Micros(&s.Since), &s.Note, Micros(&s.Entered), &s.Actor, Fixed(s.Salt[:]), &s.Seq}
	})
	Submissions = TableOf("submission", "id sha256 size format decoder width height submitted received subject hash area chain quality area_quality kept salt seq erased rendition document page pages actor",
		func(s *books.Submission) []any {
			return []any{Fixed(s.ID[:]), Fixed(s.SHA256[:]), &s.Size, &s.Format, &s.Decoder, &s.Width, &s.Height,
				Micros(&s.Submitted), Micros(&s.Received), &s.Subject, &s.Hash, &s.Area, &s.Chain, &s.Quality,
				&s.AreaQuality, flag{&s.Kept}, Fixed(s.Salt[:]), &s.Seq, erasedBy{s}, Sparse(s.Rendition[:]), Sparse(s.Document[:]), &s.Page, &s.Pages, &s.Actor}
		})
	// Present has the rows of Submissions with the present subjects. It is for reading.
	Present = Table[books.Submission]{`(SELECT s.*, coalesce(x.reference, '') AS later, coalesce(x.entered, 0) AS set_at
		FROM submission s LEFT JOIN subject x ON x.submission = s.id AND x.reference <> '') AS submission`,
		append(slices.Clone(Submissions.Columns), "later", "set_at"),
		func(s *books.Submission) []any { return append(Submissions.Bind(s), laterSubject{s}, setAt{s}) }}
	Subjects = TableOf("subject", "submission reference blind digest entered actor salt seq", func(c *records.SubjectChange) []any {
		return []any{Fixed(c.Submission[:]), &c.Subject, Fixed(c.Blind[:]), Fixed(c.Digest[:]), Micros(&c.Entered), &c.Actor, Fixed(c.Salt[:]), &c.Seq}
	})
	Seals = TableOf("sealed", "submission key_id wrapped hashes features body object object_size", func(x *Sealed) []any {
		return []any{Fixed(x.Of[:]), &x.KeyID, Blob(&x.Wrapped), Blob(&x.Hashes), Blob(&x.Features), Blob(&x.Body), Sparse(x.Object.Name[:]), &x.Object.Size}
	})
	Erasures = TableOf("erasure", "reviewer remains note entered actor salt seq", func(e *records.Erasure) []any {
		return []any{&e.Reviewer, Fixed(e.Left[:]), &e.Note, Micros(&e.Entered), &e.Actor, Fixed(e.Salt[:]), &e.Seq}
	})
	ErasureLists = TableOf("erasure_submission", "erasure submission", bindListed)
	Copies       = TableOf("copy", "id submission recipient reviewer purpose key_id strength margin weak psnr ssim format width height sha256 size issued actor salt seq",
		func(c *books.Copy) []any {
			return []any{CopyID(&c.ID), Fixed(c.Submission[:]), &c.Recipient, &c.Reviewer, &c.Purpose, &c.KeyID, &c.Strength,
				&c.Margin, flag{&c.Weak}, &c.PSNR, &c.SSIM, &c.Format, &c.Width, &c.Height, Fixed(c.SHA256[:]),
				&c.Size, Micros(&c.Issued), &c.Actor, Fixed(c.Salt[:]), &c.Seq}
		})
	Releases = TableOf("release", "copy submission state note entered actor salt seq", func(r *books.Release) []any {
		return []any{CopyID(&r.Copy), Fixed(r.Submission[:]), &r.State, &r.Note, Micros(&r.Entered), &r.Actor, Fixed(r.Salt[:]), &r.Seq}
	})
	Receipts = TableOf("receipt", "copy public_key signature entered actor salt seq", func(r *books.Receipt) []any {
		return []any{CopyID(&r.Copy), Fixed(r.PublicKey[:]), Fixed(r.Signature[:]), Micros(&r.Entered), &r.Actor, Fixed(r.Salt[:]), &r.Seq}
	})
	Returns = TableOf("came_back", "submission copy log10_p entered actor salt seq", func(r *books.Return) []any {
		return []any{Fixed(r.Submission[:]), CopyID(&r.Copy), &r.LogP, Micros(&r.Entered), &r.Actor, Fixed(r.Salt[:]), &r.Seq}
	})
	CustodyFacts = TableOf("custody", "recipient reviewer through since until listed note event scheme entered actor salt seq",
		func(c *Custody) []any {
			return []any{&c.Recipient, &c.Reviewer, &c.Through, Micros(&c.From), Micros(&c.To), &c.Listed, &c.Note, Sparse(c.Event[:]), &c.Scheme, Micros(&c.Entered), &c.Actor, Fixed(c.Salt[:]), &c.Seq}
		})
	CustodyEvents  = TableOf("custody_event", "custody sealed", func(e *CustodyEvent) []any { return []any{&e.Of, Blob(&e.Sealed)} })
	CustodyLists   = TableOf("custody_submission", "custody submission", bindListed)
	Investigations = TableOf("investigation", "started actor command input files salt seq found evidence evidence_sha256 published pictures digests earlier",
		func(i *books.Investigation) []any {
			return []any{Micros(&i.Started), &i.Actor, &i.Command, Fixed(i.Input[:]), &i.Files, Fixed(i.Salt[:]), &i.Entry,
				Micros(&i.Found), &i.Evidence, Sparse(i.EvidenceSHA256[:]), flag{&i.Published}, Sparse(i.Pictures[:]), Blob(&i.Digests), eights[int64]{&i.Earlier}}
		})
	Conclusions = TableOf("conclusion", "investigation entered named copies evidence actor salt seq", func(c *books.Conclusion) []any {
		return []any{&c.Investigation, Micros(&c.Entered), lines{&c.Named}, eights[watermark.CopyID]{&c.Copies}, Fixed(c.Evidence[:]), &c.Actor, Fixed(c.Salt[:]), &c.Seq}
	})
	Checkpoints = TableOf("checkpoint", "size root note made stamp", func(c *books.Checkpoint) []any {
		return []any{&c.Size, Fixed(c.Root[:]), Text(&c.Text), Micros(&c.Made), Blob(&c.Stamp)}
	})
	Cosigned = TableOf("cosigned", "size root witness dated proof entered salt seq", func(c *records.Cosigned) []any {
		return []any{&c.Size, Fixed(c.Root[:]), &c.Witness, Micros(&c.Dated), Blob(&c.Proof), Micros(&c.Entered), Fixed(c.Salt[:]), &c.Seq}
	})
	Segments = TableOf("segment", "name state made first last digest size wrapped", func(s *Segment) []any {
		return []any{Fixed(s.Name[:]), &s.State, Micros(&s.Made), &s.First, &s.Last, Sparse(s.Digest[:]), &s.Size, Blob(&s.Wrapped)}
	})
	Kept = TableOf("kept", "id kind made expires wrapped", func(k *records.KeptItem) []any {
		return []any{Fixed(k.ID[:]), &k.Kind, Micros(&k.Made), Micros(&k.Expires), Blob(&k.Wrapped)}
	})
	KeptParts = TableOf("kept_part", "kept part version chunks size digest", func(p *records.KeptPart) []any {
		return []any{Fixed(p.Of[:]), &p.Name, Fixed(p.Version[:]), &p.Chunks, &p.Size, Fixed(p.SHA256[:])}
	})
	ListNodes = TableOf("list_node", "id body", func(n *ListNode) []any { return []any{Blob(&n.ID), Blob(&n.Body)} })
	Tokens    = TableOf("token", "name id digest roles added expires revoked", func(t *records.Token) []any {
		return []any{&t.Name, &t.ID, Fixed(t.Digest[:]), &t.Roles, Micros(&t.Added), Micros(&t.Expires), Micros(&t.Revoked)}
	})
	Requests = TableOf("request", "id digest answer made", func(r *records.Request) []any {
		return []any{Fixed(r.ID[:]), Fixed(r.Digest[:]), &r.Answer, Micros(&r.Made)}
	})
	Notices = TableOf("notice", "id hook body made due tries", func(n *records.Notice) []any {
		return []any{Fixed(n.ID[:]), &n.Hook, &n.Body, Micros(&n.Made), Micros(&n.Due), &n.Tries}
	})
	Ledger = TableOf("ledger", "seq entry nodes", func(r *Entry) []any { return []any{&r.Seq, Blob(&r.Text), Blob(&r.Nodes)} })
)

// A Entry is an entry and the nodes of the tree that it completes, from its leaf upwards.
type Entry struct {
	Seq   int64
	Text  []byte
	Nodes []byte
}

type Sealed struct {
	Of watermark.Submission
	records.Sealed
}

// A CustodyEvent is the sealed event that the fact of custody of an entry rests on.
type CustodyEvent struct {
	Of     int64
	Sealed []byte
}

// Custody is a row of custody without its list.
type Custody struct {
	Listed int64 // how many submissions the list has
	books.Custody
}

// Listed is one submission of a list that the row of that number has.
type Listed struct {
	in int64
	id watermark.Submission
}

func bindListed(l *Listed) []any { return []any{&l.in, Fixed(l.id[:])} }

// Querier is a *sql.DB, *sql.Tx or *sql.Conn.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Rows returns all rows that the query with this tail selects. tail follows the table's name ("
// WHERE seq = $1"); args are its arguments. Without rows the result is empty.
func (t Table[T]) Rows(ctx context.Context, q Querier, tail string, args ...any) ([]T, error) {
	rows, err := Collect(ctx, q, t.Bind, t.Query()+tail, args...)
	if errors.Is(err, records.ErrTampered) {
		err = fmt.Errorf("%s: %w", t.Name[strings.LastIndexByte(t.Name, ' ')+1:], err)
	}
	return rows, err
}

// Among returns the rows that have one of these values in a column. It asks for InList values at a time; tail follows them.
func (t Table[T]) Among(ctx context.Context, q Querier, d *Dialect, column string, values []any, tail string) (out []T, err error) {
	for part := range slices.Chunk(values, InList) {
		rows, err := t.Rows(ctx, q, " WHERE "+column+" IN "+d.Placeholders(1, len(part))+tail, part...)
		if err != nil {
			return nil, err
		}
		out = append(out, rows...)
	}
	return out, nil
}

// InList is the most values that one query asks for.
const InList = 250

// Each returns a value of each element of a list, for a query.
func Each[T any](list []T, value func(*T) any) []any {
	out := make([]any, len(list))
	for i := range list {
		out[i] = value(&list[i])
	}
	return out
}

func IDOf(id *watermark.Submission) any { return id[:] }

// Query returns the begin of a query of all columns: "SELECT … FROM …".
func (t Table[T]) Query() string {
	return "SELECT " + strings.Join(t.Columns, ", ") + " FROM " + t.Name
}

// One returns the first row that the query with this tail selects. tail follows the table's name;
// args are its arguments. Without a row the error is [records.ErrNotFound].
func (t Table[T]) One(ctx context.Context, q Querier, tail string, args ...any) (*T, error) {
	rows, err := t.Rows(ctx, q, tail, args...)
	if err == nil && len(rows) == 0 {
		err = records.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return &rows[0], nil
}

// Collect runs a query and returns its rows. bind returns the pointers into which a row is
// scanned, in the order of the columns. Without rows the result is empty, not nil.
func Collect[T any](ctx context.Context, q Querier, bind func(*T) []any, query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []T{} // a list of nothing is [] in JSON
	for rows.Next() {
		var row T
		if err := rows.Scan(bind(&row)...); err != nil {
			return nil, fmt.Errorf("%w%s", Unreadable(err), inEntry(rows))
		}
		out = append(out, row)
	}
	return out, rows.Err()
}

func Numbers(ctx context.Context, q Querier, query string, args ...any) ([]int64, error) {
	return Collect(ctx, q, func(n *int64) []any { return []any{n} }, query, args...)
}

func Number(ctx context.Context, q Querier, query string, args ...any) (n int64, err error) {
	err = q.QueryRowContext(ctx, query, args...).Scan(&n)
	return n, err
}

// Changed returns how many rows a statement changed.
func Changed(done sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return done.RowsAffected()
}

// Placeholders returns "($1, $2, …)" for n arguments from number first on.
func Placeholders(first, n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(", $" + strconv.Itoa(first+i))
	}
	return "(" + strings.TrimPrefix(b.String(), ", ") + ")"
}

// Placeholders returns the placeholders of n arguments from number first on: "($1, $2, …)". If the dialect
// prefers question marks, it is "(?, ?, …)", and the arguments must be passed in order. d may be nil.
func (d *Dialect) Placeholders(first, n int) string {
	if d != nil && d.Questions {
		return "(?" + strings.Repeat(", ?", n-1) + ")"
	}
	return Placeholders(first, n)
}

func (t Table[T]) Insert(d *Dialect) string {
	return "INSERT INTO " + t.Name + " (" + strings.Join(t.Columns, ", ") + ") VALUES " + d.Placeholders(1, len(t.Columns))
}

// Lists returns the rows of a list of submissions that belongs to the row with the number in.
func Lists(in int64, ids []watermark.Submission) []Listed {
	return each.Of(ids, func(id watermark.Submission) Listed { return Listed{in, id} })
}

// ReadList returns the submissions, sorted by ID, that the row with the number of lists. t is
// the table of the lists: CustodyLists or ErasureLists.
func ReadList(ctx context.Context, q Querier, t Table[Listed], of int64) ([]watermark.Submission, error) {
	rows, err := t.Rows(ctx, q, " WHERE "+t.Columns[0]+" = $1 ORDER BY submission", of)
	return each.Of(rows, func(r Listed) watermark.Submission { return r.id }), err
}

// A ListNode is a stored node of the lists.
type ListNode struct{ ID, Body []byte }

// A Segment is a row of the table segment.
type Segment struct {
	Name        [16]byte
	State       int64
	Made        time.Time
	First, Last int64
	Digest      [32]byte // of an object
	Size        int64    // of an object; 0: it is a file
	Wrapped     []byte   // its key
}

// SegmentEnd ends the names of segments' files.
const SegmentEnd = ".segment"

func (s *Segment) File() string { return hex.EncodeToString(s.Name[:]) + SegmentEnd }

// Into names the segment in err, and no folder.
func (s *Segment) Into(err error) error {
	return fmt.Errorf("segment %s of the submissions %d to %d: %w", s.File(), s.First, s.Last, intake.WithoutPath(err))
}
