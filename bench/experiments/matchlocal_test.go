package experiments_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	bench "github.com/kycmark/kycmark/bench/experiments"
	"github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/testdata"
)

// written puts pictures of package testdata into a folder.
func written(t *testing.T, names ...string) (files []string) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		data, err := testdata.Pictures.ReadFile("pictures/" + name)
		require.NoError(t, err)
		files = append(files, filepath.Join(dir, name))
		require.NoError(t, os.WriteFile(files[len(files)-1], data, 0o600))
	}
	return files
}

func TestMatchLocal(t *testing.T) {
	opt := bench.MatchLocalOptions{
		Sizes: []int{10, 300}, Extracted: 40, Specimens: 2,
		Strangers: written(t, "stranger_coast.jpg"), Background: written(t, "bruno_selfie.jpg"),
	}
	opt.Pictures, opt.Attacks, opt.MaxSide = written(t, "chidi_idcard.jpg", "hana_bill.jpg"), []string{"crop50", "mirror"}, 900
	rep, err := bench.MatchLocal(context.Background(), opt)
	require.NoError(t, err)
	require.Len(t, rep.Attacks, 3)
	for _, a := range rep.Attacks {
		require.Len(t, a.Sizes, 2)
		for _, c := range a.Sizes {
			assert.Equal(t, c.Tried, c.Found, a.Name)
			assert.Equal(t, c.Tried, c.First, a.Name)
		}
	}
	assert.Equal(t, 4*4, rep.Attacks[2].Sizes[0].Tried, "a collage shows four uploads")
	assert.Equal(t, 40, rep.Extracted)
	assert.Equal(t, 20, rep.Kinds["cut from the background"])
	assert.LessOrEqual(t, rep.BytesAtRest, 4096)
	assert.Greater(t, rep.BytesInRAM, 1000)
	assert.Equal(t, 15, rep.Strangers.Tried)
	assert.Contains(t, rep.Markdown(), "| collage of 4 | 16/16 100.0 % (16) |")
}

func TestMatchLocalSettings(t *testing.T) {
	_, err := bench.MatchLocal(context.Background(), bench.MatchLocalOptions{})
	assert.ErrorIs(t, err, bench.ErrNoPictures)
	opt := bench.MatchLocalOptions{Sizes: []int{20, 10}}
	opt.Pictures = written(t, "chidi_idcard.jpg")
	_, err = bench.MatchLocal(context.Background(), opt)
	assert.ErrorIs(t, err, bench.ErrMatchLocal)
	opt.Sizes, opt.Attacks = nil, []string{"no such attack"}
	_, err = bench.MatchLocal(context.Background(), opt)
	assert.ErrorIs(t, err, attack.ErrUnknown)
	opt.Attacks = nil
	ctx, stop := context.WithCancel(context.Background())
	stop()
	_, err = bench.MatchLocal(ctx, opt)
	assert.ErrorIs(t, err, context.Canceled)
}
