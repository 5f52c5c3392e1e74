package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/phash"
)

// A pdqStep is a way to hash a picture. The peer is asked for it by the argument; "" if the peer
// has no such way.
type pdqStep struct {
	name, argument string
	run            func(image.Image) ([]phash.Hash, int, error)
}

var pdqSteps = []pdqStep{
	{"Sum(PDQ): 512 × 512 nearest pixels", "step", func(m image.Image) ([]phash.Hash, int, error) {
		h, q, err := phash.Sum(phash.PDQ, m)
		return []phash.Hash{h}, q, err
	}},
	{"SumTurned(PDQ): the eight of the turned pixels", "", func(m image.Image) ([]phash.Hash, int, error) {
		all, q, err := phash.SumTurned(phash.PDQ, m)
		return all[:], q, err
	}},
	{"SumTurned(Area): the eight of the turned pixels", "", func(m image.Image) ([]phash.Hash, int, error) {
		all, q, err := phash.SumTurned(phash.Area, m)
		return all[:], q, err
	}},
}

const pdqRounds = 3 // turns in which both sides run, so that what else the machine does meets both

// matchPDQ times PDQ against a peer on a drawn landscape of 12 megapixels. There is one trial per
// step: the shortest milliseconds of both sides, and whether their hashes and quality are the same.
func matchPDQ() *ruler.Experiment {
	peer, runs := "", 0
	return &ruler.Experiment{
		Name: "match pdq", Short: "What PDQ costs beside its reference", Plain: true,
		Long: "Time PDQ and, on the same pixels and in turns, a program that answers as peers/pdq.cpp does.",
		Flags: func(fs *pflag.FlagSet) {
			fs.StringVar(&peer, "peer", "", "`program` to time against; needed")
			fs.IntVar(&runs, "runs", 15, "`number` of runs of each step on each side")
		},
		Cases: func(_ context.Context, env *ruler.Env) ([]ruler.Case, error) {
			if peer == "" || runs < 1 {
				return nil, errors.New("--peer names a program, --runs takes 1 or more")
			}
			env.Workers = 1 // times are compared
			return ruler.Cases(len(pdqSteps), func(ctx context.Context, i int, emit func(ruler.Trial)) {
				emit(pdqSteps[i].time(ctx, specimen.Landscape(env.Seed, 4000, 3000), peer, runs))
			}), nil
		},
		Tables: []ruler.Table{{Name: "pdq", By: []string{"step"}, Heads: []string{"PDQ"}, Columns: []ruler.Column{
			ruler.Means("ms", "ms", 2), ruler.Means("reference, ms", "peer_ms", 2), ruler.Means("ratio", "ratio", 3), ruler.Of("same bits", "same"),
		}}},
	}
}

// time times a step on both sides.
func (s pdqStep) time(ctx context.Context, m *image.NRGBA, peer string, runs int) (t ruler.Trial) {
	dir := ruler.Must(os.MkdirTemp("", "kycmark-bench-"))
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "picture.ppm")
	ruler.Check(writePPM(file, m))
	t = ruler.Trial{Labels: map[string]string{"step": s.name}, Values: map[string]float64{"ms": math.Inf(1)}}
	if s.argument != "" {
		t.Values["peer_ms"], t.Values["same"] = math.Inf(1), 1
	}
	for range pdqRounds {
		s.round(ctx, m, peer, file, max(1, runs/pdqRounds), t.Values)
	}
	if s.argument != "" {
		t.Values["ratio"] = t.Values["ms"] / t.Values["peer_ms"]
	}
	return t
}

// round times some runs of both sides.
func (s pdqStep) round(ctx context.Context, m image.Image, peer, file string, runs int, out map[string]float64) {
	var ours string
	for range runs {
		start := time.Now()
		hashes, quality, err := s.run(m)
		ruler.Check(err)
		out["ms"] = min(out["ms"], time.Since(start).Seconds()*1000)
		ours = strconv.Itoa(quality)
		for _, h := range hashes {
			ours += " " + h.Hex()
		}
	}
	if s.argument == "" {
		return
	}
	text, err := exec.CommandContext(ctx, peer, file, strconv.Itoa(runs), s.argument).Output()
	if err != nil {
		ruler.Failf("%w: %s: %w", errPeer, peer, err)
	}
	ms, answers, err := parsePDQPeer(string(text))
	ruler.Check(err)
	out["peer_ms"] = min(out["peer_ms"], ms)
	for _, a := range answers {
		out["same"] = min(out["same"], yes(a == ours))
	}
}

// parsePDQPeer reads a line of milliseconds, quality and hashes for each run. It returns the
// shortest time, and the answers without times.
func parsePDQPeer(text string) (shortest float64, answers []string, err error) {
	shortest = math.Inf(1)
	for line := range strings.Lines(text) {
		ms, answer, ok := strings.Cut(strings.TrimSpace(line), " ")
		took, err := strconv.ParseFloat(ms, 64)
		if !ok || err != nil || !(took > 0) {
			return 0, nil, fmt.Errorf("%w: got %.80q, want milliseconds, quality and hashes", errPeer, line)
		}
		shortest, answers = min(shortest, took), append(answers, answer)
	}
	if len(answers) == 0 {
		return 0, nil, fmt.Errorf("%w: no answer", errPeer)
	}
	return shortest, answers, nil
}
