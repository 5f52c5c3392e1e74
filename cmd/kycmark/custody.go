package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/watermark"
)

func newCustody(u *ui) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "custody",
		Short: "Enter and list who could hold uploads unmarked",
		Example: `  kycmark custody add vendor-a --from 2018-02 --to 2018-02 --note "contract 2017/3: intake by vendor A"
  kycmark custody list`,
	}
	return only(cmd, newCustodyAdd(u), newCustodyList(u))
}

func newCustodyAdd(u *ui) *cobra.Command {
	var from, to, note string
	var submissions []string
	cmd := &cobra.Command{
		Use:   "add NAME --from TIME --to TIME --note TEXT",
		Short: "Enter that NAME held the uploads of a time unmarked",
		Long: `Enter that a recipient held the uploads sent from one time up to and including
another without marks: handed out before marking began, or taken in on the
exchange's behalf. Enter what is known before it is needed: the time of entry is
recorded, and what is entered after a leak cannot be held against anybody.

Times are RFC 3339, or a day or a month (UTC), the last one included whole.`,
		Example: `  kycmark custody add vendor-a --from 2018-02 --to 2018-02 --note "contract 2017/3: intake by vendor A"`,
		Args:    exactly("NAME"),
	}
	fs := cmd.Flags()
	fs.StringVar(&from, "from", "", "`time` of the first uploads held (required)")
	fs.StringVar(&to, "to", "", "`time` of the last uploads held (required)")
	fs.StringVar(&note, "note", "", "where this is known from (required)")
	fs.StringArrayVar(&submissions, "submission", nil, "only this `ID`, 32 hex digits; may be repeated")
	for _, name := range []string{"from", "to", "note"} {
		cmd.MarkFlagRequired(name)
	}
	return u.bookVerb(cmd, func(ctx context.Context, b *books, args []string) error {
		c := verify.Custody{Recipient: args[0], Note: note, Actor: actor()}
		var err error
		if c.From, err = parseTime(from, false); err != nil {
			return err
		}
		if c.To, err = parseTime(to, true); err != nil {
			return err
		}
		if c.To.Before(c.From) {
			return usagef("--to lies before --from")
		}
		for _, s := range submissions {
			id, err := watermark.ParseSubmission(s)
			if err != nil {
				return usagef("--submission: %w", err)
			}
			c.Submissions = append(c.Submissions, id)
		}
		if err := b.registry.AddCustody(ctx, c); err != nil {
			return notFound(err)
		}
		b.printf("%s: held %s unmarked\n", c.Recipient, custodyWords(c))
		return b.line(c)
	})
}

func newCustodyList(u *ui) *cobra.Command {
	return u.bookVerb(&cobra.Command{
		Use:     "list",
		Short:   "List who could hold which uploads unmarked",
		Example: `  kycmark custody list --json`,
		Args:    exactly(),
	}, func(ctx context.Context, b *books, _ []string) error {
		all, err := b.registry.AllCustody(ctx)
		if err != nil {
			return err
		}
		var rows [][]string
		for _, c := range all {
			rows = append(rows, []string{c.Recipient, custodyWords(c), day(c.Entered), c.Note})
			if err := b.line(c); err != nil {
				return err
			}
		}
		b.table("NAME\tHELD\tENTERED\tNOTE", rows)
		return nil
	})
}

func custodyWords(c verify.Custody) string {
	what := "all uploads"
	if n := len(c.Submissions); n > 0 {
		what = plural(n, "listed upload")
	}
	return fmt.Sprintf("%s of %s to %s", what, day(c.From), day(c.To))
}
