package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/bench/experiments"
)

func newBenchInvestigate(u *ui) *cobra.Command {
	var f benchFlags
	var c experiments.InvestigateConfig
	cmd := f.command("investigate", "What a leak costs, from file to finding", `Submit the pictures to a registry in memory, but for every fourth; leak marked copies,
unmarked uploads and the strangers, each through one attack and saved as JPEG, and have
them investigated one after the other. The times are processor time of all threads. How
long the search takes among many uploads says "bench match parts".`,
		`  kycmark-bench investigate --pictures photos/ --each 3
  kycmark-bench investigate --max-side 1600 --attacks telegram,crop50`)
	f.attackFlag(cmd)
	cmd.Flags().IntVar(&c.Each, "each", 3, "`number` of leaks of each picture")
	cmd.RunE = u.verb(func(cmd *cobra.Command, _ []string) error {
		if c.Each < 1 {
			return usagef("--each takes 1 or more")
		}
		return u.bench(cmd.Context(), &f, func(ctx context.Context, cfg experiments.Config) (measured, error) {
			c.Config = cfg
			r, err := experiments.Investigations(ctx, c)
			return measured{r, nil, false}, err
		})
	})
	return cmd
}
