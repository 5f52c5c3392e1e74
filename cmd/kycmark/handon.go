package main

import (
	"context"
	"crypto/sha256"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// newHandOn returns the verb "handon", which does nothing itself: "add" and "list" are below it.
func newHandOn(u *ui) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "handon",
		Short: "Enter and list who had copies besides their recipients",
		Example: `  kycmark handon add vendor-a --to sub-b --when 2026-03 --document letter.pdf
  kycmark handon list`,
	}
	return only(cmd, newHandOnAdd(u), newHandOnList(u))
}

type handOnFlags struct {
	to, as, request, from, until, when, document, note, list string
	submissions                                              idList[watermark.Submission]
}

// ways are the values of --as, and what they mean.
var ways = map[string]string{"handed-on": registry.HandedOn, "channel": registry.Channel, "received": registry.Misrouted}

// newHandOnAdd returns the verb "handon add", which enters one fact: a party had copies that were
// issued to another recipient. Wrong flags are exit code 2; an unknown party or submission is 4.
func newHandOnAdd(u *ui) *cobra.Command {
	f := handOnFlags{submissions: submissionIDs()}
	cmd := &cobra.Command{
		Use:   "add NAME --to PARTY (--document FILE | --note TEXT)",
		Short: "Enter that PARTY had copies issued to NAME",
		Long: `Enter that a party had copies that were issued to a recipient: the recipient handed
them on (--as handed-on), they went through the party, such as a portal (--as channel),
or the party received them in the recipient's place (--as received). Both are names of
"kycmark recipient". Meant are all copies of NAME, for a request (--purpose), issued from
one time to another (--from, --until), or of listed uploads (--submission, --list).

Reports say in each sentence that names the recipient who else had the copies. This
counts whatever the time of entry, and that time is stated beside it.`,
		Example: `  kycmark handon add vendor-a --to sub-b --when 2026-03 --document letter.pdf
  kycmark handon add vendor-a --to portal --as channel --purpose 2026/7 --note "delivered by the portal"`,
		Args: exactly("NAME"),
	}
	fs := cmd.Flags()
	fs.StringVar(&f.to, "to", "", "the `party` that had the copies")
	fs.StringVar(&f.as, "as", "handed-on", "`how`: handed-on, channel or received")
	fs.StringVar(&f.request, "purpose", "", "only copies issued for this `purpose`")
	fs.StringVar(&f.from, "from", "", "only copies issued from this `time` on")
	fs.StringVar(&f.until, "until", "", "only copies issued until this `time`")
	fs.StringVar(&f.when, "when", "", "`time` at which it happened, as far as is known")
	fs.StringVar(&f.document, "document", "", "`file` that says so: its name and SHA-256 are entered")
	fs.StringVar(&f.note, "note", "", "how this is known")
	fs.StringVar(&f.list, "list", "", "only copies of the uploads whose IDs are in this `file`")
	fs.Var(&f.submissions, "submission", "only copies of the upload with this `ID`; may be repeated")
	cmd.MarkFlagRequired("to")
	cmd.MarkFlagsOneRequired("document", "note")
	complete(cmd, "as", "handed-on", "channel", "received")
	cmd.RegisterFlagCompletionFunc("to", recipientNames)
	cmd.ValidArgsFunction = recipientNames
	return u.bookVerb(cmd, func(ctx context.Context, b *books, args []string) error {
		h, err := f.handOn(args[0])
		if err != nil {
			return err
		}
		if err := b.registry.AddHandOn(ctx, h); err != nil {
			return notFound(err)
		}
		b.printf("%s had copies issued to %s: %s\n", h.Taker, h.Giver, h.How)
		return b.line(h)
	})
}

// handOn returns the fact that the flags state about the copies of the recipient called name; nothing
// is entered. Wrong times, a wrong way, and an empty list are usageErrors.
func (f *handOnFlags) handOn(name string) (registry.HandOn, error) {
	h := registry.HandOn{Giver: name, Taker: f.to, How: ways[f.as], Purpose: f.request, To: always, Document: noteOf(f.document, f.note), Actor: actor()}
	if h.How == "" {
		return h, usagef("--as is %.40q, want handed-on, channel or received", f.as)
	}
	for _, t := range []struct {
		text string
		last bool
		into *time.Time
	}{{f.from, false, &h.From}, {f.until, true, &h.To}, {f.when, false, &h.When}} {
		if t.text != "" {
			var err error
			if *t.into, err = parseTime(t.text, t.last); err != nil {
				return h, err
			}
		}
	}
	if h.To.Before(h.From) {
		return h, usagef("--until lies before --from")
	}
	if f.document != "" {
		data, err := readSmall(f.document)
		if err != nil {
			return h, err
		}
		h.SHA256 = sha256.Sum256(data)
	}
	if f.list != "" {
		if err := f.submissions.read(f.list); err != nil {
			return h, err
		}
		if len(f.submissions.ids) == 0 {
			return h, usagef("%s: no submission in it", f.list)
		}
	}
	h.Submissions = f.submissions.ids
	return h, nil
}

// newHandOnList returns the verb "handon list", which prints who had copies besides their recipients.
func newHandOnList(u *ui) *cobra.Command {
	return u.bookVerb(&cobra.Command{
		Use:     "list",
		Short:   "List who had copies besides their recipients",
		Example: `  kycmark handon list --json`,
		Args:    exactly(),
	}, func(ctx context.Context, b *books, _ []string) error {
		all, err := b.registry.HandOns(ctx)
		return printList(b.ui, "ISSUED TO\tPARTY\tHOW\tWHICH\tWHEN\tENTERED\tDOCUMENT", listed(all, err), func(h *registry.HandOn) (any, []string) {
			when := "-"
			if !h.When.IsZero() {
				when = day(h.When)
			}
			return h, []string{h.Giver, h.Taker, h.How, handOnWords(h), when, day(h.Entered), h.Document}
		})
	})
}

// handOnWords says which copies a fact is about, such as "copies of 2 listed uploads, for 2026/7".
func handOnWords(h *registry.HandOn) string {
	parts := []string{"all copies"}
	if n := len(h.Submissions); n > 0 {
		parts[0] = "copies of " + plural(n, "listed upload")
	}
	if h.Purpose != "" {
		parts = append(parts, "for "+h.Purpose)
	}
	if !h.From.IsZero() {
		parts = append(parts, "issued from "+day(h.From))
	}
	if h.To.Before(always) {
		parts = append(parts, "issued until "+day(h.To))
	}
	return strings.Join(parts, ", ")
}

// noteOf joins the source document and what is said of it as "source: note"; if one is "", it
// returns the other.
func noteOf(source, note string) string {
	if source == "" || note == "" {
		return source + note
	}
	return source + ": " + note
}
