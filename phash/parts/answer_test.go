package parts

import (
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"image"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/specimen"
)

// crowd are the features of uploads of which many show nearly the same: of a feature of the first leak more than
// maxHits are hit. leaks show some of them in part.
func crowd(t testing.TB) (all []*Features, leaks []*Query) {
	t.Helper()
	r := rand.New(rand.NewPCG(7, 8))
	for i, kind := range specimen.Templates()[:3] {
		img := specimen.Photograph(specimen.Render(kind, specimen.NewPerson(uint64(i)), 700), uint64(i), 800, 600)
		f, err := Extract(img)
		require.NoError(t, err)
		all = append(all, f)
		b := img.Bounds()
		for _, part := range []image.Rectangle{b, image.Rect(b.Dx()/4, b.Dy()/4, b.Dx()*3/4, b.Dy()*3/4)} {
			q, err := Examine(imaging.Crop(img, part))
			require.NoError(t, err)
			leaks = append(leaks, q)
		}
	}
	for range 3 * maxHits / 2 {
		like := &Features{data: slices.Clone(all[0].data)}
		for k := range like.Len() {
			for range r.IntN(12) {
				like.data[headerSize+k*featureSize+r.IntN(8*words)] ^= 1 << r.IntN(8)
			}
		}
		all = append(all, like)
	}
	return all, leaks
}

// mounted returns an index with a segment for each range of uploads.
func mounted(t testing.TB, all []*Features, ranges ...[2]int) *Index {
	t.Helper()
	x := &Index{}
	for _, r := range ranges {
		block, err := aes.NewCipher(append([]byte{byte(r[0])}, make([]byte, 31)...))
		require.NoError(t, err)
		key, err := cipher.NewGCM(block)
		require.NoError(t, err)
		f, err := os.Create(filepath.Join(t.TempDir(), "segment"))
		require.NoError(t, err)
		about := func() []byte { return nil }
		require.NoError(t, WriteSealed(f, key, func(yield func(int64, *Features) bool) {
			for i := r[0]; i < r[1] && yield(int64(i), all[i]); i++ {
			}
		}, about))
		require.NoError(t, f.Close())
		data, err := os.ReadFile(f.Name())
		require.NoError(t, err)
		require.NoError(t, x.Mount(fmt.Sprint(r[0]), data, key, nil))
	}
	return x
}

// Whoever holds the segments, a search that has the answers of all finds what one index of all finds, bit by bit.
func TestAnswers(t *testing.T) {
	all, leaks := crowd(t)
	ranges := [][2]int{{0, 100}, {100, 103}, {103, 400}, {400, 401}, {401, len(all) - 50}}
	tail := func(yield func(int64, *Features) bool) {
		for i := len(all) - 50; i < len(all) && yield(int64(i), all[i]); i++ {
		}
	}
	whole := mounted(t, all, ranges...)
	require.NoError(t, whole.AddAll(iter.Seq2[int64, *Features](tail)))
	var removed int64 = 57
	require.True(t, whole.Remove(removed))
	leaks = leaks[:long.Cases(1, 2, len(leaks))[0]]
	var want [][]Match
	cut := false
	for _, q := range leaks {
		found, err := whole.Search(t.Context(), q, nil)
		require.NoError(t, err)
		require.NotEmpty(t, found)
		want = append(want, found)
	}
	features := func(ref int64) (*Features, error) {
		require.NotEqual(t, removed, ref)
		return all[ref], nil
	}
	for _, groups := range long.Cases(1, 3, 1, 2) {
		var holders []*Index
		for k := range groups {
			var mine [][2]int
			for i := k; i < len(ranges); i += groups {
				mine = append(mine, ranges[i])
			}
			holders = append(holders, mounted(t, all, mine...))
		}
		require.True(t, holders[0].Remove(removed))
		own := &Index{}
		require.NoError(t, own.AddAll(iter.Seq2[int64, *Features](tail)))
		for n, q := range leaks {
			o := &SearchOptions{Features: features}
			for i, r := range ranges {
				a, err := holders[i%groups].Answer(t.Context(), q.Question(), fmt.Sprint(r[0]))
				require.NoError(t, err)
				o.Answers = append(o.Answers, a)
				read, err := readAnswer(a, q)
				require.NoError(t, err)
				for k := range q.asked {
					cut = cut || read.found[0][k].reach() < maxApart
				}
			}
			got, err := own.Search(t.Context(), q, o)
			require.NoError(t, err)
			assert.Equal(t, want[n], got, "leak %d, %d groups", n, groups)
		}
	}
	assert.True(t, cut, "no feature has more than %d hits", maxHits)
	_, err := whole.Answer(t.Context(), leaks[0].Question(), "7")
	require.ErrorIs(t, err, ErrSnapshot)
	other, err := whole.Answer(t.Context(), leaks[1].Question(), "0")
	require.NoError(t, err)
	_, err = whole.Search(t.Context(), leaks[0], &SearchOptions{Answers: [][]byte{other}, Features: features})
	require.ErrorIs(t, err, ErrFormat, "an answer to another question")
}

// FuzzAnswer takes whatever bytes for a question and an answer.
func FuzzAnswer(f *testing.F) {
	all, leaks := crowd(f)
	q := leaks[len(leaks)-1]
	x := mounted(f, all, [2]int{0, 20})
	a, err := x.Answer(f.Context(), q.Question(), "0")
	require.NoError(f, err)
	f.Add(q.Question(), a)
	f.Add([]byte(questionMagic), []byte(answerMagic))
	f.Fuzz(func(t *testing.T, question, answer []byte) {
		_, _ = x.Answer(t.Context(), question, "0")
		_, _ = new(Index).Search(t.Context(), q, &SearchOptions{Answers: [][]byte{answer}, Features: func(ref int64) (*Features, error) {
			return all[uint64(ref)%uint64(len(all))], nil
		}})
	})
}
