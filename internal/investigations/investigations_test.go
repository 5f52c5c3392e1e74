package investigations_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/ed25519"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"image/jpeg"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/investigations"
	"github.com/kycmark/kycmark/internal/jobs"
	"github.com/kycmark/kycmark/testdata"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/kept"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
	"github.com/kycmark/kycmark/watermark"
)

// side is the long side of the pictures, pixels: marks hold, and a leak takes some tenths of a second.
const side = 400

// A world is a registry with one upload and a copy of it, and an office.
type world struct {
	t      *testing.T
	cfg    registry.Config
	found  *verify.Investigator
	office *investigations.Office
	upload watermark.Submission
	leaks  map[string][]byte // a dump: a copy, a picture of nobody, a file that is no picture
}

func begin(t *testing.T) *world {
	t.Helper()
	return beginAt(t, leaktest.Config(t))
}

func beginAt(t *testing.T, cfg registry.Config) *world {
	t.Helper()
	t.Parallel()
	w := &world{t: t, cfg: cfg}
	ctx := t.Context()
	issuer, err := registry.NewIssuer(w.cfg)
	require.NoError(t, err)
	require.NoError(t, w.cfg.Registry.AddRecipient(ctx, books.Recipient{Name: "vendor-a", Kind: books.KindVendor}))
	row, _, err := issuer.Submit(ctx, bytes.NewReader(small(t, "anna_passport", side)), "subject-1", time.Time{}, nil)
	require.NoError(t, err)
	w.upload = row.ID
	w.leaks = map[string][]byte{"b/stranger.jpg": small(t, "chidi_idcard", 200), "notes.txt": []byte("meet at six")}
	_, err = issuer.Issue(ctx, row.ID, "vendor-a", func(_ *books.Copy, file []byte) error {
		w.leaks["a.jpg"] = bytes.Clone(file)
		return nil
	}, &registry.IssueOptions{Purpose: "checks"})
	require.NoError(t, err)
	w.found, err = verify.NewInvestigator(verify.Config{Registry: w.cfg.Registry, Keys: []*watermark.Key{leaktest.Key()}, SealKey: w.cfg.SealKey})
	require.NoError(t, err)
	w.office = w.another(nil)
	return w
}

// another returns an office of another process.
func (w *world) another(change func(*investigations.Config)) *investigations.Office {
	cfg := investigations.Config{Registry: w.cfg.Registry, SealKey: w.cfg.SealKey, Found: w.found,
		Warn: func(id kept.ID, why error) { w.t.Logf("%s: %v", id, why) }}
	if change != nil {
		change(&cfg)
	}
	return investigations.New(cfg)
}

func small(t *testing.T, name string, side int) []byte {
	t.Helper()
	data, err := testdata.Pictures.ReadFile("pictures/" + name + ".jpg")
	require.NoError(t, err)
	img, err := jpeg.Decode(bytes.NewReader(data))
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, jpeg.Encode(&out, imaging.Fit(img, side, side, imaging.Lanczos), &jpeg.Options{Quality: 90}))
	return out.Bytes()
}

var asks = investigations.Request{Actor: "investigator-1", Command: []string{"POST", "/v1/investigations"}}

// begun makes an investigation of these files, which has begun.
func (w *world) begun(files map[string][]byte, r investigations.Request) kept.ID {
	w.t.Helper()
	ctx := w.t.Context()
	s, err := w.office.Create(ctx, r)
	require.NoError(w.t, err)
	assert.Equal(w.t, investigations.Open, s.Stage)
	for name, data := range files {
		f, err := w.office.Add(ctx, s.ID, name, bytes.NewReader(data))
		require.NoError(w.t, err)
		assert.EqualValues(w.t, len(data), f.Size)
	}
	s, err = w.office.Begin(ctx, s.ID)
	require.NoError(w.t, err)
	assert.Equal(w.t, investigations.Waiting, s.Stage)
	return s.ID
}

// do does an investigation in this process, without a queue.
func (w *world) do(id kept.ID) *investigations.State {
	w.t.Helper()
	_, err := w.office.Do(w.t.Context(), taskOf(id))
	require.NoError(w.t, err)
	s, err := w.office.State(w.t.Context(), id)
	require.NoError(w.t, err)
	return s
}

func taskOf(id kept.ID) []byte {
	text, err := json.Marshal(map[string]kept.ID{"Of": id})
	if err != nil {
		panic(err)
	}
	return text
}

