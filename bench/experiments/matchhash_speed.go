package experiments

import (
	"cmp"
	"context"
	"fmt"
	"image"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/kycmark/kycmark/internal/specimen"
	"github.com/kycmark/kycmark/phash"
)

// PDQSpeed is what PDQ costs on a decoded picture, and what it costs the peer.
type PDQSpeed struct {
	Go     string         `json:"go"` // version, system and processor
	Width  int            `json:"width"`
	Height int            `json:"height"`
	Runs   int            `json:"runs"` // of each step and side; the shortest counts
	Steps  []PDQSpeedStep `json:"steps"`
}

// PDQSpeedStep is one way to hash it.
type PDQSpeedStep struct {
	Name  string `json:"name"`
	MS    Number `json:"ms"`
	Peer  Number `json:"peer_ms"` // NaN where the peer has no such thing
	Ratio Number `json:"ratio"`
	Same  bool   `json:"same"` // the same hashes and quality
}

// A pdqStep is run here and, by the argument, there.
type pdqStep struct {
	name, argument string
	peer           bool
	run            func(image.Image) ([]phash.Hash, int, error)
}

var pdqSteps = []pdqStep{
	{"Sum(PDQ): 512 × 512 nearest pixels", "step", true, func(m image.Image) ([]phash.Hash, int, error) {
		h, q, err := phash.Sum(phash.PDQ, m)
		return []phash.Hash{h}, q, err
	}},
	{"SumFull: every pixel", "full", true, func(m image.Image) ([]phash.Hash, int, error) {
		h, q, err := phash.SumFull(m)
		return []phash.Hash{h}, q, err
	}},
	{"SumDihedral(PDQ): the reference's eight", "dihedral", true, func(m image.Image) ([]phash.Hash, int, error) {
		all, q, err := phash.SumDihedral(phash.PDQ, m)
		return all[:], q, err
	}},
	{"SumTurned(PDQ): the eight of the turned pixels", "", false, func(m image.Image) ([]phash.Hash, int, error) {
		all, q, err := phash.SumTurned(phash.PDQ, m)
		return all[:], q, err
	}},
	{"SumTurned(Area): the eight of the turned pixels", "", false, func(m image.Image) ([]phash.Hash, int, error) {
		all, q, err := phash.SumTurned(phash.Area, m)
		return all[:], q, err
	}},
}

// speedRounds is in how many turns the runs of both sides are made, so that what else
// the machine does meets both.
const speedRounds = 3

// pdqSpeed times both sides on the same pixels, in turns.
func pdqSpeed(ctx context.Context, opt *MatchHashOptions) (*PDQSpeed, error) {
	m := opt.SpeedPicture
	if m == nil {
		m = specimen.Landscape(opt.Seed, 4000, 3000)
	}
	dir, err := os.MkdirTemp("", "kycmark-bench-")
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "picture.ppm")
	if err := writePPM(file, m); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	runs := max(1, cmp.Or(opt.SpeedRuns, 15)/speedRounds)
	s := &PDQSpeed{
		Go:    fmt.Sprintf("%s %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH),
		Width: m.Rect.Dx(), Height: m.Rect.Dy(), Runs: runs * speedRounds,
	}
	for _, step := range pdqSteps {
		t := PDQSpeedStep{Name: step.name, MS: Number(math.Inf(1)), Peer: Number(math.Inf(1))}
		for range speedRounds {
			if err := t.round(ctx, step, m, opt.Peer, file, runs); err != nil {
				return nil, err
			}
		}
		if !step.peer {
			t.Peer = Number(math.NaN())
		}
		t.Ratio = t.MS / t.Peer
		s.Steps = append(s.Steps, t)
	}
	return s, nil
}

// round times some runs of both.
func (t *PDQSpeedStep) round(ctx context.Context, step pdqStep, m image.Image, peer, file string, runs int) error {
	var words []string
	for range runs {
		if ctx.Err() != nil {
			return stopped(ctx)
		}
		start := time.Now()
		hashes, quality, err := step.run(m)
		if err != nil {
			return fmt.Errorf("bench: %w", err)
		}
		t.MS = min(t.MS, Number(time.Since(start).Seconds()*1000))
		words = []string{strconv.Itoa(quality)}
		for _, h := range hashes {
			words = append(words, h.Hex())
		}
	}
	if !step.peer {
		return nil
	}
	out, err := exec.CommandContext(ctx, peer, file, strconv.Itoa(runs), step.argument).Output()
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrMatchHash, peer, err)
	}
	answers, err := parsePDQPeer(string(out))
	if err != nil {
		return err
	}
	t.Same = true
	for _, a := range answers {
		t.Peer = min(t.Peer, Number(a.ms))
		t.Same = t.Same && a.words == strings.Join(words, " ")
	}
	return nil
}

// A pdqAnswer is one run of the peer.
type pdqAnswer struct {
	ms    float64
	words string // quality and hashes
}

// parsePDQPeer reads lines of milliseconds, quality and hashes.
func parsePDQPeer(out string) (answers []pdqAnswer, err error) {
	for line := range strings.Lines(out) {
		ms, words, ok := strings.Cut(strings.TrimSpace(line), " ")
		took, err := strconv.ParseFloat(ms, 64)
		if !ok || err != nil || !(took > 0) {
			return nil, fmt.Errorf("%w: the peer answers %.80q", ErrMatchHash, line)
		}
		answers = append(answers, pdqAnswer{took, words})
	}
	if len(answers) == 0 {
		return nil, fmt.Errorf("%w: the peer answers nothing", ErrMatchHash)
	}
	return answers, nil
}
