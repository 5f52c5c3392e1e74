package phash_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/phash"
)

// built is an index of n hashes lying as named, with its twin.
func built(t testing.TB, kind phash.Kind, corpus string, n int) (*phash.Index, *twin, func() phash.Hash) {
	t.Helper()
	r := newRandom(uint64(n))
	draw := corpora[corpus](r, kind)
	x, w := phash.NewIndex(kind), &twin{at: map[int64]int{}}
	require.NoError(t, x.AddAll(entries(r, n, draw, w)))
	return x, w, draw
}

func snapshot(t testing.TB, x *phash.Index) []byte {
	t.Helper()
	var b bytes.Buffer
	n, err := x.WriteTo(&b)
	require.NoError(t, err)
	require.EqualValues(t, b.Len(), n)
	return b.Bytes()
}

// signed puts the checksum right.
func signed(data []byte) []byte {
	end := len(data) - sha256.Size
	sum := sha256.Sum256(data[:end])
	copy(data[end:], sum[:])
	return data
}

// An opened snapshot answers as the index that wrote it, takes changes like it,
// and can be written again.
func TestSnapshot(t *testing.T) {
	for _, corpus := range []string{"random", "clustered", "equal"} {
		x, n, draw := built(t, phash.PDQ, corpus, 6000)
		r := newRandom(1)
		change(t, r, x, n, draw)
		for range 3 {
			data := snapshot(t, x)
			before := slices.Clone(data)
			y, err := phash.OpenIndex(data)
			require.NoError(t, err)
			require.Equal(t, phash.PDQ, y.Kind())
			requireSameAnswers(t, y, n, r, draw, corpus)
			change(t, r, y, n, draw)
			requireSameAnswers(t, y, n, r, draw, corpus)
			require.True(t, bytes.Equal(before, data), "the snapshot was written to")
			x = y
		}
	}
}

// Snapshots that are mounted in one index answer as an index of all their entries, whatever is changed
// between and afterwards.
func TestMount(t *testing.T) {
	for _, corpus := range []string{"random", "clustered", "equal"} {
		x, n, draw := built(t, phash.PDQ, corpus, 9000)
		r := newRandom(3)
		y := phash.NewIndex(phash.PDQ)
		for _, part := range [][2]int64{{-1 << 40, 5000}, {4500, 8000}, {8000, 1 << 40}} { // one overlaps
			z := phash.NewIndex(phash.PDQ)
			for ref, h := range x.All() {
				if ref >= part[0] && ref < part[1] {
					require.NoError(t, z.Add(h, ref))
				}
			}
			data := snapshot(t, z)
			sum := [32]byte(data[len(data)-32:])
			require.NoError(t, y.Mount(data, sum))
			before := maps.Collect(y.All())
			require.ErrorIs(t, y.Mount(data, [32]byte{}), phash.ErrDamaged)
			require.ErrorIs(t, y.Mount(data[:r.IntN(len(data))], sum), phash.ErrDamaged)
			data = bytes.Clone(data)
			data[r.IntN(len(data)-32)] ^= 1
			require.Error(t, y.Mount(data, sum))
			require.Equal(t, before, maps.Collect(y.All()), "nothing of an altered file is used")
		}
		require.Equal(t, maps.Collect(x.All()), maps.Collect(y.All()))
		requireSameAnswers(t, y, n, r, draw, corpus)
		change(t, r, y, n, draw)
		requireSameAnswers(t, y, n, r, draw, corpus)
	}
	other := snapshot(t, phash.NewIndex(phash.Area))
	require.ErrorIs(t, phash.NewIndex(phash.PDQ).Mount(other, [32]byte(other[len(other)-32:])), phash.ErrKind)
}

func TestSnapshotOfAnyKindAndSize(t *testing.T) {
	for _, kind := range kinds {
		for _, size := range []int{0, 1, 7, 100} {
			x, n, draw := built(t, kind, "random", size)
			y, err := phash.OpenIndex(snapshot(t, x))
			require.NoError(t, err)
			require.Equal(t, kind, y.Kind())
			requireSameAnswers(t, y, n, newRandom(2), draw, kind.String())
		}
	}
}

// What was removed is in no snapshot.
func TestSnapshotErases(t *testing.T) {
	x, n, _ := built(t, phash.PDQ, "random", 6000)
	y, err := phash.OpenIndex(snapshot(t, x))
	require.NoError(t, err)
	h := n.hashes[n.at[17]]
	require.True(t, x.Remove(17))
	require.True(t, y.Remove(17))
	bytesOf := func(h phash.Hash) (b []byte) {
		for _, w := range h.Bits {
			b = binary.LittleEndian.AppendUint64(b, w)
		}
		return b
	}
	for _, x := range []*phash.Index{x, y} {
		data := snapshot(t, x)
		assert.False(t, bytes.Contains(data, bytesOf(h)))
		assert.True(t, bytes.Contains(data, bytesOf(n.hashes[n.at[18]])))
		again, err := phash.OpenIndex(data)
		require.NoError(t, err)
		assert.Equal(t, len(n.refs)-1, again.Len())
	}
}

