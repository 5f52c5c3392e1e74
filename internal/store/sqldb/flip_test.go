package sqldb_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/sqldb"
	"github.com/kycmark/kycmark/internal/store/sqlite"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/tlog"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

// allAnswers are what a registry says of all that was entered into it: as JSON, or the error that it says
// instead.
func allAnswers(ctx context.Context, d *sqldb.DB, of []watermark.Submission, copies []watermark.CopyID, size int64) map[string]string {
	out := make(map[string]string)
	say := func(what string, answer any, err error) {
		if err != nil {
			out[what] = "error: " + err.Error()
			return
		}
		text, err := json.Marshal(answer)
		out[what] = fmt.Sprintf("%s %v %+v", text, err, answer)
	}
	ask := func(what string, f func() (any, error)) {
		answer, err := f()
		say(what, answer, err)
	}
	ask("recipients", func() (any, error) { return d.Recipients(ctx) })
	ask("mark keys", func() (any, error) { return d.MarkKeys(ctx) })
	ask("key states", func() (any, error) { return d.KeyStates(ctx) })
	ask("cosigned", func() (any, error) { return d.Cosigned(ctx) })
	ask("custody", func() (any, error) { return d.Custody(ctx) })
	ask("investigations", func() (any, error) { return d.Investigations(ctx) })
	ask("conclusions", func() (any, error) { return d.Conclusions(ctx) })
	ask("searchable", func() (any, error) { return d.Searchable(ctx, size, math.MaxInt64) })
	// counted returns an error if a walk did not find as many as were entered, as who walks over all does.
	counted := func(found int, erasure int64) error {
		all, err := d.Searchable(ctx, size, erasure)
		if err == nil && all != int64(found) {
			err = fmt.Errorf("%d of %d", found, all)
		}
		return err
	}
	ask("erased", func() (any, error) { return d.ErasedAfter(ctx, 0) })
	ask("searched", func() (any, error) {
		rows, err := d.SearchedAfter(ctx, 0, 1000, true)
		for i := range rows {
			rows[i].Sealed = records.Sealed{} // its encryption authenticates it
			err = errors.Join(err, rows[i].Err)
		}
		return rows, errors.Join(err, counted(len(rows), math.MaxInt64))
	})
	ask("submissions among", func() (any, error) {
		ids := of[:len(of)-1] // the last one is unknown
		rows, err := d.SubmissionsAmong(ctx, ids)
		if err == nil && len(rows) != len(ids) { // the caller asks for each then
			err = fmt.Errorf("%w: of %d submissions %d are there", records.ErrTampered, len(ids), len(rows))
		}
		return rows, err // by number
	})
	ask("submissions", func() (any, error) {
		rows, err := d.SubmissionsAfter(ctx, 0, 1000)
		for i := range rows {
			if rows[i].Erased { // what is left of it is not checked in a walk over all
				rows[i] = books.Submission{}
			}
		}
		return rows, errors.Join(err, counted(len(rows), 0))
	})
	ask("counts", func() (any, error) { return d.CountDays(ctx, t0.AddDate(99, 0, 0)) })
	ask("counts until", func() (any, error) { return d.CountDays(ctx, t0.AddDate(0, 0, 4)) })
	ask("counts of parts of days", func() (any, error) {
		return d.CountSubmitted(ctx, [2]time.Time{t0.AddDate(0, 0, 2), t0.AddDate(0, 0, 7)}, [2]time.Time{t0.AddDate(0, 0, 8).Add(1), t0.AddDate(9, 0, 0)})
	})
	ask("span", func() (any, error) {
		first, last, err := d.Span(ctx)
		return []time.Time{first, last}, err
	})
	ask("all copies", func() (any, error) { return d.CopiesAfter(ctx, 0, 1000) })
	ask("tree", func() (any, error) {
		size, root, err := d.Head(ctx)
		if err != nil {
			return nil, err
		}
		nodes, err := d.Nodes(ctx, tlog.Border(uint64(size)))
		if err != nil {
			return nil, err
		}
		tree, err := tlog.NewTree(uint64(size), nodes)
		if err != nil || tree.Root() != root {
			return nil, fmt.Errorf("not the tree: %v", err)
		}
		return []any{size, root}, nil
	})
	for i, id := range of {
		at := fmt.Sprintf("%d: ", i)
		ask(at+"submission", func() (any, error) { return d.Submission(ctx, id) })
		ask(at+"copies", func() (any, error) { return d.Copies(ctx, id) })
		ask(at+"releases", func() (any, error) { return d.Releases(ctx, id) })
		ask(at+"returned in", func() (any, error) { return d.ReturnedIn(ctx, id) })
		ask(at+"custody", func() (any, error) { return d.CustodyOf(ctx, id) })
		ask(at+"list", func() (any, error) {
			_, root, proofs, err := d.ProveLists(ctx, []string{records.CopiesOf(id)})
			return []any{root, proofs}, err
		})
	}
	for seq := range size {
		ask(fmt.Sprint("number ", seq), func() (any, error) { return d.SubmissionBySeq(ctx, seq+1) })
	}
	for _, id := range copies {
		ask(id.String()+": copy", func() (any, error) { return d.Copy(ctx, id) })
		ask(id.String()+": receipts", func() (any, error) { return d.Receipts(ctx, id) })
	}
	for _, subject := range []string{"subject-1", "subject-5", "right", "wrong", "erased later"} {
		ask("uploads of "+subject, func() (any, error) {
			if err := d.CheckSubject(ctx, subject); err != nil {
				return nil, err
			}
			return d.SubmissionsOf(ctx, subject)
		})
	}
	return out
}

