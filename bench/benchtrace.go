package main

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/bench/experiments"
)

func newBenchTrace(u *ui) *cobra.Command {
	var f benchFlags
	var t experiments.TraceConfig
	var bars map[string]string
	var plot string
	cmd := f.command("trace", "Whose copy is named, with the original at hand", `Mark each picture for one of many copies, attack the marked picture in every way and
trace what is left against the original and all copies. A copy counts as named when
it comes first with a p of at most 1e-9, corrected for the number of copies.

Beside what is named the tables compare the power and the score that traces expect
with what they saw, and count innocent copies. Exit 1 when a --bar is missed, when
an innocent copy has a p of 1e-6 or less or when another ID is read.
`,
		`  kycmark-bench trace --pictures photos/ --out trace.md --bar all=0.99
  kycmark-bench trace --pictures photos/ --attacks thumbnail,hard --unmarked --plot innocents.svg
  kycmark-bench trace --pictures photos/ --attacks none --collusion 2,5,8 --mixes mean,median --then jpeg75,thumb320
  kycmark-bench trace --pictures photos/ --attacks x_thumb64 --pool x_thumb64`)
	cmd.Flags().StringSliceVar(&f.attacks, "attacks", nil, "`names` or groups of attacks (default: all but the group hard)")
	cmd.Flags().StringToStringVar(&bars, "bar", nil, "lowest accepted `GROUP=RATE`, 0 to 1; \"all\" for the total")
	cmd.Flags().IntVar(&t.Issued, "copies", 1000, "`number` of copies of each picture to trace against")
	cmd.Flags().BoolVar(&t.Unmarked, "unmarked", false, "trace the attacked originals, too, in which there is no copy")
	cmd.Flags().IntVar(&t.Wrong, "wrong", 0, "`number` of other pictures of the folder to lay over each original")
	cmd.Flags().IntSliceVar(&t.Renditions, "renditions", nil, "long sides, `pixels`, of smaller originals to trace against, too")
	cmd.Flags().IntSliceVar(&t.Colluders, "collusion", nil, "`numbers` of copies to mix into one leak")
	cmd.Flags().StringSliceVar(&t.Mixes, "mixes", nil, "`names` of ways to mix (default: all)")
	cmd.Flags().StringSliceVar(&t.Then, "then", nil, "`names` of attacks on a mixture: the first for every mix, others for the mean alone (default: jpeg75,whatsapp_twice,thumb320,screen_photo)")
	cmd.Flags().StringSliceVar(&t.Pool, "pool", nil, "`names` of attacks whose leaks of one copy are pooled")
	cmd.Flags().IntVar(&t.PoolLeaks, "pool-leaks", 8, "`number` of leaks of one copy to pool")
	cmd.Flags().StringVar(&plot, "plot", "", "draw the scores of innocent copies to this SVG `file`, too")
	cmd.RunE = u.verb(func(cmd *cobra.Command, _ []string) (err error) {
		if f.cfg.Bars, err = parseBars(bars); err != nil {
			return err
		}
		if t.Issued < 2 || t.PoolLeaks < 2 {
			return usagef("--copies and --pool-leaks take 2 or more")
		}
		if err := f.checkOutputs(plot); err != nil {
			return err
		}
		return u.bench(cmd.Context(), &f, func(ctx context.Context, cfg experiments.Config) (measured, error) {
			t.Config = cfg
			return u.benchTrace(ctx, t, plot, f.force)
		})
	})
	return cmd
}

func (u *ui) benchTrace(ctx context.Context, cfg experiments.TraceConfig, plot string, force bool) (measured, error) {
	r, err := experiments.Trace(ctx, cfg)
	if errors.Is(err, experiments.ErrTrace) {
		err = &usageError{err}
	}
	if err != nil {
		return measured{}, err
	}
	if plot != "" {
		if err := writeOutput(plot, []byte(r.SVG()), force); err != nil {
			return measured{}, err
		}
	}
	return measured{r, slices.Concat(r.Broken, r.Errors), len(r.Missed)+r.Alarms() > 0}, nil
}
