package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/decoders"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify/registry"
)

// decoding measures what pictures of the formats cost that are decoded in a process of their own.
func decoding() *ruler.Experiment {
	width := 4000
	return &ruler.Experiment{
		Name: "decoding", Short: "What HEIC, AVIF and JPEG XL cost, beside the same picture as JPEG", Plain: true,
		Long: `Write one invented picture in each format, and let the command hash, submit and issue it. Needs heif-enc,
avifenc and cjxl (4:2:0 as phones write it, JPEG XL as it comes); a format without its program is left out. "hash" is the processor time of hashing alone, nearly all of it
decoding; "submit to copy" is the processor time of submitting and issuing, and "one process" the same by a
service, which decodes once. Memory is the largest sum of all
processes, sampled every 5 ms; pages that processes share count in each.`,
		Flags: func(fs *pflag.FlagSet) {
			fs.IntVar(&width, "width", width, "of the picture, `pixels`; its height is 3/4")
		},
		Cases: func(_ context.Context, env *ruler.Env) ([]ruler.Case, error) {
			return []ruler.Case{func(ctx context.Context, emit func(ruler.Trial)) { decodeAll(ctx, env, width, emit) }}, nil
		},
		Tables: []ruler.Table{{Name: "formats", By: []string{"format"}, Columns: []ruler.Column{
			ruler.Means("MB of the file", "file_mb", 1), ruler.Means("hash, s", "hash_s", 2), ruler.Means("hash, MB", "hash_mb", 0),
			ruler.Means("submit to copy, s", "copy_s", 2), ruler.Means("copy, MB", "copy_mb", 0), ruler.Means("one process, s", "service_s", 2), ruler.Means("bar, s", "bar_s", 2),
		}}},
	}
}

// decodedFormats are the formats with the programs that write them. The first is what the others are
// compared with.
var decodedFormats = []struct {
	name, program string
	args          []string // before the names of the input and, last, the output
	output        string   // the flag before the output; "": none
}{
	{name: "jpeg"},
	{"heic", "heif-enc", []string{"-q", "60"}, "-o"},
	{"avif", "avifenc", []string{"-s", "8", "-y", "420", "--min", "20", "--max", "30"}, ""},
	{"jxl", "cjxl", []string{"-d", "1.5", "-e", "4"}, ""},
}

// maxOverJPEG is the bar: submit to copy may take the decoding, and this many times what the JPEG takes.
const maxOverJPEG = 1.2

func decodeAll(ctx context.Context, env *ruler.Env, width int, emit func(ruler.Trial)) {
	tmp := ruler.Must(os.MkdirTemp("", "kycmark-bench-"))
	defer os.RemoveAll(tmp)
	program := buildCommand(ctx, tmp)
	page := specimen.Render(specimen.Passport, specimen.NewPerson(1), width)
	photo := specimen.Photograph(page, 1, width, width*3/4)
	in := filepath.Join(tmp, "in.png")
	ruler.Check(os.WriteFile(in, asPNG(photo), 0o600))
	jpeg := 0.0 // s of its submit to copy
	for _, f := range decodedFormats {
		file := filepath.Join(tmp, "photo."+f.name)
		if f.program == "" {
			ruler.Check(os.WriteFile(file, asJPEG(photo), 0o600))
		} else {
			args := append(append([]string{}, f.args...), in)
			if f.output != "" {
				args = append(args, f.output)
			}
			out, err := exec.CommandContext(ctx, f.program, append(args, file)...).CombinedOutput()
			if errors.Is(err, exec.ErrNotFound) {
				continue
			}
			if err != nil {
				ruler.Failf("%s: %w: %s", f.program, err, out)
			}
		}
		home := filepath.Join(tmp, f.name)
		measured(ctx, program, "init", home)
		measured(ctx, program, "--home", home, "recipient", "add", "vendor", "--kind", "vendor")
		hash, hashPeak := measured(ctx, program, "hash", file)
		submit, peak1 := measured(ctx, program, "--home", home, "submit", file)
		issue, peak2 := measured(ctx, program, "--home", home, "issue", "--to", "vendor", "--all", "--out", home+"-copies")
		if f.name == "jpeg" {
			jpeg = (submit + issue).Seconds()
		}
		service := inOneProcess(ctx, env, ruler.Must(os.ReadFile(file)))
		emit(ruler.Trial{Labels: map[string]string{"format": f.name}, Values: map[string]float64{
			"file_mb": float64(ruler.Must(os.Stat(file)).Size()) / 1e6, "hash_s": hash.Seconds(), "hash_mb": float64(hashPeak) / 1e6,
			"copy_s": (submit + issue).Seconds(), "service_s": service.Seconds(), "copy_mb": float64(max(peak1, peak2)) / 1e6, "bar_s": hash.Seconds() + maxOverJPEG*jpeg,
		}})
	}
}

// inOneProcess returns the processor time of submitting a file and issuing its copy, in this process and
// the processes that it starts.
func inOneProcess(ctx context.Context, env *ruler.Env, file []byte) time.Duration {
	var r memoryRegistry
	r.open(ctx, env, 1)
	decoder := decoders.New()
	issuer := ruler.Must(registry.NewIssuer(registry.Config{Registry: r.Registry, Key: env.Key, SealKey: r.cfg.SealKey,
		Readers: registry.Readers{Decode: decoder.Decode}}))
	start := processTime() + childrenTime()
	sub, _, err := issuer.Submit(ctx, bytes.NewReader(file), "", time.Time{})
	ruler.Check(err)
	ruler.Must(issuer.Issue(ctx, io.Discard, sub.ID, r.recipients[0], "request"))
	decoder.Close()
	return processTime() + childrenTime() - start
}

// measured runs a program. It returns the processor time and the largest memory, bytes, of the program and
// the processes that it started, together.
func measured(ctx context.Context, program string, args ...string) (cpu time.Duration, peak int64) {
	cmd := exec.CommandContext(ctx, program, args...)
	ruler.Check(cmd.Start())
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for tick := time.NewTicker(5 * time.Millisecond); ; {
		select {
		case err := <-done:
			tick.Stop()
			if err != nil {
				ruler.Failf("%s %v: %w", program, args, err)
			}
			return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), peak
		case <-tick.C:
			peak = max(peak, treeBytes(cmd.Process.Pid, 0))
		}
	}
}

// buildCommand builds the command kycmark in a folder, and returns its path.
func buildCommand(ctx context.Context, dir string) string {
	program := filepath.Join(dir, "kycmark")
	if out, err := exec.CommandContext(ctx, "go", "build", "-C", costRoot, "-o", program, "./cmd/kycmark").CombinedOutput(); err != nil {
		ruler.Failf("build of kycmark: %w: %s", err, out)
	}
	return program
}
