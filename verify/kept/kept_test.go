package kept_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/pgtest"
	"github.com/kycmark/kycmark/verify/kept"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/postgres"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
	"github.com/kycmark/kycmark/watermark"
)

var server pgtest.Server

// TestMain collects garbage less often than programs do: that takes less processor time.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	code := m.Run()
	server.Stop()
	os.Exit(code)
}

// A home is a registry that keeps originals and chunks in the database, or in the folder blobs.
type home struct {
	*registry.Registry
	at    registry.Driver
	path  string // of a SQLite file
	blobs string
	key   *registry.SealKey
}

// homes runs a test on each kind of registry.
func homes(t *testing.T, test func(t *testing.T, h home)) {
	t.Parallel()
	for name, make := range map[string]func(*testing.T) home{
		"file and blobs": func(t *testing.T) home {
			dir := t.TempDir()
			return home{path: filepath.Join(dir, "kyc.db"), blobs: filepath.Join(dir, "blobs"), at: sqlite.At(filepath.Join(dir, "kyc.db"))}
		},
		"file": func(t *testing.T) home {
			p := filepath.Join(t.TempDir(), "kyc.db")
			return home{path: p, at: sqlite.At(p)}
		},
		"server": func(t *testing.T) home { return home{at: postgres.At(server.DSN(t))} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := make(t)
			h.key = leaktest.SealKey()
			var err error
			h.Registry, err = registry.Create(t.Context(), h.at, &registry.CreateOptions{Originals: h.blobs})
			require.NoError(t, err)
			t.Cleanup(func() { h.Close() })
			test(t, h)
		})
	}
}

// objects are the files in the place of chunks.
func (h home) objects(t *testing.T) (out []string) {
	t.Helper()
	err := filepath.WalkDir(h.blobs, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && !d.IsDir() {
			out = append(out, path)
		}
		return err
	})
	require.NoError(t, err)
	return out
}

func read(t *testing.T, s *kept.Store, id kept.ID, want kept.Part) ([]byte, error) {
	t.Helper()
	r, _, err := s.Read(t.Context(), id, want)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// Bytes that came by HTTP on one machine are read on another by the job's digest, and by nobody without the sealing key.
func TestSpool(t *testing.T) {
	homes(t, func(t *testing.T, h home) {
		ctx, s := t.Context(), kept.New(h.Registry, h.key)
		id, err := s.Create(ctx, kept.Request{Kind: kept.Spool, For: time.Hour})
		require.NoError(t, err)
		data := bytes.Repeat([]byte("a customer's passport "), kept.Chunk/10)
		part, err := s.Write(ctx, id, "file", iotest.HalfReader(bytes.NewReader(data)))
		require.NoError(t, err)
		require.Equal(t, kept.Part{Name: "file", Size: int64(len(data)), SHA256: sha256.Sum256(data)}, part)
		_, err = s.Write(ctx, id, "none", bytes.NewReader(nil))
		require.NoError(t, err)

		another, err := registry.Open(ctx, h.at)
		require.NoError(t, err)
		defer another.Close()
		worker := kept.New(another, h.key)
		got, err := read(t, worker, id, part)
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, got))
		got, err = read(t, worker, id, kept.Part{Name: "none"})
		require.NoError(t, err)
		require.Empty(t, got)
		part.SHA256[0]++
		_, err = read(t, worker, id, part)
		require.ErrorIs(t, err, registry.ErrSealed, "other bytes than the job asks for")
		_, err = read(t, kept.New(another, registry.GenerateSealKey()), id, kept.Part{Name: "file"})
		require.ErrorIs(t, err, registry.ErrSealed)
		_, err = read(t, worker, id, kept.Part{Name: "other"})
		require.ErrorIs(t, err, registry.ErrNotFound)

		require.NoError(t, h.Close())
		for _, path := range append(h.objects(t), h.path, h.path+"-wal") {
			if text, err := os.ReadFile(path); err == nil {
				require.NotContains(t, string(text), "passport", path)
			}
		}
	})
}

