package main

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/skip"
)

// withKey gives a configuration the test key of its seed.
func withKey(t *testing.T, env ruler.Env) *ruler.Env {
	t.Helper()
	env.Key = env.TestKey(0)
	return &env
}

// refused runs an experiment with flags that contradict each other.
func refused(t *testing.T, x *ruler.Experiment, env ruler.Env, args ...string) error {
	t.Helper()
	setFlags(t, x, args...)
	_, err := x.Run(t.Context(), withKey(t, env), ruler.Run{}, "", nil)
	require.Error(t, err, args)
	return err
}

// peerOf writes a script that stands in for a peer's program.
func peerOf(t *testing.T, says string) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		skip.Test(t, "the stand-in for the peer is a shell script")
	}
	path := filepath.Join(t.TempDir(), "peer")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+says+"\n"), 0o700))
	return path
}

func TestMatchSearch(t *testing.T) {
	x := matchSearch()
	setFlags(t, x, "--sizes=6k", "--queries=50", "--temp="+t.TempDir())
	run := measure(t, x, withKey(t, ruler.Env{}))
	require.Len(t, run.Trials, 3)
	for _, trial := range run.Trials {
		assert.Positive(t, trial.Values["checked"], trial.Labels)
		assert.GreaterOrEqual(t, trial.Values["hits"], .5, "planted hashes are found: %v", trial.Labels)
		assert.Positive(t, trial.Values["search_ms"])
	}
	assert.Greater(t, run.Trials[1].Values["hits"], .5, "clusters hold more than what was planted")
	assert.Contains(t, x.Tables[0].Markdown(run.Trials), "| 6 k | one template |")
	assert.Empty(t, x.Tables[1].Markdown(run.Trials), "no peer")
	for _, bad := range []string{"--sizes=5x", "--sizes=99", "--sizes=2000M", "--sizes=0k", "--corpora=none", "--queries=1"} {
		var usage *ruler.UsageError
		assert.ErrorAs(t, refused(t, matchSearch(), ruler.Env{}, bad), &usage)
	}
}

func TestMatchSearchPeer(t *testing.T) {
	for says, want := range map[string]error{
		`[ $(wc -c <"$1") -eq 160000 ] && [ $(wc -c <"$2") -eq 160 ] && [ "$3" = 31 ] && printf 'other\t1.5\t3\n'`: nil,
		`printf 'other\t1.5\t4\n'`: errPeer,
		`printf 'other\t1.5\n'`:    errPeer,
		`exit 1`:                   errPeer,
	} {
		x := matchSearch()
		setFlags(t, x, "--sizes=5k", "--queries=5", "--corpora=random", "--temp="+t.TempDir(), "--peer="+peerOf(t, says))
		run, err := x.Run(t.Context(), withKey(t, ruler.Env{}), ruler.Run{}, "", nil)
		if want != nil {
			require.ErrorIs(t, err, want, says)
			continue
		}
		require.NoError(t, err)
		assert.Contains(t, x.Tables[1].Markdown(run.Trials), "| 5 k | random | other | 1.500 |")
	}
}

func TestMatchLookalikes(t *testing.T) {
	x := matchLookalikes()
	setFlags(t, x, "--documents=4", "--side=480", "--near=1", "--again=1")
	run := measure(t, x, withKey(t, ruler.Env{Workers: 2}))
	g := ruler.Group(run.Trials)
	for _, medium := range []string{"rendered", "photographed"} {
		of := g.Where(ruler.Is("as", medium))
		own, others := of.Where(ruler.Is("of", pairOwn)), of.Where(ruler.Is("of", pairOther))
		assert.Equal(t, [2]float64{2, 2}, [2]float64{own.Count(), own.Sum("same")}, medium)
		assert.Equal(t, [2]float64{2, 0}, [2]float64{others.Count(), others.Sum("same")}, medium)
	}
	again := g.Where(ruler.Is("of", pairAgain))
	assert.Equal(t, [2]float64{2, 0}, [2]float64{again.Count(), again.Sum("same")})
	assert.Empty(t, x.Missed(run.Trials))
	assert.Contains(t, x.Tables[0].Markdown(run.Trials), "| other captures of the same card | photographed | 2 | 0 | 0 |")
	refused(t, matchLookalikes(), ruler.Env{}, "--near=0")
}

// A lookalike that is taken for the upload misses the bar.
func TestMatchLookalikesMissed(t *testing.T) {
	trial := ruler.Trial{Labels: map[string]string{"of": pairOther}, Values: map[string]float64{"same": 1}}
	assert.Len(t, matchLookalikes().Missed([]ruler.Trial{trial}), 1)
}

func TestAltered(t *testing.T) {
	all := attack.Alterations()
	x := alteredBy(all[:long.Number(2, len(all))])
	setFlags(t, x, "--documents=1", "--side=600")
	run := measure(t, x, withKey(t, ruler.Env{Workers: 2}))
	g := ruler.Group(run.Trials)
	assert.GreaterOrEqual(t, g.Where(ruler.Is("of", alteredCopy)).Sum("confirmed"), float64(long.Number(2, 5)))
	assert.GreaterOrEqual(t, g.Where(ruler.Is("of", alteredUpload)).Sum("same"), float64(long.Number(2, 5)))
	assert.InDelta(t, 4, g.Where(func(t *ruler.Trial) bool { return t.Labels["of"] == laidOnOther || t.Labels["of"] == laidOnAgain }).Count(), 0)
	assert.Empty(t, x.Missed(run.Trials))
	refused(t, altered(), ruler.Env{}, "--documents=0")
}
