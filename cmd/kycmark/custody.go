package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

func newCustody(u *ui) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "custody",
		Short: "Enter and list who could hold uploads unmarked",
		Example: `  kycmark custody add vendor-a --from 2018-02 --to 2018-02 --note "contract 2017/3: intake by vendor A"
  kycmark custody import custody.csv
  kycmark custody list --recipient vendor-a`,
	}
	return only(cmd, newCustodyAdd(u), newCustodyImport(u), newCustodyList(u))
}

type custodyFlags struct {
	from, to, note, source, list string
	submissions                  []string
	all                          bool
}

func newCustodyAdd(u *ui) *cobra.Command {
	var f custodyFlags
	cmd := &cobra.Command{
		Use:   "add NAME (--from TIME --to TIME | --all | --list FILE) --note TEXT",
		Short: "Enter that NAME held uploads unmarked",
		Long: `Enter that a recipient held uploads without marks: handed out before marking began,
or taken in on the exchange's behalf. The uploads are all that customers sent from one
time to another, ends included (--from, --to), all that were sent until now (--all), or a
list (--list, --submission); --from and --to may choose from a list. Enter what is known
before it is needed: the time of entry is recorded, and a fact that was entered after the
leak was found does not count against anybody. Say where it is known from (--source, --note).

Times are RFC 3339, or a day or a month (UTC), the last one included whole. A list
is a file with one submission ID a line; lines that begin with # are passed over.`,
		Example: `  kycmark custody add vendor-a --from 2018-02 --to 2018-02 --source "contract 2017/3" --note "intake by vendor A"
  kycmark custody add backup --all --note "nightly backup of the intake"
  kycmark custody add authority-b --list handed-over.txt --source "request 2019/4"`,
		Args: exactly("NAME"),
	}
	fs := cmd.Flags()
	fs.StringVar(&f.from, "from", "", "`time` of the first uploads held")
	fs.StringVar(&f.to, "to", "", "`time` of the last uploads held")
	fs.BoolVar(&f.all, "all", false, "all uploads that were sent until now")
	fs.StringVar(&f.list, "list", "", "only the IDs in this `file`")
	fs.StringArrayVar(&f.submissions, "submission", nil, "only this `ID`, 32 hex digits; may be repeated")
	fs.StringVar(&f.source, "source", "", "the `document` that this is known from")
	fs.StringVar(&f.note, "note", "", "how this is known")
	cmd.ValidArgsFunction = recipientNames
	cmd.MarkFlagsOneRequired("source", "note")
	cmd.MarkFlagsRequiredTogether("from", "to")
	cmd.MarkFlagsMutuallyExclusive("all", "from")
	cmd.MarkFlagsMutuallyExclusive("all", "list")
	cmd.MarkFlagsMutuallyExclusive("all", "submission")
	cmd.MarkFlagsOneRequired("from", "all", "list", "submission")
	return u.bookVerb(cmd, func(ctx context.Context, b *books, args []string) error {
		c, err := f.custody(args[0])
		if err != nil {
			return err
		}
		if err := b.registry.AddCustody(ctx, c); err != nil {
			return notFound(err)
		}
		b.printf("%s: held %s unmarked\n", c.Recipient, custodyWords(c))
		return b.line(c)
	})
}

// always is later than whatever was submitted, within what JSON's times may say.
var always = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

func (f custodyFlags) custody(name string) (registry.Custody, error) {
	c := registry.Custody{Recipient: name, Note: noteOf(f.source, f.note), Actor: actor(), To: always}
	var err error
	if f.all {
		c.To = time.Now()
	}
	if f.from != "" {
		if c.From, err = parseTime(f.from, false); err != nil {
			return c, err
		}
		if c.To, err = parseTime(f.to, true); err != nil {
			return c, err
		}
	}
	if c.To.Before(c.From) {
		return c, usagef("--to lies before --from")
	}
	if f.list != "" {
		data, err := readSmall(f.list)
		if err != nil {
			return c, err
		}
		if c.Submissions, err = listed(string(data)); err != nil {
			return c, fmt.Errorf("%s: %w", f.list, err)
		}
	}
	for _, s := range f.submissions {
		id, err := watermark.ParseSubmission(s)
		if err != nil {
			return c, usagef("--submission: %w", err)
		}
		c.Submissions = append(c.Submissions, id)
	}
	return c, nil
}

// noteOf joins the source document and what is said of it.
func noteOf(source, note string) string {
	if source == "" || note == "" {
		return source + note
	}
	return source + ": " + note
}

// listed reads one submission ID a line.
func listed(text string) ([]watermark.Submission, error) {
	var out []watermark.Submission
	n := 0
	for line := range strings.Lines(text) {
		n++
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		id, err := watermark.ParseSubmission(line)
		if err != nil {
			return nil, usagef("line %d: %w", n, err)
		}
		out = append(out, id)
	}
	if len(out) == 0 {
		return nil, usagef("no submission in it") // which would mean: of all
	}
	return out, nil
}

func newCustodyList(u *ui) *cobra.Command {
	var recipient, submission string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List who could hold which uploads unmarked",
		Example: `  kycmark custody list --json
  kycmark custody list --submission 0123456789abcdef0123456789abcdef`,
		Args: exactly(),
	}
	cmd.Flags().StringVar(&recipient, "recipient", "", "only what `name` held")
	cmd.Flags().StringVar(&submission, "submission", "", "only who held the upload with this `ID`")
	cmd.RegisterFlagCompletionFunc("recipient", recipientNames)
	cmd.MarkFlagsMutuallyExclusive("recipient", "submission")
	return u.bookVerb(cmd, func(ctx context.Context, b *books, _ []string) error {
		all, err := b.custody(ctx, recipient, submission)
		if err != nil {
			return notFound(err)
		}
		return tabled(b.ui, "NAME\tHELD\tENTERED\tNOTE", all, func(c registry.Custody) []string {
			return []string{c.Recipient, custodyWords(c), day(c.Entered), c.Note}
		})
	})
}

func (b *books) custody(ctx context.Context, recipient, submission string) ([]registry.Custody, error) {
	switch {
	case recipient != "":
		return b.registry.Custody(ctx, registry.CustodyFilter{Recipient: recipient})
	case submission != "":
		id, err := watermark.ParseSubmission(submission)
		if err != nil {
			return nil, &usageError{err}
		}
		if _, err := b.registry.Submission(ctx, id); err != nil {
			return nil, err
		}
		return b.registry.Custody(ctx, registry.CustodyFilter{Submission: id})
	}
	return b.registry.Custody(ctx, registry.CustodyFilter{})
}

func custodyWords(c registry.Custody) string {
	what := "all uploads"
	if n := len(c.Submissions); n > 0 {
		what = plural(n, "listed upload")
	}
	switch first, last := c.From.IsZero(), !c.To.Before(always); {
	case first && last:
		return what
	case first:
		return what + " until " + day(c.To)
	}
	return fmt.Sprintf("%s of %s to %s", what, day(c.From), day(c.To))
}
