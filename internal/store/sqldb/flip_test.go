package sqldb_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/books"
	"github.com/kycmark/kycmark/internal/store/sqldb"
	"github.com/kycmark/kycmark/internal/store/sqlite"
	"github.com/kycmark/kycmark/internal/tlog"
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
	ask("hand-ons", func() (any, error) { return d.HandOns(ctx) })
	ask("custody", func() (any, error) { return d.Custody(ctx) })
	ask("investigations", func() (any, error) { return d.Investigations(ctx) })
	ask("conclusions", func() (any, error) { return d.Conclusions(ctx) })
	ask("erased", func() (any, error) { return d.ErasedAfter(ctx, 0) })
	ask("searched", func() (any, error) {
		rows, err := d.SearchedAfter(ctx, 0, 1000, true)
		for i := range rows {
			rows[i].Sealed = books.Sealed{} // its encryption authenticates it
			err = errors.Join(err, rows[i].Err)
		}
		return rows, err
	})
	ask("submissions", func() (any, error) {
		rows, err := d.SubmissionsAfter(ctx, 0, 1000)
		for i := range rows {
			rows[i] = rows[i].AsEntered() // a later subject is not checked in a walk over all
		}
		return rows, err
	})
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
		ask(at+"custody", func() (any, error) { return d.CustodyOf(ctx, id) })
		ask(at+"list", func() (any, error) {
			root, proofs, err := d.ProveLists(ctx, []string{books.CopiesOf(id)})
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

// flips is how many bits are flipped in each table and index; KYCMARK_FLIPS says more.
func flips(t *testing.T) int {
	if n, err := strconv.Atoi(os.Getenv("KYCMARK_FLIPS")); err == nil {
		return n
	}
	return 6
}

// One bit is flipped anywhere in a table or an index. Whatever is asked then of submissions, copies, receipts,
// custody, keys and investigations, the registry answers as before or with an error: never otherwise. Counts by
// day are not among it: one row of a day more or less.
func TestFlippedBits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.db")
	d, err := sqlite.Create(t.Context(), path, info())
	require.NoError(t, err)
	everything(t, d)
	var of []watermark.Submission
	var copies []watermark.CopyID
	all, err := d.SubmissionsAfter(t.Context(), 0, 1000)
	require.NoError(t, err)
	for _, s := range all {
		of = append(of, s.ID)
	}
	issued, err := d.CopiesAfter(t.Context(), 0, 1000)
	require.NoError(t, err)
	for _, c := range issued {
		copies = append(copies, c.ID)
	}
	of, copies = append(of, watermark.Submission{77}), append(copies, 77)
	size, _, err := d.Head(t.Context())
	require.NoError(t, err)
	want := allAnswers(t.Context(), d, of, copies, size)
	pages := make(map[string][]int64) // by table or index
	rows, err := d.Raw().Query("SELECT name, pageno FROM dbstat")
	require.NoError(t, err)
	for rows.Next() {
		var name string
		var page int64
		require.NoError(t, rows.Scan(&name, &page))
		pages[name] = append(pages[name], page)
	}
	require.NoError(t, rows.Err())
	require.NoError(t, d.Close())
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	pageSize := int(whole[16])<<8 | int(whole[17])

	rng := rand.New(rand.NewPCG(21, 1))
	silent, refused, same := make(map[string]int), 0, 0
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		for range flips(t) {
			damaged := bytes.Clone(whole)
			at := 0
			for try := 0; try < 1000 && (at == 0 || whole[at] == 0); try++ { // what is empty says nothing
				at = (int(pages[name][rng.IntN(len(pages[name]))])-1)*pageSize + rng.IntN(pageSize)
			}
			damaged[at] ^= 1 << rng.IntN(8)
			require.NoError(t, os.WriteFile(path, damaged, 0o600))
			_ = os.Remove(path + "-wal")
			_ = os.Remove(path + "-shm")
			d, err := sqlite.Open(t.Context(), path)
			if err != nil {
				refused++
				continue
			}
			differ := false
			for what, answer := range allAnswers(t.Context(), d, of, copies, size) {
				if answer != want[what] {
					differ = true
					if !bytes.HasPrefix([]byte(answer), []byte("error: ")) {
						silent[name+" -> "+what]++
						if silent[name+" -> "+what] == 1 && os.Getenv("KYCMARK_FLIPS_SHOW") != "" {
							t.Logf("%s: %s\n  was %s\n  is  %s", name, what, want[what], answer)
						}
					}
				}
			}
			if differ {
				refused++
			} else {
				same++
			}
			require.NoError(t, d.Close())
		}
	}
	t.Logf("%d tables and indexes; %d flips were noticed, %d changed no answer", len(pages), refused, same)
	for _, what := range slices.Sorted(maps.Keys(silent)) {
		t.Errorf("%s: %d answers that are not as before", what, silent[what])
	}
}
