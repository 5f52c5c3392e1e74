package main

import (
	"context"

	"github.com/spf13/cobra"
)

// newSearchTables returns the verb "search-tables", which builds the missing tables that uploads
// are found by, in the registry's database. --anew builds all tables; --defer builds no table, and
// uploads are then entered without tables until the verb runs without --defer.
func newSearchTables(u *ui) *cobra.Command {
	var wait, anew bool
	cmd := &cobra.Command{
		Use:   "search-tables",
		Short: "Build what uploads are found by in the registry's database",
		Long: `Uploads are found in the database by tables that each upload is entered in. For a
large import --defer leaves that out; until this command is run again without it a
search in the database compares with each of these uploads. --anew builds all tables
again, as after an audit that found them edited. It may be interrupted and run again,
and others may use the registry meanwhile.`,
		Example: `  kycmark search-tables --defer && kycmark submit archive/ && kycmark search-tables`,
		Args:    exactly(),
	}
	cmd.Flags().BoolVar(&wait, "defer", false, "enter uploads without the tables from now on")
	cmd.Flags().BoolVar(&anew, "anew", false, "build all tables again")
	return u.bookVerb(cmd, func(ctx context.Context, b *books, _ []string) error {
		switch {
		case wait && anew:
			return usagef("--defer and --anew exclude each other")
		case wait:
			return b.registry.Engine().DeferSearchTables(ctx)
		}
		show, done := b.progressOf(ctx, "building")
		defer done()
		return b.registry.Engine().BuildSearchTables(ctx, anew, func(done, total int64) { show(int(done), int(total)) })
	})
}
