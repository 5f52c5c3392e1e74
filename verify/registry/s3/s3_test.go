package s3_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/objects"
	"github.com/kycmark/kycmark/internal/records"
	store "github.com/kycmark/kycmark/internal/store/sqlite"
	"github.com/kycmark/kycmark/internal/test/s3test"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/s3"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
)

func TestAddresses(t *testing.T) {
	t.Setenv("AWS_ENDPOINT_URL_S3", "")
	t.Setenv("AWS_ENDPOINT_URL", "")
	for _, good := range []string{"s3://kyc", "s3://kyc/2026/originals", "s3://kyc/?endpoint=https://s3.example:9000&region=eu-1"} {
		_, err := s3.Open(t.Context(), good, "id")
		require.NoError(t, err, good)
	}
	for _, bad := range []string{"s3://", "s3:///prefix", "s3://key:secret@kyc/p", "s3://kyc?endpoint=ftp://x", "s3://kyc?endpoint=https://u:p@x",
		"s3://kyc?endpoint=https://x/path", "s3://kyc?secret=1", "s3://kyc/p#x"} {
		_, err := s3.Open(t.Context(), bad, "id")
		require.ErrorIs(t, err, registry.ErrInput, bad)
		require.NotContains(t, err.Error(), "secret@", bad)
	}
	for _, other := range []string{"gs://kyc", "originals", "/srv/originals", ""} {
		_, err := s3.Open(t.Context(), other, "id")
		require.ErrorIs(t, err, errors.ErrUnsupported, other)
	}
}

// A place keeps, lists, and removes objects. What is missing or changed is said to be so, and what
// cannot be reached is neither.
func TestPlace(t *testing.T) {
	server := s3test.Start(t)
	for kind, open := range map[string]func() (objects.Place, error){
		"s3":     func() (objects.Place, error) { return s3.Open(t.Context(), server.Address, "id") },
		"folder": func() (objects.Place, error) { return objects.Folder(t.TempDir()), nil },
	} {
		t.Run(kind, func(t *testing.T) {
			ctx := t.Context()
			p, err := open()
			require.NoError(t, err)
			a, b := []byte("sealed a"), make([]byte, 3<<20)
			for range 2 { // again is no error
				require.NoError(t, p.Put(ctx, objects.NameOf(a), a))
				require.NoError(t, p.Put(ctx, objects.NameOf(b), b))
			}
			for _, body := range [][]byte{a, b} {
				got, err := objects.Get(ctx, p, objects.NameOf(body), int64(len(body)))
				require.NoError(t, err)
				require.Equal(t, body, got)
				for _, size := range []int64{0, int64(len(body)) - 1, int64(len(body)) + 1} {
					_, err = objects.Get(ctx, p, objects.NameOf(body), size)
					require.ErrorIs(t, err, objects.ErrDiffers)
				}
			}
			sizes := map[objects.Name]int64{}
			for o, err := range p.All(ctx) {
				require.NoError(t, err)
				require.WithinDuration(t, time.Now(), o.Written, time.Minute)
				sizes[o.Name] = o.Size
			}
			require.Equal(t, map[objects.Name]int64{objects.NameOf(a): 8, objects.NameOf(b): 3 << 20}, sizes)
			size, err := p.Size(ctx, objects.NameOf(b))
			require.NoError(t, err)
			require.EqualValues(t, 3<<20, size)
			_, err = p.Size(ctx, objects.Name{1})
			require.ErrorIs(t, err, fs.ErrNotExist)
			_, err = objects.Get(ctx, p, objects.Name{1}, 5)
			require.ErrorIs(t, err, fs.ErrNotExist)
			for range 2 {
				require.NoError(t, p.Remove(ctx, objects.NameOf(a)))
			}
			_, err = objects.Get(ctx, p, objects.NameOf(a), 8)
			require.ErrorIs(t, err, fs.ErrNotExist)
		})
	}
	// Opponent's story: the disk of the folder goes away. What was made anew below its mount point was lost when it came back.
	t.Run("folder away", func(t *testing.T) {
		at := filepath.Join(t.TempDir(), "blobs")
		p := objects.Folder(filepath.Join(at, "id"))
		require.NoError(t, objects.Make(p))
		require.NoError(t, os.Rename(at, at+" away"))
		require.NoError(t, os.Mkdir(at, 0o700))
		a := []byte("sealed a")
		require.ErrorIs(t, p.Put(t.Context(), objects.NameOf(a), a), objects.ErrAway)
		require.ErrorIs(t, p.Remove(t.Context(), objects.NameOf(a)), objects.ErrAway, "an erasure is not done")
		require.NoDirExists(t, filepath.Join(at, "id"))
		require.NoError(t, errors.Join(os.Remove(at), os.Rename(at+" away", at)))
		require.NoError(t, p.Put(t.Context(), objects.NameOf(a), a))
	})
	t.Run("changed", func(t *testing.T) {
		p, err := s3.Open(t.Context(), server.Address, "id")
		require.NoError(t, err)
		body := []byte("sealed c")
		require.NoError(t, p.Put(t.Context(), objects.NameOf(body), body))
		require.NoError(t, os.WriteFile(filepath.Join(server.Dir, "originals", "id", objects.NameOf(body).String()), []byte("sealed d"), 0o600))
		_, err = objects.Get(t.Context(), p, objects.NameOf(body), 8)
		require.ErrorIs(t, err, objects.ErrDiffers)
	})
	t.Run("gone", func(t *testing.T) {
		for _, address := range []string{"s3://nobody/p?endpoint=" + server.URL, "s3://kyc/p?endpoint=http://127.0.0.1:1"} {
			p, err := s3.Open(t.Context(), address, "id")
			require.NoError(t, err)
			ctx, cancel := contextFor(t, 3*time.Second)
			require.Error(t, p.Put(ctx, objects.NameOf([]byte("x")), []byte("x")))
			_, err = objects.Get(ctx, p, objects.NameOf([]byte("x")), 1)
			require.Error(t, err)
			require.NotErrorIs(t, err, fs.ErrNotExist, "a bucket or server that is gone is no missing object")
			require.NotErrorIs(t, err, objects.ErrDiffers)
			cancel()
		}
	})
}

