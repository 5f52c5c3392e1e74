package main

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/bench/experiments"
)

func newBenchSecurity(u *ui) *cobra.Command {
	var f benchFlags
	var bars map[string]string
	cmd := f.command("security", "What a forger or a remover without the key gets", `Attempt what somebody without the key can do with marked pictures: average many to
forge a mark, move a mark to another picture, remove it by denoising, collusion or
notching, read it with wrong keys. Pictures are shrunk to 1024 px, at which marks
are made. Exit 1 when a --bar is missed, or when any reading gives a wrong ID.`,
		`  kycmark-bench security --pictures photos/ --copies 1000 --out security.md
  kycmark-bench security --pictures photos/ --bar average=0 --bar wrong_keys=0`)
	cmd.Flags().StringSliceVar(&f.attacks, "attempts", nil, "`names` of attempts, or forge, move, remove, guess (default: all)")
	cmd.Flags().IntVar(&f.cfg.Copies, "copies", 200, "`number` of marked uploads to average")
	cmd.Flags().IntVar(&f.cfg.Keys, "keys", 100, "`number` of wrong keys to read with, shared out over the pictures")
	cmd.Flags().StringToStringVar(&bars, "bar", nil, "highest accepted `ATTEMPT=RATE` of readings, 0 to 1; of removals the lowest")
	cmd.RunE = u.verb(func(cmd *cobra.Command, _ []string) (err error) {
		if f.cfg.Copies < 1 || f.cfg.Keys < 1 {
			return usagef("--copies and --keys take 1 or more")
		}
		if f.cfg.Bars, err = parseBars(bars); err != nil {
			return err
		}
		return u.bench(cmd.Context(), &f, func(ctx context.Context, cfg experiments.Config) (measured, error) {
			r, err := experiments.Security(ctx, cfg)
			if err != nil {
				return measured{}, err
			}
			return measured{r, slices.Concat(r.Broken, r.Errors), len(r.Missed) > 0 || len(r.Wrong) > 0}, nil
		})
	})
	return cmd
}