func (w *world) read(id kept.ID, part string) []byte {
	w.t.Helper()
	r, p, err := w.office.Read(w.t.Context(), id, part)
	require.NoError(w.t, err)
	data, err := io.ReadAll(r)
	require.NoError(w.t, err)
	require.EqualValues(w.t, p.Size, len(data))
	return data
}

// leaksOf returns the findings of a findings file as JSON, without what the time or the ledger's numbers change.
func leaksOf(t *testing.T, text []byte) string {
	t.Helper()
	f, err := verify.ReadFindings(bytes.NewReader(text))
	require.NoError(t, err)
	require.NoError(t, verify.CheckLeaks(f))
	require.NoError(t, verify.CheckVerdict(f))
	for _, l := range f.Leaks {
		l.Known = time.Time{}
	}
	out, err := json.Marshal(f.Leaks)
	require.NoError(t, err)
	return string(out)
}

// What comes of an investigation is what the same files in a folder give, the report holds, and the files are gone
// afterwards.
func TestSameFindings(t *testing.T) {
	w := begin(t)
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	in, err := z.Create("inner/again.jpg")
	require.NoError(t, err)
	_, err = in.Write(w.leaks["a.jpg"])
	require.NoError(t, err)
	require.NoError(t, z.Close())
	w.leaks["c.zip"] = archive.Bytes()

	folder := t.TempDir()
	for name, data := range w.leaks {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(folder, name)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), data, 0o600))
	}
	inv, err := w.found.Begin(&verify.Options{Dir: folder})
	require.NoError(t, err)
	var found []*findings.Finding
	for f, err := range inv.FS(t.Context(), os.DirFS(folder)) {
		require.NoError(t, err)
		found = append(found, f)
	}
	v, err := inv.Weigh(t.Context(), found)
	require.NoError(t, err)
	var want bytes.Buffer
	require.NoError(t, inv.WriteFindings(t.Context(), &want, v, false))

	id := w.begun(w.leaks, asks)
	s := w.do(id)
	require.Equal(t, investigations.Done, s.Stage, s.Problem)
	assert.Equal(t, 4, s.Examined)
	got := w.read(id, investigations.Findings)
	assert.Equal(t, leaksOf(t, want.Bytes()), leaksOf(t, got))
	f, err := verify.ReadFindings(bytes.NewReader(got))
	require.NoError(t, err)
	assert.Equal(t, "vendor-a", f.Leaks[0].MayName())
	require.NoError(t, verify.CheckReport(f, w.read(id, investigations.Report)))
	began, err := w.cfg.Registry.Ledger().Investigations(t.Context())
	require.NoError(t, err)
	require.Len(t, began, 2, "one of the folder, and one that was asked for")
	assert.Equal(t, "investigator-1", began[1].Actor)
	assert.Equal(t, began[0].Input, began[1].Input)

	spools, err := kept.New(w.cfg.Registry, w.cfg.SealKey).List(t.Context(), kept.Spool)
	require.NoError(t, err)
	assert.Empty(t, spools, "the files are gone")
	showing, err := kept.New(w.cfg.Registry, nil).Showing(t.Context(), w.upload)
	require.NoError(t, err)
	require.Len(t, showing, 1)
	assert.Equal(t, id, showing[0].ID)
	require.NoError(t, w.office.Remove(t.Context(), id))
	_, err = w.office.State(t.Context(), id)
	require.ErrorIs(t, err, registry.ErrNotFound)
}

