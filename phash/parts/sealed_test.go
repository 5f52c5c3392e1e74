package parts_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"image"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/phash/parts"
)

// keptText is what segments of tests hold beside features.
const keptText = "what the caller keeps"

func sealKey(t testing.TB, first byte) cipher.AEAD {
	t.Helper()
	block, err := aes.NewCipher(append([]byte{first}, make([]byte, 31)...))
	require.NoError(t, err)
	key, err := cipher.NewGCM(block)
	require.NoError(t, err)
	return key
}

// sealedOf returns a sealed segment of the uploads, by rising reference.
func sealedOf(t testing.TB, key cipher.AEAD, all iter.Seq2[int64, *parts.Features]) []byte {
	t.Helper()
	return sealedHolding(t, key, all, 1<<20)
}

func sealedHolding(t testing.TB, key cipher.AEAD, all iter.Seq2[int64, *parts.Features], held uint64) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "segment")
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, parts.WriteSealedHolding(f, key, all, func() []byte { return []byte(keptText) }, []byte("about"), held))
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return data
}

// featured are the features of the pictures of uploads, and of a blank upload behind them.
var featured = sync.OnceValue(func() (out []*parts.Features) {
	for _, img := range append(slices.Clone(pictures()), image.NewNRGBA(image.Rect(0, 0, 300, 200))) {
		f, err := parts.Extract(img)
		if err != nil {
			panic(err)
		}
		out = append(out, f)
	}
	return out
})

func pictured(from int) iter.Seq2[int64, *parts.Features] {
	return func(yield func(int64, *parts.Features) bool) {
		for i, f := range featured()[from:] {
			if !yield(int64(from+i), f) {
				return
			}
		}
	}
}

// A search of sealed segments answers as one in memory does, whatever lies beside them.
func TestSealedAsInMemory(t *testing.T) {
	all, _ := uploads()
	key, memory := sealKey(t, 1), &parts.Index{}
	require.NoError(t, memory.AddAll(pictured(0)))
	whole, mixed := &parts.Index{}, &parts.Index{}
	about := []byte("about")
	kept, err := whole.Mount("whole", sealedOf(t, key, pictured(0)), key, about)
	require.NoError(t, err)
	require.Equal(t, keptText, string(kept))
	data := sealedOf(t, key, pictured(2))
	require.NotContains(t, string(data), keptText)
	_, err = mixed.Mount("mixed", data, key, about)
	require.NoError(t, err)
	for i := range 2 {
		require.NoError(t, mixed.Add(int64(i), featured()[i]))
	}
	require.Equal(t, len(all)+1, whole.Len(), "the upload without features counts")
	_, err = whole.Mount("again", data, key, about)
	require.Error(t, err, "its uploads are in the index")
	for i := range all[:long.Number(3, len(all))] { // the third is sealed in both
		b := all[i].Rect
		leak := imaging.Crop(all[i], image.Rect(b.Dx()/8, b.Dy()/8, b.Dx()*5/8, b.Dy()*7/8))
		q, err := parts.Examine(leak)
		require.NoError(t, err)
		want, err := memory.Search(t.Context(), q, nil)
		require.NoError(t, err)
		require.NotEmpty(t, want)
		for name, x := range map[string]*parts.Index{"whole": whole, "mixed": mixed} {
			got, err := x.Search(t.Context(), q, nil)
			require.NoError(t, err)
			if name == "whole" {
				assert.Equal(t, want, got, "upload %d", i)
			}
			require.NotEmpty(t, got, "%s, upload %d", name, i)
			assert.Equal(t, want[0].Ref, got[0].Ref, name)
			alone, known, err := x.Locate(t.Context(), q, int64(i))
			require.NoError(t, err)
			require.True(t, known)
			same, _, err := memory.Locate(t.Context(), q, int64(i))
			require.NoError(t, err)
			assert.Equal(t, same, alone, name)
		}
	}

	// What is removed is found no more, and may be added again.
	found := search(t, whole, all[3], nil)
	require.EqualValues(t, 3, found[0].Ref)
	require.True(t, whole.Remove(3))
	require.False(t, whole.Remove(3))
	require.False(t, whole.Has(3))
	for _, m := range search(t, whole, all[3], nil) {
		assert.NotEqualValues(t, 3, m.Ref)
	}
	require.NoError(t, whole.Add(3, featured()[3]))
	assert.EqualValues(t, 3, search(t, whole, all[3], nil)[0].Ref)
	whole.Unmount("whole")
	assert.Equal(t, 1, whole.Len())
}

