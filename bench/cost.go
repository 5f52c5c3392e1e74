package main

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"github.com/kycmark/kycmark/bench/ruler"
)

// A countedStep is a function of the product.
type countedStep struct{ what, pkg, function string }

// countedSteps are what jobs are measured by. Rename a step here when its function is renamed.
var countedSteps = []countedStep{
	{"files decoded", "internal/picture", "Decode"},
	{"originals opened", "verify/internal/engine", "Engine.Original"},
	{"whole-picture hashes", "phash", "SumTurned"},
	{"features of uploads", "phash/parts", "Extract"},
	{"features of leaks", "phash/parts", "Examine"},
	{"registrations", "internal/register", "Original.Find"},
	{"comparisons of captures", "internal/capture", "Sight.Verdict"},
	{"tracers", "watermark", "NewTracerOn"},
	{"traces", "watermark", "Tracer.TraceLaid"},
	{"blind searches", "internal/mark/blind", "search"},
	{"shift searches", "internal/mark/blind", "Keys.findShift"},
	{"messages decoded", "internal/mark/blind", "reader.decode"},
	{"SSIM", "internal/quality", "SSIMGray"},
	{"Fourier transforms", "internal/dsp", "FFT2.ForwardLow"},
	{"inverse transforms", "internal/dsp", "FFT2.InverseTo"},
	{"lines transformed", "internal/dsp", "fft.run"},
}

// costModule is the module whose functions are counted, and where it lies beside the bench.
const (
	costModule = "github.com/kycmark/kycmark"
	costRoot   = ".."
)

// cost counts the steps of jobs: how often each of countedSteps runs, from the coverage counters of
// a program built for it. Two runs count the same. There is one trial per job and step, and one for
// the megabytes allocated, which differ by a few.
func cost() *ruler.Experiment {
	return &ruler.Experiment{
		Name: "cost", Short: "How many steps submitting, issuing and investigating take", Plain: true,
		Long: `Build bench/cost with coverage counters, let it submit, issue and investigate shipped
pictures, and print how often the costly steps ran. Counts repeat exactly. They are held
against results/cost.jsonl by TestCost; if a change is meant to change them, renew them:

  go -C bench run . cost --results results/cost.jsonl`,
		Cases: func(context.Context, *ruler.Env) ([]ruler.Case, error) {
			return []ruler.Case{countSteps}, nil
		},
		Tables: []ruler.Table{{
			Name: "cost", By: []string{"step"}, Columns: []ruler.Column{
				jobColumn("submit"), jobColumn("issue"), jobColumn("investigate a copy"), jobColumn("investigate an unmarked upload"), jobColumn("investigate a stranger"),
			},
		}},
	}
}

// jobColumn returns the column of a job: how often each step ran in it.
func jobColumn(job string) ruler.Column { return ruler.Sums(job, "count").When(ruler.Is("job", job)) }

// countSteps builds and runs the program, and reads its counters.
func countSteps(ctx context.Context, emit func(ruler.Trial)) {
	dir := ruler.Must(os.MkdirTemp("", "kycmark-bench-"))
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "cost")
	counted := []string{costModule + "/bench/cost"} // not all packages: each counter takes time
	for _, s := range countedSteps {
		counted = append(counted, path.Join(costModule, s.pkg))
	}
	build := exec.CommandContext(ctx, "go", "build", "-cover", "-covermode=atomic", "-coverpkg="+strings.Join(counted, ","), "-o", program, "./cost")
	if out, err := build.CombinedOutput(); err != nil {
		ruler.Failf("build of cost: %w: %s", err, out)
	}
	run := exec.CommandContext(ctx, program, dir)
	run.Env = append(os.Environ(), "GOCOVERDIR="+dir, "GOGC=off")
	run.Stderr = os.Stderr
	jobs, err := run.Output()
	if err != nil {
		ruler.Failf("cost: %w", err)
	}
	for line := range strings.Lines(string(jobs)) {
		var allocated float64
		if _, err := fmt.Sscan(line, &allocated); err != nil {
			ruler.Failf("cost: got %q, want bytes and a job: %w", line, err)
		}
		_, job, _ := strings.Cut(strings.TrimSpace(line), " ")
		blocks := readCounters(ctx, filepath.Join(dir, job))
		for _, s := range countedSteps {
			emit(ruler.Trial{Labels: map[string]string{"job": job, "step": s.what}, Values: map[string]float64{"count": s.count(blocks)}})
		}
		emit(ruler.Trial{Labels: map[string]string{"job": job, "step": "MB allocated"}, Values: map[string]float64{"count": math.Round(allocated / 1e6)}})
	}
}

// A block is a piece of a file that runs without branches, and how often it ran.
type block struct{ line, column, runs int }

// readCounters returns the blocks of every file, by the file's import path.
func readCounters(ctx context.Context, dir string) map[string][]block {
	profile := dir + ".txt"
	if out, err := exec.CommandContext(ctx, "go", "tool", "covdata", "textfmt", "-i="+dir, "-o="+profile).CombinedOutput(); err != nil {
		ruler.Failf("covdata: %w: %s", err, out)
	}
	blocks := map[string][]block{}
	for line := range strings.Lines(string(ruler.Must(os.ReadFile(profile)))) {
		file, at, ok := strings.Cut(line, ".go:")
		if !ok {
			continue // the mode
		}
		var b block
		var skip int
		if _, err := fmt.Sscanf(at, "%d.%d,%d.%d %d %d", &b.line, &b.column, &skip, &skip, &skip, &b.runs); err != nil {
			ruler.Failf("%s: %w", line, err)
		}
		blocks[file+".go"] = append(blocks[file+".go"], b)
	}
	return blocks
}

// count returns how often a step's function was entered: the runs of its first block.
func (s countedStep) count(blocks map[string][]block) float64 {
	files := ruler.Must(filepath.Glob(filepath.Join(costRoot, s.pkg, "*.go")))
	for _, file := range files {
		fset := token.NewFileSet()
		parsed := ruler.Must(parser.ParseFile(fset, file, nil, parser.SkipObjectResolution))
		for _, d := range parsed.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || functionName(f) != s.function {
				continue
			}
			from, to := fset.Position(f.Body.Pos()), fset.Position(f.Body.End())
			first := block{line: to.Line + 1}
			for _, b := range blocks[path.Join(costModule, s.pkg, filepath.Base(file))] {
				if b.line >= from.Line && (b.line < first.line || b.line == first.line && b.column < first.column) {
					first = b
				}
			}
			if first.line <= to.Line {
				return float64(first.runs)
			}
		}
	}
	ruler.Failf("cost: %s has no function %s that is counted: name its replacement in countedSteps", s.pkg, s.function)
	return 0
}

// functionName returns a function's name, after its receiver's type if there is one.
func functionName(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	of := f.Recv.List[0].Type
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	if name, ok := of.(*ast.Ident); ok {
		return name.Name + "." + f.Name.Name
	}
	return f.Name.Name
}
