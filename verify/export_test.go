package verify

import (
	"context"
	"image"
	"strings"
	"time"

	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// SetClock replaces the clock of the records.
func (v *Investigator) SetClock(now func() time.Time) { v.now = now }

// SetDetect replaces blind reading, which takes seconds.
func (v *Investigator) SetDetect(f func(context.Context, *watermark.Key, image.Image) (*watermark.Detection, error)) {
	v.detect = func(ctx context.Context, img image.Image, keys ...*watermark.Key) (all []*watermark.Detection, err error) {
		for _, k := range keys {
			d, err := f(ctx, k, img)
			if err != nil {
				return nil, err
			}
			if d.Found {
				all = append(all, d)
			}
		}
		return all, nil
	}
}

// The arithmetic is tested alone.
var (
	LogChoose      = logChoose
	FamilyWise     = familyWise
	ValidationCap  = validationCap
	RecipientOdds  = recipientOdds
	RangeCap       = rangeCap
	Words          = words
	SpanMonths     = spanMonths
	ShellLine      = shellLine
	MosaicSide     = mosaicSide
	LeastEvidence  = leastEvidence
	ReportTemplate = reportHTML
)

// WeighFor weighs leaks without a registry and writes the sentences.
func WeighFor(leaks []*Verdict, recipients []registry.Recipient, cfg Config, months int) *DumpVerdict {
	w := weigh(leaks, recipients, cfg, months)
	w.speak()
	return &w.DumpVerdict
}

// SetSubject says whose upload a leak shows.
func (v *Verdict) SetSubject(s string) { v.subject = s }

// SetMarked says whose copy's mark was read, confirmed or not.
func (v *Verdict) SetMarked(recipient string) {
	if v.marked = nil; recipient != "" {
		v.marked = []string{recipient}
	}
}

// Marked is what SetMarked sets.
func (v *Verdict) Marked() string { return strings.Join(v.marked, ", ") }

// SetThumbnails gives a verdict its pictures.
func (v *Verdict) SetThumbnails(img *image.NRGBA) { v.mosaic, v.preview = mosaic(img), preview(img) }
