// Package examine gathers the evidence on one leak: what it matches, where, which marks are read and traced. Package
// conclude draws the finding from it.
package examine

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/color"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/disintegration/imaging"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/memory"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/phash/parts"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/conclude"
	"github.com/kycmark/kycmark/verify/internal/search"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// An Config is what leaks are examined with.
type Config struct {
	Registry   *registry.Registry
	Keys       []*watermark.Key  // under which marks are read
	SealKey    *registry.SealKey // that opens originals; nil: none are compared
	References int               // controls of a dump, as [verify.Config] has them
	Against    []watermark.Submission
	Given      conclude.Given
	Limits     func(context.Context) picture.Limits // of an original
	Workers    int                                  // leaks examined at a time
	MaxMemory  int64                                // of all pictures at a time, bytes; 0: as [memory.New] has it
}

// An Examiner gathers the evidence on leaks, one after another or several at a time, and concludes from it.
type Examiner struct {
	Cfg      Config
	Found    *search.Catalogue
	issues   *issuedLists
	families *families
	Cache    *OriginalCache
	Detect   detectFunc
	busy     chan struct{} // a value for each processor that is taken, as far as it goes
	Memory   *memory.Budget

	mu      sync.Mutex
	altered []string // records that were altered: see [findings.Record]
}

// New returns an examiner with memory and caches of its own.
func New(cfg Config) *Examiner {
	budget := memory.New(cfg.MaxMemory)
	return &Examiner{Cfg: cfg, Found: &search.Catalogue{Registry: cfg.Registry, Key: cfg.SealKey, Parts: new(parts.Index)}, issues: &issuedLists{keys: make(map[string]bool)},
		families: &families{of: make(map[watermark.Submission][]sibling), marks: make(map[[2]watermark.Submission][]watermark.CopyID), pairs: make(map[[2]watermark.Submission]pair)},
		Cache:    &OriginalCache{Max: max(tuning.CachedBytes, budget.Bytes()/tuning.CachedShare)}, Detect: watermark.Read, busy: make(chan struct{}, runtime.GOMAXPROCS(0)), Memory: budget}
}

// With returns an examiner that shares what v has read of the registry, and its memory.
func (v *Examiner) With(cfg Config) *Examiner {
	return &Examiner{Cfg: cfg, Found: v.Found, issues: v.issues, families: v.families, Cache: v.Cache, Detect: watermark.Read, busy: v.busy, Memory: v.Memory}
}

// A matcher compares one leak with the uploads of the registry.
type matcher struct {
	*Examiner
	leak *Leak
}

// A tracer looks for copies in one leak. What it finds is added to the evidence.
type tracer struct {
	*matcher
	e *conclude.Evidence
}

// On returns a matcher for a leak.
func (v *Examiner) On(l *Leak) *matcher { return &matcher{v, l} }

func (v *matcher) with(e *conclude.Evidence) *tracer { return &tracer{v, e} }

// detectFunc is [watermark.Read].
type detectFunc func(context.Context, image.Image, ...*watermark.Key) (*watermark.Reading, error)

