package pictures

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/watermark"
)

// NewDetect returns the verb "detect". It needs no home and writes nothing.
func NewDetect(u *ui.UI) *cobra.Command {
	var keys []string
	var copiesFrom string
	cmd := &cobra.Command{
		Use:   "detect --key KEY [--key KEY2] FILE|DIR...",
		Short: "Read the mark out of pictures, without the originals",
		Long: `Read the mark out of pictures, blind: from each picture and the key alone. One
line a picture; hidden files and folders are left out. Exit 1 when no mark was found in
any of them, 3 when a file, or a page of it, could not be read.

log10_p is the base-10 logarithm of the probability that a picture without a mark of
the key reads as marked. It includes the whole search. Each further key adds the same
probability.

With --copies-from a mark that is too faint for its own check is compared with the
copies that were issued. sync says how well a place in the picture agrees with the
keys, at most 8. sync_log10_p says how probable so much is without a mark of these keys.`,
		Example: `  kycmark detect --key mark.key leak.jpg
  kycmark detect --key 2025.key --key 2026.key --json leaks/
  kycmark detect --key mark.key --copies-from issued.txt thumbnail.jpg`,
		Args: ui.Some("file or folder"),
		RunE: u.Verb(func(cmd *cobra.Command, args []string) error {
			return detect(cmd.Context(), u, keys, copiesFrom, args)
		}),
	}
	cmd.Flags().StringArrayVarP(&keys, "key", "k", nil, "mark key `file`; give several to try each (required)")
	cmd.Flags().StringVar(&copiesFrom, "copies-from", "", "text `file` with the ID of an issued copy a line")
	cmd.MarkFlagRequired("key")
	return cmd
}

// detect reads the marks out of the pictures that args name, files or folders, and prints a line for each. copiesFrom is
// a file of the IDs that were issued, "" for none. If no mark is found at all, the exit code becomes 1.
func detect(ctx context.Context, u *ui.UI, keyPaths []string, copiesFrom string, args []string) error {
	keys, err := ui.ReadKeys(u, keyPaths)
	if err != nil {
		return err
	}
	issued := ui.IdList[watermark.CopyID]{Parse: watermark.ParseCopyID}
	if copiesFrom != "" {
		if err := issued.Read(copiesFrom); err != nil {
			return err
		}
	}
	lists := each.Of(keys, func(k *watermark.Key) *watermark.List { return watermark.NewList(k, issued.IDs) })
	found := 0
	err = ui.EachPicture(ctx, u, "reading", args, ui.AllPixels, func(ctx context.Context, p *picture.Picture) (*watermark.Reading, error) {
		r, err := watermark.Read(ctx, p.Image, keys...)
		if err != nil {
			return r, err
		}
		own := *r // Among looks at the marks that were read
		for _, l := range lists {
			r.Marks = append(r.Marks, own.Among(l)...)
		}
		return r, nil
	}, func(file string, r *watermark.Reading, err error) error {
		line := NewDetectLine(file, r, err)
		if line.Found {
			found++
		}
		if err == nil {
			u.Printf("%s: %s\n", ui.Name(file), line.Words())
		}
		return u.Line(line)
	})
	if found == 0 {
		u.No()
	}
	return err
}

// DetectLine is the result of detect as JSON. The scalars repeat the strongest of
// the detections and are null when nothing was found.
type DetectLine struct {
	File       string            `json:"file"`
	Found      bool              `json:"found"`
	Copy       *watermark.CopyID `json:"copy"`
	KeyID      *string           `json:"key_id"`
	LogP       *float64          `json:"log10_p"`
	Scale      *float64          `json:"scale"`
	Rotation   *float64          `json:"rotation"`
	Mirrored   *bool             `json:"mirrored"`
	Sync       *float64          `json:"sync"`         // strongest agreement of a place with a key; null: the picture could not be read
	SyncLogP   *float64          `json:"sync_log10_p"` // of so much in a picture without a mark of any key; null: the same
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
	Quad     [4][2]float64    `json:"quad"`            // where in the picture the evidence lies, pixels
	Among    int              `json:"among,omitempty"` // copies that it was compared with; absent: read by its own check
}