// Who reads a part while it is replaced again and again gets a whole version, or hears that it was replaced: never that it
// was altered.
func TestReplacedWhileRead(t *testing.T) {
	homes(t, func(t *testing.T, h home) {
		s := kept.New(h.Registry, h.key)
		id, err := s.Create(t.Context(), kept.Request{Kind: kept.Investigation})
		require.NoError(t, err)
		write := func(ctx context.Context, n int) error {
			_, err := s.Write(ctx, id, "state", strings.NewReader(strings.Repeat(strconv.Itoa(n%10), 100)))
			return err
		}
		require.NoError(t, write(t.Context(), 0))
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			var err error
			for n := 1; err == nil; n++ {
				err = write(ctx, n)
			}
			ended <- err
		}()
		for range 2000 {
			got, err := read(t, s, id, kept.Part{Name: "state"})
			if err != nil {
				require.ErrorIs(t, err, registry.ErrNotFound)
				continue
			}
			require.Equal(t, strings.Repeat(string(got[0]), 100), string(got))
		}
		stop()
		require.ErrorIs(t, <-ended, context.Canceled)
	})
}

// Opponent's story: two files come at once under one name, and the file that was answered with success is replaced by the other.
func TestWriteUnless(t *testing.T) {
	homes(t, func(t *testing.T, h home) {
		s := kept.New(h.Registry, h.key)
		id, err := s.Create(t.Context(), kept.Request{Kind: kept.Spool, For: time.Hour})
		require.NoError(t, err)
		first, err := s.WriteUnless(t.Context(), id, "file", "name", strings.NewReader("one"))
		require.NoError(t, err)
		_, err = s.Write(t.Context(), id, "name", strings.NewReader("leak.jpg"))
		require.NoError(t, err)
		_, err = s.WriteUnless(t.Context(), id, "file", "name", strings.NewReader("another"))
		require.ErrorIs(t, err, registry.ErrConflict)
		got, err := read(t, s, id, first)
		require.NoError(t, err)
		require.Equal(t, "one", string(got))
	})
}

// Opponent's story: a stream breaks with the error that [io.ReadFull] has for the end of a stream, and its first bytes are kept as
// the whole.
func TestStreamCutOff(t *testing.T) {
	homes(t, func(t *testing.T, h home) {
		s := kept.New(h.Registry, h.key)
		id, err := s.Create(t.Context(), kept.Request{Kind: kept.Spool, For: time.Hour})
		require.NoError(t, err)
		for _, size := range []int{0, 5, kept.Chunk, kept.Chunk + 5} {
			for _, broken := range []error{io.ErrUnexpectedEOF, fmt.Errorf("server: %w", io.ErrUnexpectedEOF), fmt.Errorf("server: %w", io.EOF)} {
				_, err := s.Write(t.Context(), id, "file", io.MultiReader(bytes.NewReader(make([]byte, size)), iotest.ErrReader(broken)))
				require.Equal(t, broken, err)
				_, err = read(t, s, id, kept.Part{Name: "file"})
				require.ErrorIs(t, err, registry.ErrNotFound, "it was not written whole")
			}
			part, err := s.Write(t.Context(), id, "whole", iotest.DataErrReader(bytes.NewReader(make([]byte, size))))
			require.NoError(t, err)
			require.EqualValues(t, size, part.Size)
			got, err := read(t, s, id, part)
			require.NoError(t, err)
			require.Len(t, got, size)
		}
	})
}

