package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// newShow returns the verb "show". Exit code 3: some IDs are unknown; 2: a text is no ID.
func newShow(u *ui) *cobra.Command {
	return u.bookVerb(&cobra.Command{
		Use:   "show ID...",
		Short: "Look up submissions and copies",
		Long: `Look up what the registry holds of a submission (the upload, the copies issued of it, who
held it unmarked) or of a copy (whom it was issued to, the state of its mark key,
receipts). The first digits of an ID are enough, as tables print them: 4 or more.`,
		Example: `  kycmark show 00000000000004d2
  kycmark show --json 745cd8ec`,
		Args:              some("ID"),
		ValidArgsFunction: copyIDs,
	}, func(ctx context.Context, b *desk, ids []string) error {
		for _, id := range ids {
			if err := b.show(ctx, id); err != nil {
				if ctx.Err() != nil || errors.Is(err, registry.ErrInput) {
					return err
				}
				b.fail(id, err)
			}
		}
		return nil
	})
}

// show prints what the registry holds of a submission or a copy.
func (b *desk) show(ctx context.Context, text string) error {
	sub, id, err := b.named(ctx, text)
	if err != nil {
		return err
	}
	if id != 0 {
		return b.showCopy(ctx, id)
	}
	return b.showSubmission(ctx, sub)
}

// named returns the submission, or the copy, whose ID begins with text, which tables end with "…". The
// other result is zero. The error wraps [registry.ErrNotFound] if no ID begins so; of several it lists the IDs.
func (b *desk) named(ctx context.Context, text string) (sub watermark.Submission, id watermark.CopyID, err error) {
	subs, copies, err := b.registry.WithPrefix(ctx, strings.TrimSuffix(text, "…"))
	switch {
	case err != nil:
		return sub, 0, err
	case len(subs)+len(copies) > 1:
		var all []string
		for _, x := range subs {
			all = append(all, "submission "+x.String())
		}
		for _, x := range copies {
			all = append(all, "copy "+x.String())
		}
		return sub, 0, fmt.Errorf("%s: several IDs begin so: %s", text, strings.Join(all, ", "))
	case len(copies) == 1:
		return sub, copies[0], nil
	case len(subs) == 1:
		return subs[0], 0, nil
	}
	return sub, 0, fmt.Errorf("%s: %w", text, registry.ErrNotFound)
}

// showCopy prints a copy, the state of its mark key and its receipts.
func (b *desk) showCopy(ctx context.Context, id watermark.CopyID) error {
	c, err := b.registry.Copy(ctx, id)
	if err != nil {
		return err
	}
	receipts, err := b.registry.Ledger().Receipts(ctx, id)
	if err != nil {
		return err
	}
	key, err := b.registry.Ledger().MarkKey(ctx, c.KeyID)
	if err != nil {
		return err
	}
	b.printf("%s  key %s\n", copyWords(c), key.KeyState)
	for _, x := range receipts {
		b.printf("%s", receiptWords(&x))
	}
	return b.line(struct {
		*books.Copy
		Key      books.KeyState  `json:"key"`
		Receipts []books.Receipt `json:"receipts"`
	}{c, key.KeyState, nonNil(receipts)})
}

// showSubmission prints a submission, its copies, and who held it unmarked. Of an erased one it prints what is left.
func (b *desk) showSubmission(ctx context.Context, id watermark.Submission) error {
	s, err := b.registry.Submission(ctx, id)
	if err != nil && !errors.Is(err, registry.ErrErased) {
		return err
	}
	copies, err := b.registry.Copies(ctx, id)
	if err != nil {
		return err
	}
	custody, err := b.registry.Custody(ctx, registry.CustodyFilter{Submission: id})
	if err != nil {
		return err
	}
	carries, err := b.registry.Carried(ctx, id)
	if err != nil {
		return err
	}
	b.printf("%s", submissionWords(s))
	for _, c := range carries {
		b.printf("came in with the mark of copy %s, issued to %s\n", c.ID, name(c.Recipient))
	}
	for _, c := range copies {
		b.printf("%s", copyWords(&c))
	}
	for _, c := range custody {
		b.printf("%s %s (%s)\n", name(c.Recipient), custodyWords(c), c.Note)
	}
	return b.line(struct {
		*books.Submission
		Pages   int             `json:"pages,omitempty"` // of an upload of several
		Copies  []books.Copy    `json:"copies"`
		Custody []books.Custody `json:"custody"`
		Carries []carried       `json:"carries,omitempty"` // copies whose marks it came in with
	}{s, s.Pages, nonNil(copies), nonNil(custody), carriedBy(carries)})
}

// submissionWords returns a submission in two to five lines.
func submissionWords(s *books.Submission) string {
	words := fmt.Sprintf("submission %s\n  sent %s, received %s\n", s.ID, moment(s.Submitted), moment(s.Received))
	if s.Erased {
		return words + "  erased\n"
	}
	words += fmt.Sprintf("  %s, %d x %d pixels, %d bytes, SHA-256 %s\n", s.Format, s.Width, s.Height, s.Size, s.SHA256)
	if s.Pages > 1 {
		words += fmt.Sprintf("  page 1 of %d\n", s.Pages)
	}
	if s.Subject != "" {
		words += fmt.Sprintf("  subject %s\n", name(s.Subject))
	}
	if !s.SetAt.IsZero() {
		words += fmt.Sprintf("  subject entered %s\n", moment(s.SetAt))
	}
	return words
}

// copyWords returns what is known of a copy in three or four lines.
func copyWords(c *books.Copy) string {
	purpose := ""
	if c.Purpose != "" {
		purpose = " for " + intake.Quoted(c.Purpose)
	}
	return fmt.Sprintf("copy %s of submission %s\n  issued to %s on %s%s under key %s\n  %s, %d x %d pixels, %d bytes, SHA-256 %s\n%s",
		c.ID, c.Submission, name(c.Recipient), moment(c.Issued), purpose, c.KeyID,
		c.Format, c.Width, c.Height, c.Size, c.SHA256, stateWords(c))
}

// nonNil makes an empty list [] in JSON, not null.
func nonNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// stateWords says in one line what became of a copy; "" if it was released.
func stateWords(c *books.Copy) string {
	switch c.State {
	case books.CopyReserved:
		return "  reserved: its release is not confirmed\n"
	case books.CopyVoid:
		return "  void: no byte of it was handed out, says the ledger\n"
	}
	return ""
}