// NewDetectLine returns the JSON line of the picture called file. r has the marks found in it, strongest first. err is
// why the picture could not be read; r is used only if it is nil.
func NewDetectLine(file string, r *watermark.Reading, err error) DetectLine {
	l := DetectLine{File: file, Detections: []detection{}, Error: ui.ReasonText(err)}
	if err != nil {
		return l
	}
	sync, logP := r.Sync(), r.LogPSync()
	l.Sync, l.SyncLogP = &sync, &logP
	for _, m := range r.Marks {
		l.Detections = append(l.Detections, detection{m.Copy, m.KeyID, m.LogPFA, m.Scale, m.Rotation, m.Mirrored, corners(m.Quad), m.Among})
	}
	if len(r.Marks) > 0 {
		d := &l.Detections[0]
		l.Found, l.Copy, l.KeyID, l.LogP = true, &d.Copy, &d.KeyID, &d.LogP
		l.Scale, l.Rotation, l.Mirrored = &d.Scale, &d.Rotation, &d.Mirrored
	}
	return l
}

// syncLevel is the log10 p of the pilots' agreement from which a mark may be there: wrong for 1 unmarked picture in 1,000 at most.
const syncLevel = -3

// Words tells the marks found in one line.
func (l *DetectLine) Words() string {
	switch {
	case !l.Found && l.SyncLogP != nil && *l.SyncLogP <= syncLevel:
		return fmt.Sprintf("no mark found, but a mark of a key may be here (log10 p %.1f)", *l.SyncLogP)
	case !l.Found:
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

// HashKinds are the algorithms.
var HashKinds = []phash.Kind{phash.PDQ, phash.Area, phash.Perception, phash.Difference, phash.Average}

// NewHash returns the verb "hash". It needs no home and writes nothing.
func NewHash(u *ui.UI) *cobra.Command {
	return &cobra.Command{
		Use:   "hash FILE|DIR...",
		Short: "Print perceptual hashes of pictures",
		Long: `Print perceptual hashes: PDQ (256 bits), which platforms exchange, with a quality of 0 to
100. A picture with a quality below 50 is too plain to be recognised by its hash.

With --json also: area (256 bits), which resizing changes least; the hashes of goimagehash (64
bits); and the chain of each hash and the decoder, which together say how the file became
the bits. A JPEG of 1,024 pixels or more is read at 1/2 to 1/8 of its size, which may change a
few bits of its hashes.

Hidden files and folders are left out. Exit 3 when a file, or a page of it, could not be read.

A hash can be turned back into a blurry picture: treat it as personal data.`,
		Example: `  kycmark hash upload.jpg
  kycmark hash --json uploads/`,
		Args: ui.Some("file or folder"),
		RunE: u.Verb(func(cmd *cobra.Command, args []string) error {
			return ui.EachPicture(cmd.Context(), u, "hashing", args, ui.ForHashes, func(_ context.Context, p *picture.Picture) (hashLine, error) {
				return hashPicture(p)
			}, func(file string, line hashLine, err error) error {
				if line.File, line.Error = file, ui.ReasonText(err); line.Hashes == nil { // it was not decoded
					line.Hashes, line.Chains = map[string]string{}, map[string]string{}
				}
				if err == nil {
					u.Printf("%s: %s:%s (quality %d)\n", ui.Name(file), phash.PDQ, line.Hashes[phash.PDQ.String()], *line.Quality)
				}
				return u.Line(line)
			})
		}),
	}
}

type hashLine struct {
	File    string            `json:"file"`
	Hashes  map[string]string `json:"hashes"`  // hex digits by algorithm
	Quality *int              `json:"quality"` // of PDQ, 0..100; null without it
	Error   *string           `json:"error"`
	Chains  map[string]string `json:"chains"`  // from pixels to bits, by algorithm
	Decoder string            `json:"decoder"` // from the file to pixels
}

// hashPicture computes the hashes of pic, which ui.ForHashes loaded. The line lacks the file's name. If an algorithm fails,
// the line has the others, and bad joins the errors.
func hashPicture(pic *picture.Picture) (line hashLine, bad error) {
	line = hashLine{Hashes: map[string]string{}, Chains: map[string]string{}, Decoder: pic.Decoder}
	for _, kind := range HashKinds {
		h, quality, err := ui.Sum(kind, pic)
		if err != nil {
			bad = errors.Join(bad, err)
			continue
		}
		line.Hashes[kind.String()], line.Chains[kind.String()] = h.Hex(), kind.Version()
		if kind == phash.PDQ {
			line.Quality = &quality
		}
	}
	return line, bad
}