// What is wrong with a request or a file is said, and leaves nothing.
func TestRefused(t *testing.T) {
	w := begin(t)
	ctx := t.Context()
	for name, change := range map[string]func(*investigations.Request){
		"in the future":            func(r *investigations.Request) { r.Found = time.Now().Add(time.Hour) },
		"evidence without a time":  func(r *investigations.Request) { r.Evidence = "a paste" },
		"published, no evidence":   func(r *investigations.Request) { r.Published, r.Found = true, time.Now() },
		"fewer than none":          func(r *investigations.Request) { r.Claimed = -1 },
		"an actor that is no name": func(r *investigations.Request) { r.Actor = "a\nb" },
	} {
		r := asks
		change(&r)
		_, err := w.office.Create(ctx, r)
		require.ErrorIs(t, err, registry.ErrInput, name)
	}
	r := asks
	r.Against = []watermark.Submission{{1}}
	_, err := w.office.Create(ctx, r)
	require.ErrorIs(t, err, registry.ErrNotFound)
	all, err := w.office.List(ctx, 10)
	require.NoError(t, err)
	require.Empty(t, all)

	s, err := w.office.Create(ctx, asks)
	require.NoError(t, err)
	_, err = w.office.Begin(ctx, s.ID)
	require.ErrorIs(t, err, registry.ErrInput, "no files")
	for _, name := range []string{"", ".", "/a", "a/", "../a", "a/../b", "a\x00", "a\nb", strings.Repeat("a", 1001)} {
		_, err := w.office.Add(ctx, s.ID, name, strings.NewReader("x"))
		require.ErrorIs(t, err, registry.ErrInput, "%q", name)
	}
	cut := errors.New("the client went away")
	_, err = w.office.Add(ctx, s.ID, "a.jpg", io.MultiReader(strings.NewReader("x"), iotest.ErrReader(cut)))
	require.ErrorIs(t, err, cut)
	files, err := w.office.Files(ctx, s.ID)
	require.NoError(t, err)
	require.Empty(t, files)
	for range 2 {
		_, err = w.office.Add(ctx, s.ID, "a.jpg", strings.NewReader("x"))
		require.NoError(t, err)
	}
	_, err = w.office.Add(ctx, s.ID, "a.jpg", strings.NewReader("y"))
	require.ErrorIs(t, err, registry.ErrConflict, "another file of that name")
	_, err = w.office.Add(ctx, s.ID, "a.jpg/b.jpg", strings.NewReader("y"))
	require.NoError(t, err, "archives have such names too")
	_, _, err = w.office.Read(ctx, s.ID, investigations.Findings)
	require.ErrorIs(t, err, investigations.ErrStage, "it is not done")
	_, err = w.office.Begin(ctx, s.ID)
	require.NoError(t, err)
	_, err = w.office.Add(ctx, s.ID, "b.jpg", strings.NewReader("x"))
	require.ErrorIs(t, err, investigations.ErrStage, "it has begun")
	files, err = w.office.Files(ctx, s.ID)
	require.NoError(t, err)
	require.Len(t, files, 2)

	s = w.do(s.ID)
	assert.Equal(t, investigations.Failed, s.Stage)
	require.Len(t, s.Unread, 2, "no picture: nothing is cleared")
	assert.Equal(t, "a.jpg", s.Unread[0].File)
	began, err := w.cfg.Registry.Ledger().Investigations(ctx)
	require.NoError(t, err)
	assert.Empty(t, began)
	for _, id := range []kept.ID{{1}} {
		_, err = w.office.State(ctx, id)
		require.ErrorIs(t, err, registry.ErrNotFound)
		require.ErrorIs(t, w.office.Remove(ctx, id), registry.ErrNotFound)
	}
}

// Files that are gone when an investigation is done fail it: a verdict on what is left would clear unseen.
func TestFilesGone(t *testing.T) {
	w := begin(t)
	id := w.begun(w.leaks, asks)
	store := kept.New(w.cfg.Registry, w.cfg.SealKey)
	spools, err := store.List(t.Context(), kept.Spool)
	require.NoError(t, err)
	require.NoError(t, store.Remove(t.Context(), spools[0].ID))
	s := w.do(id)
	assert.Equal(t, investigations.Failed, s.Stage)
	assert.Contains(t, s.Problem, "not in the registry")
}

