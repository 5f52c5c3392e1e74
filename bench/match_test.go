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
	"github.com/kycmark/kycmark/internal/test/skip"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/testdata"
)

// written puts shipped pictures into a folder.
func written(t *testing.T, names ...string) (files []string) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		data, err := testdata.Pictures.ReadFile("pictures/" + name + ".jpg")
		require.NoError(t, err)
		files = append(files, filepath.Join(dir, name+".jpg"))
		require.NoError(t, os.WriteFile(files[len(files)-1], data, 0o600))
	}
	return files
}

// withKey gives a configuration the test key of its seed.
func withKey(t *testing.T, env ruler.Env) *ruler.Env {
	t.Helper()
	var err error
	env.Key, err = env.TestKey(0)
	require.NoError(t, err)
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
		assert.Positive(t, trial.Values["inserts_per_s"])
		assert.GreaterOrEqual(t, trial.Values["gb"], 6000*40/1e9)
	}
	assert.Greater(t, run.Trials[1].Values["hits"], .5, "clusters hold more than what was planted")
	assert.Contains(t, x.Tables[0].Markdown(run.Trials), "| 6 k | one template |")
	assert.Empty(t, x.Tables[2].Markdown(run.Trials), "no peer")
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
		assert.Contains(t, x.Tables[2].Markdown(run.Trials), "| 5 k | random | other | 1.500 |")
	}
}

// Leaks of a selfie are found by their hashes. A negative is found by the hashes of a leak alone.
func TestMatchWhole(t *testing.T) {
	x := matchWhole()
	setFlags(t, x, "--distractors=2000", "--persons=0", "--leaked=0")
	pictures := append(written(t, "anna_selfie"), filepath.Join(t.TempDir(), "nowhere.jpg"))
	run := measure(t, x, withKey(t, ruler.Env{Pictures: pictures, AttackNames: []string{"none", "telegram_low", "stamp", "invert"}, MaxSide: 700}))
	require.Len(t, run.Trials, 4*5+1)
	assert.NotEmpty(t, run.Trials[20].Error, "a picture that cannot be read does not stop the others")
	g := ruler.Group(run.Trials[:20])
	for _, way := range hashWays() {
		of := g.Where(ruler.Is("way", way.name))
		require.Len(t, of, 4)
		assert.Zero(t, of[0].Values["distance"], "%s: the picture itself", way.name)
		assert.Zero(t, of.Sum("others_31"), "random hashes are not near")
	}
	for _, kind := range []phash.Kind{phash.PDQ, phash.Area} {
		assert.InDelta(t, 4, g.Where(ruler.Is("way", kind.Version()+", SumLeak")).Sum("found_31"), 0)
		assert.InDelta(t, 3, g.Where(ruler.Is("way", kind.Version()+", SumTurned")).Sum("found_31"), 0, "a negative is not asked for")
	}
	assert.Contains(t, x.Tables[2].Markdown(run.Trials), "| kycmark/area/1, SumLeak | 4 | 100.0 % |")
	refused(t, matchWhole(), ruler.Env{}, "--persons=1", "--leaked=2")
	assert.ErrorIs(t, refused(t, matchWhole(), ruler.Env{AttackNames: []string{"nonsense"}}), attack.ErrUnknown)
}