// What expired is gone for readers at once, and for the database and the place after a sweep: also what a killed writer left.
func TestExpired(t *testing.T) {
	homes(t, func(t *testing.T, h home) {
		ctx, s, now := t.Context(), kept.New(h.Registry, h.key), time.Now()
		s.SetClock(func() time.Time { return now })
		_, err := s.Create(ctx, kept.Request{Kind: kept.Spool})
		require.ErrorIs(t, err, registry.ErrInput, "a spool must expire")
		whole, err := s.Create(ctx, kept.Request{Kind: kept.Spool, For: time.Hour})
		require.NoError(t, err)
		_, err = s.Write(ctx, whole, "file", bytes.NewReader(make([]byte, 2*kept.Chunk)))
		require.NoError(t, err)
		cut, err := s.Create(ctx, kept.Request{Kind: kept.Spool, For: time.Hour})
		require.NoError(t, err)
		_, err = s.Write(ctx, cut, "file", io.MultiReader(bytes.NewReader(make([]byte, kept.Chunk+1)), iotest.ErrReader(io.ErrClosedPipe)))
		require.ErrorIs(t, err, io.ErrClosedPipe)
		_, err = read(t, s, cut, kept.Part{Name: "file"})
		require.ErrorIs(t, err, registry.ErrNotFound, "it was not written whole")
		stays, err := s.Create(ctx, kept.Request{Kind: kept.Investigation})
		require.NoError(t, err)
		if h.blobs != "" {
			require.Len(t, h.objects(t), 4)
		}
		for _, path := range h.objects(t) { // old enough for an audit to remove it
			require.NoError(t, os.Chtimes(path, now.Add(-3*time.Hour), now.Add(-3*time.Hour)))
		}
		audited, err := h.Ledger().Audit(ctx, registry.AuditOptions{SealKey: h.key})
		require.NoError(t, err)
		require.True(t, audited.Holds, audited.Problems)
		require.Zero(t, audited.Swept, "an audit leaves what is kept")

		n, err := s.Sweep(ctx)
		require.NoError(t, err)
		require.Zero(t, n)
		now = now.Add(time.Hour)
		_, err = read(t, s, whole, kept.Part{Name: "file"})
		require.ErrorIs(t, err, registry.ErrNotFound)
		_, err = s.Write(ctx, whole, "more", bytes.NewReader(nil))
		require.ErrorIs(t, err, registry.ErrNotFound)
		all, err := s.List(ctx, kept.Spool)
		require.NoError(t, err)
		require.Empty(t, all)
		now = now.Add(time.Microsecond)
		n, err = s.Sweep(ctx)
		require.NoError(t, err)
		require.Equal(t, 2, n)
		require.Empty(t, h.objects(t))
		_, err = s.Open(ctx, stays)
		require.NoError(t, err)
		_, _, err = h.Ledger().Check(ctx)
		require.NoError(t, err)
	})
}

// State, findings and report of an investigation outlive the process. A part is replaced as a whole, and removed for good.
func TestInvestigation(t *testing.T) {
	homes(t, func(t *testing.T, h home) {
		ctx, s := t.Context(), kept.New(h.Registry, h.key)
		id, err := s.Create(ctx, kept.Request{Kind: kept.Investigation})
		require.NoError(t, err)
		for _, state := range []string{`{"state":"running"}`, `{"state":"done"}`} {
			_, err = s.Write(ctx, id, "state", bytes.NewReader([]byte(state)))
			require.NoError(t, err)
		}
		large := bytes.Repeat([]byte("finding "), kept.Chunk/4)
		_, err = s.Write(ctx, id, "findings", bytes.NewReader(large))
		require.NoError(t, err)
		begun, _, err := s.Read(ctx, id, kept.Part{Name: "findings"})
		require.NoError(t, err)
		_, err = begun.Read(make([]byte, 10))
		require.NoError(t, err)

		back, err := kept.ParseID(id.String())
		require.NoError(t, err)
		item, err := s.Open(ctx, back)
		require.NoError(t, err)
		require.True(t, item.Expires.IsZero())
		require.Len(t, item.Parts, 2)
		require.Equal(t, "findings", item.Parts[0].Name)
		state, err := read(t, s, id, item.Parts[1])
		require.NoError(t, err)
		require.JSONEq(t, `{"state":"done"}`, string(state))
		list, err := s.List(ctx, kept.Investigation)
		require.NoError(t, err)
		require.Len(t, list, 1)

		_, err = s.Write(ctx, id, "findings", bytes.NewReader([]byte("shorter")))
		require.NoError(t, err)
		_, err = io.ReadAll(begun)
		require.ErrorIs(t, err, registry.ErrNotFound, "it was replaced while it was read")
		got, err := read(t, s, id, kept.Part{Name: "findings"})
		require.NoError(t, err)
		require.Equal(t, "shorter", string(got))

		require.NoError(t, s.Remove(ctx, id))
		require.ErrorIs(t, s.Remove(ctx, id), registry.ErrNotFound)
		_, err = s.Write(ctx, id, "report", bytes.NewReader(nil))
		require.ErrorIs(t, err, registry.ErrNotFound)
		require.Empty(t, h.objects(t))
	})
}

