package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/watermark"
)

func newShow(u *ui) *cobra.Command {
	return u.bookVerb(&cobra.Command{
		Use:   "show ID...",
		Short: "Look up submissions and copies",
		Long: `Look up what the registry holds of a submission (32 hex digits: the upload, the
copies issued of it, who held it unmarked) or of a copy (16 hex digits).`,
		Example: `  kycmark show 00000000000004d2
  kycmark show --json 0123456789abcdef0123456789abcdef`,
		Args: some("ID"),
	}, func(ctx context.Context, b *books, ids []string) error {
		for _, id := range ids {
			if len(id) != 16 && len(id) != 32 {
				return usagef("%q is neither a copy ID (16 hex digits) nor a submission ID (32)", id)
			}
		}
		for _, id := range ids {
			if err := b.show(ctx, id); err != nil {
				if ctx.Err() != nil {
					return err
				}
				b.fail(id, err)
			}
		}
		return nil
	})
}

func (b *books) show(ctx context.Context, id string) error {
	if len(id) == 16 {
		copyID, err := watermark.ParseCopyID(id)
		if err != nil {
			return err
		}
		c, err := b.registry.Copy(ctx, copyID)
		if err != nil {
			return err
		}
		b.printf("%s", copyWords(c))
		return b.line(c)
	}
	sub, err := watermark.ParseSubmission(id)
	if err != nil {
		return err
	}
	return b.showSubmission(ctx, sub)
}

func (b *books) showSubmission(ctx context.Context, id watermark.Submission) error {
	s, err := b.registry.Submission(ctx, id)
	if err != nil {
		return err
	}
	copies, err := b.registry.Copies(ctx, id)
	if err != nil {
		return err
	}
	custody, err := b.registry.Custody(ctx, id)
	if err != nil {
		return err
	}
	b.printf("submission %s\n  sent %s, received %s\n", s.ID, s.Submitted.UTC().Format(time.RFC3339), s.Received.UTC().Format(time.RFC3339))
	b.printf("  %s, %d x %d pixels, %d bytes, SHA-256 %s\n", s.Format, s.Width, s.Height, s.Size, s.SHA256)
	if s.Subject != "" {
		b.printf("  subject %s\n", s.Subject)
	}
	for _, c := range copies {
		b.printf("%s", copyWords(&c))
	}
	for _, c := range custody {
		b.printf("held unmarked by %s: %s (%s)\n", c.Recipient, custodyWords(c), c.Note)
	}
	return b.line(struct {
		*verify.Submission
		Copies  []verify.Copy    `json:"copies"`
		Custody []verify.Custody `json:"custody"`
	}{s, nonNil(copies), nonNil(custody)})
}

func copyWords(c *verify.Copy) string {
	purpose := ""
	if c.Purpose != "" {
		purpose = fmt.Sprintf(" for %q", c.Purpose)
	}
	return fmt.Sprintf("copy %s of submission %s\n  issued to %s on %s%s under key %s\n  %s, %d x %d pixels, %d bytes, SHA-256 %s\n",
		c.ID, c.Submission, c.Recipient, c.Issued.UTC().Format(time.RFC3339), purpose, c.KeyID,
		c.Format, c.Width, c.Height, c.Size, c.SHA256)
}

// nonNil makes an empty list [] in JSON, not null.
func nonNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
