package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/durable"
	"github.com/kycmark/kycmark/internal/keyfile"
	"github.com/kycmark/kycmark/testdata"
)

// all is every experiment, in the order of the help.
func all() []*ruler.Experiment {
	e := newEngine()
	return []*ruler.Experiment{
		robustness(e), readListed(e), survival(e), falsePositives(e), security(e), trace(newTraceEngine(e)), visible(e), speed(e),
		independent(e), verdict(), verdictRecord(), verdictCoalition(),
		matchSearch(), matchLookalikes(), matchRecall(), machineReading(e),
		altered(),
	}
}

// runFlags are common to all experiments.
type runFlags struct {
	pictures      []string
	key           string
	results, name string
	plots         string
	env           ruler.Env
}

// newExperiment makes the verb of an experiment.
func newExperiment(u *ui, x *ruler.Experiment) *cobra.Command {
	var f runFlags
	verb := x.Name[strings.LastIndexByte(x.Name, ' ')+1:] // of "match search" the last word
	cmd := &cobra.Command{Use: verb, Short: x.Short, Long: x.Long, Args: cobra.NoArgs}
	fs := cmd.Flags()
	if !x.Plain {
		fs.StringSliceVar(&f.pictures, "pictures", nil, "`folders` or files to measure on (default: the shipped pictures)")
		fs.IntVar(&f.env.MaxSide, "max-side", 0, "first shrink the pictures to this many `pixels`")
		fs.StringSliceVar(&f.env.AttackNames, "attacks", nil, "`names` or groups of attacks (default: all but the group hard)")
		fs.StringVarP(&f.key, "key", "k", "", "mark key `file` (default: a key made from the seed)")
	}
	fs.Uint64Var(&f.env.Seed, "seed", 0, "repeats a measurement; another seed draws other IDs and attacks")
	fs.IntVar(&f.env.Workers, "workers", 0, "`number` of cases at a time (default: one a processor)")
	fs.StringVar(&f.results, "results", "", "keep the trials in this `file`, which may hold other runs; a run that was cut goes on")
	fs.StringVar(&f.name, "run", "", "`name` of the run in the results file (default: shipped, or with --pictures own)")
	fs.StringVar(&f.plots, "plots", "", "draw the experiment's plots into this `folder`")
	if x.Flags != nil {
		x.Flags(fs)
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		u.started = true
		if f.env.Workers < 0 || f.env.MaxSide < 0 {
			return usagef("--workers and --max-side take 0 or more")
		}
		return u.measure(cmd.Context(), x, &f)
	}
	return cmd
}

