package verify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"slices"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/watermark"
)

// An Investigator examines leaks against a registry. It is safe for concurrent use.
type Investigator struct {
	cfg    Config
	cache  *pictureCache
	detect detectFunc
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
	return &Investigator{cfg: cfg, cache: &pictureCache{most: cachedOriginals}, detect: watermark.DetectAll}, nil
}

func (v *Investigator) key(id string) *watermark.Key {
	i := slices.IndexFunc(v.cfg.Keys, func(k *watermark.Key) bool { return k.ID() == id })
	if i < 0 {
		return nil
	}
	return v.cfg.Keys[i]
}

// Investigate examines one leak, given as the bytes of its file; path is only
// how the verdict names it. A file that cannot be decoded is the finding
// [FoundDamaged], not an error; errors are failures of the registry and the end
// of ctx.
func (v *Investigator) Investigate(ctx context.Context, path string, leak []byte) (*Verdict, error) {
	pic, err := picture.Decode(leak, v.cfg.limits())
	if err != nil {
		return damaged(path, leak, err), nil
	}
	pic.Image = picture.Flatten(pic.Image)
	out := &Verdict{
		File: path, SHA256: hex.EncodeToString(pic.SHA256[:]), Size: pic.Size, Format: pic.Format, Decoder: pic.Decoder,
		Width: pic.Image.Rect.Dx(), Height: pic.Image.Rect.Dy(), Matches: []Match{}, Accused: []watermark.CopyID{},
		mosaic: mosaic(pic.Image), preview: preview(pic.Image),
	}
	e, err := v.examine(ctx, &leakPicture{Picture: pic})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := v.fill(ctx, out, e, conclude(e)); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return out, nil
}

// examine gathers the evidence: hash, pixels, blind reads under every key.
func (v *Investigator) examine(ctx context.Context, l *leakPicture) (e evidence, err error) {
	near, tooFlat, err := v.candidates(ctx, l)
	if err != nil {
		return e, err
	}
	e.tooFlat, e.opens = tooFlat, v.cfg.SealKey != nil
	if e.matches, err = v.matches(ctx, l, near); err != nil {
		return e, err
	}
	found, err := v.detect(ctx, l.Image, v.cfg.Keys...)
	if errors.Is(err, watermark.ErrTooSmall) {
		return e, nil
	}
	if err != nil {
		return e, fmt.Errorf("read: %w", err)
	}
	for _, d := range found {
		r, err := v.resolve(ctx, l, d, e.matches)
		if err != nil {
			return e, err
		}
		e.reads = append(e.reads, *r)
	}
	return e, nil
}

// resolve looks a read copy up and says whether the leak shows its submission.
func (v *Investigator) resolve(ctx context.Context, l *leakPicture, d *watermark.Detection, matches []Match) (*read, error) {
	r := &read{copy: d.Copy, keyID: d.KeyID, logP: d.LogPFA, shows: PixelsUnknown}
	issued, err := v.cfg.Registry.Copy(ctx, d.Copy)
	if errors.Is(err, ErrNotFound) {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	if issued.KeyID != d.KeyID {
		return r, nil // the ID was issued under another key: this mark is not that copy's
	}
	r.issued = issued
	for _, m := range matches {
		if m.Submission == issued.Submission {
			r.shows = m.Pixels
		}
	}
	if !settled(r.shows) && !showsAnother(matches, issued.Submission) {
		along, err := v.alongMark(ctx, l, d, issued)
		if err != nil {
			return nil, err
		}
		r.shows = together(r.shows, along)
	}
	return r, nil
}

// settled reports whether the whole frame's answer stands.
func settled(whole string) bool { return whole == PixelsSame || whole == PixelsDifferent }

// together is what follows from the pixels of the whole frame and from those along
// the mark. What the whole frame settles stands: where a mark lies is the word of
// whoever laid it.
func together(whole, along string) string {
	if !settled(whole) && (aligned(along) || whole == PixelsUnknown) {
		return along
	}
	return whole
}

func showsAnother(matches []Match, not watermark.Submission) bool {
	return slices.ContainsFunc(matches, func(m Match) bool { return m.Submission != not && m.Pixels == PixelsSame })
}

// fill writes a conclusion and its numbers into the verdict.
func (v *Investigator) fill(ctx context.Context, out *Verdict, e evidence, c conclusion) error {
	out.Finding, out.Unconfirmed, out.Submission, out.Note = c.finding, c.unconfirmed, c.submission, c.note
	out.Matches = append(out.Matches, e.matches...)
	for i := range e.matches {
		if e.matches[i].Submission == c.submission {
			out.Distance = &e.matches[i].Distance
		}
	}
	switch {
	case c.read != nil:
		out.Copy, out.marked = c.read.copy, c.read.issued.Recipient
		out.LogP, out.KeyID = &c.read.logP, c.read.keyID
		if c.finding == FoundCopy && !c.unconfirmed {
			out.Recipient, out.Issued = c.read.issued.Recipient, c.read.issued
		}
		out.Accused = append(out.Accused, c.accused...)
	case len(e.reads) > 0:
		out.LogP, out.KeyID = &e.reads[0].logP, e.reads[0].keyID
	}
	if !out.matched() {
		return nil
	}
	sub, err := v.cfg.Registry.Submission(ctx, c.submission)
	if err != nil {
		return err
	}
	out.subject = sub.Subject
	out.Custody, err = v.cfg.Registry.Custody(ctx, c.submission)
	return err
}

// damaged is the verdict on a file that is no readable picture.
func damaged(path string, leak []byte, cause error) *Verdict {
	sum := sha256.Sum256(leak)
	return &Verdict{
		File: path, Finding: FoundDamaged, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(leak)),
		Matches: []Match{}, Accused: []watermark.CopyID{},
		Note: "Could not be decoded.", Error: withoutPath(cause).Error(),
	}
}

// admissible reports whether a fact of custody was entered before the leaks were
// found; where that time is not known none is.
func (c Config) admissible(x Custody) bool {
	return !c.Found.IsZero() && x.Entered.Before(c.Found)
}