// Many small additions to a file do not make a long list of segments of it.
func TestSnapshotStaysTidy(t *testing.T) {
	x, n, draw := built(t, phash.PDQ, "random", 5000)
	for ref := range int64(30) {
		h := draw()
		n.add(h, 100_000+ref)
		require.NoError(t, x.Add(h, 100_000+ref))
		var err error
		x, err = phash.OpenIndex(snapshot(t, x))
		require.NoError(t, err)
	}
	segments, _, _ := x.Parts()
	assert.LessOrEqual(t, segments, 4)
	requireSameAnswers(t, x, n, newRandom(3), draw, "tidy")
}

func TestSnapshotRefused(t *testing.T) {
	x, _, _ := built(t, phash.PDQ, "clustered", 4200)
	data := snapshot(t, x)
	refs := 128 + (16+16*int(data[136])+63)&^63 // where they begin
	altered := func(at int, by byte) []byte {
		b := slices.Clone(data)
		b[at] ^= by
		return b
	}
	for name, c := range map[string]struct {
		data []byte
		want error
	}{
		"empty":            {nil, phash.ErrNotIndex},
		"a text":           {[]byte("pdq:0123456789abcdef0123456789abcdef"), phash.ErrNotIndex},
		"another magic":    {signed(altered(0, 1)), phash.ErrNotIndex},
		"newer":            {signed(altered(8, 3)), phash.ErrVersion},
		"another kind":     {signed(altered(12, 2)), phash.ErrVersion},
		"unknown kind":     {signed(altered(13, 2)), phash.ErrVersion},
		"another chain":    {signed(altered(20, 3)), phash.ErrVersion},
		"a checksum's bit": {altered(len(data)-1, 1), phash.ErrDamaged},
		"one byte more":    {append(slices.Clone(data), 0), phash.ErrDamaged},
		"many segments":    {signed(altered(51, 0x80)), phash.ErrDamaged},
		"two segments":     {signed(altered(48, 3)), phash.ErrDamaged},
		"many entries":     {signed(altered(128+5, 1)), phash.ErrDamaged},
		"fewer entries":    {signed(altered(128, 1)), phash.ErrDamaged},
		"many tables":      {signed(altered(128+10, 1)), phash.ErrDamaged},
		"no tables":        {signed(altered(128+8, data[128+8])), phash.ErrDamaged},
		"a wider band":     {signed(altered(128+16+4, 1)), phash.ErrDamaged},
		"other refs":       {signed(altered(refs+8*2000, 0xff)), phash.ErrDamaged},
	} {
		_, err := phash.OpenIndex(c.data)
		require.ErrorIs(t, err, c.want, name)
	}
	for n := 0; n < len(data); n += 1 + n/7 {
		_, err := phash.OpenIndex(data[:n])
		require.Error(t, err, n)
		require.True(t, n < 8 || errors.Is(err, phash.ErrDamaged), n)
	}
	for at := 0; at < len(data); at += 1 + len(data)/500 {
		_, err := phash.OpenIndex(altered(at, 1<<(at%8)))
		require.Error(t, err, at)
	}
}

type failing struct{ left int }

func (f *failing) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, io.ErrShortWrite
	}
	return len(b), nil
}

func TestSnapshotToAFullDisk(t *testing.T) {
	x, _, _ := built(t, phash.PDQ, "random", 5000)
	_, err := x.WriteTo(&failing{left: 1000})
	require.ErrorIs(t, err, io.ErrShortWrite)
	require.True(t, x.Remove(18), "the index goes on")
	snapshot(t, x)
}

// Whatever stands in a file: an error that says so or an index that answers,
// also if the checksum is right.
func FuzzOpenIndex(f *testing.F) {
	for _, corpus := range []string{"random", "equal"} {
		for _, n := range []int{0, 3, 4100} {
			x, _, _ := built(f, phash.PDQ, corpus, n)
			f.Add(snapshot(f, x))
		}
	}
	x, _, _ := built(f, phash.Average, "random", 20)
	f.Add(snapshot(f, x))
	f.Fuzz(func(t *testing.T, data []byte) {
		use := func(data []byte) {
			x, err := phash.OpenIndex(data)
			if err != nil {
				known := errors.Is(err, phash.ErrNotIndex) || errors.Is(err, phash.ErrVersion) || errors.Is(err, phash.ErrDamaged)
				require.True(t, known, err)
				return
			}
			q := phash.Hash{Kind: x.Kind()}
			for _, radius := range []int{0, 31, 100} {
				_, err := x.Search(radius, q)
				require.NoError(t, err)
			}
			_, err = x.Nearest(q, 3)
			require.NoError(t, err)
			x.Remove(0)
			require.NoError(t, x.Add(q, 0))
		}
		use(data)
		if len(data) >= sha256.Size {
			data = slices.Clone(data)
			if len(data) >= 128+sha256.Size && string(data[:8]) == "KYCINDEX" {
				binary.LittleEndian.PutUint64(data[64:], uint64(len(data)))
			}
			use(signed(data))
		}
	})
}