func TestMatchParts(t *testing.T) {
	x := matchParts()
	setFlags(t, x, "--among=100", "--specimens=2", "--strangers="+written(t, "stranger_coast")[0], "--background="+written(t, "bruno_selfie")[0])
	run := measure(t, x, withKey(t, ruler.Env{Pictures: written(t, "chidi_idcard", "hana_bill"), AttackNames: []string{"crop50", "mirror"}, MaxSide: 900}))
	g := ruler.Group(run.Trials)
	leaks := g.Where(ruler.Is("trial", "leak"))
	assert.InDelta(t, 2*4+4*4, leaks.Count(), 0, "a collage shows four uploads")
	assert.InDelta(t, leaks.Count(), leaks.Sum("found"), 0)
	assert.InDelta(t, leaks.Count(), leaks.Sum("first"), 0)
	assert.LessOrEqual(t, g.Where(ruler.Is("trial", "upload")).Quantile("bytes_at_rest", 1), 4096.)
	assert.InDelta(t, 15, g.Where(ruler.Is("trial", "stranger")).Count(), 0)
	assert.Contains(t, x.Tables[0].Markdown(run.Trials), "| collage of 4 | 100 | 16 of 16 | 100.0 % | 16 |")
	refused(t, matchParts(), ruler.Env{}, "--among=20")
	refused(t, matchParts(), ruler.Env{}, "--repeats=0")
	assert.ErrorIs(t, refused(t, matchParts(), ruler.Env{AttackNames: []string{"nonsense"}}), attack.ErrUnknown)
}

func TestMatchLookalikes(t *testing.T) {
	x := matchLookalikes()
	setFlags(t, x, "--documents=4", "--side=640", "--near=1", "--again=1")
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

// TestPairs traces two drawn passports against each other, then photographed ones.
func TestPairs(t *testing.T) {
	x := pairs()
	setFlags(t, x, "--pairs=4", "--group=2", "--copies=5", "--max-side=480", "--attacks=telegram")
	run := measure(t, x, withKey(t, ruler.Env{Seed: 5, Workers: 2}))
	assert.Empty(t, x.Missed(run.Trials))
	g := ruler.Group(run.Trials)
	others := g.Where(ruler.Is("of", pairOther))
	assert.Equal(t, [3]float64{4, 0, 0}, [3]float64{others.Count(), others.Sum("registered"), others.Sum("accusing")})
	own := g.Where(ruler.And(ruler.Is("of", pairOwn), ruler.Is("marked", "marked")))
	assert.Equal(t, [3]float64{4, 4, 4}, [3]float64{own.Count(), own.Sum("registered"), own.Sum("named")})
	again := g.Where(ruler.Is("of", pairAgain))
	assert.Equal(t, [2]float64{4, 0}, [2]float64{again.Count(), again.Sum("registered")})
	assert.Contains(t, x.Tables[0].Markdown(run.Trials), "| the original's own | marked | rendered | 2 | 2 | 100.0 % |")
	refused(t, pairs(), ruler.Env{}, "--pairs=0")
}

// A wrong pair that is registered, or accuses, fails the run.
func TestPairsMissed(t *testing.T) {
	missed := func(of string, pairs, registered, accusing float64) []string {
		return pairsMissed([]ruler.Trial{{Labels: map[string]string{"of": of}, Values: map[string]float64{"n": pairs, "registered": registered, "accusing": accusing}}})
	}
	for _, of := range []string{pairOther, pairAgain} {
		assert.Empty(t, missed(of, 10000, 3, 0))
		assert.Len(t, missed(of, 10000, 4, 0), 1)
	}
	assert.Empty(t, missed(pairOwn, 100, 100, 0), "the right ones")
	for _, of := range []string{pairOther, pairAgain, pairOwn} {
		assert.Len(t, missed(of, 100000, 0, 1), 1)
	}
}

func TestAltered(t *testing.T) {
	x := altered()
	setFlags(t, x, "--documents=1", "--side=600")
	run := measure(t, x, withKey(t, ruler.Env{Workers: 2}))
	g := ruler.Group(run.Trials)
	assert.GreaterOrEqual(t, g.Where(ruler.Is("of", alteredCopy)).Sum("confirmed"), 5.)
	assert.GreaterOrEqual(t, g.Where(ruler.Is("of", alteredUpload)).Sum("same"), 5.)
	assert.InDelta(t, 4, g.Where(func(t *ruler.Trial) bool { return t.Labels["of"] == laidOnOther || t.Labels["of"] == laidOnAgain }).Count(), 0)
	assert.Empty(t, x.Missed(run.Trials))
	refused(t, altered(), ruler.Env{}, "--documents=0")
}
