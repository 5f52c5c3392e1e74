package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/watermark"
)

type issueFlags struct {
	to, since, purpose, out string
	submissions             []string
	all, allowWeak, force   bool
	maxSide                 int
	maxBytes                int64
	metadata                metadataFlag
}

func newIssue(u *ui) *cobra.Command {
	var f issueFlags
	cmd := &cobra.Command{
		Use:   "issue --to NAME (--submission ID | --all | --since TIME) --out DIR",
		Short: "Hand marked copies of uploads to a recipient",
		Long: `Mark a copy of each upload for one recipient and write it to a folder, named by
the submission. Each copy gets a fresh random ID and is entered in the ledger
before it is written. A picture whose mark would not be read back after a
messenger is refused, unless --allow-weak.

` + metadataHelp,
		Example: `  kycmark issue --to vendor-a --all --out for-vendor-a/
  kycmark issue --to authority-b --submission 0123456789abcdef0123456789abcdef --purpose "request 2026/17" --out for-b/`,
		Args: exactly(),
	}
	fs := cmd.Flags()
	fs.StringVar(&f.to, "to", "", "the recipient's `name` (required)")
	fs.StringArrayVar(&f.submissions, "submission", nil, "`ID` of an upload, 32 hex digits; may be repeated")
	fs.BoolVar(&f.all, "all", false, "every upload")
	fs.StringVar(&f.since, "since", "", "every upload sent at or after this `time`: RFC 3339, or a day")
	fs.StringVar(&f.purpose, "purpose", "", "the request that this answers, as the ledger keeps it")
	fs.StringVarP(&f.out, "out", "o", "", "`folder` for the copies, made if need be (required)")
	fs.IntVar(&f.maxSide, "max-side", 0, "shrink to this many `pixels` on the long side")
	fs.Int64Var(&f.maxBytes, "max-bytes", 0, "most `bytes` of a copy's file")
	fs.Var(&f.metadata, "metadata", "EXIF of uploads: drop, or keep what tells nothing of places and persons")
	fs.BoolVar(&f.allowWeak, "allow-weak", false, "hand out pictures whose mark may not be read back, too")
	fs.BoolVar(&f.force, "force", false, "overwrite files that exist")
	cmd.MarkFlagRequired("to")
	cmd.MarkFlagRequired("out")
	cmd.MarkFlagsMutuallyExclusive("submission", "all", "since")
	cmd.MarkFlagsOneRequired("submission", "all", "since")
	return u.bookVerb(cmd, func(ctx context.Context, b *books, _ []string) error { return b.issue(ctx, f) })
}

func (b *books) issue(ctx context.Context, f issueFlags) error {
	if f.maxSide < 0 || f.maxBytes < 0 {
		return usagef("--max-side and --max-bytes cannot be negative")
	}
	cfg, err := b.config()
	if err != nil {
		return err
	}
	cfg.MaxSide, cfg.MaxCopyBytes, cfg.AllowWeak, cfg.KeepEXIF = f.maxSide, f.maxBytes, f.allowWeak, f.metadata.keep
	issuer, err := verify.NewIssuer(cfg)
	if err != nil {
		return err
	}
	if err := b.knowsRecipient(ctx, f.to); err != nil {
		return err
	}
	ids, err := b.chosen(ctx, f)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(f.out, folderPerm); err != nil {
		return err
	}
	step, done := b.progress(ctx, "marking", len(ids))
	defer done()
	issued := 0
	err = each(ctx, ids, func(ctx context.Context, id string) issueLine {
		defer step()
		return issueOne(ctx, issuer, id, f)
	}, func(id string, line issueLine) error {
		if line.err != nil {
			b.fail(id, line.err)
		} else {
			issued++
		}
		if line.Weak {
			b.warnf("%s: weak: the mark may not be read back after a messenger", *line.File)
		}
		return b.line(line)
	})
	b.printf("%s for %s in %s\n", plural(issued, "copy"), f.to, f.out)
	return err
}

func (b *books) knowsRecipient(ctx context.Context, name string) error {
	all, err := b.registry.Recipients(ctx)
	if err != nil {
		return err
	}
	for _, r := range all {
		if r.Name == name {
			return nil
		}
	}
	return notFound(fmt.Errorf("recipient %q: %w", name, verify.ErrNotFound))
}

// chosen lists the submissions that the flags name.
func (b *books) chosen(ctx context.Context, f issueFlags) ([]string, error) {
	for _, s := range f.submissions {
		if _, err := watermark.ParseSubmission(s); err != nil {
			return nil, usagef("--submission: %w", err)
		}
	}
	if len(f.submissions) > 0 {
		return f.submissions, nil
	}
	since, err := parseOptionalTime(f.since)
	if err != nil {
		return nil, err
	}
	var ids []string
	for s, err := range b.registry.Submissions(ctx, since) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, s.ID.String())
	}
	return ids, nil
}
