package main

import (
	"context"
	"image"
	"slices"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/bench/experiments"
)

func newBench(u *ui) *cobra.Command {
	root := only(&cobra.Command{
		Use:   "kycmark-bench",
		Short: "Measure the mark on a folder of pictures",
		Example: `  kycmark-bench robustness --pictures photos/ --attacks messenger,crop50 --out table.md
  kycmark-bench falsepositives --pictures photos/ --keys 4
  kycmark-bench security --copies 1000
  kycmark-bench trace --attacks thumbnail,capture
  kycmark-bench match --sizes 1M,10M
  kycmark-bench registry --sizes 1M
  kycmark-bench quality
  kycmark-bench speed --json`,
	}, newBenchFalsePositives(u), newBenchSecurity(u), newBenchTrace(u), newBenchVerdict(u), newBenchMatch(u), newBenchInvestigate(u), newBenchRegistry(u), newBenchQuality(u), newBenchSpeed(u))
	for _, x := range all() {
		root.AddCommand(newExperiment(u, x))
	}
	root.AddCommand(newTables(u))
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.HiddenDefaultCmd = true
	root.PersistentFlags().BoolVar(&u.json, "json", false, "JSON on stdout instead of tables")
	return root
}

func newBenchFalsePositives(u *ui) *cobra.Command {
	var f benchFlags
	var plot string
	cmd := f.command("falsepositives", "Whether marks are read where there are none", `Attack each picture unmarked, and marked under another key, and read it. Then make
cheap trials on the same pictures under random keys at random places, which show
how the statistics behind a reading are distributed. Exit 1 when any mark is found.`,
		`  kycmark-bench falsepositives --pictures photos/ --keys 4
  kycmark-bench falsepositives --pictures photos/ --attacks codec --trials 1000000 --plot null.svg`)
	f.attackFlag(cmd)
	cmd.Flags().IntVar(&f.cfg.Keys, "keys", 1, "`number` of keys to read with")
	cmd.Flags().IntVar(&f.cfg.Trials, "trials", 20000, "`number` of cheap trials; 0: none")
	cmd.Flags().StringVar(&plot, "plot", "", "draw the distributions of the cheap trials to this SVG `file`, too")
	cmd.RunE = u.verb(func(cmd *cobra.Command, _ []string) error {
		if f.cfg.Trials < 0 || plot != "" && f.cfg.Trials == 0 {
			return usagef("--trials: %d trials cannot be made or drawn", f.cfg.Trials)
		}
		if err := f.checkOutputs(plot); err != nil {
			return err
		}
		return u.bench(cmd.Context(), &f, func(ctx context.Context, cfg experiments.Config) (measured, error) {
			r, err := experiments.FalsePositives(ctx, cfg)
			if err != nil {
				return measured{}, err
			}
			if plot != "" {
				if err := writeOutput(plot, []byte(r.Null.SVG()), f.force); err != nil {
					return measured{}, err
				}
			}
			return measured{r, slices.Concat(r.Broken, r.Errors), len(r.Found) > 0}, nil
		})
	})
	return cmd
}

func newBenchQuality(u *ui) *cobra.Command {
	var f benchFlags
	var sheets string
	cmd := f.command("quality", "How visible the mark is", `Mark each picture and measure PSNR and SSIM, beside what JPEG 90 and 75 do to the
same pictures; and Butteraugli, where libjxl's butteraugli_main is on PATH.`,
		`  kycmark-bench quality --pictures photos/ --out quality.md --sheets sheets/`)
	cmd.Flags().StringVar(&sheets, "sheets", "", "write pictures of original, copy and difference to this `folder`, too")
	cmd.RunE = u.verb(func(cmd *cobra.Command, _ []string) error {
		if sheets != "" {
			f.cfg.Sheet = func(file string, sheet *image.NRGBA) error { return writeSheet(sheets, file, sheet, f.force) }
		}
		return u.bench(cmd.Context(), &f, func(ctx context.Context, cfg experiments.Config) (measured, error) {
			r, err := experiments.Quality(ctx, cfg)
			if err != nil {
				return measured{}, err
			}
			return measured{r, r.Broken, false}, nil
		})
	})
	return cmd
}

func newBenchSpeed(u *ui) *cobra.Command {
	var f benchFlags
	cmd := f.command("speed", "What marking and reading cost", `Time each step on each picture, one at a time.`,
		`  kycmark-bench speed --pictures photos/ --json`)
	cmd.RunE = u.verb(func(cmd *cobra.Command, _ []string) error {
		return u.bench(cmd.Context(), &f, func(ctx context.Context, cfg experiments.Config) (measured, error) {
			r, err := experiments.Speed(ctx, cfg)
			if err != nil {
				return measured{}, err
			}
			return measured{r, r.Broken, false}, nil
		})
	})
	return cmd
}
