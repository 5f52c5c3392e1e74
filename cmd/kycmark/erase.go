package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

func newErase(u *ui) *cobra.Command {
	var subject, note string
	var yes bool
	cmd := &cobra.Command{
		Use:   "erase --subject REF",
		Short: "Erase what is known of a person",
		Long: `Destroy the sealed originals of a subject's uploads with their data keys, their
hashes, features and digests, and the subject reference itself. The ledger still
holds. What is left: the uploads' IDs and times, and of the copies issued of them
recipient, time and digest. A leak of such a picture matches nothing afterwards; a
marked copy is found as "copy (unconfirmed)", and "kycmark show COPY" says who was
handed it and when.

Without --yes it lists what would be erased. Backups, copies of the registry's file
and what recipients hold are not reached.`,
		Example: `  kycmark erase --subject ref-7f31 --note "request 2026/44" --yes`,
		Args:    exactly(),
	}
	cmd.Flags().StringVar(&subject, "subject", "", "the subject `reference` (required)")
	cmd.Flags().StringVar(&note, "note", "", "why, as the ledger keeps it; never the subject's name or reference")
	cmd.Flags().BoolVar(&yes, "yes", false, "erase; this cannot be undone")
	cmd.MarkFlagRequired("subject")
	return u.bookVerb(cmd, func(ctx context.Context, b *books, _ []string) error {
		if !yes {
			return b.wouldErase(ctx, subject)
		}
		ids, err := b.registry.Erase(ctx, subject, actor(), note)
		for _, id := range ids {
			b.printf("%s: erased\n", id)
			if err := b.line(eraseLine{id, true}); err != nil {
				return err
			}
		}
		return err
	})
}

type eraseLine struct {
	Submission watermark.Submission `json:"submission"`
	Erased     bool                 `json:"erased"`
}

func (b *books) wouldErase(ctx context.Context, subject string) error {
	subs, err := b.registry.SubmissionsOf(ctx, subject)
	if err != nil {
		return err
	}
	if len(subs) == 0 {
		return registry.ErrNotFound
	}
	for _, s := range subs {
		copies, err := b.registry.Copies(ctx, s.ID)
		if err != nil {
			return err
		}
		b.printf("%s: of %s, %s issued\n", s.ID, day(s.Submitted), plural(len(copies), "copy"))
		if err := b.line(eraseLine{s.ID, false}); err != nil {
			return err
		}
	}
	return usagef("nothing was erased: it cannot be undone, so say --yes")
}
