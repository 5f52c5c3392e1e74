package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/verify"
)

func newSubmit(u *ui) *cobra.Command {
	var subject, at string
	cmd := &cobra.Command{
		Use:   "submit FILE|DIR...",
		Short: "Enter uploads into the registry",
		Long: `Enter uploads as they were received: digest, perceptual hash and the original,
sealed under a key of its own. A file that is there already is left as it is.`,
		Example: `  kycmark submit upload.jpg --subject customer-4711
  kycmark submit --at 2018-02-14 uploads/2018-02-14/`,
		Args: some("file or folder"),
	}
	cmd.Flags().StringVar(&subject, "subject", "", "opaque `reference` of the customer, never a name")
	cmd.Flags().StringVar(&at, "at", "", "`when` the customer sent it: RFC 3339, or a day (default: now)")
	return u.bookVerb(cmd, func(ctx context.Context, b *books, args []string) error {
		when, err := parseOptionalTime(at)
		if err != nil {
			return err
		}
		cfg, err := b.config()
		if err != nil {
			return err
		}
		issuer, err := verify.NewIssuer(cfg)
		if err != nil {
			return err
		}
		return b.submit(ctx, issuer, listFiles(args), args, subject, when)
	})
}

// submitLine is the result of submit as JSON.
type submitLine struct {
	File       string  `json:"file"`
	Submission *string `json:"submission"` // null when it failed
	Duplicate  bool    `json:"duplicate"`
	Error      *string `json:"error"`

	err error
}

func (b *books) submit(ctx context.Context, issuer *verify.Issuer, files, args []string, subject string, when time.Time) error {
	if len(files) == 0 {
		return usagef("no files in %s", strings.Join(args, ", "))
	}
	step, done := b.progress(ctx, "submitting", len(files))
	defer done()
	return each(ctx, files, func(ctx context.Context, file string) submitLine {
		defer step()
		return submitFile(ctx, issuer, file, subject, when)
	}, func(file string, line submitLine) error {
		switch {
		case line.err != nil:
			b.fail(file, line.err)
		case line.Duplicate:
			b.printf("%s: submission %s, was there already\n", name(file), *line.Submission)
		default:
			b.printf("%s: submission %s\n", name(file), *line.Submission)
		}
		return b.line(line)
	})
}

func submitFile(ctx context.Context, issuer *verify.Issuer, file, subject string, when time.Time) submitLine {
	line := submitLine{File: file}
	failed := func(err error) submitLine {
		line.err, line.Error = err, reasonText(err)
		return line
	}
	f, err := openRegular(file)
	if err != nil {
		return failed(err)
	}
	defer f.Close()
	sub, duplicate, err := issuer.Submit(ctx, f, subject, when)
	if err != nil {
		return failed(err)
	}
	line.Submission, line.Duplicate = text(sub.ID.String()), duplicate
	return line
}
