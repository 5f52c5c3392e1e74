package books

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// ListKinds are what list can list, the default first.
var ListKinds = []string{"submissions", "copies", "recipients", "custody", "keys", "checkpoints", "investigations"}

type listFlags struct{ to, subject string }

// NewList returns the verb "list". It enters nothing and reads no key file.
func NewList(u *ui.UI) *cobra.Command {
	var f listFlags
	cmd := &cobra.Command{
		Use:   "list [" + strings.Join(ListKinds, " | ") + "]",
		Short: "List what the registry holds",
		Long: `List submissions (the default), issued copies (the default with --to), who held uploads
unmarked (custody), mark keys with their states, signed checkpoints of the ledger, or who
looked for leaks and when, in the order of entry; or recipients by their names.
Erased uploads are not listed; the copies that were issued of them are.`,
		Example: `  kycmark list
  kycmark list --to vendor-a
  kycmark list custody --to vendor-a
  kycmark list --subject customer-4711 --json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return ui.Usagef("lists one thing at a time, got %q too", args[1])
			}
			return nil
		},
		ValidArgs: ListKinds,
	}
	fs := cmd.Flags()
	fs.StringVar(&f.to, "to", "", "only copies issued to, or custody of, the recipient of this `name`")
	fs.StringVar(&f.subject, "subject", "", "only submissions of the customer with this `reference`, or copies of them")
	ui.Complete(cmd, "to")
	return u.BookVerb(cmd, func(ctx context.Context, b *ui.Desk, args []string) error {
		what := ListKinds[0]
		if len(args) > 0 {
			what = args[0]
		} else if f.to != "" {
			what = "copies"
		}
		return listBooks(ctx, b, what, f)
	})
}

func listBooks(ctx context.Context, b *ui.Desk, what string, f listFlags) error {
	switch {
	case what != "copies" && what != "custody" && f.to != "":
		return ui.Usagef("--to chooses copies or custody, not %s", what)
	case what != "submissions" && what != "copies" && f.subject != "":
		return ui.Usagef("%s are listed as a whole: --subject chooses submissions and copies", what)
	}
	ledger := b.Registry.Ledger()
	switch what {
	case "submissions":
		return listSubmissions(ctx, b, f.subject)
	case "copies":
		return listCopies(ctx, b, f)
	case "recipients":
		return ui.PrintList(b.UI, "NAME\tKIND\tADDED", ui.Listed(b.Registry.Recipients(ctx)), func(r *books.Recipient) (any, []string) {
			return r, []string{r.Name, kindWords(r), ui.Day(r.Added)}
		})
	case "custody":
		all, err := b.Registry.Custody(ctx, registry.CustodyFilter{Recipient: f.to})
		if err != nil {
			return ui.NotFound(err)
		}
		shown, err := newShownTo(ctx, b)
		return ui.PrintList(b.UI, "NAME\tWHAT\tENTERED\tNOTE", ui.Listed(all, ui.NotFound(err)), func(c *books.Custody) (any, []string) {
			return c, []string{shown.to(c.Recipient, c.Reviewer), custodyWords(*c), ui.Day(c.Entered), c.Note}
		})
	case "keys":
		return ui.PrintList(b.UI, "KEY\tSTATE\tSINCE\tADDED\tNOTE", ui.Listed(ledger.MarkKeys(ctx)), func(k *books.MarkKey) (any, []string) {
			return k, []string{k.KeyID, k.State, ui.Moment(k.Since), ui.Day(k.Added), k.Note}
		})
	case "checkpoints":
		return ui.PrintList(b.UI, "ENTRIES\tROOT\tMADE\tSIGNED BY", ui.Listed(ledger.Checkpoints(ctx)), func(c *books.Checkpoint) (any, []string) {
			return c, []string{fmt.Sprint(c.Size), c.Root.String(), ui.Moment(c.Made), strings.Join(c.Signers, ", ")}
		})
	case "investigations":
		return ui.PrintList(b.UI, "ENTRY\tSTARTED\tBY\tFILES\tFOUND\tCOMMAND", ui.Listed(ledger.Investigations(ctx)), func(x *books.Investigation) (any, []string) {
			found := "-"
			if !x.Found.IsZero() {
				found = ui.Moment(x.Found)
			}
			return x, []string{fmt.Sprint(x.Entry), ui.Moment(x.Started), x.Actor, fmt.Sprint(x.Files), found, x.Command}
		})
	}
	return ui.Usagef("there is no list of %q, but of %s", what, strings.Join(ListKinds, ", "))
}

// listSubmissions prints the submissions of subject, or of all if that is "".
// The hash, which is personal data, is left out: "kycmark show ID" has it.
func listSubmissions(ctx context.Context, b *ui.Desk, subject string) error {
	all := b.Registry.Submissions(ctx, time.Time{})
	if subject != "" {
		all = ui.Listed(b.Registry.SubmissionsOf(ctx, subject))
	}
	return ui.PrintList(b.UI, "SUBMISSION\tSENT\tPIXELS\tSUBJECT", all, func(s *books.Submission) (any, []string) {
		return struct {
			*books.Submission
			Hash *string `json:"hash,omitempty"`
		}{Submission: s}, []string{s.ID.String(), ui.Moment(s.Submitted), fmt.Sprintf("%d x %d", s.Width, s.Height), s.Subject}
	})
}

// listCopies prints the copies issued to the recipient f.to and of uploads of f.subject; "" chooses all.
func listCopies(ctx context.Context, b *ui.Desk, f listFlags) error {
	recipient, reviewer := "", ""
	if f.to != "" {
		to, err := b.Registry.Recipient(ctx, f.to)
		if err != nil {
			return ui.NotFound(err)
		}
		recipient, reviewer = to.Party()
	}
	shown, err := newShownTo(ctx, b)
	if err != nil {
		return err
	}
	return ui.PrintList(b.UI, "COPY\tSUBMISSION\tISSUED\tRECIPIENT\tSTATE\tPURPOSE", copiesOf(ctx, b, f.subject), func(c *books.Copy) (any, []string) {
		if f.to != "" && (c.Recipient != recipient || reviewer != "" && c.Reviewer != reviewer) {
			return nil, nil
		}
		return c, []string{c.ID.String(), c.Submission.String(), ui.Moment(c.Issued), shown.to(c.Recipient, c.Reviewer), c.State, c.Purpose}
	})
}

// shownTo has the names of reviewers, by their references.
type shownTo map[string]string

func newShownTo(ctx context.Context, b *ui.Desk) (shownTo, error) {
	all, err := b.Registry.Recipients(ctx)
	out := make(shownTo)
	for _, r := range all {
		if out[r.Ref] = r.Name; r.Erased() {
			out[r.Ref] = "a reviewer (erased)"
		}
	}
	return out, err
}

// to returns a recipient with its reviewer, if there is one: "reviewer-17 of vendor-a".
func (s shownTo) to(recipient, reviewer string) string {
	if reviewer == "" {
		return recipient
	}
	return ui.Name(s[reviewer]) + " of " + ui.Name(recipient)
}

// copiesOf yields the copies of a subject's submissions, or all copies in the order of issue if subject is "". Copies
// of erased uploads have no subject any more.
func copiesOf(ctx context.Context, b *ui.Desk, subject string) iter.Seq2[*books.Copy, error] {
	if subject == "" {
		return b.Registry.AllCopies(ctx)
	}
	return func(yield func(*books.Copy, error) bool) {
		for s, err := range ui.Listed(b.Registry.SubmissionsOf(ctx, subject)) {
			var copies []books.Copy
			if err == nil {
				copies, err = b.Registry.Copies(ctx, s.ID)
			}
			for c, err := range ui.Listed(copies, err) {
				if !yield(c, err) {
					return
				}
			}
		}
	}
}

// NewShow returns the verb "show". Exit code 3: some IDs are unknown; 2: a text is no ID.
func NewShow(u *ui.UI) *cobra.Command {
	return u.BookVerb(&cobra.Command{
		Use:   "show ID...",
		Short: "Look up submissions and copies",
		Long: `Look up what the registry holds of a submission (the upload, the copies issued of it, who
held it unmarked) or of a copy (whom it was issued to, the state of its mark key,
receipts). The first digits of an ID are enough, as tables print them: 4 or more.`,
		Example: `  kycmark show 00000000000004d2
  kycmark show --json 745cd8ec`,
		Args:              ui.Some("ID"),
		ValidArgsFunction: cobra.NoFileCompletions,
	}, func(ctx context.Context, b *ui.Desk, ids []string) error {
		for _, id := range ids {
			if err := showID(ctx, b, id); err != nil {
				if ctx.Err() != nil || errors.Is(err, registry.ErrInput) {
					return err
				}
				b.Fail(id, errors.New(strings.TrimPrefix(err.Error(), id+": ")))
			}
		}
		return nil
	})
}

func showID(ctx context.Context, b *ui.Desk, text string) error {
	sub, id, err := Named(ctx, b, text)
	switch {
	case err != nil:
		return err
	case id != 0:
		return showCopy(ctx, b, id)
	}
	return showSubmission(ctx, b, sub)
}

// Named returns the submission, or the copy, whose ID begins with text, which tables end with "…". The
// other result is zero. The error wraps [registry.ErrNotFound] if no ID begins so; of several it lists the IDs.
func Named(ctx context.Context, b *ui.Desk, text string) (sub watermark.Submission, id watermark.CopyID, err error) {
	subs, copies, err := registry.WithPrefix(ctx, b.Registry, strings.TrimSuffix(text, "…"))
	switch {
	case err != nil:
		return sub, 0, err
	case len(subs)+len(copies) > 1:
		all := append(each.Of(subs, func(x watermark.Submission) string { return "submission " + x.String() }),
			each.Of(copies, func(x watermark.CopyID) string { return "copy " + x.String() })...)
		return sub, 0, fmt.Errorf("%s: several IDs begin so: %s", text, strings.Join(all, ", "))
	case len(copies) == 1:
		return sub, copies[0], nil
	case len(subs) == 1:
		return subs[0], 0, nil
	}
	return sub, 0, fmt.Errorf("%s: %w", text, registry.ErrNotFound)
}

func showCopy(ctx context.Context, b *ui.Desk, id watermark.CopyID) error {
	c, err := b.Registry.Copy(ctx, id)
	if err != nil {
		return err
	}
	receipts, err1 := b.Registry.Ledger().Receipts(ctx, id)
	key, err2 := b.Registry.Ledger().MarkKey(ctx, c.KeyID)
	shown, err3 := newShownTo(ctx, b)
	if err := cmp.Or(err1, err2, err3); err != nil {
		return err
	}
	b.Printf("%s  key %s\n", CopyWords(c), key.KeyState)
	if c.Reviewer != "" {
		b.Printf("  shown to %s\n", shown.to(c.Recipient, c.Reviewer))
	}
	for _, x := range receipts {
		b.Printf("%s", ReceiptWords(&x))
	}
	return b.Line(struct {
		*books.Copy
		Key      books.KeyState  `json:"key"`
		Receipts []books.Receipt `json:"receipts"`
	}{c, key.KeyState, ui.NonNil(receipts)})
}

// showSubmission prints a submission, its copies, and who held it unmarked. Of an erased one it prints what is left.
func showSubmission(ctx context.Context, b *ui.Desk, id watermark.Submission) error {
	s, err := b.Registry.Submission(ctx, id)
	if err != nil && !errors.Is(err, registry.ErrErased) {
		return err
	}
	copies, err1 := b.Registry.Copies(ctx, id)
	custody, err2 := b.Registry.Custody(ctx, registry.CustodyFilter{Submission: id})
	carries, err3 := b.Registry.Carried(ctx, id)
	if err := cmp.Or(err1, err2, err3); err != nil {
		return err
	}
	b.Printf("%s", SubmissionWords(s))
	for _, c := range carries {
		b.Printf("came in with the mark of copy %s, issued to %s\n", c.ID, ui.Name(c.Recipient))
	}
	for _, c := range copies {
		b.Printf("%s", CopyWords(&c))
	}
	for _, c := range custody {
		b.Printf("%s %s (%s)\n", ui.Name(c.Recipient), custodyWords(c), c.Note)
	}
	return b.Line(struct {
		*books.Submission
		Pages   int             `json:"pages,omitempty"` // of an upload of several
		Copies  []books.Copy    `json:"copies"`
		Custody []books.Custody `json:"custody"`
		Carries []carried       `json:"carries,omitempty"` // copies whose marks it came in with
	}{s, s.Pages, ui.NonNil(copies), ui.NonNil(custody), carriedBy(carries)})
}

// SubmissionWords returns a submission in two to five lines.
func SubmissionWords(s *books.Submission) string {
	words := fmt.Sprintf("submission %s\n  sent %s, received %s\n", s.ID, ui.Moment(s.Submitted), ui.Moment(s.Received))
	if s.Erased {
		return words + "  erased\n"
	}
	words += fmt.Sprintf("  %s, %d x %d pixels, %d bytes, SHA-256 %s\n", s.Format, s.Width, s.Height, s.Size, s.SHA256)
	if s.Pages > 1 {
		words += fmt.Sprintf("  page 1 of %d\n", s.Pages)
	}
	if s.Subject != "" {
		words += fmt.Sprintf("  subject %s\n", ui.Name(s.Subject))
	}
	if !s.SetAt.IsZero() {
		words += fmt.Sprintf("  subject entered %s\n", ui.Moment(s.SetAt))
	}
	return words
}

// CopyWords returns what is known of a copy in three or four lines.
func CopyWords(c *books.Copy) string {
	purpose := ""
	if c.Purpose != "" {
		purpose = " for " + intake.Quoted(c.Purpose)
	}
	state := map[string]string{ // what became of it; "": it was released
		books.CopyReserved: "  reserved: its release is not confirmed\n",
		books.CopyVoid:     "  void: no byte of it was handed out, says the ledger\n",
	}[c.State]
	return fmt.Sprintf("copy %s of submission %s\n  issued to %s on %s%s under key %s\n  %s, %d x %d pixels, %d bytes, SHA-256 %s\n%s",
		c.ID, c.Submission, ui.Name(c.Recipient), ui.Moment(c.Issued), purpose, c.KeyID,
		c.Format, c.Width, c.Height, c.Size, c.SHA256, state)
}
