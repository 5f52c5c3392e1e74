package verify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"runtime"
	"sync"
	"time"

	"github.com/kycmark/kycmark/internal/dump"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/verify/internal/findings"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// An Investigator examines leaks against a registry. It is safe for concurrent use.
type Investigator struct {
	cfg    Config
	found  *catalogue
	cache  *originalCache
	detect detectFunc
	now    func() time.Time
	busy   chan struct{} // a value for each processor that is taken, as far as it goes

	mu         sync.Mutex
	logged     []int64   // entries of the investigations that were begun
	begun      time.Time // when the first of them was
	containers []findings.Container
	where      string // the search is; "" until it is known
}

// detectFunc is [watermark.DetectAll].
type detectFunc func(context.Context, image.Image, ...*watermark.Key) ([]*watermark.Detection, error)

// NewInvestigator needs a Registry; it reads marks under all Keys and compares
// pixels where there is a SealKey.
func NewInvestigator(cfg Config) (*Investigator, error) {
	cfg, err := cfg.ready()
	if err != nil {
		return nil, err
	}
	return &Investigator{cfg: cfg, found: new(catalogue), cache: &originalCache{max: cachedBytes}, detect: watermark.DetectAll, now: time.Now, busy: make(chan struct{}, runtime.GOMAXPROCS(0))}, nil
}

// Investigate examines one leak, given as the bytes of its file; path is only
// how the verdict names it. It enters first that it does so: see [Investigation]. A
// file that cannot be decoded is the finding [FoundDamaged], not an error; errors
// are failures of the registry and the end of ctx.
func (v *Investigator) Investigate(ctx context.Context, path string, leak []byte) (*Verdict, error) {
	if err := v.log(ctx, []dump.File{{Name: path, Size: int64(len(leak))}}); err != nil {
		return nil, err
	}
	return v.investigate(ctx, path, leak, 1)
}

