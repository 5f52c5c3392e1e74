package books

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/durable"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// NewCustody returns the verb "custody", which does nothing itself: "add" is below it.
func NewCustody(u *ui.UI) *cobra.Command {
	return ui.Only(&cobra.Command{Use: "custody", Short: "Enter who could hold uploads unmarked, or had copies of another",
		Example: `  kycmark custody add vendor-a --from 2018-02 --to 2018-02 --note "contract 2017/3: intake by vendor A"`}, newCustodyAdd(u))
}

type custodyFlags struct {
	from, to, note, list, through string
	submissions                   ui.IdList[watermark.Submission]
	all                           bool
}

// newCustodyAdd returns the verb "custody add". An unknown recipient or submission is exit code 4.
func newCustodyAdd(u *ui.UI) *cobra.Command {
	f := custodyFlags{submissions: ui.SubmissionIDs()}
	cmd := &cobra.Command{
		Use:   "add NAME (--from TIME --to TIME | --all | --list FILE | --through OTHER) --note TEXT",
		Short: "Enter that NAME held uploads unmarked, or had what OTHER had",
		Long: `Enter that a recipient held uploads without marks: handed out before marking began,
or taken in on the exchange's behalf. The uploads are all that customers sent from one
time to another, ends included (--from, --to), all that were sent until now (--all), or a
list (--list, --submission); --from and --to may choose from a list. Enter what is known
before it is needed: the time of entry is recorded, and a fact that was entered after the
leak was found does not count against anybody. Say how it is known (--note).

With --through enter that NAME, such as a subcontractor, got from another recipient what that
one had. These are the copies that were issued to it, all or from one time to another (--from,
--to), or of a list. They are also those uploads of that time or list that it held unmarked by
the facts entered until now; the command prints them. Reports say in each sentence that names
a recipient who else had its copies. That counts whatever the time of entry, which is stated.

Times are RFC 3339, or a day or a month (UTC), the last one included whole. A list
is a file with one submission ID a line; lines that begin with # are passed over.`,
		Example: `  kycmark custody add vendor-a --from 2018-02 --to 2018-02 --note "contract 2017/3: intake by vendor A"
  kycmark custody add backup --all --note "nightly backup of the intake"
  kycmark custody add authority-b --list handed-over.txt --note "request 2019/4"
  kycmark custody add sub-b --through vendor-a --note "letter of vendor-a, 2026-03-01"`,
		Args: ui.Exactly("NAME"),
	}
	fs := cmd.Flags()
	fs.StringVar(&f.from, "from", "", "`time` of the first uploads held")
	fs.StringVar(&f.to, "to", "", "`time` of the last uploads held")
	fs.BoolVar(&f.all, "all", false, "all uploads that were sent until now")
	fs.StringVar(&f.list, "list", "", "only the IDs in this `file`")
	fs.Var(&f.submissions, "submission", "only this `ID`, 32 hex digits; may be repeated")
	fs.StringVar(&f.through, "through", "", "the recipient with this `name` handed on its copies and unmarked uploads")
	fs.StringVar(&f.note, "note", "", "how this is known (required)")
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	ui.Complete(cmd, "through")
	for _, other := range []string{"from", "list", "submission"} {
		cmd.MarkFlagsMutuallyExclusive("all", other)
	}
	cmd.MarkFlagsOneRequired("from", "all", "list", "submission", "through")
	cmd.MarkFlagsRequiredTogether("from", "to")
	cmd.MarkFlagRequired("note")
	return u.BookVerb(cmd, func(ctx context.Context, b *ui.Desk, args []string) error {
		c, err := f.custody(args[0])
		if err == nil && f.all {
			c.To, err = allUntil(ctx, b, c)
		}
		facts := []books.Custody{c}
		if err == nil && f.through != "" {
			var held []books.Custody
			held, err = registry.HeldThrough(ctx, b.Registry, c, math.MaxInt64)
			facts = append(facts, held...)
		}
		if err == nil {
			var wrong []error
			_, wrong, err = b.Registry.ImportCustody(ctx, facts) // what an interrupted command entered is not entered again
			err = errors.Join(append(wrong, err)...)
		}
		if err != nil {
			return ui.NotFound(err)
		}
		for _, c := range facts {
			b.Printf("%s: %s\n", ui.Name(c.Recipient), custodyWords(c))
			if err := b.Line(c); err != nil {
				return err
			}
		}
		return nil
	})
}

// custody returns the fact of custody that the flags state about the recipient called name. Without --from the fact
// reaches from the zero time to [books.Always], and with --all until now. No IDs at all means all uploads.
func (f custodyFlags) custody(name string) (books.Custody, error) {
	c := books.Custody{Recipient: name, Through: f.through, Note: f.note, Actor: ui.Actor(), To: books.Always}
	if f.all {
		c.To = time.Now()
	}
	if f.from != "" {
		var err error
		if c.From, err = ui.ParseTime(f.from, false); err != nil {
			return c, err
		}
		if c.To, err = ui.ParseTime(f.to, true); err != nil {
			return c, err
		}
	}
	if c.To.Before(c.From) {
		return c, ui.Usagef("--to lies before --from")
	}
	if f.list != "" {
		if err := f.submissions.Read(f.list); err != nil {
			return c, err
		}
		if len(f.submissions.IDs) == 0 { // which would mean: of all
			return c, ui.Usagef("%s: no submission in it", f.list)
		}
	}
	c.Submissions = f.submissions.IDs
	return c, nil
}

// allUntil returns when a fact of --all ends: now, or as the same fact ends that was entered within the last hour, if no upload was
// sent since. So an interrupted command enters no second fact.
func allUntil(ctx context.Context, b *ui.Desk, c books.Custody) (time.Time, error) {
	known, err := b.Registry.Custody(ctx, registry.CustodyFilter{Recipient: c.Recipient})
	for _, k := range known {
		if len(k.Submissions) > 0 || !k.From.IsZero() || k.Through != c.Through || k.Note != c.Note || time.Since(k.Entered) > durable.Settled {
			continue
		}
		for _, err := range b.Registry.Submissions(ctx, k.To) {
			return c.To, err
		}
		return k.To, nil
	}
	return c.To, err
}

// custodyWords says what a fact of custody is about, such as "held all uploads until 2018-02-28 unmarked". A zero
// From and a To from [books.Always] on are open ends, which are left out.
func custodyWords(c books.Custody) string {
	what, when := "all uploads", ""
	if n := len(c.Submissions); n > 0 {
		what = ui.Plural(n, "listed upload")
	}
	switch first, last := c.From.IsZero(), !c.To.Before(books.Always); {
	case first && last:
	case first:
		when = " until " + ui.Day(c.To)
	case last:
		when = " from " + ui.Day(c.From)
	default:
		when = fmt.Sprintf(" of %s to %s", ui.Day(c.From), ui.Day(c.To))
	}
	if c.Through != "" {
		return fmt.Sprintf("had copies of %s issued to %s%s", what, ui.Name(c.Through), when)
	}
	return fmt.Sprintf("held %s%s unmarked", what, when)
}
