package verify_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/tlog"
	"github.com/kycmark/kycmark/phash/parts"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
)

// A burglar writes to the file of a registry and to its segments, but has no key.
type burglar struct {
	t    *testing.T
	r    *registry.Registry
	path string
	db   *sql.DB
	aim  int64 // number of the upload that is to be hidden, of person 1
}

// enter makes a registry of uploads of which only hashes are kept, one for each person.
func enter(t *testing.T, people ...uint64) *burglar {
	b := &burglar{t: t, path: filepath.Join(t.TempDir(), "r.db")}
	var err error
	b.r, err = registry.Create(t.Context(), sqlite.At(b.path), nil)
	require.NoError(t, err)
	t.Cleanup(func() { b.r.Close() })
	b.add(people...)
	b.db, err = sql.Open("sqlite", b.path)
	require.NoError(t, err)
	t.Cleanup(func() { b.db.Close() })
	return b
}

// add has the owner submit pictures of people.
func (b *burglar) add(people ...uint64) {
	s := newIssuer(b.t, registry.Config{Registry: b.r, SealKey: leaktest.SealKey()})
	for _, p := range people {
		if sub := submit(b.t, s, file(b.t, passport(p), "jpeg"), "", feb, &registry.SubmitOptions{HashOnly: true}); p == 1 {
			b.aim = sub.Seq
		}
	}
}

func (b *burglar) exec(query string, args ...any) {
	b.t.Helper()
	_, err := b.db.ExecContext(b.t.Context(), query, args...)
	require.NoError(b.t, err, query)
}

// made has the owner make segments, whose error is returned.
func (b *burglar) made() error { return builtSegments(b.t, b.r, leaktest.SealKey()) }

// segment is the path of the registry's only segment.
func (b *burglar) segment() string {
	all, err := filepath.Glob(b.path + ".segments/*")
	require.NoError(b.t, err)
	require.Len(b.t, all, 1)
	return all[0]
}

// take keeps the segment and its row, and put has the registry use them instead of its own.
func (b *burglar) take() (put func(into *burglar)) {
	data, name := readFile(b.t, b.segment()), filepath.Base(b.segment())
	var row [8]any
	require.NoError(b.t, b.db.QueryRow("SELECT name, state, made, first, last, digest, size, wrapped FROM segment").Scan(&row[0], &row[1], &row[2], &row[3], &row[4], &row[5], &row[6], &row[7]))
	return func(into *burglar) {
		require.NoError(b.t, os.RemoveAll(into.path+".segments"))
		require.NoError(b.t, os.Mkdir(into.path+".segments", 0o700))
		require.NoError(b.t, os.WriteFile(filepath.Join(into.path+".segments", name), data, 0o600))
		into.exec("DELETE FROM segment")
		into.exec("INSERT INTO segment (name, state, made, first, last, digest, size, wrapped) VALUES ($1, $2, $3, $4, $5, coalesce($6, x''), $7, $8)", row[:]...)
	}
}

// exchanged gives the upload another hash, and its entry the commitment to it. With tree it also writes the ledger's tree anew.
func (b *burglar) exchanged(tree bool) {
	n := b.aim
	s, err := b.r.Engine().SubmissionAt(b.t.Context(), n)
	require.NoError(b.t, err)
	first, err := b.r.Engine().SubmissionAt(b.t.Context(), n-1)
	require.NoError(b.t, err)
	var raw []byte
	require.NoError(b.t, b.db.QueryRow("SELECT entry FROM ledger WHERE seq = $1", n).Scan(&raw))
	old, err := records.ParseEntry(raw)
	require.NoError(b.t, err)
	s.Area = first.Area
	e := records.EntryOf(*s)
	e.Seq, e.Lists = old.Seq, old.Lists
	b.exec("UPDATE submission SET area = $1 WHERE seq = $2", s.Area, n)
	b.exec("UPDATE ledger SET entry = $1 WHERE seq = $2", e.Encode(), n)
	if !tree {
		return
	}
	whole, err := tlog.NewTree(0, nil)
	require.NoError(b.t, err)
	for b.db.QueryRow("SELECT entry FROM ledger WHERE seq = $1", whole.Size()+1).Scan(&raw) == nil {
		var nodes []byte
		for _, node := range whole.Append(tlog.LeafHash(raw)) {
			nodes = append(nodes, node.Hash[:]...)
		}
		b.exec("UPDATE ledger SET nodes = $1 WHERE seq = $2", nodes, whole.Size())
	}
	root := whole.Root()
	b.exec("UPDATE ledger_head SET root = $1", root[:])
}