// A registry keeps its originals in a bucket: none is in its file, and it is found there again.
func TestRegistry(t *testing.T) {
	server := s3test.Start(t)
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "r.db")
	r, err := registry.Create(ctx, sqlite.At(path, s3.Open), &registry.CreateOptions{Originals: server.Address})
	require.NoError(t, err)
	require.NoError(t, r.Close())
	_, err = registry.Open(ctx, sqlite.At(path))
	require.ErrorIs(t, err, registry.ErrRefused, "without package s3")
	r, err = registry.Open(ctx, sqlite.At(path, s3.Open))
	require.NoError(t, err)
	require.NoError(t, r.Close())
	d, err := store.Open(ctx, path, s3.Open)
	require.NoError(t, err)
	defer d.Close()
	found, err := d.CheckObjects(ctx, time.Time{})
	require.NoError(t, err)
	require.Equal(t, records.Objects{Place: server.Address}, found)
}

func contextFor(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), d)
}

// A server that does not answer, refuses, or dies while it sends an object makes an error: the object is
// neither missing nor changed.
func TestAway(t *testing.T) {
	server := s3test.Start(t)
	body := make([]byte, 1<<20)
	p, err := s3.Open(t.Context(), server.Address, "id")
	require.NoError(t, err)
	require.NoError(t, p.Put(t.Context(), objects.NameOf(body), body))
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		is     error
	}{
		"busy":    {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }, objects.ErrAway},
		"silent":  {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, objects.ErrAway},
		"refuses": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }, nil},
		"dies": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
			w.Header().Set("Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT")
			w.Write(body[:len(body)/2])
			panic(http.ErrAbortHandler)
		}, io.ErrUnexpectedEOF},
	} {
		t.Run(name, func(t *testing.T) {
			proxy := httptest.NewServer(c.answer)
			defer proxy.Close()
			away, err := s3.Open(t.Context(), strings.ReplaceAll(server.Address, server.URL, proxy.URL), "id")
			require.NoError(t, err)
			_, err = objects.Get(t.Context(), away, objects.NameOf(body), int64(len(body)))
			require.ErrorContains(t, err, "bucket kyc")
			require.NotErrorIs(t, err, objects.ErrDiffers)
			require.NotErrorIs(t, err, fs.ErrNotExist)
			if c.is != nil {
				require.ErrorIs(t, err, c.is)
			}
		})
	}
}

// A bucket that may keep versions receives nothing: its server must have answered once that it keeps none.
func TestVersionsUnknown(t *testing.T) {
	server := s3test.Start(t)
	u, err := url.Parse(server.URL)
	require.NoError(t, err)
	pass := httputil.NewSingleHostReverseProxy(u)
	status := http.StatusServiceUnavailable
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("versioning") {
			w.WriteHeader(status)
			return
		}
		r.Host = u.Host
		pass.ServeHTTP(w, r)
	}))
	defer proxy.Close()
	p, err := s3.Open(t.Context(), strings.ReplaceAll(server.Address, server.URL, proxy.URL), "id")
	require.NoError(t, err)
	body := []byte("sealed")
	require.ErrorIs(t, p.Put(t.Context(), objects.NameOf(body), body), objects.ErrAway)
	status = http.StatusNotImplemented
	err = p.Put(t.Context(), objects.NameOf(body), body)
	require.NotErrorIs(t, err, objects.ErrAway)
	require.NotContains(t, fmt.Sprint(err), "versions")
}