// An asked registry has everything in it. want is what it answers.
type asked struct {
	of     []watermark.Submission
	copies []watermark.CopyID
	size   int64
	want   map[string]string
	open   func(ctx context.Context) (*sqldb.DB, error)
}

// ask fills d and notes what it answers.
func (x *asked) ask(t *testing.T, d *sqldb.DB) {
	t.Helper()
	everything(t, d)
	all, err := d.SubmissionsAfter(t.Context(), 0, 1000)
	require.NoError(t, err)
	for _, s := range all {
		x.of = append(x.of, s.ID)
	}
	issued, err := d.CopiesAfter(t.Context(), 0, 1000)
	require.NoError(t, err)
	for _, c := range issued {
		x.copies = append(x.copies, c.ID)
	}
	x.of, x.copies = append(x.of, watermark.Submission{77}), append(x.copies, 77)
	x.size, _, err = d.Head(t.Context())
	require.NoError(t, err)
	x.want = allAnswers(t.Context(), d, x.of, x.copies, x.size)
	require.Contains(t, x.want["submissions among"], " <nil> ", "it can differ only if it is answered")
}

// A damageable is a registry in a file.
type damageable struct {
	asked
	path  string
	whole []byte             // the file
	pages map[string][]int64 // by table or index
}

func newDamageable(t *testing.T) *damageable {
	t.Helper()
	x := &damageable{path: filepath.Join(t.TempDir(), "r.db"), pages: make(map[string][]int64)}
	x.open = func(ctx context.Context) (*sqldb.DB, error) { return sqlite.Open(ctx, x.path) }
	d, err := sqlite.Create(t.Context(), x.path, info())
	require.NoError(t, err)
	x.ask(t, d)
	rows, err := d.Raw().Query("SELECT name, pageno FROM dbstat")
	require.NoError(t, err)
	for rows.Next() {
		var name string
		var page int64
		require.NoError(t, rows.Scan(&name, &page))
		x.pages[name] = append(x.pages[name], page)
	}
	require.NoError(t, rows.Err())
	require.NoError(t, d.Close())
	x.whole, err = os.ReadFile(x.path)
	require.NoError(t, err)
	return x
}

// answers opens the damaged registry, and returns which answers are errors; "": the opening. It
// calls silent with each answer that is neither an error nor as before.
func (x *asked) answers(t *testing.T, silent func(what, answer string)) map[string]bool {
	t.Helper()
	wrong := make(map[string]bool)
	d, err := x.open(t.Context())
	if err != nil {
		return map[string]bool{"": true}
	}
	defer func() { require.NoError(t, d.Close()) }()
	for what, answer := range allAnswers(t.Context(), d, x.of, x.copies, x.size) {
		switch {
		case answer == x.want[what]:
		case strings.HasPrefix(answer, "error: "):
			wrong[what] = true
		default:
			silent(what, answer)
		}
	}
	return wrong
}

// write writes the file.
func (x *damageable) write(t *testing.T, file []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(x.path, file, 0o600))
	_ = os.Remove(x.path + "-wal")
	_ = os.Remove(x.path + "-shm")
}

// flips is how many bits are flipped in each table and index. A fifth of it, and one, are aimed besides. Without the tag long
// there are few: see flip.
func flips() int { return long.Number(0, 5) }

