package verify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"runtime"
	"sync"
	"time"

	"github.com/kycmark/kycmark/internal/dump"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/memory"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/phash/parts"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/conclude"
	"github.com/kycmark/kycmark/verify/internal/recheck"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// An Investigator examines leaks against a registry. It is safe for concurrent use.
type Investigator struct {
	cfg    Config
	found  *catalogue
	issues *issuedLists

	families *families

	cache  *originalCache
	detect detectFunc
	now    func() time.Time
	busy   chan struct{} // a value for each processor that is taken, as far as it goes
	memory *memory.Budget

	mu         sync.Mutex
	begun      time.Time // when the first investigation was
	logged     []int64   // the entries of this investigator in the ledger
	altered    []string  // records that were altered: see [findings.Record]
	containers []findings.Container
	files      int          // of the dump that was listed last
	listed     books.Digest // of their names and sizes
}

// detectFunc is [watermark.Read].
type detectFunc func(context.Context, image.Image, ...*watermark.Key) (*watermark.Reading, error)

// NewInvestigator returns an investigator of a configuration, which needs a Registry. Marks are
// read under all Keys, and pixels are compared only with a SealKey. Whether the SealKey opens the
// registry's uploads shows at the first investigation. The error wraps [registry.ErrInput].
func NewInvestigator(cfg Config) (*Investigator, error) {
	cfg, err := cfg.ready()
	if err != nil {
		return nil, err
	}
	return &Investigator{cfg: cfg, found: &catalogue{parts: new(parts.Index)}, issues: new(issuedLists), families: &families{of: make(map[watermark.Submission][]sibling), marks: make(map[[2]watermark.Submission][]watermark.CopyID)}, cache: &originalCache{max: tuning.CachedBytes}, detect: watermark.Read, now: time.Now, busy: make(chan struct{}, runtime.GOMAXPROCS(0)), memory: memory.New(cfg.MaxMemory)}, nil
}

// With returns an investigator of another configuration with the same Registry and SealKey. Both share what
// they read of the registry, and the memory for leaks and originals: a process that does many small
// investigations reads hashes and features once.
func (v *Investigator) With(cfg Config) (*Investigator, error) {
	out, err := NewInvestigator(cfg)
	if err != nil {
		return nil, err
	}
	if out.cfg.Registry != v.cfg.Registry || out.sealKeyID() != v.sealKeyID() {
		return nil, fmt.Errorf("%w: another registry or sealing key", registry.ErrInput)
	}
	out.found, out.issues, out.families, out.cache, out.busy, out.memory = v.found, v.issues, v.families, v.cache, v.busy, v.memory
	return out, nil
}

// Investigate examines one leak. leak holds the bytes of its file, and path is only the name in the
// finding. Before it examines, it enters the investigation into the ledger: see
// [registry.Investigation]. A file that cannot be decoded gives a finding that says why
// ([findings.Finding.Examined]), and no entry. Errors are failures of the registry, a SealKey that does not
// open it, and the end of ctx.
func (v *Investigator) Investigate(ctx context.Context, path string, leak []byte) (*findings.Finding, error) {
	lease := v.memory.Lease()
	defer lease.Give()
	pic, err := v.decode(ctx, leak, lease)
	if ended := ctx.Err(); ended != nil {
		return nil, ended
	}
	if err != nil {
		return closed(path, leak, err), nil
	}
	if err := v.log(ctx, v.cfg.Once, []dump.File{{Name: path, Size: int64(len(leak))}}, [][32]byte{sha256.Sum256(leak)}); err != nil {
		return nil, err
	}
	return v.investigate(ctx, path, &leakPicture{Picture: pic}, 1)
}

// decode decodes a leak when lease has memory for its examination. The error is as in [picture.Decode].
func (v *Investigator) decode(ctx context.Context, leak []byte, lease *memory.Lease) (*picture.Picture, error) {
	pic, err := picture.Decode(leak, lease.Within(ctx, v.cfg.limits(ctx), func(decoding, pixels int64) int64 {
		return int64(len(leak)) + memory.Examining(decoding, pixels)
	}))
	if err != nil {
		lease.Give()
	}
	return pic, err
}