// Investigate examines a leak that is in the ledger; the caller holds memory for it. files is the number of files in the dump,
// which share its controls. It counts as a busy processor if one is free, and runs in any case.
func (v *Examiner) Investigate(ctx context.Context, path string, l *Leak, files int) (*findings.Finding, error) {
	pic := l.Picture
	if flat := picture.Flatten(pic.Image); flat != pic.Image {
		l.under = imaging.AdjustFunc(pic.Image, func(c color.NRGBA) color.NRGBA { return color.NRGBA{c.R, c.G, c.B, 255} })
		pic.Image = flat
	}
	select {
	case v.busy <- struct{}{}:
		defer func() { <-v.busy }()
	default: // more leaks than processors
	}
	out := &findings.Finding{
		File: path,
		Picture: findings.Picture{SHA256: hex.EncodeToString(pic.SHA256[:]), Size: pic.Size, Format: pic.Format, Decoder: pic.Decoder,
			Width: pic.Image.Rect.Dx(), Height: pic.Image.Rect.Dy(), Lacks: pic.Incomplete},
		Private: findings.Private{Leak: LookOf(pic.Image)},
	}
	if pic.Pages > 1 {
		out.Pages = pic.Pages
	}
	e, err := v.examine(ctx, l)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	l.Laid = nil // traced: controls lie elsewhere
	out.Searched = l.searched
	empty := *out
	if err = v.fill(ctx, out, e, l.Known); err == nil && out.Matched() {
		out.References, err = v.On(l).with(&e).references(ctx, out.Submission, out.Page, v.Cfg.referencesOf(pic.SHA256, files))
	}
	if err == nil {
		out.Private.Upload, err = v.UploadLook(ctx, out)
	}
	if errors.Is(err, registry.ErrTampered) {
		*out = empty
		err = v.fill(ctx, out, e.Damaged(), l.Known)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if out.Kind == findings.FoundUnknown && strings.Contains(pic.Incomplete, "wrong") { // how much of it shows the picture is not known
		return conclude.ClosedLeak(path, findings.FoundDamaged, findings.Picture{SHA256: out.SHA256, Size: out.Size}, pic.Incomplete+": it may lie in pieces"), nil
	}
	if out.Kind == findings.FoundIncomplete {
		out.Error = l.why
	}
	return out, nil
}

// examine gathers the evidence on a leak, and on what lies beside the upload that it shows.
func (v *Examiner) examine(ctx context.Context, l *Leak) (e conclude.Evidence, err error) {
	e, err = gather(ctx, v, l)
	for _, more := range []func(context.Context, *Examiner, *Leak, *conclude.Evidence) error{exact, rest, beneath, returned, alone} {
		if err == nil {
			err = more(ctx, v, l, &e)
		}
	}
	if errors.Is(err, registry.ErrTampered) {
		return e.Damaged(), nil
	}
	return e, err
}

// gather gathers the evidence on a leak: first hash and pixels and, at the same time if a processor is free, the
// blind reads under every key; then the traces. A leak too small for a mark has no reads.
func gather(ctx context.Context, v *Examiner, l *Leak) (e conclude.Evidence, err error) {
	until, cancel := context.WithCancel(ctx)
	defer cancel()
	x := v.On(l).with(&e)
	var reading *watermark.Reading
	var unread error
	wait := v.beside(func() { reading, unread = v.Detect(until, l.Image, v.Cfg.Keys...) })
	if err = x.compare(ctx); err != nil {
		cancel()
	}
	wait()
	if err != nil {
		return e, err
	}
	if unread != nil && !errors.Is(unread, watermark.ErrTooSmall) {
		return e, fmt.Errorf("read: %w", unread)
	}
	marks := []*watermark.Detection{}
	if unread == nil {
		if marks, err = x.marks(ctx, reading); err != nil {
			return e, err
		}
		if p := reading.LogPSync(); len(marks) == 0 && p <= watermark.PresentLevel {
			e.Sync = conclude.Micro(p)
		}
	}
	for _, d := range marks {
		r, err := x.Resolve(ctx, d, &e)
		if errors.Is(err, registry.ErrTampered) {
			return e.Damaged(), nil
		}
		if err != nil {
			return e, err
		}
		e.Reads = append(e.Reads, *r)
	}
	if err := x.trace(ctx); err != nil {
		return e, err
	}
	if err := x.siblings(ctx); err != nil {
		return e, err
	}
	return e, v.Rivals(ctx, &e)
}

// Rivals looks at copies that were read. For each it asks whether the leak shows the document or page of the copy's upload,
// and another upload in its place. If so, it compares the originals of both uploads, and sets what they show of each
// other. Each is laid on the other, and the same capture in one of the two ways decides.
func (v *Examiner) Rivals(ctx context.Context, e *conclude.Evidence) error {
	for i := range e.Reads {
		r := &e.Reads[i]
		if r.Issued == nil || !conclude.ShowsDocument(r.Shows) || e.Apart(r.Issued.Submission) {
			continue
		}
		other := e.Positive(r.Issued.Submission)
		if other == nil {
			continue
		}
		a, b := conclude.PageOf(&findings.Match{Submission: r.Issued.Submission, Page: r.Page}), conclude.PageOf(other)
		for _, way := range [][2]watermark.Submission{{a, b}, {b, a}} {
			word, _, err := v.between(ctx, way[0], way[1])
			if err != nil {
				return err
			}
			if r.Rival == "" || word == findings.PixelsSame || word == findings.PixelsAlike && r.Rival != findings.PixelsSame {
				r.Rival = word
			}
		}
	}
	return nil
}

// compare searches the registry for the leak and enters the matches, with their pixels compared, into the evidence.
func (v *tracer) compare(ctx context.Context) error {
	found, err := v.Candidates(ctx)
	if err != nil {
		return err
	}
	if err := v.Cache.Follow(ctx, v.Engine()); err != nil {
		return err
	}
	v.e.TooFlat, v.e.Given, v.e.File = found.tooFlat, v.Cfg.Given, watermark.SubmissionOf(v.leak.Picture.SHA256)
	if v.e.Matches, err = v.Matches(ctx, found); err != nil {
		return err
	}
	switch _, err := v.Cfg.Registry.Submission(ctx, v.e.File); {
	case errors.Is(err, registry.ErrErased):
		v.leak.close(v.e.File, nil)
		v.e.Matches = nil // its bytes are of no other upload
	case errors.Is(err, registry.ErrTampered):
		v.leak.close(v.e.File, err)
	}
	v.e.Closed = len(v.leak.closed)
	if v.e.Erased, v.e.Unsought, err = v.issues.ofErased(ctx, v.Examiner); err != nil {
		return err
	}
	if v.leak.searched != nil {
		v.leak.searched.Missing = v.Found.Missing()
	}
	v.e.Side = max(v.leak.Image.Rect.Dx(), v.leak.Image.Rect.Dy())
	v.e.Recall = conclude.RecallOf(v.leak.searched, v.e.Side)
	return nil
}

// beside runs f in a goroutine if a processor is free, else before it returns. wait returns when f has ended, or panics as f did.
func (v *Examiner) beside(f func()) (wait func()) {
	select {
	case v.busy <- struct{}{}:
	default:
		f()
		return func() {}
	}
	var running sync.WaitGroup
	var failed dsp.Panic
	running.Go(func() {
		failed.Keep(f)
		<-v.busy
	})
	return func() {
		running.Wait()
		failed.Raise()
	}
}

// shows returns the match with the upload that a leak shows, or nil. If the pixels leave open what they show, but a copy is
// surely found by its mark, that is the match with the copy's upload.
func shows(e *conclude.Evidence) *findings.Match {
	if m := e.Shown(); m != nil {
		return m
	}
	var f findings.Finding
	if conclude.Into(&f, *e); f.Kind != findings.FoundCopy {
		return nil
	}
	return e.Match(f.Submission)
}

// Resolve returns the read of a mark that was detected: the registry's row of its copy, the state of its key, and
// what the pixels say of the copy's submission. The matches of e are tried first. If the submission is not compared there, or is
// unrelated, Resolve searches all of the leak for it. It changes its match, or adds one if the leak shows it.
func (v *matcher) Resolve(ctx context.Context, d *watermark.Detection, e *conclude.Evidence) (*conclude.Read, error) {
	r := &conclude.Read{Copy: d.Copy, KeyID: d.KeyID, Blind: conclude.Micro(d.LogPFA), Among: d.Among, Shows: findings.PixelsUnknown}
	issued, err := v.Issued(ctx, d.Copy, d.KeyID, v.leak.Known)
	if err != nil {
		return nil, err
	}
	r.Issued = issued
	if err := v.standing(ctx, r); err != nil || r.Issued == nil {
		return r, err
	}
	m := e.Match(issued.Submission)
	if m == nil || m.Pixels == findings.PixelsUnknown {
		m = &findings.Match{Submission: issued.Submission, Pixels: findings.PixelsUnknown}
	}
	if (m.Pixels == findings.PixelsUnknown || m.Pixels == findings.PixelsUnrelated) && !r.Erased { // whatever may be left in memory
		if err := v.comparePages(ctx, m); err != nil { // the mark is a reason to search all of the leak
			return nil, err
		}
		if m.Pixels == findings.PixelsUndecided && v.leak.allOf(e) { // little aligns by chance, even on another upload
			m.Pixels = findings.PixelsUnrelated
		}
		if (conclude.ShowsCapture(m.Pixels) || v.leak.level != 0 && conclude.MayShow(m.Pixels)) && e.Match(m.Submission) == nil {
			e.Matches = append(e.Matches, *m)
		}
	}
	r.Page, r.Shows, r.Altered = m.Page, m.Pixels, m.Altered
	return r, nil
}

// standing sets r.key, the state of the key in the ledger, and r.erased, whether the submission of an issued copy was
// erased. The error wraps [registry.ErrTampered] if the submission is not found.
func (v *Examiner) standing(ctx context.Context, r *conclude.Read) error {
	key, err := v.Cfg.Registry.Ledger().MarkKey(ctx, r.KeyID)
	switch {
	case r.Issued == nil && errors.Is(err, registry.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	if r.Key = &key.KeyState; r.Issued == nil {
		return nil
	}
	_, err = v.Cfg.Registry.Submission(ctx, r.Issued.Submission)
	if errors.Is(err, registry.ErrNotFound) { // erased ones are found
		return fmt.Errorf("%w: submission %s of copy %s is not found", registry.ErrTampered, r.Issued.Submission, r.Copy)
	}
	r.Erased = errors.Is(err, registry.ErrErased)
	return gone(err) // a row that cannot be read: its pixels stay unknown
}

// fill writes the evidence and the conclusion into out and, if the leak shows a submission, what the registry says of that.
// Custody is left out if the leak carries a mark that the registry does not list. The leak is known since known. The error wraps [registry.ErrTampered] if
// records that the conclusion rests on were altered.
func (v *Examiner) fill(ctx context.Context, out *findings.Finding, e conclude.Evidence, known time.Time) (err error) {
	conclude.Into(out, e)
	if out.RestsOnRecords() && len(v.Damage()) > 0 {
		return registry.ErrTampered
	}
	if !out.Matched() {
		return nil
	}
	if err := v.FillSubjects(ctx, out, func(watermark.Submission) time.Time { return known }); err != nil {
		return err
	}
	custody := func(of watermark.Submission) ([]books.Custody, error) {
		return v.Cfg.Registry.Custody(ctx, registry.CustodyFilter{Submission: of})
	}
	if out.Kind != findings.FoundUnissued { // else the picture that leaked was not unmarked
		if out.Custody, err = custody(out.Submission); err != nil {
			return err
		}
	}
	for i := range out.Beside {
		if out.Beside[i].Custody, err = custody(out.Beside[i].Submission); err != nil {
			return err
		}
	}
	return nil
}