// A byte that is changed anywhere, or cut off, is an error, or changes no answer. It never hides an upload.
func TestSealedAltered(t *testing.T) {
	all, _ := uploads()
	key := sealKey(t, 1)
	data := sealedOf(t, key, pictured(0))
	q, err := parts.Examine(all[0])
	require.NoError(t, err)
	ask := func(data []byte, key cipher.AEAD, about string) ([]parts.Match, error) {
		x := &parts.Index{}
		kept, err := x.Mount("it", data, key, []byte(about))
		if err != nil {
			require.ErrorIs(t, err, parts.ErrSnapshot)
			return nil, err
		}
		require.Equal(t, keptText, string(kept))
		found, err := x.Search(context.Background(), q, nil)
		if err != nil {
			var named *parts.RecordError
			require.ErrorAs(t, err, &named)
			require.Equal(t, "it", named.Name)
		}
		return found, err
	}
	want, err := ask(data, key, "about")
	require.NoError(t, err)
	r, refused := rand.New(rand.NewPCG(1, 2)), 0
	for range long.Number(25, 60) {
		changed := append([]byte(nil), data...)
		changed[r.IntN(len(data))] ^= 1 << r.IntN(8)
		if got, err := ask(changed, key, "about"); err != nil {
			refused++
		} else {
			require.Equal(t, want, got, "a byte that the search did not read")
		}
		_, err := ask(data[:r.IntN(len(data))], key, "about")
		require.Error(t, err)
	}
	require.Greater(t, refused, 10)
	_, err = ask(data, sealKey(t, 2), "about")
	require.Error(t, err, "another key")
	_, err = ask(data, key, "")
	require.Error(t, err, "the row says something else")
}

// Segments are written in a memory that does not grow with them, and the same each time.
func TestSealedIsRepeatable(t *testing.T) {
	key := sealKey(t, 1)
	a := sealedOf(t, key, pictured(0))
	for _, held := range []uint64{100, 500, 1500} {
		require.Equal(t, a, sealedHolding(t, key, pictured(0), held))
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "segment"))
	require.NoError(t, err)
	defer f.Close()
	err = parts.WriteSealed(f, key, func(yield func(int64, *parts.Features) bool) {
		for _, ref := range []int64{2, 2} {
			if !yield(ref, nil) {
				return
			}
		}
	}, nil, nil)
	require.ErrorIs(t, err, parts.ErrFormat)
}

// openKey seals nothing and takes every tag: what a damaged file does behind the tags.
type openKey struct{ cipher.AEAD }

func (openKey) Open(dst, _, sealed, _ []byte) ([]byte, error) {
	return append(dst, sealed[:max(0, len(sealed)-16)]...), nil
}

func (openKey) Seal(dst, _, clear, _ []byte) []byte {
	return append(append(dst, clear...), make([]byte, 16)...)
}

// FuzzMount takes whatever bytes, as if who has the key had written them.
func FuzzMount(f *testing.F) {
	f.Add(sealedOf(f, openKey{}, pictured(len(featured())-3)))
	f.Add([]byte("kyclocs\x02"))
	all, _ := uploads()
	q, err := parts.Examine(imaging.Resize(all[len(all)-1], 300, 0, imaging.Box))
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, data []byte) {
		x := &parts.Index{}
		if _, err := x.Mount("it", data, openKey{}, nil); err == nil {
			_, _ = x.Search(t.Context(), q, nil)
			_, _, _ = x.Locate(t.Context(), q, int64(len(all)-1))
			x.Remove(int64(len(all) - 1))
		}
	})
}
