package main

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/bench/experiments"
)

func newBenchRegistry(u *ui) *cobra.Command {
	var f benchFlags
	var opt experiments.RegistryOptions
	var sizes, stores []string
	cmd := f.command("registry", "What entering uploads and finding them in the database costs", `Enter made-up uploads, a fifth of them near each other, build the search tables, look
for uploads within 31 bits, and compare with every hash. PostgreSQL is measured where
--postgres names an empty database, in a schema that is dropped afterwards; its CPU
time is counted where the server runs on the same Linux machine. 10M uploads take
15 GB for a store, and an hour; with --bare minutes. Exit 1 when a bar of the look-up or of the
speed is missed.`,
		`  kycmark-bench registry --sizes 1M --stores sqlite
  kycmark-bench registry --sizes 10M --bare --postgres 'postgres:///kyc?host=/tmp/pg'`)
	fs := cmd.Flags()
	fs.StringSliceVar(&sizes, "sizes", []string{"100k"}, "`numbers` of uploads, as 500k or 10M")
	fs.StringSliceVar(&stores, "stores", []string{"sqlite", "postgres"}, "`names` of stores")
	fs.StringVar(&opt.Postgres, "postgres", "", "`address` of an empty PostgreSQL database")
	fs.IntVar(&opt.Queries, "queries", 200, "`number` of queries of each sort")
	fs.IntVar(&opt.Live, "live", 100_000, "`number` of uploads that are entered live")
	fs.BoolVar(&opt.Bare, "bare", false, "enter rows without a ledger, and nothing live: rows, look-ups and search tables alone")
	fs.StringVar(&opt.Dir, "temp", "", "`folder` for the SQLite file (default: the system's)")
	cmd.RunE = u.verb(func(cmd *cobra.Command, _ []string) (err error) {
		if opt.Sizes, err = experiments.ParseSizes(sizes); err != nil {
			return usagef("--sizes: %w", err)
		}
		if opt.Queries < 5 || opt.Live < 1 {
			return usagef("--queries takes 5 or more, --live 1 or more")
		}
		for _, s := range stores {
			if s != "sqlite" && s != "postgres" {
				return usagef("--stores: there is no store %q; choose of sqlite, postgres", s)
			}
		}
		opt.SQLite = slices.Contains(stores, "sqlite")
		if !slices.Contains(stores, "postgres") {
			opt.Postgres = ""
		}
		return u.bench(cmd.Context(), &f, func(ctx context.Context, cfg experiments.Config) (measured, error) {
			opt.Progress, opt.Seed = cfg.Progress, cfg.Seed
			r, err := experiments.Registry(ctx, opt)
			if errors.Is(err, experiments.ErrStore) {
				return measured{}, &usageError{err}
			}
			if err != nil {
				return measured{}, err
			}
			return measured{r, nil, len(r.Missed()) > 0}, nil
		})
	})
	return cmd
}
