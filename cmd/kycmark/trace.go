package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/watermark"
)

type traceFlags struct {
	keys                 []string
	original, submission string
	copies               []string
	copiesFrom           string
	strength             float64
}

func newTrace(u *ui) *cobra.Command {
	var f traceFlags
	cmd := &cobra.Command{
		Use:   "trace --key KEY --original FILE --copies HEX16,... LEAK|DIR...",
		Short: "Say which copy leaked, with the original at hand",
		Long: `Lay each leak over the original and say which of the issued copies is in what is
left: also out of thumbnails, prints, photos of a screen, and several copies mixed.
One line a leak. Exit 1 when no copy is accused by any of them.

score is in standard deviations: that of a copy that was not used is standard normal
or less. log10_p is the base-10 logarithm of the probability that a copy which was
not used scores so high, corrected for the number of copies; a copy is accused below
-9. power is the probability that a copy would have been accused by this leak: where
it is 0.999 or more, "no copy" means that the leak is of none of them.`,
		Example: `  kycmark trace --key mark.key --original upload.jpg --copies 00000000000004d2,00000000000004d3 leak.jpg
  kycmark trace --key mark.key --original upload.jpg --copies-from issued.txt --json leaks/`,
		Args: some("leak or folder"),
	}
	fs := cmd.Flags()
	fs.StringArrayVarP(&f.keys, "key", "k", nil, "mark key `file`; give several to try each copy under each (required)")
	fs.StringVar(&f.original, "original", "", "unmarked upload, the `file` that was marked (required)")
	fs.StringVar(&f.submission, "submission", "", "ID of the upload, 32 hex `digits` (default: the first 16 bytes of the original's SHA-256)")
	fs.StringSliceVar(&f.copies, "copies", nil, "`IDs` of the copies that were issued, 16 hex digits each")
	fs.StringVar(&f.copiesFrom, "copies-from", "", "text `file` with such an ID a line")
	fs.Float64Var(&f.strength, "strength", 1, "that the copies were marked with, as \"kycmark mark --json\" tells it")
	cmd.MarkFlagRequired("key")
	cmd.MarkFlagRequired("original")
	cmd.RunE = u.verb(func(cmd *cobra.Command, args []string) error {
		return trace(cmd.Context(), u, f, args)
	})
	return cmd
}

func trace(ctx context.Context, u *ui, f traceFlags, args []string) error {
	t, err := u.newTraceJob(f)
	if err != nil {
		return err
	}
	accused := false
	err = eachPicture(ctx, u, "tracing", args, t.leak, func(file string, line traceLine, err error) error {
		if err != nil {
			line = newTraceLine()
			line.Error = reasonText(err)
		} else {
			u.printf("%s: %s\n", name(file), line.words())
		}
		line.File = file
		accused = accused || len(line.Accused) > 0
		return u.line(line)
	})
	if !accused {
		u.no()
	}
	return err
}

// A traceJob traces leaks of one original.
type traceJob struct {
	issued []watermark.Candidate
	tracer *watermark.Tracer
}

func (u *ui) newTraceJob(f traceFlags) (*traceJob, error) {
	if !(f.strength > 0 && f.strength <= 2) {
		return nil, usagef("--strength: %g is not a strength that marks have", f.strength)
	}
	ids, err := f.copyIDs()
	if err != nil {
		return nil, err
	}
	var submission watermark.Submission
	if f.submission != "" {
		if submission, err = watermark.ParseSubmission(f.submission); err != nil {
			return nil, usagef("--submission: %w", err)
		}
	}
	keys, err := u.readKeys(f.keys)
	if err != nil {
		return nil, err
	}
	pic, err := picture.Load(f.original, picture.Limits{})
	if err != nil {
		return nil, fmt.Errorf("original %s: %s", f.original, reason(err))
	}
	u.warnPages(f.original, pic.Pages)
	if f.submission == "" {
		submission = watermark.Submission(pic.SHA256[:16])
	}
	t := &traceJob{}
	for _, key := range keys {
		for _, id := range ids {
			t.issued = append(t.issued, watermark.Candidate{Copy: id, Key: key, Strength: f.strength})
		}
	}
	t.tracer, err = watermark.NewTracer(pic.Image, t.issued, &watermark.TraceOptions{Submission: submission})
	if err != nil {
		return nil, fmt.Errorf("original %s: %w", f.original, err)
	}
	return t, nil
}

// copyIDs are the IDs of --copies and --copies-from, each once: log10_p is corrected for
// their number.
func (f *traceFlags) copyIDs() ([]watermark.CopyID, error) {
	var ids []watermark.CopyID
	known := map[watermark.CopyID]bool{}
	add := func(text, where string) error {
		id, err := watermark.ParseCopyID(text)
		if err != nil {
			return usagef("%s: %w", where, err)
		}
		if !known[id] {
			known[id], ids = true, append(ids, id)
		}
		return nil
	}
	for _, text := range f.copies {
		if err := add(text, "--copies"); err != nil {
			return nil, err
		}
	}
	if f.copiesFrom != "" {
		text, err := readSmall(f.copiesFrom)
		if err != nil {
			return nil, fmt.Errorf("--copies-from %s: %s", f.copiesFrom, reason(err))
		}
		n := 0
		for line := range strings.Lines(string(text)) {
			n++
			if line = strings.TrimSpace(line); line == "" {
				continue
			}
			if err := add(line, fmt.Sprintf("--copies-from %s, line %d", f.copiesFrom, n)); err != nil {
				return nil, err
			}
		}
	}
	if len(ids) == 0 {
		return nil, usagef("no copies: give --copies or --copies-from")
	}
	return ids, nil
}

// leak traces one picture.
func (t *traceJob) leak(ctx context.Context, p *picture.Picture) (traceLine, error) {
	line := newTraceLine()
	traced, err := t.tracer.Trace(ctx, p.Image)
	if err == nil && len(traced.Copies) > len(t.issued) {
		err = errors.New("more copies traced than issued")
	}
	if err == nil {
		line.fill(traced, t.issued)
	}
	return line, err
}
