package verify

import (
	"context"
	"errors"
	"sync"

	"github.com/kycmark/kycmark/internal/capture"
	"github.com/kycmark/kycmark/phash/parts"
	"github.com/kycmark/kycmark/verify/internal/findings"
	"github.com/kycmark/kycmark/watermark"
)

// sameDocuments returns the pairs of submissions that leaks show whose originals show the same
// document on page 1, in the order of the leaks: one person may be registered twice. Further pages are
// not compared: the terms of a bank that two customers sent do not make them one person. Local features say which
// originals are compared by their pixels: for each original the most similar ones, up to the first
// that shows another document. Submissions of the same subject are not compared. notCompared is how
// many submissions could not be: beyond the first [maxDocuments], not opened, or too plain. Errors
// are the registry's and the end of ctx.
func (v *Investigator) sameDocuments(ctx context.Context, leaks []*Verdict) (same []findings.SameDocument, notCompared int, err error) {
	d := documents{v: v, pairs: make(map[[2]int]func() (*findings.SameDocument, error))}
	subjects, nameless := make(map[string]bool), 0
	for _, l := range shown(leaks) {
		d.of = append(d.of, l.Submission)
		d.subjects = append(d.subjects, l.subject)
		if subjects[l.subject] = true; l.subject == "" {
			nameless++
		}
	}
	if len(subjects)+max(nameless-1, 0) < 2 {
		return nil, 0, nil
	}
	notCompared = max(len(d.of)-maxDocuments, 0)
	d.of = d.of[:len(d.of)-notCompared]
	d.queries = make([]*parts.Query, len(d.of))
	if err := d.each(func(i int) error { return d.list(ctx, i) }); err != nil {
		return nil, 0, err
	}
	for _, q := range d.queries {
		if q == nil {
			notCompared++
		}
	}
	found := make([][]findings.SameDocument, len(d.of))
	if err := d.each(func(i int) (err error) {
		if d.queries[i] != nil {
			found[i], err = d.like(ctx, i)
		}
		return err
	}); err != nil {
		return nil, 0, err
	}
	once := make(map[[2]watermark.Submission]bool)
	for _, pairs := range found {
		for _, p := range pairs {
			if !once[p.Submissions] {
				once[p.Submissions] = true
				same = append(same, p)
			}
		}
	}
	return same, notCompared, nil
}

// documents are the originals of a dump that are compared with each other.
type documents struct {
	v        *Investigator
	of       []watermark.Submission
	subjects []string       // of them
	queries  []*parts.Query // of them; nil: not opened, or too plain
	index    parts.Index    // their local features, by their index in of

	mu    sync.Mutex
	pairs map[[2]int]func() (*findings.SameDocument, error) // comparisons, the lower index first
}

// each calls f with the index of every submission, [Config].Workers at a time. The error joins all
// errors of f.
func (d *documents) each(f func(i int) error) error {
	errs := make([]error, len(d.of))
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(d.v.cfg.Workers, len(d.of)) {
		wg.Go(func() {
			for i := range next {
				errs[i] = f(i)
			}
		})
	}
	for i := range d.of {
		next <- i
	}
	close(next)
	wg.Wait()
	return errors.Join(errs...)
}

// list adds the local features of the original of submission i to the index, and keeps its query. It
// does neither if the original cannot be opened or has no features.
func (d *documents) list(ctx context.Context, i int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	pic, err := d.v.openOriginal(ctx, d.of[i])
	if err != nil || pic == nil {
		return err
	}
	f, err := parts.Extract(pic.Image)
	if errors.Is(err, parts.ErrPicture) || err == nil && f.Len() == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	if d.queries[i], err = parts.Examine(pic.Image); err != nil {
		return err
	}
	return d.index.Add(int64(i), f)
}

// like returns the pairs of submission i and each other that shows the same document. The other
// originals are compared in the order of their similarity, up to the first of another document.
func (d *documents) like(ctx context.Context, i int) (same []findings.SameDocument, err error) {
	matches, err := d.index.Search(ctx, d.queries[i], nil)
	if err != nil {
		return nil, err
	}
	for _, m := range matches {
		k := int(m.Ref)
		if k == i || m.LogNFA > maxDocumentNFA || d.subjects[k] != "" && d.subjects[k] == d.subjects[i] {
			continue
		}
		p, err := d.compare(ctx, min(i, k), max(i, k))
		if err != nil || p == nil {
			return same, err
		}
		same = append(same, *p)
	}
	return same, nil
}

// compare compares the originals of submissions i and k, i < k, once for all callers: the second laid
// on the first and, if that shows two documents, the first on the second. The result is nil if both
// show two documents, or if one of them cannot be opened any more.
func (d *documents) compare(ctx context.Context, i, k int) (*findings.SameDocument, error) {
	d.mu.Lock()
	f := d.pairs[[2]int{i, k}]
	if f == nil {
		f = sync.OnceValues(func() (*findings.SameDocument, error) {
			for _, way := range [][2]int{{i, k}, {k, i}} {
				word, score, err := d.pixels(ctx, d.of[way[0]], d.of[way[1]])
				if err != nil || word == PixelsUnknown {
					return nil, err
				}
				if sameDocument(word, score) {
					return &findings.SameDocument{Submissions: [2]watermark.Submission{d.of[i], d.of[k]}, Pixels: word, Score: score}, nil
				}
			}
			return nil, nil
		})
		d.pairs[[2]int{i, k}] = f
	}
	d.mu.Unlock()
	return f()
}

// pixels lays the original of submission leak on the original of submission on, and returns the word
// and the score of [comparePixels], or [PixelsRecaptured]. The word is [PixelsUnknown] if one of them
// cannot be opened.
func (d *documents) pixels(ctx context.Context, on, leak watermark.Submission) (word string, score float64, err error) {
	o, err := d.v.original(ctx, on)
	if err != nil || o == nil {
		return PixelsUnknown, 0, err
	}
	l, err := d.v.original(ctx, leak)
	if err != nil || l == nil {
		return PixelsUnknown, 0, err
	}
	s, err := o.onto.Find(ctx, l.onto.Luma())
	if err != nil {
		return "", 0, err
	}
	return documentPixels(s)
}

// documentPixels returns the word and the score of [comparePixels] for two originals, or
// [PixelsRecaptured]. s is how one lies on the other; nil: nothing aligns.
func documentPixels(s *capture.Sight) (word string, score float64, err error) {
	word, share, err := comparePixels(s)
	if err != nil {
		return "", 0, err
	}
	if word == PixelsDifferent {
		if n := s.Likeness(); n.Foreign && n.Exchanged == 0 {
			word = PixelsRecaptured
		}
	}
	return word, micro(*share), nil
}

// PixelsRecaptured is the word for two originals that show the same detail with other grain: one
// document that was photographed twice, as far as can be seen.
const PixelsRecaptured = "same detail, other grain"

// sameDocument reports whether two originals show the same document, perhaps in two captures. pixels
// is the word for them, and score the share of their comparable blocks that agree.
func sameDocument(pixels string, score float64) bool {
	switch pixels {
	case PixelsSame, PixelsAltered, PixelsAlike:
		return true
	case PixelsPartial, PixelsRecaptured:
		return score >= minDocumentScore
	}
	return false
}