// Whatever process is stopped: another goes on where it was, and the ledger has one investigation.
func TestGoesOn(t *testing.T) {
	w := begin(t)
	for _, name := range []string{"bruno_selfie", "daria_idcard", "kenji_licence"} {
		w.leaks[name+".jpg"] = small(t, name, side)
	}
	queue := filepath.Join(t.TempDir(), "registry.db")
	id := w.begun(w.leaks, asks)
	asker, err := jobs.OpenFile(t.Context(), queue, w.cfg.Registry.ID(), w.cfg.SealKey) // a process that does not work
	require.NoError(t, err)
	defer asker.Close()
	asked, end := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	defer asking.Wait()
	defer end()
	asking.Go(func() {
		job := jobs.Job{Kind: investigations.Kind, Do: map[string]kept.ID{"Of": id}, Once: id.String()}
		_ = asker.Run(asked, func(yield func(jobs.Job, error) bool) { yield(job, nil) }, func(jobs.Job, json.RawMessage, error) error { return nil }, nil)
	})
	stops := 0
	for stopped := false; !stopped; {
		ctx, stop := context.WithCancel(t.Context())
		q, err := jobs.OpenFile(ctx, queue, w.cfg.Registry.ID(), w.cfg.SealKey)
		require.NoError(t, err)
		office := w.another(func(c *investigations.Config) { c.Queue = q })
		office.SetSave(time.Millisecond)
		var working sync.WaitGroup
		working.Go(func() { office.Run(ctx) })
		for before := -1; ; {
			s, err := office.State(t.Context(), id)
			require.NoError(t, err)
			if before < 0 {
				before = s.Examined
			}
			if stopped = s.Stage.Over(); stopped || stops < 2 && s.Examined > before {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		stop()
		working.Wait()
		q.Close()
		if s, err := office.State(t.Context(), id); stops == 0 {
			require.NoError(t, err)
			require.False(t, s.Stage.Over(), "a process that ends gives up what another process asks for")
		}
		stops++
	}
	s, err := w.office.State(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, investigations.Done, s.Stage, s.Problem)
	leaksOf(t, w.read(id, investigations.Findings))
	began, err := w.cfg.Registry.Ledger().Investigations(t.Context())
	require.NoError(t, err)
	require.Len(t, began, 1, "%d processes", stops)
	t.Logf("%d processes", stops)
}

// A worker that cannot begin, as on a full disk, says so at once, and begins later.
func TestBeginsLater(t *testing.T) {
	w := begin(t)
	queue := filepath.Join(t.TempDir(), "registry.db")
	q, err := jobs.OpenFile(t.Context(), queue, w.cfg.Registry.ID(), w.cfg.SealKey)
	require.NoError(t, err)
	defer q.Close()
	files, err := filepath.Glob(queue + "*")
	require.NoError(t, err)
	db, err := sql.Open("sqlite", files[0])
	require.NoError(t, err)
	defer db.Close()
	rename := func(from, to string) {
		_, err := db.ExecContext(t.Context(), "ALTER TABLE "+from+" RENAME TO "+to)
		require.NoError(t, err)
	}
	rename("river_job", "away")
	said := make(chan error, 100)
	office := w.another(func(c *investigations.Config) {
		c.Queue, c.Warn = q, func(_ kept.ID, why error) { said <- why }
	})
	ctx, stop := context.WithCancel(t.Context())
	var working sync.WaitGroup
	defer working.Wait()
	defer stop()
	working.Go(func() { office.Run(ctx) })
	require.ErrorContains(t, <-said, "river_job")
	rename("away", "river_job")
	w.office = office
	id := w.begun(w.leaks, asks)
	require.Eventually(t, func() bool {
		s, err := office.State(t.Context(), id)
		return err == nil && s.Stage == investigations.Done
	}, time.Minute, 20*time.Millisecond)
}

// What a killed process left of an investigation is not shown, and is removed later. The request with its ID makes it, once.
func TestHalfMade(t *testing.T) {
	w := begin(t)
	ctx, store := t.Context(), kept.New(w.cfg.Registry, w.cfg.SealKey)
	var halves []kept.ID
	for range 2 {
		id, err := store.Create(ctx, kept.Request{Kind: kept.Investigation})
		require.NoError(t, err)
		halves = append(halves, id)
		_, err = w.office.State(ctx, id)
		require.ErrorIs(t, err, registry.ErrNotFound)
	}
	all, err := w.office.List(ctx, 10)
	require.NoError(t, err)
	require.Empty(t, all)

	r := asks
	r.ID = halves[0]
	id := w.begun(w.leaks, r)
	require.Equal(t, r.ID, id)
	s, err := w.office.Create(ctx, r)
	require.NoError(t, err)
	require.Equal(t, investigations.Waiting, s.Stage, "it is the same one")
	require.Equal(t, investigations.Done, w.do(id).Stage)

	q, err := jobs.OpenFile(ctx, filepath.Join(t.TempDir(), "registry.db"), w.cfg.Registry.ID(), w.cfg.SealKey)
	require.NoError(t, err)
	defer q.Close()
	office := w.another(func(c *investigations.Config) { c.Queue = q })
	office.SetNow(func() time.Time { return time.Now().Add(31 * 24 * time.Hour) })
	running, stop := context.WithCancel(ctx)
	var working sync.WaitGroup
	working.Go(func() { office.Run(running) })
	require.Eventually(t, func() bool {
		left, err := store.List(ctx, kept.Investigation)
		return err == nil && len(left) == 1 && left[0].ID == id
	}, time.Minute, 20*time.Millisecond)
	stop()
	working.Wait()
}

// What another version has examined so far is not used: the files are examined anew, and it stays one investigation.
func TestStale(t *testing.T) {
	w := begin(t)
	id := w.begun(w.leaks, asks)
	store := kept.New(w.cfg.Registry, w.cfg.SealKey)
	_, err := store.Write(t.Context(), id, "resume", strings.NewReader(`{"state":"kycmark state v1","version":"0.0.1"}`+"\n"))
	require.NoError(t, err)
	require.Equal(t, investigations.Done, w.do(id).Stage)
	leaksOf(t, w.read(id, investigations.Findings))
	began, err := w.cfg.Registry.Ledger().Investigations(t.Context())
	require.NoError(t, err)
	require.Len(t, began, 1)
	r, p, err := store.Read(t.Context(), id, kept.Part{Name: "resume"})
	require.NoError(t, err)
	require.Zero(t, p.Size, "it is gone when the investigation is done")
	_, err = io.ReadAll(r)
	require.NoError(t, err)
}

// Opponent's story: a file takes more memory than the service has. Each process that examines it dies, for ever, and no
// other request is answered. After five deaths at one place the investigation fails, and says why. What came further
// counts anew, and so does what ended in another way.
func TestProcessesThatDie(t *testing.T) {
	w := begin(t)
	for deaths, want := range map[int]investigations.Stage{4: investigations.Done, 5: investigations.Failed} {
		id := w.begun(w.leaks, asks)
		for range deaths {
			require.NoError(t, w.office.Dies(t.Context(), id))
		}
		s := w.do(id)
		require.Equal(t, want, s.Stage, "%d deaths", deaths)
		if want == investigations.Failed {
			require.Contains(t, s.Problem, "5 processes died")
		}
	}
	id := w.begun(w.leaks, asks)
	store := kept.New(w.cfg.Registry, w.cfg.SealKey)
	for i := range 12 {
		require.NoError(t, w.office.Dies(t.Context(), id))
		if i%4 == 3 {
			_, err := store.Write(t.Context(), id, "resume", strings.NewReader(`{"state":"kycmark state v1","version":"`+strings.Repeat("1", i)+`"}`+"\n"))
			require.NoError(t, err)
		}
	}
	require.Equal(t, investigations.Done, w.do(id).Stage)
}

// A state that is read while it is replaced, again and again, is one or the other.
func TestStateReplaced(t *testing.T) {
	w := begin(t)
	id := w.begun(w.leaks, asks)
	store := kept.New(w.cfg.Registry, w.cfg.SealKey)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		var err error
		for err == nil {
			_, err = store.Write(ctx, id, "state", strings.NewReader(`{"stage":"examining","examined":7}`))
		}
		ended <- err
	}()
	for n := 0; n < 300; n++ {
		s, err := w.office.State(t.Context(), id)
		require.NoError(t, err)
		if s.Stage == investigations.Waiting {
			n = 0
		}
	}
	stop()
	require.ErrorIs(t, <-ended, context.Canceled)
}

// An investigation that is removed while it is examined is done: nothing is left of it, and its job does not come again.
func TestRemovedMeanwhile(t *testing.T) {
	w := begin(t)
	w.office.SetSave(time.Millisecond)
	id := w.begun(w.leaks, asks)
	removed := make(chan error, 1)
	go func() {
		for {
			s, err := w.office.State(t.Context(), id)
			if err != nil || s.Stage == investigations.Examining {
				removed <- errors.Join(err, w.office.Remove(t.Context(), id))
				return
			}
		}
	}()
	_, err := w.office.Do(t.Context(), taskOf(id))
	require.NoError(t, err)
	require.NoError(t, <-removed)
	_, err = w.office.State(t.Context(), id)
	require.ErrorIs(t, err, registry.ErrNotFound)
}

// Opponent's story: an investigation is removed while the place of its chunks does not answer. It was gone, its pictures stayed for
// weeks, and nothing was left that names them.
func TestRemovedWhileAway(t *testing.T) {
	t.Parallel()
	dir, ctx := t.TempDir(), t.Context()
	blobs := filepath.Join(dir, "blobs")
	r, err := registry.Create(ctx, sqlite.At(filepath.Join(dir, "kyc.db")), &registry.CreateOptions{Originals: blobs})
	require.NoError(t, err)
	defer r.Close()
	found, err := verify.NewInvestigator(verify.Config{Registry: r, Keys: []*watermark.Key{leaktest.Key()}, SealKey: leaktest.SealKey()})
	require.NoError(t, err)
	office := investigations.New(investigations.Config{Registry: r, SealKey: leaktest.SealKey(), Found: found})
	objects := func() (all []string) {
		require.NoError(t, filepath.WalkDir(blobs, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				all = append(all, path)
			}
			return err
		}))
		return all
	}
	for _, lost := range []bool{false, true} {
		s, err := office.Create(ctx, asks)
		require.NoError(t, err)
		made := objects()
		require.Len(t, made, 1, "what was asked")
		_, err = office.Add(ctx, s.ID, "a.jpg", strings.NewReader("a leaked picture"))
		require.NoError(t, err)
		away := filepath.Join(dir, "away")
		require.NoError(t, os.Rename(made[0], away))
		if lost { // the pictures expire
			require.NoError(t, office.Remove(ctx, s.ID))
			continue
		}
		require.NoError(t, os.Mkdir(made[0], 0o700)) // reading it fails
		require.Error(t, office.Remove(ctx, s.ID))
		require.Len(t, objects(), 2, "the picture and its name")
		require.NoError(t, os.Remove(made[0]))
		require.NoError(t, os.Rename(away, made[0]))
		require.NoError(t, office.Remove(ctx, s.ID))
		require.Empty(t, objects())
	}
}

