package sqldb_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/durable"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/postgres"
	"github.com/kycmark/kycmark/internal/store/sqldb"
	"github.com/kycmark/kycmark/internal/store/sqlite"
	"github.com/kycmark/kycmark/internal/test/long"
)

// From SQLite to PostgreSQL and back everything answers the same.
func TestTransfer(t *testing.T) {
	ctx := t.Context()
	first := kinds["file"](t, info())
	everything(t, first)
	h := newHistory(7)
	for range 60 {
		h.step()(ctx, first)
	}
	want := answers(t, first)
	second := opened(postgres.OpenCopy(ctx, server.DSN(t)))(t)
	file := filepath.Join(t.TempDir(), "r.db")
	third := opened(sqlite.OpenCopy(ctx, file))(t)
	for _, way := range [][2]*sqldb.DB{{first, second}, {second, third}} {
		last := 0
		size, root, err := sqldb.Transfer(ctx, way[0], way[1], func(done, total int) {
			require.LessOrEqual(t, last, done)
			require.LessOrEqual(t, done, total)
			last = done
		})
		require.NoError(t, err)
		require.Positive(t, last)
		n, sum, err := way[0].Head(ctx)
		require.NoError(t, err)
		require.Equal(t, n, size)
		require.Equal(t, sum, root)
		require.Equal(t, want, answers(t, way[1]))
	}
	fill2, x := submission(500)
	_, err := add(ctx, third, fill2, x)
	require.NoError(t, err, "the copy can be written to")
	_, _, err = third.Check(ctx)
	require.NoError(t, err)
}

func TestWholeCopiesOnly(t *testing.T) {
	for kind, empty := range map[string]func(dsn string) (*sqldb.DB, error){
		"file":     func(dsn string) (*sqldb.DB, error) { return sqlite.OpenCopy(t.Context(), dsn) },
		"postgres": func(dsn string) (*sqldb.DB, error) { return postgres.OpenCopy(t.Context(), dsn) },
	} {
		t.Run(kind, func(t *testing.T) {
			dsn := filepath.Join(t.TempDir(), "r.db")
			if kind == "postgres" {
				dsn = server.DSN(t)
			}
			from := kinds["memory"](t, info())
			everything(t, from)
			_, err := from.Raw().Exec("UPDATE recipient SET kind = 'store'")
			require.NoError(t, err)
			to, err := empty(dsn)
			require.NoError(t, err)
			_, _, err = sqldb.Transfer(t.Context(), from, to, nil)
			require.ErrorIs(t, err, records.ErrTampered, "what does not verify is no copy")
			require.NoError(t, to.Close())
			_, err = open(t.Context(), dsn)
			require.ErrorIs(t, err, records.ErrSchema)
			to, err = empty(dsn)
			require.NoError(t, err)
			defer to.Close()
			_, _, err = sqldb.Transfer(t.Context(), from, to, nil)
			require.ErrorIs(t, err, records.ErrTampered)
			other := kinds["memory"](t, info())
			everything(t, other)
			_, _, err = sqldb.Transfer(t.Context(), other, to, nil)
			require.NoError(t, err, "nothing of the first is left")
			_, _, err = sqldb.Transfer(t.Context(), other, to, nil)
			require.ErrorIs(t, err, fs.ErrExist)
		})
	}
}

// copierEnv makes the test binary copy a registry to where another is to be, and say how
// many rows are there: after which step it will be killed, and by which it waits for that. FILE|FOLDER is a copy with originals
// in a folder.
const copierEnv = "KYCMARK_TEST_COPIER"

func openCopy(ctx context.Context, dsn string) (*sqldb.DB, error) {
	if postgres.IsDSN(dsn) {
		return postgres.OpenCopy(ctx, dsn)
	}
	return sqlite.OpenCopy(ctx, dsn)
}

func copier(task string) error {
	ctx := context.Background()
	var from, to string
	var last, wait int
	if _, err := fmt.Sscanf(task, "%s %s %d %d", &from, &to, &last, &wait); err != nil {
		return err
	}
	source, err := open(ctx, from)
	if err != nil {
		return err
	}
	defer source.Close()
	step := 0
	progress := func(done, total int) {
		fmt.Println(done, total)
		if step++; step >= wait || step >= last && done == total {
			io.Copy(io.Discard, os.Stdin)
		}
	}
	path, folder, outside := strings.Cut(to, "|")
	if outside {
		_, _, err = sqlite.At(path).Transfer(ctx, source, folder, progress)
		return err
	}
	target, err := openCopy(ctx, to)
	if err != nil {
		return err
	}
	_, _, err = sqldb.Transfer(ctx, source, target, progress)
	return errors.Join(err, target.Close())
}

// runCopier kills a copier after some steps; it reports whether it was done before. However
// late the kill comes, the copier is not further than that: a copy to a file may be in the
// next step, while a server would end what it was asked for beside the next copier.
func runCopier(t *testing.T, from, to string, steps int) (done bool) {
	t.Helper()
	wait := steps + 1
	if postgres.IsDSN(to) {
		wait = steps
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %s %d %d", copierEnv, from, to, steps, wait))
	cmd.Stderr = os.Stderr
	_, err := cmd.StdinPipe() // it ends with us
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if steps--; steps == 0 {
			cmd.Process.Kill()
		}
	}
	err = cmd.Wait()
	if steps > 0 {
		require.NoError(t, err, "it was not killed")
	}
	return err == nil
}