// investigate examines a leak that was logged already, with memory for it. files is the number of files in the dump,
// over which the controls are shared. It takes one of the processors if one is free, but does not wait for it.
func (v *Investigator) investigate(ctx context.Context, path string, l *leakPicture, files int) (*findings.Finding, error) {
	pic := l.Picture
	pic.Image = picture.Flatten(pic.Image)
	select {
	case v.busy <- struct{}{}:
		defer func() { <-v.busy }()
	default: // more leaks than processors
	}
	out := &findings.Finding{
		File: path,
		Picture: findings.Picture{SHA256: hex.EncodeToString(pic.SHA256[:]), Size: pic.Size, Format: pic.Format, Decoder: pic.Decoder,
			Width: pic.Image.Rect.Dx(), Height: pic.Image.Rect.Dy(), Lacks: pic.Incomplete},
		Private: findings.Private{Leak: lookOf(pic.Image)},
	}
	if pic.Pages > 1 {
		out.Pages = pic.Pages
	}
	e, err := v.examine(ctx, l)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	l.laid = nil // traced: controls lie elsewhere
	out.Searched = l.searched
	empty := *out
	if err = v.fill(ctx, out, e); err == nil && out.Matched() {
		out.References, err = v.references(ctx, l, &e, out.Submission, out.Page, v.cfg.referencesOf(pic.SHA256, files))
	}
	if err == nil {
		out.Private.Upload, err = v.uploadLook(ctx, out)
	}
	if errors.Is(err, registry.ErrTampered) {
		*out = empty
		err = v.fill(ctx, out, e.Damaged())
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if out.Kind == findings.FoundUnknown && pic.Format == "webp" && pic.Incomplete != "" { // how much of it shows the picture is not known
		return conclude.ClosedLeak(path, findings.FoundDamaged, findings.Picture{SHA256: out.SHA256, Size: out.Size}, pic.Incomplete+": it may lie in pieces"), nil
	}
	if out.Kind == findings.FoundIncomplete {
		out.Error = l.why
	}
	return out, nil
}

// examine gathers the evidence on a leak: first hash and pixels and, at the same time if a processor is free, the
// blind reads under every key; then the traces. A leak too small for a mark has no reads.
func (v *Investigator) examine(ctx context.Context, l *leakPicture) (e conclude.Evidence, err error) {
	until, cancel := context.WithCancel(ctx)
	defer cancel()
	var reading *watermark.Reading
	var unread error
	wait := v.beside(func() { reading, unread = v.detect(until, l.Image, v.cfg.Keys...) })
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
	marks := []*watermark.Detection{}
	if unread == nil {
		if marks, err = v.marks(ctx, l, reading); err != nil {
			return e, err
		}
		if p := reading.LogPSync(); len(marks) == 0 && p <= watermark.PresentLevel {
			e.Sync = conclude.Micro(p)
		}
	}
	for _, d := range marks {
		r, err := v.resolve(ctx, l, d, e.Matches)
		if errors.Is(err, registry.ErrTampered) {
			return e.Damaged(), nil
		}
		if err != nil {
			return e, err
		}
		e.Reads = append(e.Reads, *r)
	}
	if err := v.trace(ctx, l, &e); err != nil {
		return e, err
	}
	if err := v.siblings(ctx, l, &e); err != nil {
		return e, err
	}
	if err := v.rivals(ctx, &e); err != nil {
		return e, err
	}
	if err = v.returned(ctx, l, &e); err == nil {
		err = v.alone(ctx, l, &e)
	}
	if errors.Is(err, registry.ErrTampered) {
		return e.Damaged(), nil
	}
	return e, err
}

// rivals looks at copies that were read. For each it asks whether the leak shows the document or page of the copy's upload,
// and another upload in its place. If so, it compares the originals of both uploads, and sets what they show of each
// other. Each is laid on the other, and the same capture in one of the two ways decides.
func (v *Investigator) rivals(ctx context.Context, e *conclude.Evidence) error {
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

// compare searches the registry for the leak and enters the matches, with their pixels compared, into e.
func (v *Investigator) compare(ctx context.Context, l *leakPicture, e *conclude.Evidence) error {
	found, err := v.candidates(ctx, l)
	if err != nil {
		return err
	}
	if err := v.cache.follow(ctx, v.engine()); err != nil {
		return err
	}
	e.TooFlat, e.Given = found.tooFlat, v.cfg.given()
	if e.Matches, err = v.matches(ctx, l, found); err != nil {
		return err
	}
	e.Closed = len(l.closed)
	if e.Erased, err = v.issues.ofErased(ctx, v); err != nil {
		return err
	}
	if l.searched != nil {
		l.searched.Missing = v.found.missing()
	}
	e.Recall = conclude.RecallOf(l.searched, max(l.Image.Rect.Dx(), l.Image.Rect.Dy()))
	return nil
}

// beside runs f in a goroutine if a processor is free, else before it returns. wait returns when f has ended.
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

// resolve returns the read of a mark that was detected: the registry's row of its copy, the state of its key, and
// what the pixels say of the copy's submission. matches are tried first; if the submission is not compared there, its
// original is. If it is unrelated there, all of the leak is searched for it, and the match is changed.
func (v *Investigator) resolve(ctx context.Context, l *leakPicture, d *watermark.Detection, matches []findings.Match) (*conclude.Read, error) {
	r := &conclude.Read{Copy: d.Copy, KeyID: d.KeyID, Blind: conclude.Micro(d.LogPFA), Among: d.Among, Shows: findings.PixelsUnknown}
	issued, err := v.issued(ctx, d.Copy, d.KeyID)
	if err != nil {
		return nil, err
	}
	r.Issued = issued
	if err := v.standing(ctx, r); err != nil || r.Issued == nil {
		return r, err
	}
	m := conclude.Find(matches, func(m *findings.Match) bool { return m.Submission == issued.Submission })
	if m == nil || m.Pixels == findings.PixelsUnknown {
		m = &findings.Match{Submission: issued.Submission, Pixels: findings.PixelsUnknown}
	}
	if (m.Pixels == findings.PixelsUnknown || m.Pixels == findings.PixelsUnrelated) && !r.Erased { // whatever may be left in memory
		if err := v.comparePages(ctx, l, m); err != nil { // the mark is a reason to search all of the leak
			return nil, err
		}
	}
	r.Page, r.Shows, r.Altered = m.Page, m.Pixels, m.Altered
	return r, nil
}

// standing sets r.key, the state of the key in the ledger, and r.erased, whether the submission of an issued copy was
// erased. The error wraps [registry.ErrTampered] if the submission is not found.
func (v *Investigator) standing(ctx context.Context, r *conclude.Read) error {
	key, err := v.cfg.Registry.Ledger().MarkKey(ctx, r.KeyID)
	switch {
	case r.Issued == nil && errors.Is(err, registry.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	if r.Key = &key.KeyState; r.Issued == nil {
		return nil
	}
	_, err = v.cfg.Registry.Submission(ctx, r.Issued.Submission)
	if errors.Is(err, registry.ErrNotFound) { // erased ones are found
		return fmt.Errorf("%w: submission %s of copy %s is not found", registry.ErrTampered, r.Issued.Submission, r.Copy)
	}
	r.Erased = errors.Is(err, registry.ErrErased)
	return gone(err) // a row that cannot be read: its pixels stay unknown
}

// fill writes the evidence and the conclusion into out, and, if the leak shows a submission, what the registry says
// of it; custody unless it carries a mark that the registry does not list. The error wraps [registry.ErrTampered] if
// records that the conclusion rests on were altered.
func (v *Investigator) fill(ctx context.Context, out *findings.Finding, e conclude.Evidence) error {
	conclude.Into(out, e)
	if out.RestsOnRecords() && len(v.damage()) > 0 {
		return registry.ErrTampered
	}
	if !out.Matched() {
		return nil
	}
	sub, err := v.cfg.Registry.Submission(ctx, out.Submission)
	if err != nil && !errors.Is(err, registry.ErrErased) { // meanwhile
		return err
	}
	out.Private.Subject, out.Submitted, out.SubjectEntered = sub.Subject, sub.Submitted, sub.SetAt
	if out.Kind == findings.FoundUnissued { // the picture that leaked was not unmarked
		return nil
	}
	if out.Custody, err = v.cfg.Registry.Custody(ctx, registry.CustodyFilter{Submission: out.Submission}); err != nil {
		return err
	}
	return v.fillBeside(ctx, out)
}

// fillBeside writes into out what the registry says of the submissions in out.Beside, as [Investigator.fill] does of
// out.Submission.
func (v *Investigator) fillBeside(ctx context.Context, out *findings.Finding) error {
	for i := range out.Beside {
		b := &out.Beside[i]
		sub, err := v.cfg.Registry.Submission(ctx, b.Submission)
		if err != nil && !errors.Is(err, registry.ErrErased) { // meanwhile
			return err
		}
		if out.Private.Others == nil {
			out.Private.Others = make(map[watermark.Submission]string)
		}
		out.Private.Others[b.Submission], b.Submitted, b.SubjectEntered = sub.Subject, sub.Submitted, sub.SetAt
		if b.Custody, err = v.cfg.Registry.Custody(ctx, registry.CustodyFilter{Submission: b.Submission}); err != nil {
			return err
		}
	}
	return nil
}

// closed returns the finding on a file that could not be examined. cause gives the finding and Error, which has no
// paths of this machine.
func closed(path string, leak []byte, cause error) *findings.Finding {
	return conclude.ClosedLeak(path, unreadable(path, cause), findings.Picture{SHA256: recheck.HexDigest(leak), Size: int64(len(leak))}, intake.WithoutPath(cause).Error())
}

// unreadable returns the finding on a file that cannot be read as a picture, by the cause. The name decides if the
// content says nothing: with the ending of a picture, or without an ending, the file is damaged.
func unreadable(name string, cause error) findings.Kind {
	var format *picture.FormatError
	var limit *picture.LimitError
	switch {
	case errors.Is(cause, fs.ErrNotExist):
		return findings.FoundMissing
	case errors.As(cause, &limit) && limit.What != "bytes":
		return findings.FoundUnsupported
	case !errors.As(cause, &format):
		return findings.FoundUnopened
	}
	switch format.Kind {
	case picture.Unsupported, picture.Video:
		return findings.FoundUnsupported
	case picture.NoPicture, picture.Text:
		return findings.FoundNoPicture
	case picture.Archive:
		return findings.FoundUnopened
	case picture.Unknown:
		if !dump.MayBePicture(name) {
			return findings.FoundNoPicture
		}
	}
	return findings.FoundDamaged
}
