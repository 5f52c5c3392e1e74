package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/ruler"
)

// killedAt is the share of the findings after which a run is killed.
const killedAt = 0.6

// backup measures an investigation of the backup of a phone: that every file is named, that a run that is
// killed goes on where it was, and the memory.
func backup() *ruler.Experiment {
	files, whole := 2000, false
	return &ruler.Experiment{
		Name: "backup", Short: "Whether every file of a phone's backup is named, within what memory", Plain: true,
		Long: `Make a folder of so many files: photos (most of them several times), screenshots, copies of our uploads, archives,
documents, e-mails, saved pages, TIFFs of two pages, videos, other files, and 3 % hostile ones. Let the command
investigate it with --state, kill it after 60 % of the findings, and start it again. "lost" are files without a
finding, "wrong" those with another finding than their kind allows. Memory is the largest of one process.`,
		Flags: func(fs *pflag.FlagSet) {
			fs.IntVar(&files, "files", files, "`number` of files")
			fs.BoolVar(&whole, "whole", false, "also investigate without being killed")
		},
		Cases: func(context.Context, *ruler.Env) ([]ruler.Case, error) {
			return []ruler.Case{func(ctx context.Context, emit func(ruler.Trial)) { investigateBackup(ctx, files, whole, emit) }}, nil
		},
		Tables: []ruler.Table{{Name: "runs", By: []string{"how"}, Columns: []ruler.Column{
			ruler.Sums("files", "files"), ruler.Sums("findings", "findings"), ruler.Sums("lost", "lost"), ruler.Sums("wrong", "wrong"),
			ruler.Means("CPU s", "cpu_s", 0), ruler.Means("peak MB", "peak_mb", 0),
		}}},
		Missed: func(trials []ruler.Trial) (out []string) {
			for _, t := range trials {
				if t.Values["lost"]+t.Values["wrong"] > 0 {
					out = append(out, fmt.Sprintf("%s: %g files lost, %g findings wrong: %s", t.Labels["how"], t.Values["lost"], t.Values["wrong"], t.Labels["first"]))
				}
			}
			return out
		},
	}
}

// A phone is a folder of files, and a home of the command with uploads.
type phone struct {
	program, dir, home string
	want               map[string][]string // findings that a file may have, by its name
	copies             []string            // files of copies that were issued
}

// investigateBackup makes the folder and runs the command on it.
func investigateBackup(ctx context.Context, files int, whole bool, emit func(ruler.Trial)) {
	tmp := ruler.Must(os.MkdirTemp("", "kycmark-bench-"))
	defer os.RemoveAll(tmp)
	p := &phone{buildCommand(ctx, tmp), filepath.Join(tmp, "phone"), filepath.Join(tmp, "home"), map[string][]string{}, nil}
	p.issue(ctx, filepath.Join(tmp, "uploads"))
	p.fill(files)
	state := filepath.Join(tmp, "state")
	emit(p.run(ctx, "killed at 60 %", int(killedAt*float64(files)), "--state", state))
	emit(p.run(ctx, "resumed", 0, "--state", state, "--findings", filepath.Join(tmp, "findings.json")))
	if whole {
		emit(p.run(ctx, "not killed", 0, "--findings", filepath.Join(tmp, "whole.json")))
	}
}

// run investigates the folder. If limit is not 0, the command is killed after that many findings.
func (p *phone) run(ctx context.Context, name string, limit int, flags ...string) ruler.Trial {
	cmd := exec.CommandContext(ctx, p.program, append([]string{"--home", p.home, "investigate", "--json", p.dir}, flags...)...)
	out := ruler.Must(cmd.StdoutPipe())
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	ruler.Check(cmd.Start())
	found, lines := map[string][]string{}, 0
	for r := bufio.NewReader(out); ; {
		text, err := r.ReadBytes('\n')
		if err != nil {
			break
		}
		var line struct{ File, Finding string }
		ruler.Check(json.Unmarshal(text, &line))
		if line.File == "" { // the verdict
			continue
		}
		file, _, _ := strings.Cut(ruler.Must(filepath.Rel(p.dir, line.File)), "!")
		file, _, _ = strings.Cut(file, "#")
		found[file] = append(found[file], line.Finding)
		if lines++; lines == limit {
			ruler.Check(cmd.Process.Kill())
		}
	}
	cmd.Wait() // exit code 3, or killed
	t := ruler.Trial{Labels: map[string]string{"how": name}, Values: map[string]float64{
		"files": float64(len(p.want)), "findings": float64(lines),
		"cpu_s": (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), "peak_mb": float64(peakBytes(cmd.ProcessState)) / 1e6,
	}}
	if limit == 0 {
		p.judge(found, &t)
		if code := cmd.ProcessState.ExitCode(); code != 3 {
			ruler.Failf("%s: exit code %d, want 3: %s", name, code, stderr.String()[max(0, stderr.Len()-500):])
		}
	}
	return t
}

// judge counts the files without a finding, and with a finding that they may not have.
func (p *phone) judge(found map[string][]string, t *ruler.Trial) {
	for file, want := range p.want {
		switch got := found[file]; {
		case len(got) == 0:
			t.Values["lost"]++
		case !slices.ContainsFunc(got, func(f string) bool { return slices.Contains(want, f) }):
			t.Values["wrong"]++
		default:
			continue
		}
		t.Labels["first"] = file + ": " + strings.Join(found[file], ", ")
	}
}

// issue makes a home with the shipped pictures as uploads, and issues a copy of each.
func (p *phone) issue(ctx context.Context, uploads string) {
	run := func(args ...string) {
		if out, err := exec.CommandContext(ctx, p.program, args...).CombinedOutput(); err != nil {
			ruler.Failf("kycmark %s: %w: %s", strings.Join(args, " "), err, out)
		}
	}
	writeShipped(uploads)
	run("init", p.home)
	run("--home", p.home, "recipient", "add", "vendor", "--kind", "vendor")
	run("--home", p.home, "submit", "--subject-from", "name", uploads)
	run("--home", p.home, "issue", "--to", "vendor", "--all", "--out", filepath.Join(uploads, "copies"))
	p.copies = ruler.Must(filepath.Glob(filepath.Join(uploads, "copies", "*.jpg")))
}