// A copy that is killed again and again leaves nothing, starts again, and is whole in the end, though uploads come in,
// are erased, and states are signed meanwhile.
func TestKilledCopyStartsAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "r.db")
	d := opened(sqlite.Create(t.Context(), file, info()))(t)
	everything(t, d)
	m := mover{t: t, next: 1000}
	m.grow(d, 150)
	there := server.DSN(t)
	m.move(d, file, there)
	m.move(opened(open(t.Context(), there))(t), there, filepath.Join(t.TempDir(), "back.db"))
}

// Originals that are copied to a folder are all there in the end, though the process is killed
// again and again, uploads come in, and others are erased meanwhile. What was erased is in no file.
func TestKilledCopyOfOriginals(t *testing.T) {
	file := filepath.Join(t.TempDir(), "r.db")
	d := opened(sqlite.Create(t.Context(), file, info()))(t)
	m := mover{t: t, next: 1000}
	m.grow(d, long.Number(70, 150))
	gone := make(map[int]bool)
	check := func(d *sqldb.DB, file, folder string) {
		t.Helper()
		kept := 0
		for n := 1000; n < m.next; n++ {
			s, _ := submission(n)
			x, err := d.Sealed(t.Context(), s.ID, true)
			if gone[n] {
				require.ErrorIs(t, err, records.ErrNotFound)
				continue
			}
			require.NoError(t, err)
			require.Equal(t, body(n), string(x.Body))
			kept++
		}
		_, err := d.CheckObjects(t.Context(), time.Now().Add(time.Hour))
		require.NoError(t, err)
		found, err := d.CheckObjects(t.Context(), time.Time{})
		require.NoError(t, err)
		require.Equal(t, records.Objects{Place: folder, Kept: kept}, found)
		all := slices.DeleteFunc(files(t, folder), func(path string) bool { // a kill may leave one, which an audit removes after an hour
			rest, err := filepath.Match(durable.Temporary, filepath.Base(path))
			return err == nil && rest
		})
		require.Len(t, all, kept)
		for _, path := range append(all, file, file+"-wal") {
			raw, err := os.ReadFile(path)
			require.NoError(t, err)
			for n := range gone {
				require.False(t, bytes.Contains(raw, []byte(body(n))), "upload %d was erased, and is in %s", n, path)
			}
		}
	}
	copied, place := filepath.Join(t.TempDir(), "copy.db"), filepath.Join(t.TempDir(), "copied")
	killed := 0
	for ; !runCopier(t, file, copied+"|"+place, 4+3*killed); killed++ {
		require.Less(t, killed, 50)
		m.grow(d, 3)
		n := 1001 + 5*len(gone)
		gone[n] = true
		require.NoError(t, d.Erase(t.Context(), erasure(fmt.Sprint("meanwhile ", n), n)))
	}
	require.Greater(t, killed, 3)
	c := opened(sqlite.Open(t.Context(), copied))(t)
	require.Equal(t, answers(t, d), answers(t, c))
	check(c, copied, place)
}

// A mover copies registries that are in use.
type mover struct {
	t    *testing.T
	next int // upload
}

func body(n int) string { return fmt.Sprintf("body of %d in the copy", n) }

func (m *mover) grow(d *sqldb.DB, uploads int) {
	m.t.Helper()
	for range uploads {
		s, x := submission(m.next)
		x.Body = []byte(body(m.next))
		_, err := add(m.t.Context(), d, s, x)
		require.NoError(m.t, err)
		m.next++
	}
}

func (m *mover) move(d *sqldb.DB, from, to string) {
	t, ctx := m.t, m.t.Context()
	first, killed := m.next-150, 0
	var gone []int
	for ; !runCopier(t, from, to, 4+3*killed); killed++ {
		require.Less(t, killed, 50)
		_, err := open(ctx, to)
		require.ErrorIs(t, err, records.ErrSchema, "it is no registry yet")
		m.grow(d, 3)
		gone = append(gone, first+11*killed)
		require.NoError(t, d.Erase(ctx, erasure(fmt.Sprint("letter ", m.next), first+11*killed)))
		_, err = d.SetSubjects(ctx, []records.SubjectChange{change(first+11*killed+1, "meanwhile"), change(m.next-1, "meanwhile"), change(0, fmt.Sprint("again ", m.next))})
		require.NoError(t, err)
		checkpoint(t, d)
	}
	require.Greater(t, killed, 3)
	c := opened(open(ctx, to))(t)
	require.Equal(t, answers(t, d), answers(t, c))
	for n := m.next - 150; n < m.next; n++ {
		s, _ := submission(n)
		want, err := d.Sealed(ctx, s.ID, true)
		got, err2 := c.Sealed(ctx, s.ID, true)
		require.Equal(t, refusal(err), refusal(err2))
		require.Equal(t, want, got)
	}
	if path := to; !postgres.IsDSN(to) {
		for _, n := range gone {
			for _, tail := range []string{"", "-wal"} {
				raw, err := os.ReadFile(path + tail)
				require.NoError(t, err)
				require.False(t, bytes.Contains(raw, []byte(body(n))), "upload %d was erased, and stands in %s", n, path+tail)
			}
		}
	}

	_, _, err := sqldb.Transfer(ctx, d, c, nil)
	require.ErrorIs(t, err, fs.ErrExist, "it is there already")
}
