package main

import (
	"bytes"
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/watermark"
)

type investigateFlags struct {
	report, found string
	search        string
	reveal, force bool
	bundleFlags
}

func newInvestigate(u *ui) *cobra.Command {
	var f investigateFlags
	cmd := &cobra.Command{
		Use:   "investigate DUMP...",
		Short: "Say of leaked pictures whose copies they are",
		Long: `Examine leaked pictures: files, folders and zip archives. Each is matched
against the registry and its mark is read; then the findings are weighed
together. The report is one HTML file that needs nothing else. It is redacted
(no subject references, mosaics for thumbnails) unless --reveal. That the
investigation begins is entered in the ledger first ("kycmark show investigations").

Each leak that resembles an upload is also traced against its sealed original, which
finds marks that can no longer be read alone, and says how likely one would have been
found.

Findings: copy (carries the mark of an issued copy and shows that copy's upload),
unmarked (shows an upload and no mark, where one would have been found with a
probability of 0.999), unreadable (shows an upload; whether it was marked cannot be
said), lookalike (same template or scene, another capture), transplanted (carries a mark that belongs to another
upload), unknown (matches nothing), damaged (not a readable picture).`,
		Example: `  kycmark investigate leaks/ --report report.html
  kycmark investigate dump.zip --found 2026-11-20 --json
  kycmark investigate leaks/ --bundle for-the-vendor.zip`,
		Args: some("file, folder or zip archive"),
	}
	cmd.Flags().StringVar(&f.report, "report", "", "write the HTML report to this `file`")
	cmd.Flags().StringVar(&f.found, "found", "", "`when` the pictures were found: RFC 3339, or a day; custody entered later does not count")
	cmd.Flags().StringVar(&f.search, "search", "", "`where` to look for the uploads: memory (within 64 bits, and parts) or store (whole pictures within 31 bits); default memory, from 20 million uploads on store")
	cmd.Flags().BoolVar(&f.reveal, "reveal", false, "put subject references and recognisable thumbnails into the report")
	cmd.Flags().BoolVar(&f.force, "force", false, "overwrite the report if it exists")
	f.bundleFlags.add(cmd)
	return u.searchVerb(cmd, func(ctx context.Context, b *books, args []string) error {
		return b.investigate(ctx, f, args)
	})
}

func (b *books) investigate(ctx context.Context, f investigateFlags, dump []string) error {
	found, err := parseOptionalTime(f.found)
	if err != nil {
		return err
	}
	if f.report != "" {
		if err := checkOutput(f.report, f.force, dump...); err != nil {
			return err
		}
	}
	if err := f.ready(b, f.force, dump); err != nil {
		return err
	}
	keys, seal, err := b.keys()
	if err != nil {
		return err
	}
	show, done := b.progressOf(ctx, "examining")
	defer done()
	inv, err := verify.NewInvestigator(verify.Config{
		Registry: b.registry, Keys: keys, SealKey: seal, Actor: actor(), Command: append([]string{"kycmark"}, b.args...),
		Search: f.search, Found: found, Progress: show,
	})
	if err != nil {
		return err
	}
	var verdicts []*verify.Verdict
	for v, err := range inv.InvestigateFiles(ctx, dump...) {
		if err != nil {
			return err
		}
		if v.Finding == verify.FoundDamaged {
			b.fail(v.File, errors.New(v.Error))
		}
		if err := b.line(newLeakLine(v)); err != nil {
			return err
		}
		verdicts = append(verdicts, v)
	}
	done()
	d, err := inv.Weigh(ctx, verdicts)
	if err != nil {
		return err
	}
	if f.report != "" {
		var buf bytes.Buffer
		if err := inv.WriteReport(ctx, &buf, d, f.reveal); err != nil {
			return err
		}
		if err := writeOutput(f.report, buf.Bytes(), f.force); err != nil {
			return err
		}
	}
	if err := f.write(ctx, b, inv, d, f.reveal, f.force); err != nil {
		return err
	}
	b.verdict(d)
	if f.report != "" {
		b.printf("\nreport: %s\n", f.report)
	}
	f.written(b)
	return b.line(map[string]*verify.DumpVerdict{"verdict": d})
}

// leakLine is one leak's verdict as JSON, with every field of the contract:
// null where there is nothing to say.
type leakLine struct {
	*verify.Verdict
	Submission *watermark.Submission `json:"submission"`
	Copy       *watermark.CopyID     `json:"copy"`
	Recipient  *string               `json:"recipient"`
	Matches    []verify.Match        `json:"matches"`
	Accused    []watermark.CopyID    `json:"accused"`
	Edits      []verify.Edit         `json:"edits"`
	Traces     []verify.Tracing      `json:"traces"`
	Error      *string               `json:"error"`
}

func newLeakLine(v *verify.Verdict) leakLine {
	line := leakLine{
		Verdict:   v,
		Recipient: text(v.MayName()),
		Matches:   nonNil(v.Matches),
		Accused:   nonNil(v.Accused),
		Edits:     nonNil(v.Edits),
		Traces:    nonNil(v.Traces),
		Error:     text(v.Error),
	}
	if v.Submission != (watermark.Submission{}) {
		line.Submission = &v.Submission
	}
	if v.Copy != 0 {
		line.Copy = &v.Copy
	}
	return line
}
