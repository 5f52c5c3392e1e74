package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/verify/registry"
)

// listKinds are what list can list, the default first.
var listKinds = []string{"submissions", "copies", "subjects", "recipients"}

type listFlags struct{ to, subject, since, until string }

func newList(u *ui) *cobra.Command {
	var f listFlags
	cmd := &cobra.Command{
		Use:   "list [submissions | copies | subjects | recipients]",
		Short: "List what the registry holds",
		Long: `List submissions (the default), issued copies (the default with --to), subjects or
recipients, in the order of entry. Erased uploads are not listed; the copies that were
issued of them are.

--since and --until choose by when the customer sent a submission, or by when a copy was
issued. Both take a time (RFC 3339), a day or a month of UTC; --until includes the whole
day or month.`,
		Example: `  kycmark list
  kycmark list --to vendor-a --since 2026-11
  kycmark list --subject customer-4711 --json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("lists one thing at a time, got %q too", args[1])
			}
			return nil
		},
		ValidArgs: listKinds,
	}
	fs := cmd.Flags()
	fs.StringVar(&f.to, "to", "", "only copies issued to the recipient of this `name`")
	fs.StringVar(&f.subject, "subject", "", "only submissions of the customer with this `reference`, or copies of them")
	fs.StringVar(&f.since, "since", "", "only what was sent or issued at or after this `time`")
	fs.StringVar(&f.until, "until", "", "only what was sent or issued at or before this `time`")
	cmd.RegisterFlagCompletionFunc("to", recipientNames)
	return u.bookVerb(cmd, func(ctx context.Context, b *books, args []string) error {
		what := listKinds[0]
		if len(args) > 0 {
			what = args[0]
		} else if f.to != "" {
			what = "copies"
		}
		return b.list(ctx, what, f)
	})
}

func (b *books) list(ctx context.Context, what string, f listFlags) error {
	switch {
	case what != "copies" && f.to != "":
		return usagef("--to chooses copies, not %s", what)
	case (what == "subjects" || what == "recipients") && f != listFlags{}:
		return usagef("%s are listed as a whole: --subject, --since and --until choose submissions and copies", what)
	}
	span, err := newSpan(f.since, f.until)
	if err != nil {
		return err
	}
	switch what {
	case "submissions":
		return b.listSubmissions(ctx, f.subject, span)
	case "copies":
		return b.listCopies(ctx, f, span)
	case "subjects":
		return b.listSubjects(ctx)
	case "recipients":
		return b.listRecipients(ctx)
	}
	return usagef("there is no list of %q, but of %s", what, strings.Join(listKinds, ", "))
}

// A span is a range of times, ends included. A zero end is open.
type span struct{ since, until time.Time }

func newSpan(since, until string) (s span, err error) {
	if s.since, err = parseOptionalTime(since); err != nil {
		return s, fmt.Errorf("--since: %w", err)
	}
	if until != "" {
		if s.until, err = parseTime(until, true); err != nil {
			return s, fmt.Errorf("--until: %w", err)
		}
	}
	return s, nil
}

func (s span) holds(t time.Time) bool {
	return !t.Before(s.since) && (s.until.IsZero() || !t.After(s.until))
}

// A listing prints rows as they come, so that a list of any length takes little memory.
// Column widths are therefore fixed; the last column is as wide as its text.
type listing struct {
	*books
	format string // of a row, for fmt
}

func (b *books) listing(format string, header ...any) *listing {
	l := &listing{books: b, format: format}
	l.printf("%s\n", l.text(header))
	return l
}

// add prints one row, or with --json the value v.
func (l *listing) add(v any, cells ...any) error {
	l.printf("%s\n", l.text(cells))
	return l.line(v)
}

func (l *listing) text(cells []any) string {
	return strings.TrimRight(name(fmt.Sprintf(l.format, cells...)), " ")
}

func (b *books) listSubmissions(ctx context.Context, subject string, when span) error {
	l := b.listing("%-32s  %-20s  %-11s  %s", "SUBMISSION", "SENT", "PIXELS", "SUBJECT")
	add := func(s *registry.Submission) error {
		if !when.holds(s.Submitted) {
			return nil
		}
		line := struct { // without the hash, which is personal data: "kycmark show ID" has it
			*registry.Submission
			Hash *string `json:"hash,omitempty"`
		}{Submission: s}
		return l.add(line, s.ID.String(), moment(s.Submitted), fmt.Sprintf("%d x %d", s.Width, s.Height), s.Subject)
	}
	if subject != "" {
		all, err := b.registry.SubmissionsOf(ctx, subject)
		for i := range all {
			if err == nil {
				err = add(&all[i])
			}
		}
		return err
	}
	for s, err := range b.registry.Submissions(ctx, when.since) {
		if err == nil {
			err = add(s)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *books) listCopies(ctx context.Context, f listFlags, when span) error {
	if f.to != "" {
		if err := b.knowsRecipient(ctx, f.to); err != nil {
			return err
		}
	}
	l := b.listing("%-16s  %-32s  %-20s  %-16s  %s", "COPY", "SUBMISSION", "ISSUED", "RECIPIENT", "PURPOSE")
	add := func(c *registry.Copy) error {
		if f.to != "" && c.Recipient != f.to || !when.holds(c.Issued) {
			return nil
		}
		return l.add(c, c.ID.String(), c.Submission.String(), moment(c.Issued), c.Recipient, c.Purpose)
	}
	if f.subject == "" {
		for c, err := range b.registry.AllCopies(ctx) {
			if err == nil {
				err = add(c)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	of, err := b.registry.SubmissionsOf(ctx, f.subject)
	for _, s := range of {
		var copies []registry.Copy
		if err == nil {
			copies, err = b.registry.Copies(ctx, s.ID)
		}
		for i := range copies {
			if err == nil {
				err = add(&copies[i])
			}
		}
	}
	return err
}

func (b *books) listSubjects(ctx context.Context) error {
	l := b.listing("%-11v  %-20s  %-20s  %s", "SUBMISSIONS", "FIRST", "LAST", "SUBJECT")
	for s, err := range b.registry.Subjects(ctx) {
		if err == nil {
			err = l.add(s, s.Submissions, moment(s.First), moment(s.Last), s.Subject)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