// meanwhile does something to rows, has the owner make segments, and puts the rows back.
func (b *burglar) meanwhile(change func()) error {
	const tables = "submission ledger ledger_head list_node"
	for table := range strings.FieldsSeq(tables) {
		b.exec("CREATE TABLE saved_" + table + " AS SELECT * FROM " + table)
	}
	var triggers []string
	rows, err := b.db.Query("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
	require.NoError(b.t, err)
	for rows.Next() {
		var name, text string
		require.NoError(b.t, rows.Scan(&name, &text))
		triggers = append(triggers, "DROP TRIGGER "+name, text)
	}
	require.NoError(b.t, rows.Close())
	for i := 0; i < len(triggers); i += 2 {
		b.exec(triggers[i])
	}
	change()
	b.exec("UPDATE segment SET state = 2")
	err = b.made()
	for table := range strings.FieldsSeq(tables) {
		b.exec("DELETE FROM " + table)
		b.exec("INSERT INTO " + table + " SELECT * FROM saved_" + table)
		b.exec("DROP TABLE saved_" + table)
	}
	for i := 1; i < len(triggers); i += 2 {
		b.exec(triggers[i])
	}
	return err
}

// look investigates a leak of the upload that is to be hidden, which must be found, whatever was done. It returns what the record
// says of segments.
func (b *burglar) look(leak []byte) (problem string) {
	v := newInvestigator(b.t, setup{Config: verify.Config{Registry: b.r, SealKey: leaktest.SealKey()}})
	v.SetDetect(noMark)
	got, err := v.File(b.t.Context(), "leak.jpg", leak)
	require.NoError(b.t, err)
	require.Equal(b.t, findings.FoundLookalike, got.Kind, got.Note)
	hidden, err := b.r.Engine().SubmissionAt(b.t.Context(), b.aim)
	require.NoError(b.t, err)
	require.Equal(b.t, hidden.ID, got.Submission)
	require.Zero(b.t, got.Searched.Missing.Damaged)
	d, err := v.Weigh(b.t.Context(), []*findings.Finding{got})
	require.NoError(b.t, err)
	for _, s := range d.Record.Segments {
		problem += s.Problem
	}
	return problem
}

// However segments are exchanged, cut, emptied or removed without a key, or made of rows that are altered meanwhile, an upload of
// which only the hash is kept is found. What is not usable is said, and made anew from the rows.
func TestForgedSegments(t *testing.T) {
	t.Parallel()
	leak := file(t, leaked(t, passport(1), "telegram"), "jpeg")
	write := func(data func(whole []byte) []byte) func(*testing.T, *burglar) {
		return func(t *testing.T, b *burglar) {
			require.NoError(t, os.WriteFile(b.segment(), data(readFile(t, b.segment())), 0o600))
		}
	}
	type forgery struct {
		name  string
		do    func(t *testing.T, b *burglar)
		quiet bool // submit has said it, or nothing wrong is used
	}
	for _, x := range long.Cases(2, []forgery{
		{name: "of another registry", do: func(t *testing.T, b *burglar) {
			other := enter(t, 2, 3, 4)
			require.NoError(t, other.made())
			other.take()(b)
		}},
		{name: "of an exchanged row, entry and tree", do: func(t *testing.T, b *burglar) {
			require.NoError(t, b.meanwhile(func() { b.exchanged(true) }))
		}},
		{name: "of another course of this registry", do: func(t *testing.T, b *burglar) {
			// A backup in which others were submitted, with the same key.
			b.exec("VACUUM INTO $1", b.path+".backup")
			fork, err := registry.Open(t.Context(), sqlite.At(b.path+".backup"))
			require.NoError(t, err)
			defer fork.Close()
			f := &burglar{t: t, r: fork, path: b.path + ".backup"}
			f.db, err = sql.Open("sqlite", f.path)
			require.NoError(t, err)
			defer f.db.Close()
			f.exec("DELETE FROM segment")
			f.add(5)
			b.add(1)
			require.NoError(t, f.made())
			require.NoError(t, b.made())
			f.take()(b)
		}},
		{name: "removed", do: func(t *testing.T, b *burglar) { require.NoError(t, os.Remove(b.segment())) }},
		{name: "older, of fewer uploads", quiet: true, do: func(t *testing.T, b *burglar) {
			put := b.take()
			b.add(1)
			require.NoError(t, b.made())
			put(b)
		}},
		{name: "cut", do: write(func(whole []byte) []byte { return whole[:len(whole)/2] })},
		{name: "emptied", do: write(func([]byte) []byte { return nil })},
		{name: "zeros", do: write(func(whole []byte) []byte { return make([]byte, len(whole)) })},
		{name: "removed with its row", quiet: true, do: func(t *testing.T, b *burglar) {
			require.NoError(t, os.Remove(b.segment()))
			b.exec("DELETE FROM segment")
		}},
		{name: "of an exchanged row", quiet: true, do: func(t *testing.T, b *burglar) {
			require.NoError(t, b.meanwhile(func() {
				b.exec("UPDATE submission SET area = (SELECT area FROM submission ORDER BY seq LIMIT 1) WHERE seq = $1", b.aim)
			}))
		}},
		{name: "of an exchanged row and entry", quiet: true, do: func(t *testing.T, b *burglar) {
			require.ErrorIs(t, b.meanwhile(func() { b.exchanged(false) }), registry.ErrTampered)
		}},
		{name: "without a row", quiet: true, do: func(t *testing.T, b *burglar) {
			require.ErrorIs(t, b.meanwhile(func() { b.exec("DELETE FROM submission WHERE seq = $1", b.aim) }), registry.ErrTampered)
		}},
		{name: "of a row that seems erased", quiet: true, do: func(t *testing.T, b *burglar) {
			require.ErrorIs(t, b.meanwhile(func() { b.exec("UPDATE submission SET erased = 1, size = 0 WHERE seq = $1", b.aim) }), registry.ErrTampered)
		}},
	}...) {
		t.Run(x.name, func(t *testing.T) {
			people := []uint64{2, 1, 3}
			if x.name == "of another course of this registry" || x.name == "older, of fewer uploads" {
				people = []uint64{2, 3}
			}
			b := enter(t, people...)
			require.NoError(t, b.made())
			x.do(t, b)
			if problem := b.look(leak); !x.quiet {
				all, err := b.r.Engine().Segments(t.Context(), leaktest.SealKey(), new(parts.Index))
				require.NoError(t, err)
				require.True(t, problem != "" || len(all) == 1 && all[0].Err != nil || len(all) == 0, "nothing is said")
				a, err := b.r.Ledger().Audit(t.Context(), registry.AuditOptions{})
				require.NoError(t, err)
				require.Contains(t, a.Problems[0], "segment")
			}
			require.NoError(t, b.made(), "made anew")
			require.Empty(t, b.look(leak))
			a, err := b.r.Ledger().Audit(t.Context(), registry.AuditOptions{SealKey: leaktest.SealKey()})
			require.NoError(t, err)
			require.True(t, a.Holds, a.Problems)
		})
	}
}
