package books

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// NewShow returns the verb "show". Exit code 3: some IDs are unknown; 2: an ID of another length, and nothing is shown.
func NewShow(u *ui.UI) *cobra.Command {
	return u.BookVerb(&cobra.Command{
		Use:   "show ID...",
		Short: "Look up submissions and copies",
		Long: `Look up what the registry holds of a submission (32 hex digits: the upload, the
copies issued of it, who held it unmarked) or of a copy (16 hex digits: whom it was
issued to, the state of its mark key, receipts).`,
		Example: `  kycmark show 00000000000004d2
  kycmark show --json 0123456789abcdef0123456789abcdef`,
		Args:              ui.Some("ID"),
		ValidArgsFunction: ui.CopyIDs,
	}, func(ctx context.Context, b *ui.Desk, ids []string) error {
		for _, id := range ids {
			if len(id) != 16 && len(id) != 32 {
				return ui.Usagef("%q is neither a copy ID (16 hex digits) nor a submission ID (32)", id)
			}
		}
		for _, id := range ids {
			if err := showID(ctx, b, id); err != nil {
				if ctx.Err() != nil {
					return err
				}
				b.Fail(id, err)
			}
		}
		return nil
	})
}

// showID prints what the registry holds of an ID: 16 hex digits of a copy, or 32 of a submission.
func showID(ctx context.Context, b *ui.Desk, id string) error {
	if len(id) == 16 {
		copyID, err := watermark.ParseCopyID(id)
		if err != nil {
			return err
		}
		return showCopy(ctx, b, copyID)
	}
	sub, err := watermark.ParseSubmission(id)
	if err != nil {
		return err
	}
	return showSubmission(ctx, b, sub)
}

// showCopy prints a copy, the state of its mark key and its receipts.
func showCopy(ctx context.Context, b *ui.Desk, id watermark.CopyID) error {
	c, err := b.Registry.Copy(ctx, id)
	if err != nil {
		return err
	}
	receipts, err := b.Registry.Ledger().Receipts(ctx, id)
	if err != nil {
		return err
	}
	key, err := b.Registry.Ledger().MarkKey(ctx, c.KeyID)
	if err != nil {
		return err
	}
	b.Printf("%s  key %s\n", CopyWords(c), key.KeyState)
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
	copies, err := b.Registry.Copies(ctx, id)
	if err != nil {
		return err
	}
	custody, err := b.Registry.Custody(ctx, registry.CustodyFilter{Submission: id})
	if err != nil {
		return err
	}
	carries, err := b.Registry.Carried(ctx, id)
	if err != nil {
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
	return fmt.Sprintf("copy %s of submission %s\n  issued to %s on %s%s under key %s\n  %s, %d x %d pixels, %d bytes, SHA-256 %s\n%s",
		c.ID, c.Submission, ui.Name(c.Recipient), ui.Moment(c.Issued), purpose, c.KeyID,
		c.Format, c.Width, c.Height, c.Size, c.SHA256, stateWords(c))
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