// An investigation that shows an upload is found by it, also once the upload was erased.
func TestShowing(t *testing.T) {
	cfg := leaktest.Config(t)
	s, ctx := kept.New(cfg.Registry, cfg.SealKey), t.Context()
	issuer, err := registry.NewIssuer(cfg)
	require.NoError(t, err)
	var subs []watermark.Submission
	for n := range 2 {
		up, _, err := issuer.Submit(ctx, bytes.NewReader(onePixel(byte(n))), "customer", time.Time{}, &registry.SubmitOptions{HashOnly: true})
		require.NoError(t, err)
		subs = append(subs, up.ID)
	}
	id, err := s.Create(ctx, kept.Request{Kind: kept.Investigation})
	require.NoError(t, err)
	require.ErrorIs(t, s.Show(ctx, id, watermark.Submission{1}), registry.ErrNotFound)
	require.ErrorIs(t, s.Show(ctx, kept.ID{1}, subs...), registry.ErrNotFound)
	require.NoError(t, s.Show(ctx, id, subs...))
	require.NoError(t, s.Show(ctx, id, subs[0]), "again")
	_, err = cfg.Registry.Erase(ctx, "customer", "", "")
	require.NoError(t, err)
	showing, err := s.Showing(ctx, subs...)
	require.NoError(t, err)
	require.Len(t, showing, 1)
	assert.Equal(t, id, showing[0].ID)
	require.NoError(t, s.Remove(ctx, id))
	showing, err = s.Showing(ctx, subs[0])
	require.NoError(t, err)
	require.Empty(t, showing)
}