// A bundle is made when it is asked for, checks out, and is the same afterwards. Without a checkpoint that covers the
// investigation there is none.
func TestBundle(t *testing.T) {
	w := begin(t)
	ctx := t.Context()
	private, public, err := w.cfg.Registry.Ledger().GenerateKey(ctx)
	require.NoError(t, err)
	id := w.begun(w.leaks, asks)
	require.Equal(t, investigations.Done, w.do(id).Stage)
	_, _, err = w.office.Read(ctx, id, investigations.Bundle)
	require.ErrorIs(t, err, investigations.ErrNoReportKey)
	_, key, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	sealing := investigations.Sealing{ReportKey: key, LedgerPublic: public}
	w.office = w.another(func(c *investigations.Config) { c.Sealing = sealing })
	_, _, err = w.office.Read(ctx, id, investigations.Bundle)
	require.ErrorIs(t, err, registry.ErrProof, "nothing is signed yet")
	sealing.LedgerKey = private
	w.office = w.another(func(c *investigations.Config) { c.Sealing = sealing })
	first := w.read(id, investigations.Bundle)
	z, err := zip.NewReader(bytes.NewReader(first), int64(len(first)))
	require.NoError(t, err)
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
	}
	assert.Contains(t, names, "report.html")
	assert.Equal(t, first, w.read(id, investigations.Bundle))

	// The upload of a leak is issued again, once an investigation is done: its bundle is there.
	id = w.begun(w.leaks, asks)
	require.Equal(t, investigations.Done, w.do(id).Stage)
	require.NoError(t, w.cfg.Registry.AddRecipient(ctx, books.Recipient{Name: "vendor-b", Kind: books.KindVendor}))
	issuer, err := registry.NewIssuer(w.cfg)
	require.NoError(t, err)
	_, err = issuer.Issue(ctx, w.upload, "vendor-b", func(*books.Copy, []byte) error { return nil }, nil)
	require.NoError(t, err)
	assert.NotEmpty(t, w.read(id, investigations.Bundle))

	// The hourly checkpoint was dated since. The entry of the timestamp is the last, on which the proof rests.
	id = w.begun(w.leaks, asks)
	require.Equal(t, investigations.Done, w.do(id).Stage)
	c, err := w.cfg.Registry.Ledger().Sign(ctx, private)
	require.NoError(t, err)
	_, err = w.cfg.Registry.Ledger().AddStamp(ctx, c.Size, []byte("stamp"), time.Now())
	require.NoError(t, err)
	assert.NotEmpty(t, w.read(id, investigations.Bundle))
}

// BenchmarkAdd adds a file to an investigation that has 3,000.
func BenchmarkAdd(b *testing.B) {
	cfg := leaktest.Config(b)
	found, err := verify.NewInvestigator(verify.Config{Registry: cfg.Registry, Keys: []*watermark.Key{leaktest.Key()}, SealKey: cfg.SealKey})
	require.NoError(b, err)
	office := investigations.New(investigations.Config{Registry: cfg.Registry, SealKey: cfg.SealKey, Found: found})
	s, err := office.Create(b.Context(), asks)
	require.NoError(b, err)
	n := 0
	add := func() {
		n++
		_, err := office.Add(b.Context(), s.ID, fmt.Sprint(n, ".txt"), strings.NewReader("a"))
		require.NoError(b, err)
	}
	for n < 3000 {
		add()
	}
	for b.Loop() {
		add()
	}
}