// measure runs an experiment, keeps its trials, and prints its tables.
func (u *ui) measure(ctx context.Context, x *ruler.Experiment, f *runFlags) error {
	var err error
	if f.key != "" {
		if f.env.Key, err = keyfile.ReadMark(f.key); err != nil {
			return err
		}
	}
	if !x.Plain {
		done, err := f.findPictures()
		if err != nil {
			return err
		}
		defer done()
	}
	var kept ruler.Results
	part := ""
	if f.results != "" {
		part = f.results + ".part"
		if kept, err = ruler.ReadResults(f.results); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	name := "shipped"
	if f.env.Own {
		name = "own"
	}
	run := ruler.Run{Name: cmp.Or(f.name, name), Command: u.command(), Commit: commit(ctx), Go: runtime.Version()}
	if run, err = x.Run(ctx, &f.env, run, part, u.progress()); err != nil {
		return err
	}
	if f.results != "" {
		if err := kept.With(run).Write(f.results); err != nil {
			return err
		}
		if err := os.Remove(part); err != nil {
			return err
		}
	}
	if x.Done != nil {
		if err := x.Done(run.Trials); err != nil {
			return err
		}
	}
	return u.report(x, run.Trials, f.plots)
}

// command is the command line as it is written into results: without what changes no trial.
func (u *ui) command() string {
	var out []string
	for i := 0; i < len(u.args); i++ {
		name, _, joined := strings.Cut(u.args[i], "=")
		switch name {
		case "--workers", "--results", "--run", "--plots":
			if !joined {
				i++
			}
		case "--json":
		default:
			out = append(out, u.args[i])
		}
	}
	return "kycmark-bench " + strings.Join(out, " ")
}

// commit says which code measures; "" where git cannot say.
func commit(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty", "--abbrev=12").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// findPictures lists the pictures, the shipped ones by default. Call done at the end.
func (f *runFlags) findPictures() (done func(), err error) {
	done = func() {}
	if f.env.Own = len(f.pictures) > 0; f.env.Own {
		f.env.Pictures, err = ruler.Find(f.pictures...)
		return done, err
	}
	dir, err := os.MkdirTemp("", "kycmark-bench-")
	if err != nil {
		return done, err
	}
	if err = os.CopyFS(dir, testdata.Pictures); err == nil {
		f.env.Pictures, err = ruler.Find(filepath.Join(dir, "pictures"))
	}
	return func() { os.RemoveAll(dir) }, err
}

// report prints what failed, the tables or with --json the trials, and the bars missed.
func (u *ui) report(x *ruler.Experiment, trials []ruler.Trial, plots string) error {
	for i := range trials {
		if err := u.line(&trials[i]); err != nil {
			return err
		}
		if trials[i].Error != "" {
			u.fail(subject(&trials[i]), trials[i].Error)
		}
	}
	for i := range x.Tables {
		if x.Tables[i].Doc || u.json {
			continue
		}
		if table := x.Tables[i].Markdown(trials); table != "" {
			if x.Tables[i].Title != "" {
				u.printf("%s\n\n", x.Tables[i].Title)
			}
			u.printf("%s\n", table)
		}
	}
	for i := range x.Plots {
		if plots == "" {
			break
		}
		svg, err := x.Plots[i].SVG(trials)
		if err == nil {
			err = durable.WriteFile(filepath.Join(plots, x.Plots[i].Name+".svg"), svg, 0o600, true)
		}
		if err != nil {
			return err
		}
	}
	if x.Missed != nil {
		for _, m := range x.Missed(trials) {
			u.no("missed: %s", m)
		}
	}
	return nil
}

// subject names what a trial is about in an error: its picture, and what was done to it.
func subject(t *ruler.Trial) string {
	for _, label := range []string{"attack", "attempt", "step"} {
		if v := t.Labels[label]; v != "" {
			return fmt.Sprintf("%s under %s", t.Labels["picture"], v)
		}
	}
	return t.Labels["picture"]
}

// newTables is the verb that fills the tables of documents.
func newTables(u *ui) *cobra.Command {
	var root string
	var check bool
	cmd := &cobra.Command{
		Use: "tables", Short: "Fill the tables of the documents from bench/results", Args: cobra.NoArgs,
		Long: `Rewrite every region "<!-- table FILE NAME LABEL=VALUE... -->" of the README and of docs/
from the results files. With --check nothing is written, and a stale table is exit 1.`,
	}
	cmd.Flags().StringVar(&root, "root", "..", "the `folder` of the repository")
	cmd.Flags().BoolVar(&check, "check", false, "only say which documents are stale")
	cmd.RunE = func(*cobra.Command, []string) error {
		u.started = true
		stale, err := fillTables(root, !check)
		for _, path := range stale {
			if check {
				u.no("%s: a table is not what the results give; run kycmark-bench tables", path)
			} else {
				u.printf("%s\n", path)
			}
		}
		return err
	}
	return cmd
}

// fillTables fills the tables of all documents and returns the documents that changed, or
// that would.
func fillTables(root string, write bool) (stale []string, err error) {
	d := ruler.Documents{Results: filepath.Join(root, "bench", "results"), Experiments: all()}
	paths, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		return nil, err
	}
	for _, path := range append(paths, filepath.Join(root, "README.md"), filepath.Join(root, "bench", "README.md")) {
		changed, err := d.FillFile(path, write)
		if err != nil {
			return stale, err
		}
		if changed {
			stale = append(stale, path)
		}
	}
	return stale, nil
}
