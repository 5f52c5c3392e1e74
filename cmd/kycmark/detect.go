package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/watermark"
)

func newDetect(u *ui) *cobra.Command {
	var keys []string
	cmd := &cobra.Command{
		Use:   "detect --key KEY [--key KEY2] FILE|DIR...",
		Short: "Read the mark out of pictures, without the originals",
		Long: `Read the mark out of pictures, blind: from each picture and the key alone. One
line a picture. Exit 1 when no mark was found in any of them.

log10_p is the base-10 logarithm of the probability that a picture without a
mark of the key that was read reads as marked, the whole search included; with
several keys, each adds as much.`,
		Example: `  kycmark detect --key mark.key leak.jpg
  kycmark detect --key 2025.key --key 2026.key --json leaks/`,
		Args: some("file or folder"),
		RunE: u.verb(func(cmd *cobra.Command, args []string) error {
			return detect(cmd.Context(), u, keys, args)
		}),
	}
	cmd.Flags().StringArrayVarP(&keys, "key", "k", nil, "mark key `file`; give several to try each (required)")
	cmd.MarkFlagRequired("key")
	return cmd
}

func detect(ctx context.Context, u *ui, keyPaths, args []string) error {
	keys, err := u.readKeys(keyPaths)
	if err != nil {
		return err
	}
	files := listFiles(args)
	if len(files) == 0 {
		return usagef("no files in %s", strings.Join(args, ", "))
	}
	step, done := u.progress(ctx, "reading", len(files))
	defer done()
	found := 0
	err = each(ctx, files, func(ctx context.Context, file string) detectResult {
		defer step()
		return detectFile(ctx, keys, file)
	}, func(file string, r detectResult) error {
		u.warnPages(file, r.pages)
		if r.err != nil {
			u.fail(file, r.err)
		}
		if r.line.Found {
			found++
		}
		if r.err == nil {
			u.printf("%s: %s\n", name(file), r.line.words())
		}
		return u.line(r.line)
	})
	if found == 0 {
		u.no()
	}
	return err
}

type detectResult struct {
	line  detectLine
	pages int
	err   error
}

func (r detectResult) failed(err error) detectResult {
	r.err = err
	r.line.Error = reasonText(err)
	return r
}

func detectFile(ctx context.Context, keys []*watermark.Key, file string) detectResult {
	r := detectResult{line: detectLine{File: file, Detections: []detection{}}}
	pic, err := picture.Load(file, picture.Limits{})
	if err != nil {
		return r.failed(err)
	}
	r.pages = pic.Pages
	found, err := watermark.DetectAll(ctx, pic.Image, keys...)
	if err != nil {
		return r.failed(err)
	}
	for _, d := range found {
		r.line.Detections = append(r.line.Detections, newDetection(d))
	}
	r.line.repeatStrongest()
	return r
}

// detectLine is the result of detect as JSON. The scalars repeat the strongest of
// the detections and are null when nothing was found.
type detectLine struct {
	File       string            `json:"file"`
	Found      bool              `json:"found"`
	Copy       *watermark.CopyID `json:"copy"`
	KeyID      *string           `json:"key_id"`
	LogP       *float64          `json:"log10_p"`
	Scale      *float64          `json:"scale"`
	Rotation   *float64          `json:"rotation"`
	Mirrored   *bool             `json:"mirrored"`
	Detections []detection       `json:"detections"`
	Error      *string           `json:"error"`
}

type detection struct {
	Copy     watermark.CopyID `json:"copy"`
	KeyID    string           `json:"key_id"`
	LogP     float64          `json:"log10_p"`
	Scale    float64          `json:"scale"`    // leak pixels per mark pixel
	Rotation float64          `json:"rotation"` // degrees
	Mirrored bool             `json:"mirrored"`
	Quad     [4][2]float64    `json:"quad"` // where in the picture the evidence lies, pixels
}

func newDetection(d *watermark.Detection) detection {
	out := detection{Copy: d.Copy, KeyID: d.KeyID, LogP: d.LogPFA, Scale: d.Scale, Rotation: d.Rotation, Mirrored: d.Mirrored}
	for i, p := range d.Quad {
		out.Quad[i] = [2]float64{p.X, p.Y}
	}
	return out
}

func (l *detectLine) repeatStrongest() {
	if len(l.Detections) == 0 {
		return
	}
	d := &l.Detections[0]
	l.Found, l.Copy, l.KeyID, l.LogP = true, &d.Copy, &d.KeyID, &d.LogP
	l.Scale, l.Rotation, l.Mirrored = &d.Scale, &d.Rotation, &d.Mirrored
}

// words tells the result in one line.
func (l *detectLine) words() string {
	if !l.Found {
		return "no mark found"
	}
	var b strings.Builder
	for i, d := range l.Detections {
		if i > 0 {
			b.WriteString("; and ")
		}
		fmt.Fprintf(&b, "copy %s (key %s, log10 p %.1f", d.Copy, d.KeyID, d.LogP)
		if d.Mirrored {
			b.WriteString(", mirrored")
		}
		b.WriteString(")")
	}
	return b.String()
}
