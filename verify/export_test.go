package verify

import (
	"cmp"
	"context"
	"errors"
	"image"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kycmark/kycmark/internal/test/oddstest"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/parts"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/engine"
	"github.com/kycmark/kycmark/verify/odds"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// Leave leaves a segment of features, as a search does that meets an altered record.
func (v *Investigator) Leave(ctx context.Context, file string) error {
	return v.found.dismount(ctx, v.cfg.Registry, v.cfg.SealKey, &parts.RecordError{Name: file})
}

// Rival returns what is said of the original of a copy and of another upload, if a leak shows the
// other upload and the document of the copy's.
func (v *Investigator) Rival(ctx context.Context, of, shown watermark.Submission) (string, error) {
	e := evidence{matches: []findings.Match{{Submission: shown, Pixels: findings.PixelsSame}, {Submission: of, Pixels: findings.PixelsAlike}},
		reads: []read{{issued: &registry.Copy{Submission: of}, shows: findings.PixelsAlike}}}
	err := v.rivals(ctx, &e)
	return e.reads[0].rival, err
}

// SetClock replaces the clock of the records.
func (v *Investigator) SetClock(now func() time.Time) { v.now = now }

// ReadInstead makes blind reading look at another picture.
func (v *Investigator) ReadInstead(img image.Image) {
	v.detect = func(ctx context.Context, _ image.Image, keys ...*watermark.Key) (*watermark.Reading, error) {
		return watermark.Read(ctx, img, keys...)
	}
}

// SetReading has blind reading return what was read before.
func (v *Investigator) SetReading(r *watermark.Reading) {
	v.detect = func(context.Context, image.Image, ...*watermark.Key) (*watermark.Reading, error) { return r, nil }
}

// SetDetect replaces blind reading, which takes seconds.
func (v *Investigator) SetDetect(f func(context.Context, *watermark.Key, image.Image) (*watermark.Detection, error)) {
	v.detect = func(ctx context.Context, img image.Image, keys ...*watermark.Key) (*watermark.Reading, error) {
		r := new(watermark.Reading)
		for _, k := range keys {
			d, err := f(ctx, k, img)
			if err != nil {
				return nil, err
			}
			if d.Found {
				r.Marks = append(r.Marks, d)
			}
		}
		return r, nil
	}
}

// What tests look at.
var (
	MosaicSide     = mosaicSide
	ReportTemplate = reportHTML
	Method         = method
	NoteCodes      = slices.Sorted(maps.Keys(notes))
)

// TakeMemory takes all memory of pictures, of the 512 MiB that v has, until give is called.
func (v *Investigator) TakeMemory(ctx context.Context) (give func(), err error) {
	l := v.memory.Lease()
	return l.Give, l.Take(ctx, 384<<20)
}

// SameDocuments is sameDocuments.
func (v *Investigator) SameDocuments(ctx context.Context, leaks []*Finding) ([]findings.SameDocument, int, error) {
	return v.sameDocuments(ctx, leaks)
}

// Units returns the units of the submissions that leaks show. each is [Circumstances].UploadsPerSubject.
func Units(leaks []*Finding, each int, same ...findings.SameDocument) map[watermark.Submission]string {
	w := &weighing{cfg: Basis{Circumstances: Circumstances{UploadsPerSubject: each}}}
	w.Findings, w.SameDocuments = leaks, same
	w.clusters()
	w.units()
	return w.unit
}

// WeighFor weighs leaks without a registry and writes the sentences. The registry's
// submissions are spread over so many months; every recipient has copies of all, and
// those whose custody covers a leak held what was submitted in its months.
func WeighFor(leaks []*Finding, recipients []registry.Recipient, cfg Config, months int, issued ...registry.Copy) *Verdict {
	return WeighAround(leaks, recipients, cfg, months, Around{}, issued...)
}

// Around is what the registry says of a dump besides its leaks.
type Around struct {
	Earlier []findings.Earlier
	Run     findings.Run
	Travel  []findings.Travel
	Public  map[watermark.CopyID]time.Time // in all files

	Published []findings.Earlier
}

// WeighAround is WeighFor, with what is around.
func WeighAround(leaks []*Finding, recipients []registry.Recipient, cfg Config, months int, around Around, issued ...registry.Copy) *Verdict {
	b := &books{recipients: recipients, copies: make(map[watermark.Submission][]registry.Copy),
		holdings: &engine.Holdings{Copies: make(map[string][]int), Unmarked: make(map[string][]int)}}
	const each = 33 // submissions a day
	for _, l := range leaks {
		if len(b.cells) == 0 && !l.Submitted.IsZero() {
			all := oddstest.Months(l.Submitted.AddDate(0, -months/2, 0), l.Submitted.AddDate(0, months-months/2, 0))
			for t := all[0].From; t.Before(all[len(all)-1].From); t = t.AddDate(0, 0, 1) {
				b.cells = append(b.cells, odds.Cell{From: t})
			}
		}
		for _, x := range l.Issued {
			of := cmp.Or(x.Submission, l.Submission)
			if !slices.ContainsFunc(b.copies[of], func(c registry.Copy) bool { return c.ID == x.ID }) {
				b.copies[of] = append(b.copies[of], x)
			}
		}
	}
	for _, x := range issued {
		if !slices.ContainsFunc(b.copies[x.Submission], func(c registry.Copy) bool { return c.ID == x.ID }) {
			b.copies[x.Submission] = append(b.copies[x.Submission], x)
		}
	}
	for i := range b.cells {
		b.cells[i].Submissions = each
		b.holdings.Submissions = append(b.holdings.Submissions, each)
	}
	for _, r := range recipients {
		b.holdings.Copies[r.Name] = b.holdings.Submissions
	}
	b.ever = &engine.Holdings{Copies: b.holdings.Copies, Unmarked: make(map[string][]int)}
	b.earlier, b.travel, b.published, b.public = around.Earlier, around.Travel, around.Published, make(map[exposure]time.Time)
	for _, l := range leaks {
		for _, c := range l.Issued {
			if since, public := around.Public[c.ID]; public {
				b.public[exposure{l.SHA256, c.ID}] = since
			}
		}
	}
	dated := cfg.basis().dated(leaks, b.earlier)
	for _, l := range leaks {
		for _, c := range l.EveryCustody() {
			for _, of := range []map[string][]int{b.ever.Unmarked, b.holdings.Unmarked}[:1+map[bool]int{true: 1}[dated.admissible(c)]] {
				if len(b.cells) > 0 && of[c.Recipient] == nil {
					of[c.Recipient] = make([]int, len(b.cells))
				}
				for i := odds.CellOf(b.cells, c.From); i <= odds.CellOf(b.cells, c.To.AddDate(0, 0, -1)) && i < len(b.cells); i++ {
					of[c.Recipient][i] = each
				}
			}
		}
	}
	for _, c := range b.cells {
		b.history.Submitted = append(b.history.Submitted, findings.DayCount{Day: c.From, N: each})
	}
	for _, r := range recipients {
		h := findings.RecipientHistory{Name: r.Name, Kind: r.Kind}
		for i, n := range b.holdings.Unmarked[r.Name] {
			if n > 0 {
				h.Custody = append(h.Custody, findings.CustodySpan{From: b.cells[i].From, To: b.cells[i].From.AddDate(0, 1, -1)})
			}
		}
		b.history.Recipients = append(b.history.Recipients, h)
	}
	w, err := weigh(leaks, b, cfg.basis(), 1)
	if err != nil {
		panic(err)
	}
	w.Record.Run, w.Record.Keys = around.Run, []string{"v1-k"}
	w.speak()
	return &w.Verdict
}

// SetSubject says whose upload a leak shows.
func (v *Finding) SetSubject(s string) { v.Private.subject = s }

// SetBeside says whose upload a leak shows beside its own.
func (v *Finding) SetBeside(of watermark.Submission, s string) {
	if v.Private.others == nil {
		v.Private.others = make(map[watermark.Submission]string)
	}
	v.Private.others[of] = s
}

// SetMarked says whose copy's mark was read, confirmed or not.
func (v *Finding) SetMarked(recipient string) {
	if v.Private.marked = nil; recipient != "" {
		v.Private.marked = []string{recipient}
	}
}

// Marked is what SetMarked sets.
func (v *Finding) Marked() string { return strings.Join(v.Private.marked, ", ") }

// SetThumbnails gives a verdict its pictures.
func (v *Finding) SetThumbnails(img *image.NRGBA) {
	v.Private.leak = lookOf(img)
	v.Private.upload = v.Private.leak
}

// Conclude concludes the leak from the evidence in it.
func (v *Finding) Conclude() { v.ConcludeFound(time.Time{}) }

// ConcludeFound is Conclude of a leak that was found at a stated time.
func (v *Finding) ConcludeFound(at time.Time) {
	if v.Examined() {
		v.conclude(v.evidence(given{true, at}))
		return
	}
	subject := *v
	*v = *closedLeak(v.File, v.Kind, v.Picture, v.Error)
	v.Private.subject, v.Private.marked = subject.Private.subject, subject.Private.marked
}

// Recheck concludes the leak again from the evidence in it.
func (v *Finding) Recheck(opens bool) error { return v.recheck(given{opens: opens}, true) }

// Encode writes findings as a program with the key could.
func (f *Findings) Encode() ([]byte, error) { return f.encode() }

// HashDistance is that of a submission's hash to queries.
func (v *Investigator) HashDistance(ctx context.Context, of watermark.Submission, queries []phash.Hash) (int, error) {
	return v.distance(ctx, of, queries)
}

// KeptOverErasure reports whether an original is kept that was opened before an erasure and
// would be kept after others have followed that.
func KeptOverErasure(ctx context.Context, r *registry.Registry, id watermark.Submission, erase func()) (bool, error) {
	c := &originalCache{max: 1 << 20}
	if err := c.follow(ctx, r.Engine()); err != nil {
		return false, err
	}
	var failed error
	if _, err := c.get(ctx, id, func() (*original, error) {
		erase()
		failed = c.follow(ctx, r.Engine())
		return nil, nil
	}); err != nil {
		return false, err
	}
	kept := true
	_, err := c.get(ctx, id, func() (*original, error) { kept = false; return nil, nil })
	return kept, errors.Join(failed, err)
}

// HoldersOf returns what the first page of a report says of the pictures of each recipient, and the
// notes on the ratios of those it names.
func HoldersOf(d *Verdict) (out []string) {
	r := reportView{Verdict: d}
	for _, h := range r.Holders() {
		out = append(out, h.Name+": "+h.Pictures)
	}
	for _, s := range r.Strengths() {
		out = append(out, s.Note)
	}
	return out
}

// LoseOriginal makes an original one that cannot be opened.
func (v *Investigator) LoseOriginal(of watermark.Submission) {
	v.cache.order = append(v.cache.order, &opening{of: of, done: closedChan()})
}

func closedChan() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// Chance is what a report says of a leak's scores.
func (v *Finding) Chance() string { return chance(v) }
