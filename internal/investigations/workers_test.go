package investigations_test

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/investigations"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify/kept"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
)

// A gate holds who comes with it in the context, the first time that a part is written or a chunk of it is read.
type gate struct {
	part       string
	held, free chan struct{}
}

func (g *gate) pass(part string) {
	if g != nil && strings.HasPrefix(part, g.part) {
		select {
		case <-g.held:
		default:
			close(g.held)
			<-g.free
		}
	}
}

func gateOf(ctx context.Context) *gate {
	g, _ := ctx.Value(gate{}).(*gate)
	return g
}

type (
	gatedDriver struct{ records.Driver }
	gatedStore  struct{ records.Store }
	gatedKept   struct{ records.Kept }
)

func (d gatedDriver) Create(ctx context.Context, info records.Info) (records.Store, error) {
	s, err := d.Driver.Create(ctx, info)
	return gatedStore{s}, err
}

func (s gatedStore) Kept() records.Kept { return gatedKept{s.Store.Kept()} }

func (k gatedKept) AddChunk(ctx context.Context, of *records.KeptPart, n int64, body []byte) error {
	gateOf(ctx).pass(of.Name)
	return k.Kept.AddChunk(ctx, of, n, body)
}

func (k gatedKept) Chunk(ctx context.Context, of *records.KeptPart, n int64) ([]byte, error) {
	if strings.HasPrefix(of.Name, "file ") {
		gateOf(ctx).pass(of.Name)
	}
	return k.Kept.Chunk(ctx, of, n)
}

func gated(t *testing.T) *world {
	t.Helper()
	r, err := registry.Create(t.Context(), gatedDriver{sqlite.At(":memory:")}, nil)
	require.NoError(t, err)
	t.Cleanup(func() { r.Close() })
	_, err = r.Ledger().AddMarkKey(t.Context(), leaktest.Key())
	require.NoError(t, err)
	return beginAt(t, registry.Config{Registry: r, Key: leaktest.Key(), SealKey: leaktest.SealKey()})
}

// slowly begins do, and returns when it came to a part. end lets it go on, and returns its error.
func (w *world) slowly(part string, do func(ctx context.Context) error) (end func() error) {
	g, ended := &gate{part, make(chan struct{}), make(chan struct{})}, make(chan error, 1)
	go func() { ended <- do(context.WithValue(w.t.Context(), gate{}, g)) }()
	select {
	case <-g.held:
	case err := <-ended:
		w.t.Fatalf("it never came to the part %q: %v", part, err)
	}
	return func() error { close(g.free); return <-ended }
}

// Wherever a worker was when it lost its lease: what another made of the investigation stays as it is.
func TestSlowWorkerEndsLast(t *testing.T) {
	w := gated(t)
	for _, part := range []string{"begins", "file ", "state", "resume", "findings", "report", "ended"} {
		id := w.begun(map[string][]byte{"a.jpg": w.leaks["a.jpg"]}, asks)
		slow := w.another(nil)
		slow.SetSave(1)
		end := w.slowly(part, func(ctx context.Context) error {
			_, err := slow.Do(ctx, taskOf(id))
			return err
		})
		done := w.do(id)
		require.Equal(t, investigations.Done, done.Stage, done.Problem)
		found, page := w.read(id, investigations.Findings), w.read(id, investigations.Report)
		require.NoError(t, end(), part)
		after, err := w.office.State(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, done, after, part)
		require.Equal(t, found, w.read(id, investigations.Findings), part)
		require.Equal(t, page, w.read(id, investigations.Report), part)
	}
}

// What another worker replaces while it is read is no reason to fail: the job is tried again.
func TestReplacedMeanwhile(t *testing.T) {
	w := gated(t)
	id := w.begun(w.leaks, asks)
	store := kept.New(w.cfg.Registry, w.cfg.SealKey)
	replace := func(by string) {
		_, err := store.Write(t.Context(), id, "resume", strings.NewReader(by))
		require.NoError(t, err)
	}
	replace("one")
	end := w.slowly("begins", func(ctx context.Context) error {
		_, err := w.office.Do(ctx, taskOf(id))
		return err
	})
	replace("")
	require.ErrorIs(t, end(), registry.ErrNotFound)
	require.Equal(t, investigations.Done, w.do(id).Stage)
}

// Two requests at once begin one investigation: a worker that has begun reads the list of the first.
func TestBegunTwice(t *testing.T) {
	w := gated(t)
	s, err := w.office.Create(t.Context(), asks)
	require.NoError(t, err)
	_, err = w.office.Add(t.Context(), s.ID, "a.jpg", strings.NewReader("x"))
	require.NoError(t, err)
	end := w.slowly(kept.Begun, func(ctx context.Context) error {
		_, err := w.office.Begin(ctx, s.ID)
		return err
	})
	_, err = w.office.Begin(t.Context(), s.ID)
	require.NoError(t, err)
	in, err := kept.New(w.cfg.Registry, w.cfg.SealKey).Open(t.Context(), s.ID)
	require.NoError(t, err)
	require.NoError(t, end())
	r, _, err := in.Read(t.Context(), kept.Part{Name: kept.Begun})
	require.NoError(t, err)
	_, err = io.ReadAll(r)
	require.NoError(t, err)
}
