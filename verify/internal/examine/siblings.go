package examine

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/register"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/conclude"
	"github.com/kycmark/kycmark/verify/internal/search"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// Siblings are uploads of one capture: a picture that was sent twice, saved anew, cropped or resized. A leak that
// shows one of them may derive from the copies of all.

// A sibling is a page whose original is the same capture as another page's.
type sibling struct {
	ref   int64 // number of its submission in the registry
	page  watermark.Submission
	whole watermark.Submission // that has the page
	onto  geometry.Mat         // pixels of the other original to pixels of this one
}

// families has the siblings of pages, found among uploads up to number read, and what originals show of each other.
type families struct {
	mu   sync.Mutex
	read int64
	of   map[watermark.Submission][]sibling

	marks map[[2]watermark.Submission][]watermark.CopyID // by page and page, see carries
	pairs map[[2]watermark.Submission]pair               // by the page that lies on the second
}

// A pair is what one original shows of another, on which it lies.
type pair struct {
	word     string       // of [comparePixels]
	document string       // of [DocumentPixels]
	score    float64      // of [DocumentPixels]
	onto     geometry.Mat // pixels of the first to pixels of the other
}

// pair returns what original o shows of original on, compared once.
func (f *families) pair(ctx context.Context, o, on *Original) (p pair, err error) {
	about := [2]watermark.Submission{o.Of, on.Of}
	f.mu.Lock()
	p, known := f.pairs[about]
	f.mu.Unlock()
	if known {
		return p, nil
	}
	s, err := on.Onto.Find(ctx, o.Onto.Luma())
	if err != nil {
		return p, err
	}
	if p.word, p.document, p.score, err = DocumentPixels(s); err != nil {
		return p, err
	}
	if s != nil {
		p.onto = s.ToOriginal()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pairs[about] = p
	return p, nil
}

// follow forgets the siblings that were found before uploads up to number read were entered.
func (f *families) follow(read int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.read < read {
		f.read = read
		clear(f.of)
	}
}

// siblings looks at the siblings of the upload that a leak shows, unless a copy of that upload was found: it compares the
// leak with each, and traces it against each. Matches and reads of siblings are changed or added. The
// false-positive rate is [tuning.SiblingLevel], divided among them.
func (v *tracer) siblings(ctx context.Context) error {
	shown := v.e.Shown()
	if shown == nil || !conclude.ShowsCapture(shown.Pixels) || v.Cfg.SealKey == nil || len(v.Cfg.Keys) == 0 || len(v.Cfg.Against) > 0 {
		return nil
	}
	if slices.ContainsFunc(v.e.Reads, func(r conclude.Read) bool { return r.Issued != nil && r.Issued.Submission == shown.Submission }) {
		return nil
	}
	family, err := v.family(ctx, conclude.PageOf(shown))
	if err == nil {
		family, err = v.withRead(ctx, conclude.PageOf(shown), family)
	}
	if err != nil {
		return err
	}
	at := v.leak.at(conclude.PageOf(shown))
	for _, s := range family {
		m, err := v.match(ctx, search.Candidate{Ref: s.ref})
		if errors.Is(err, registry.ErrNotFound) {
			continue // erased meanwhile, or damaged
		}
		if err != nil {
			return err
		}
		if old := v.e.Match(m.Submission); old != nil && conclude.ShowsCapture(old.Pixels) {
			old.Sibling = true
			if findings.TraceOf(v.e.Traces, m.Submission) != nil {
				continue
			}
			m = old
		} else {
			m.Sibling = true
			if m.Distance, err = v.Distance(ctx, s.page, v.leak.queries); err != nil {
				return err
			}
			if at >= 0 && v.leak.Laid[at].sight != nil {
				place := &register.Place{Map: s.onto.Mul(v.leak.Laid[at].sight.ToOriginal()), LogNFA: tuning.KnownPlace, Inliers: tuning.KnownInliers}
				if v.leak.places == nil {
					v.leak.places = make(map[watermark.Submission]placing)
				}
				v.leak.places[s.page] = func() (*register.Place, error) { return place, nil }
			}
			if err := v.comparePixels(ctx, m); err != nil {
				return err
			}
			if old != nil {
				*old = *m
			} else {
				v.e.Matches = append(v.e.Matches, *m)
			}
			for i := range v.e.Reads {
				if r := &v.e.Reads[i]; r.Issued != nil && r.Issued.Submission == m.Submission {
					r.Page, r.Shows, r.Altered = m.Page, m.Pixels, m.Altered
				}
			}
		}
		t, err := v.traceBoth(ctx, &findings.Match{Submission: m.Submission, Page: m.Page}, tuning.SiblingLevel/float64(len(family)))
		if err != nil {
			return err
		}
		if t == nil {
			continue // its original cannot be opened, or is too small: nothing rules it out
		}
		v.e.Traces = append(slices.DeleteFunc(v.e.Traces, func(o findings.Tracing) bool { return o.Submission == t.Submission }), t.Tracing)
		if err := v.bind(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// withRead adds to the family of a page the uploads of the copies that were read, if they are the same capture. A small part of a
// picture has too few features for [Examiner.family].
func (v *tracer) withRead(ctx context.Context, of watermark.Submission, family []sibling) ([]sibling, error) {
	for i := range v.e.Reads {
		r := &v.e.Reads[i]
		if r.Issued == nil || slices.ContainsFunc(family, func(s sibling) bool { return s.whole == r.Issued.Submission }) {
			continue
		}
		o, err := v.original(ctx, of)
		if err != nil || o == nil {
			return family, err
		}
		row, err := v.Engine().Page(ctx, r.Issued.Submission.Page(r.Page))
		if err != nil {
			if err = gone(err); err != nil {
				return nil, err
			}
			continue
		}
		other, err := v.original(ctx, row.ID)
		if err != nil {
			return nil, err
		}
		if onto, same, err := v.sameCapture(ctx, o, other); err != nil {
			return nil, err
		} else if same {
			family = append(slices.Clone(family), sibling{row.Seq, row.ID, row.Whole(), onto})
		}
	}
	return family, nil
}

// family returns the siblings of a page, by its ID: the uploads that its hash and its local features bring up, at
// most [tuning.MaxSiblings], whose originals are the same capture.
func (v *Examiner) family(ctx context.Context, of watermark.Submission) (out []sibling, err error) {
	v.families.follow(v.Found.Last())
	v.families.mu.Lock()
	out, known := v.families.of[of]
	v.families.mu.Unlock()
	if known {
		return out, nil
	}
	o, err := v.original(ctx, of)
	if err != nil || o == nil {
		return nil, err
	}
	whole := &Leak{Picture: &picture.Picture{Image: o.image}}
	queries, quality, err := phash.SumLeak(tuning.Searched, o.image)
	if err != nil {
		return nil, err
	}
	if quality < phash.MinQuality {
		queries = nil
	}
	near, err := v.Found.Near(ctx, queries)
	if err != nil {
		return nil, err
	}
	near = slices.DeleteFunc(near, func(c search.Candidate) bool { return c.Distance > phash.MatchRadius })
	more, err := v.On(whole).partCandidates(ctx, near)
	if err != nil {
		return nil, err
	}
	compared, shut := 0, false
	for _, c := range append(near, more...) {
		row, err := v.On(whole).row(ctx, c)
		if errors.Is(err, registry.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if row.ID == of || !row.Kept {
			continue
		}
		v.On(whole).locate(ctx, c.Ref, row.ID)
		if p, err := whole.places[row.ID](); err != nil {
			return nil, err
		} else if p != nil && p.LogNFA > tuning.MaxDocumentNFA { // another document, at most of one template, or o is a small part
			scale := p.Map.LinearScale()
			if p.LogNFA > tuning.MaxPortraitNFA || float64(scale*scale*float64(o.image.Rect.Dx()*o.image.Rect.Dy())) > float64(tuning.MinRest*float64(row.Width*row.Height)) {
				continue
			}
		}
		if compared++; compared > tuning.MaxSiblings {
			break
		}
		other, err := v.original(ctx, row.ID)
		if shut = shut || other == nil; err != nil {
			return nil, err
		}
		if onto, same, err := v.sameCapture(ctx, o, other); err != nil {
			return nil, err
		} else if same {
			out = append(out, sibling{c.Ref, row.ID, row.Whole(), onto})
		}
	}
	if shut { // it may be there again soon
		return out, nil
	}
	v.families.mu.Lock()
	defer v.families.mu.Unlock()
	v.families.of[of] = out
	return out, nil
}

// sameCapture reports whether another original, nil if it cannot be opened, is the same capture, and maps pixels to its own.
func (v *Examiner) sameCapture(ctx context.Context, o, other *Original) (onto geometry.Mat, same bool, err error) {
	if other == nil {
		return onto, false, nil
	}
	for _, way := range [][2]*Original{{o, other}, {other, o}} {
		p, err := v.families.pair(ctx, way[0], way[1])
		if err != nil {
			return onto, false, err
		}
		if !conclude.ShowsCapture(p.word) && p.word != findings.PixelsPartial { // or a part, as if one picture has both sides of a card
			continue
		}
		if way[0] == o {
			return p.onto, true, nil
		}
		back, ok := p.onto.Inverse()
		return back, ok, nil
	}
	return onto, false, nil
}
