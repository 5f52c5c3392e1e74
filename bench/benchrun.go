package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/bench/experiments"
	"github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/testdata"
)

// benchFlags are common to all measurements.
type benchFlags struct {
	pictures []string
	attacks  []string
	key, out string
	force    bool
	cfg      experiments.Config
}

func (f *benchFlags) command(name, short, long, example string) *cobra.Command {
	cmd := &cobra.Command{Use: name, Short: short, Long: long, Example: example, Args: cobra.NoArgs}
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if f.cfg.Workers < 0 || f.cfg.MaxSide < 0 { // without workers nothing would be measured, and printed as zeros
			return usagef("--workers and --max-side take 0 or more")
		}
		return nil
	}
	fs := cmd.Flags()
	fs.StringSliceVar(&f.pictures, "pictures", nil, "`folders` or files to measure on (default: the shipped pictures)")
	fs.StringVarP(&f.out, "out", "o", "", "write the Markdown table to this `file`, too")
	fs.BoolVar(&f.force, "force", false, "overwrite the table if it exists")
	fs.StringVarP(&f.key, "key", "k", "", "mark key `file` (default: a key made from the seed)")
	fs.Uint64Var(&f.cfg.Seed, "seed", 0, "repeats a measurement; another one draws other IDs and attacks")
	fs.IntVar(&f.cfg.MaxSide, "max-side", 0, "first shrink the pictures to this many `pixels`")
	fs.IntVar(&f.cfg.Workers, "workers", 0, "`number` of pictures at a time (default: one a processor)")
	return cmd
}

func (f *benchFlags) attackFlag(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&f.attacks, "attacks", nil, "`names` or groups of attacks (default: all)")
}

// measured is what a measurement gives to print.
type measured struct {
	report   interface{ Markdown() string }
	failures []experiments.Failure
	no       bool // a bar was missed
}

// checkOutputs looks whether tables and plots can be written, those that have a name.
func (f *benchFlags) checkOutputs(paths ...string) error {
	paths = slices.DeleteFunc(paths, func(p string) bool { return p == "" })
	if len(paths) == 0 {
		return nil
	}
	inputs, err := experiments.Find(f.pictures...)
	if err != nil && len(f.pictures) > 0 {
		return err
	}
	for _, path := range paths {
		if err := checkOutput(path, f.force, append(inputs, f.key)...); err != nil {
			return err
		}
	}
	return nil
}

// prepare checks the output file and reads the key.
func (u *ui) prepare(f *benchFlags) error {
	if err := f.checkOutputs(f.out); err != nil {
		return err
	}
	var err error
	f.cfg.Key, err = readKey(f.key)
	return err
}

func (u *ui) bench(ctx context.Context, f *benchFlags, measure func(context.Context, experiments.Config) (measured, error)) error {
	if err := u.prepare(f); err != nil {
		return err
	}
	if len(f.pictures) == 0 {
		dir, err := os.MkdirTemp("", "kycmark-bench-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		if err := os.CopyFS(dir, testdata.Pictures); err != nil {
			return err
		}
		f.pictures = []string{filepath.Join(dir, "pictures")}
	}
	var err error
	if f.cfg.Pictures, err = experiments.Find(f.pictures...); err != nil {
		return err
	}
	show, done := u.progressOf(ctx, "measuring")
	defer done()
	f.cfg.Attacks, f.cfg.Progress = f.attacks, show
	m, err := measure(ctx, f.cfg)
	done()
	if errors.Is(err, experiments.ErrBar) || errors.Is(err, attack.ErrUnknown) {
		return &usageError{err}
	}
	if err != nil {
		return err
	}
	return u.measured(m, f)
}

func (u *ui) measured(m measured, f *benchFlags) error {
	for _, failure := range m.failures {
		what := failure.File
		if failure.Attack != "" {
			what += " under " + failure.Attack
		}
		u.fail(what, errors.New(failure.Error))
	}
	if m.no {
		u.no()
	}
	table := m.report.Markdown()
	if f.out != "" {
		if err := writeOutput(f.out, []byte(table), f.force); err != nil {
			return err
		}
	}
	u.printf("%s", table)
	return u.line(m.report)
}

func parseBars(text map[string]string) (map[string]float64, error) {
	bars := map[string]float64{}
	for group, rate := range text {
		r, err := strconv.ParseFloat(rate, 64)
		if err != nil {
			return nil, usagef("--bar: %s is not a rate from 0 to 1", rate)
		}
		bars[group] = r
	}
	return bars, nil
}