// Chunks that who has the database altered, moved to another place, or cut off, do not open.
func TestAlteredChunks(t *testing.T) {
	t.Parallel()
	path, ctx := filepath.Join(t.TempDir(), "made.db"), t.Context()
	r, err := registry.Create(ctx, sqlite.At(path), nil)
	require.NoError(t, err)
	s := kept.New(r, leaktest.SealKey())
	var ids []kept.ID
	for range 2 {
		id, err := s.Create(ctx, kept.Request{Kind: kept.Investigation})
		require.NoError(t, err)
		for _, part := range []string{"a", "b"} {
			_, err = s.Write(ctx, id, part, bytes.NewReader(make([]byte, 2*kept.Chunk+5)))
			require.NoError(t, err)
		}
		ids = append(ids, id)
	}
	for _, id := range ids {
		_, err = read(t, s, id, kept.Part{Name: "a"})
		require.NoError(t, err)
	}
	require.NoError(t, r.Close())
	made, err := os.ReadFile(path)
	require.NoError(t, err)
	for name, edit := range map[string]string{
		"altered":        "UPDATE kept_chunk SET body = zeroblob(length(body)) WHERE n = 1",
		"swapped":        "UPDATE kept_chunk SET n = 9 WHERE n = 0; UPDATE kept_chunk SET n = 0 WHERE n = 1; UPDATE kept_chunk SET n = 1 WHERE n = 9",
		"cut off":        "UPDATE kept_part SET chunks = 2 WHERE part = 'a'; DELETE FROM kept_chunk WHERE n = 2 AND part = 'a'",
		"another part's": "DELETE FROM kept_chunk WHERE part = 'a'; UPDATE kept_chunk SET part = 'a', version = (SELECT version FROM kept_part WHERE part = 'a' AND kept = kept_chunk.kept) WHERE part = 'b'",
		"another item's": "UPDATE kept_chunk SET body = (SELECT body FROM kept_chunk o WHERE o.kept <> kept_chunk.kept AND o.part = kept_chunk.part AND o.n = kept_chunk.n)",
		"another's key":  "UPDATE kept SET wrapped = (SELECT wrapped FROM kept o WHERE o.id <> kept.id)",
		"not there":      "DELETE FROM kept_chunk WHERE n = 1",
	} {
		t.Run(name, func(t *testing.T) {
			path, ctx := filepath.Join(t.TempDir(), "kyc.db"), t.Context()
			require.NoError(t, os.WriteFile(path, made, 0o600))
			r, err := registry.Open(ctx, sqlite.At(path))
			require.NoError(t, err)
			defer r.Close()
			s := kept.New(r, leaktest.SealKey())
			db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(20000)")
			require.NoError(t, err)
			defer db.Close()
			_, err = db.ExecContext(ctx, edit)
			require.NoError(t, err)
			failed := 0
			for _, id := range ids {
				if _, err = read(t, s, id, kept.Part{Name: "a"}); err != nil {
					failed++
					require.True(t, errors.Is(err, registry.ErrSealed) || name == "not there" && errors.Is(err, registry.ErrNotFound), "%v", err)
				}
			}
			require.Positive(t, failed) // what is exchanged row by row may be the same in one of both
		})
	}
}

func TestBadRequests(t *testing.T) {
	s, ctx := kept.New(leaktest.NewRegistry(t), leaktest.SealKey()), t.Context()
	for _, q := range []kept.Request{{}, {Kind: "other"}, {Kind: kept.Investigation, For: -1}} {
		_, err := s.Create(ctx, q)
		require.ErrorIs(t, err, registry.ErrInput)
	}
	_, err := kept.ParseID("4f0c")
	require.ErrorIs(t, err, registry.ErrInput)
	id, err := s.Create(ctx, kept.Request{Kind: kept.Investigation})
	require.NoError(t, err)
	for _, name := range []string{"", string(make([]byte, 65))} {
		_, err = s.Write(ctx, id, name, bytes.NewReader(nil))
		require.ErrorIs(t, err, registry.ErrInput)
	}
	_, err = s.Open(ctx, kept.ID{1})
	require.ErrorIs(t, err, registry.ErrNotFound)
}

// onePixel is a picture of one colour.
func onePixel(grey byte) []byte {
	img := image.NewGray(image.Rect(0, 0, 40, 40))
	img.SetGray(1, 1, color.Gray{Y: grey})
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// BenchmarkWrite keeps 64 MiB of findings among the blobs, and reads them.
func BenchmarkWrite(b *testing.B) {
	dir := b.TempDir()
	r, err := registry.Create(b.Context(), sqlite.At(filepath.Join(dir, "kyc.db")), &registry.CreateOptions{Originals: filepath.Join(dir, "blobs")})
	require.NoError(b, err)
	defer r.Close()
	s, data := kept.New(r, leaktest.SealKey()), make([]byte, 64<<20)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		id, err := s.Create(b.Context(), kept.Request{Kind: kept.Investigation})
		require.NoError(b, err)
		part, err := s.Write(b.Context(), id, "findings", bytes.NewReader(data))
		require.NoError(b, err)
		from, _, err := s.Read(b.Context(), id, part)
		require.NoError(b, err)
		_, err = io.Copy(io.Discard, from)
		require.NoError(b, err)
	}
}
