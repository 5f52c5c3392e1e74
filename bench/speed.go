package main

import (
	"bytes"
	"context"
	"fmt"
	"image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/ruler"
)

// speedRuns is how often each work is done. The shortest run counts: on a busy machine it is the truest.
const speedRuns = 3

// works are runs of kycmark in a folder that has upload.jpg, with their exit codes. Those without a name are not timed.
var works = []struct {
	name string
	code int
	args string
}{
	{"", 0, "keygen --out mark.key"},
	{"mark", 0, "mark --key mark.key --copy 00000000000004d2 upload.jpg marked.jpg"},
	{"detect, found", 0, "detect --key mark.key marked.jpg"},
	{"detect, nothing found", 1, "detect --key mark.key upload.jpg"},
	{"trace of two copies", 0, "trace --key mark.key --original upload.jpg --copies 00000000000004d2,00000000000004d3 marked.jpg"},
	{"", 0, "init home"},
	{"", 0, "recipient add vendor-a --kind vendor --home home"},
	{"submit", 0, "submit --home home upload.jpg"},
	{"issue", 0, "issue --home home --to vendor-a --all --out copies"},
	{"investigate", 0, "investigate --home home copies"},
}

// A racer runs one kycmark in a folder and returns its processor time, ms. An exit code other than code is an error.
type racer func(ctx context.Context, dir string, code int, args ...string) (float64, error)

// speed times the command, one picture and one work at a time.
func speed(e *engine) *ruler.Experiment {
	var against string
	return &ruler.Experiment{
		Name:  "speed",
		Short: "What the command costs, beside image/jpeg and another commit",
		Long: `Build kycmark and time its verbs on each picture, as JPEG: processor time, on one processor. The
yardstick is image/jpeg's decoding and encoding of the same file. Another commit works in turns.`,
		Flags: func(fs *pflag.FlagSet) { fs.StringVar(&against, "against", "", "`commit` to compare with") },
		Cases: func(_ context.Context, env *ruler.Env) ([]ruler.Case, error) {
			return ruler.Cases(1, func(ctx context.Context, _ int, emit func(ruler.Trial)) {
				dir := ruler.Must(os.MkdirTemp("", "kycmark-bench-"))
				defer os.RemoveAll(dir)
				racers := e.racers(ctx, dir, against)
				for _, path := range env.Pictures {
					race(ctx, env, path, racers, emit)
				}
			}), nil
		},
		Tables: []ruler.Table{{Name: "works", By: []string{"step"}, Columns: []ruler.Column{
			ruler.Means("ms", "ms", 0), ruler.Quotient("times decode + encode", "ms", "jpeg_ms", 2),
			ruler.Quotient("the other commit", "against_ms", "jpeg_ms", 2), ruler.Quotient("share of its time", "ms", "against_ms", 2),
		}}},
	}
}

// race emits a trial of each work on one picture: the times of this commit and, if there is one, of the other.
func race(ctx context.Context, env *ruler.Env, path string, racers []racer, emit func(ruler.Trial)) {
	file := encoded(ruler.Must(env.Load(path)).Image, "jpeg", 90)
	yardstick := shortest(speedRuns, func() {
		ruler.Check(jpeg.Encode(new(bytes.Buffer), ruler.Must(jpeg.Decode(bytes.NewReader(file))), &jpeg.Options{Quality: 90}))
	})
	trials := make([]ruler.Trial, len(works))
	for i, w := range works {
		trials[i].Labels = map[string]string{"picture": ruler.Name(path), "step": w.name}
		trials[i].Values = map[string]float64{"jpeg_ms": yardstick}
	}
	for range speedRuns {
		for k, run := range racers {
			value := [...]string{"ms", "against_ms"}[k]
			dir := ruler.Must(os.MkdirTemp("", "kycmark-bench-"))
			defer os.RemoveAll(dir)
			ruler.Check(os.WriteFile(filepath.Join(dir, "upload.jpg"), file, 0o600))
			for i, w := range works {
				took, err := run(ctx, dir, w.code, strings.Fields(w.args)...)
				ruler.Check(context.Cause(ctx))
				if best, again := trials[i].Values[value]; err != nil {
					trials[i].Error = err.Error()
				} else if !again || took < best {
					trials[i].Values[value] = took
				}
			}
		}
	}
	for i, t := range trials {
		if t.Error != "" || works[i].name != "" {
			emit(t)
		}
	}
}

// buildRacers builds kycmark in dir, of the working tree and of the commit against unless that is "".
func buildRacers(ctx context.Context, dir, against string) (racers []racer) {
	sources := []string{strings.TrimSpace(output(ctx, "git", "rev-parse", "--show-toplevel"))}
	if against != "" {
		commit := strings.TrimSpace(output(ctx, "git", "rev-parse", against))
		sources = append(sources, filepath.Join(dir, "source"))
		output(ctx, "git", "clone", "--quiet", "--shared", "--no-checkout", sources[0], sources[1])
		output(ctx, "git", "-C", sources[1], "checkout", "--quiet", commit)
	}
	for i, source := range sources {
		program := filepath.Join(dir, fmt.Sprintf("kycmark%d.exe", i))
		output(ctx, "go", "-C", source, "build", "-o", program, "./cmd/kycmark")
		racers = append(racers, func(ctx context.Context, dir string, code int, args ...string) (float64, error) {
			cmd := exec.CommandContext(ctx, program, args...)
			cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOMAXPROCS=1")
			out, err := cmd.CombinedOutput()
			if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
				return 0, fmt.Errorf("kycmark %s: %w, want exit code %d: %s", strings.Join(args, " "), err, code, out)
			}
			return (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds() * 1000, nil
		})
	}
	return racers
}

// output runs a program and returns what it prints. An error ends the case.
func output(ctx context.Context, name string, args ...string) string {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		ruler.Failf("%s %s: %w: %s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}
