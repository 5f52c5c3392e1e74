package verify_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/objects"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
	"github.com/kycmark/kycmark/watermark"
)

// A failingPlace is a folder of which some objects cannot be opened, or fail half-way.
type failingPlace struct {
	objects.Place
	mu         sync.Mutex
	shut, torn map[objects.Name]bool
	away       error // of every object
}

// fail returns what an object fails with.
func (p *failingPlace) fail(name objects.Name) (shut, torn bool, away error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.shut[name], p.torn[name], p.away
}

func (p *failingPlace) Open(ctx context.Context, name objects.Name) (io.ReadCloser, error) {
	shut, torn, away := p.fail(name)
	if away != nil {
		return nil, away
	}
	if shut {
		return nil, &fs.PathError{Op: "open", Path: "/secret/" + name.String(), Err: syscall.EACCES}
	}
	r, err := p.Place.Open(ctx, name)
	if err == nil && torn {
		return tornReader{io.LimitReader(r, 1000), r}, nil
	}
	return r, err
}

// A tornReader fails where its bytes end.
type tornReader struct {
	io.Reader
	io.Closer
}

func (r tornReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err == io.EOF {
		err = syscall.EIO
	}
	return n, err
}

// Of many originals some cannot be read, or are read in part: the leaks of these are incomplete, for a reason, an audit names
// them, and nothing else changes. A place that is away as a whole is told once. Submitting a lost file restores it.
func TestUnreadOriginals(t *testing.T) {
	t.Parallel()
	uploads, shut, torn := long.Number(8, 1000), long.Number(2, 10), long.Number(1, 3)
	p := &failingPlace{Place: objects.Folder(t.TempDir()), shut: make(map[objects.Name]bool), torn: make(map[objects.Name]bool)}
	at := sqlite.At(filepath.Join(t.TempDir(), "kyc.db"), func(context.Context, string, string) (objects.Place, error) { return p, nil })
	r, err := registry.Create(t.Context(), at, &registry.CreateOptions{Originals: "failing://"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	cfg := registry.Config{Registry: r, Key: leaktest.Key(), SealKey: leaktest.SealKey()}
	s := newIssuer(t, cfg)
	pictures := make([][]byte, uploads)
	var all []registry.Upload
	for n := range uploads {
		pictures[n] = file(t, specimen.Landscape(uint64(100+n), 320, 240), "jpeg")
		all = append(all, registry.Upload{Name: fmt.Sprint(n), Subject: fmt.Sprint("customer ", n), At: feb,
			Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(pictures[n])), nil }})
	}
	submitAll := func() (duplicates, restored int) {
		for up, err := range s.Import(t.Context(), func(yield func(registry.Upload) bool) {
			for _, u := range all {
				if !yield(u) {
					return
				}
			}
		}, nil) {
			require.NoError(t, err)
			require.NoError(t, up.Err)
			if up.Duplicate {
				duplicates++
			}
			if up.Restored {
				restored++
			}
		}
		return duplicates, restored
	}
	duplicates, _ := submitAll()
	require.Zero(t, duplicates)
	var names []objects.Name
	for o, err := range p.All(t.Context()) {
		require.NoError(t, err)
		names = append(names, o.Name)
	}
	require.Len(t, names, uploads)
	p.mu.Lock()
	for i, name := range names[:shut+torn] {
		p.shut[name], p.torn[name] = i < shut, i >= shut
	}
	p.mu.Unlock()

	search := untraced(cfg)
	inv := newInvestigator(t, search)
	count := map[findings.Kind]int{}
	reasons := map[string]int{}
	for n := range uploads {
		v, err := inv.File(t.Context(), "leak.jpg", pictures[n])
		require.NoError(t, err)
		if count[v.Kind]++; v.Kind != findings.FoundIncomplete {
			require.Equal(t, watermark.SubmissionOf(sha256.Sum256(pictures[n])), v.Submission)
			require.Empty(t, v.Error)
		}
		require.NoError(t, verify.Recheck(v, true))
		if v.Kind == findings.FoundIncomplete {
			_, reason, _ := strings.Cut(v.Error, ": object ")
			reasons[reason[len(names[0].String())+2:]]++
			require.NotContains(t, v.Error, "/secret")
		}
	}
	require.Equal(t, map[findings.Kind]int{findings.FoundIncomplete: shut + torn, findings.FoundUnreadable: uploads - shut - torn}, count)
	require.Equal(t, map[string]int{"permission denied": shut, "input/output error": torn}, reasons)

	audit := func() *registry.Audit {
		a, err := r.Ledger().Audit(t.Context(), registry.AuditOptions{SealKey: cfg.SealKey})
		require.NoError(t, err)
		require.True(t, a.Holds, a.Problems)
		return a
	}
	a := audit()
	require.Len(t, a.Unread, shut+torn)
	require.Equal(t, uploads-shut-torn, a.Originals)
	t.Logf("of %d originals %d cannot be opened, %d read: findings %v", uploads, shut, torn, count)

	p.mu.Lock()
	p.away = fmt.Errorf("bucket b: %w", objects.ErrAway)
	p.mu.Unlock()
	_, err = newInvestigator(t, search).File(t.Context(), "leak.jpg", pictures[0])
	require.ErrorIs(t, err, objects.ErrAway)
	_, err = r.Ledger().Audit(t.Context(), registry.AuditOptions{SealKey: cfg.SealKey})
	require.ErrorIs(t, err, objects.ErrAway)
	p.mu.Lock()
	p.away = nil
	for name := range p.torn {
		require.NoError(t, p.Remove(t.Context(), name)) // a person removed what cannot be read
	}
	p.mu.Unlock()
	_, restored := submitAll()
	require.Equal(t, shut+torn, restored)
	a = audit()
	require.Empty(t, a.Unread)
	require.Equal(t, uploads, a.Originals)
	_, restored = submitAll()
	require.Zero(t, restored)
}