// investigate examines a leak that was logged already. path is how the verdict names the leak,
// leak holds the bytes of the file, and files is the number of files in the dump.
func (v *Investigator) investigate(ctx context.Context, path string, leak []byte, files int) (*Verdict, error) {
	select {
	case v.busy <- struct{}{}:
		defer func() { <-v.busy }()
	default: // more leaks than processors
	}
	pic, err := picture.Decode(leak, v.cfg.limits())
	if err != nil {
		return damaged(path, leak, err), nil
	}
	pic.Image = picture.Flatten(pic.Image)
	out := &Verdict{
		File: path,
		Picture: findings.Picture{SHA256: hex.EncodeToString(pic.SHA256[:]), Size: pic.Size, Format: pic.Format, Decoder: pic.Decoder,
			Width: pic.Image.Rect.Dx(), Height: pic.Image.Rect.Dy()},
		mosaic: mosaic(pic.Image), preview: preview(pic.Image),
	}
	if pic.Pages > 1 {
		out.Pages = pic.Pages
	}
	l := &leakPicture{Picture: pic}
	e, err := v.examine(ctx, l)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	out.Searched = l.searched
	if err = v.fill(ctx, out, e); err == nil && out.matched() {
		out.References, err = v.references(ctx, l, &e, out.Submission, v.cfg.referencesOf(pic.SHA256, files))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return out, nil
}

// examine gathers the evidence: hash and pixels, beside them the blind reads under every
// key, and then the traces.
func (v *Investigator) examine(ctx context.Context, l *leakPicture) (e evidence, err error) {
	reading, cancel := context.WithCancel(ctx)
	defer cancel()
	var marks []*watermark.Detection
	var unread error
	wait := v.beside(func() { marks, unread = v.detect(reading, l.Image, v.cfg.Keys...) })
	if err = v.compare(ctx, l, &e); err != nil {
		cancel()
	}
	wait()
	if err != nil {
		return e, err
	}
	if unread != nil && !errors.Is(unread, watermark.ErrTooSmall) {
		return e, fmt.Errorf("read: %w", unread)
	}
	for _, d := range marks {
		r, err := v.resolve(ctx, l, d, e.matches)
		if err != nil {
			return e, err
		}
		e.reads = append(e.reads, *r)
	}
	return e, v.trace(ctx, l, &e)
}

// compare searches the registry for the leak and compares pixels.
func (v *Investigator) compare(ctx context.Context, l *leakPicture, e *evidence) error {
	found, err := v.candidates(ctx, l)
	if err != nil {
		return err
	}
	if err := v.cache.follow(ctx, v.cfg.Registry); err != nil {
		return err
	}
	e.tooFlat, e.opens = found.tooFlat, v.cfg.SealKey != nil
	if e.matches, err = v.matches(ctx, l, found); err != nil {
		return err
	}
	e.recall = recallOf(l.searched, max(l.Image.Rect.Dx(), l.Image.Rect.Dy()))
	return nil
}

// beside runs f beside its caller if a processor is spare, and before it returns if not.
// What f computes is there once the returned function has returned; it must be called.
func (v *Investigator) beside(f func()) (wait func()) {
	select {
	case v.busy <- struct{}{}:
	default:
		f()
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
		<-v.busy
	}()
	return func() { <-done }
}

// resolve looks a read copy up and says whether the leak shows its submission.
func (v *Investigator) resolve(ctx context.Context, l *leakPicture, d *watermark.Detection, matches []Match) (*read, error) {
	r := &read{copy: d.Copy, keyID: d.KeyID, blind: micro(d.LogPFA), shows: PixelsUnknown}
	issued, err := v.cfg.Registry.Copy(ctx, d.Copy)
	if errors.Is(err, registry.ErrNotFound) {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	if issued.KeyID != d.KeyID {
		return r, nil // the ID was issued under another key: this mark is not that copy's
	}
	r.issued = issued
	if err := v.standing(ctx, r); err != nil {
		return nil, err
	}
	for _, m := range matches {
		if m.Submission == issued.Submission {
			r.shows = m.Pixels
		}
	}
	if r.shows == PixelsUnknown && !r.erased { // whatever may be left in memory
		m := Match{Submission: issued.Submission, Pixels: PixelsUnknown}
		if err := v.comparePixels(ctx, l, &m); err != nil {
			return nil, err
		}
		r.shows = m.Pixels
	}
	return r, nil
}

// standing looks up the state of a read copy's key, and whether its upload was erased.
func (v *Investigator) standing(ctx context.Context, r *read) error {
	key, err := v.cfg.Registry.Ledger().MarkKey(ctx, r.keyID)
	if err != nil {
		return err
	}
	r.key = &key.KeyState
	_, err = v.cfg.Registry.Submission(ctx, r.issued.Submission)
	if r.erased = errors.Is(err, registry.ErrErased); r.erased {
		return nil
	}
	return err
}

// fill writes the evidence and the conclusion into the verdict, and what the registry
// says of the submission that the leak shows.
func (v *Investigator) fill(ctx context.Context, out *Verdict, e evidence) error {
	out.conclude(e)
	if !out.matched() {
		return nil
	}
	sub, err := v.cfg.Registry.Submission(ctx, out.Submission)
	if err != nil && !errors.Is(err, registry.ErrErased) { // meanwhile
		return err
	}
	out.subject, out.Submitted = sub.Subject, sub.Submitted
	out.Custody, err = v.cfg.Registry.Custody(ctx, registry.CustodyFilter{Submission: out.Submission})
	return err
}

// stated returns a logarithm as findings state it: rounded to whole multiples of 1e-6.
func stated(x float64) *float64 {
	x = micro(x)
	return &x
}

// damaged is the verdict on a file that is no readable picture.
func damaged(path string, leak []byte, cause error) *Verdict {
	sum := sha256.Sum256(leak)
	return damagedLeak(path, findings.Picture{SHA256: hex.EncodeToString(sum[:]), Size: int64(len(leak))}, intake.WithoutPath(cause).Error())
}

// admissible reports whether a fact of custody was entered before the leaks were
// found; where that time is not known none is.
func (c Config) admissible(x registry.Custody) bool {
	return !c.Found.IsZero() && x.Entered.Before(c.Found)
}