// One bit is flipped anywhere in a table or an index, or, aimed, in an ID, a subject or a name there. Whatever is
// asked then of submissions, copies, receipts, custody, keys and investigations, the registry answers as before or
// with an error: never otherwise.
func TestFlippedBits(t *testing.T) {
	x := newDamageable(t)
	pageSize := int64(x.whole[16])<<8 | int64(x.whole[17])
	of := make(map[string][]int64)
	for name, pages := range x.pages {
		for _, page := range pages {
			for at := (page - 1) * pageSize; at < page*pageSize; at++ {
				of[name] = append(of[name], at)
			}
		}
	}
	x.flip(t, flips(), of, func(string) []byte { return x.whole }, func(_ string, damaged []byte) { x.write(t, damaged) })
}

// flip flips n bits in each part of a registry, and n/5 + 1 that are aimed; without n, one in each fourth part. of has the places of each part in the file
// that file returns. write puts a damaged file in place.
func (x *asked) flip(t *testing.T, n int, of map[string][]int64, file func(part string) []byte, write func(part string, damaged []byte)) {
	rng := rand.New(rand.NewPCG(21, 1))
	silent, noticed, same := make(map[string]int), 0, 0
	for k, name := range slices.Sorted(maps.Keys(of)) {
		if n == 0 && k%4 != 0 {
			continue
		}
		whole := file(name)
		full := slices.DeleteFunc(slices.Clone(of[name]), func(at int64) bool { return whole[at] == 0 }) // what is empty says nothing
		ids := x.aims(whole, of[name])
		for i := range n + n/5 + 1 {
			among := full
			if i >= n && len(ids) > 0 {
				among = ids
			}
			damaged := bytes.Clone(whole)
			at, bit := among[rng.IntN(len(among))], rng.IntN(8)
			damaged[at] ^= 1 << bit
			write(name, damaged)
			if len(x.answers(t, func(what, answer string) {
				if silent[name+" -> "+what]++; silent[name+" -> "+what] == 1 {
					t.Logf("%s, bit %d of byte %d: %s is %.300s", name, bit, at, what, answer)
				}
			})) > 0 {
				noticed++
			} else {
				same++
			}
		}
	}
	t.Logf("%d tables and indexes; %d flips were noticed, %d changed no answer", len(of), noticed, same)
	for _, what := range slices.Sorted(maps.Keys(silent)) {
		t.Errorf("%s: %d answers that are not as before", what, silent[what])
	}
}

// aims are those of the places where the IDs, subjects and names lie that are asked for.
func (x *asked) aims(file []byte, places []int64) (out []int64) {
	all := [][]byte{[]byte("subject-"), []byte("vendor "), []byte("right"), []byte("v1-")}
	for _, id := range x.of {
		all = append(all, id[:])
	}
	for _, id := range x.copies {
		all = append(all, binary.BigEndian.AppendUint64(nil, uint64(id)))
	}
	in := make(map[int64]bool)
	for _, text := range all {
		for at := 0; ; at++ {
			k := bytes.Index(file[at:], text)
			if k < 0 {
				break
			}
			at += k
			for i := range text {
				in[int64(at+i)] = true
			}
		}
	}
	for _, at := range places {
		if in[at] {
			out = append(out, at)
		}
	}
	return out
}

// Every edit that an audit finds is noticed by what it concerns as well: no answer is another one.
func TestEditsChangeNoAnswer(t *testing.T) {
	x := newDamageable(t)
	noticed, step := 0, long.Number(9, 1)
	for i, name := range slices.Sorted(maps.Keys(edits)) {
		if i%step > 0 {
			continue
		}
		edit := edits[name]
		x.write(t, x.whole)
		db, err := sql.Open("sqlite", x.path)
		require.NoError(t, err)
		before, during := inDialect("file", edit)
		_, err = db.Exec(before + "; " + during)
		require.NoError(t, err, name)
		require.NoError(t, db.Close())
		silent := make(map[string]string)
		wrong := x.answers(t, func(what, answer string) { silent[what] = answer })
		if wrong[""] || wrong["searchable"] || wrong["erased"] { // who walks over all asks for erasures
			delete(silent, "searched")
			delete(silent, "searchable")
		}
		for what, answer := range silent {
			t.Errorf("%s: %s is %s, was %s", name, what, answer, x.want[what])
		}
		if len(wrong) > 0 {
			noticed++
		}
	}
	t.Logf("%d of %d edits were noticed by a reader", noticed, len(edits))
}
