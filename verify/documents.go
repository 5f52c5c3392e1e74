package verify

import (
	"context"
	"errors"
	"sync"

	"github.com/kycmark/kycmark/phash/parts"
	"github.com/kycmark/kycmark/verify/internal/findings"
	"github.com/kycmark/kycmark/watermark"
)

// sameDocuments returns the pairs of submissions that leaks show whose originals show the same
// document, in the order of the leaks: one person may be registered twice. Local features say which originals are
// compared by their pixels: for each original the most similar ones, up to the first that shows
// another document. Submissions of the same subject are not compared. notCompared is how many
// submissions could not be: beyond the first [maxDocuments], not opened, or too plain. Errors are the
// registry's and the end of ctx.
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
	listed := make([]bool, len(d.of))
	if err := d.each(func(i int) (err error) {
		listed[i], err = d.list(ctx, i)
		return err
	}); err != nil {
		return nil, 0, err
	}
	for _, ok := range listed {
		if !ok {
			notCompared++
		}
	}
	found := make([][]findings.SameDocument, len(d.of))
	if err := d.each(func(i int) (err error) {
		if listed[i] {
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
	subjects []string    // of them
	index    parts.Index // their local features, by their index in of

	mu    sync.Mutex
	pairs map[[2]int]func() (*findings.SameDocument, error) // comparisons, the lower index first
}

// each calls f with the index of every submission, [Config].Workers at a time. It returns the first
// error by index.
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

// list adds the local features of the original of submission i to the index. It reports false if
// the original cannot be opened or has no features.
func (d *documents) list(ctx context.Context, i int) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	pic, err := d.v.openOriginal(ctx, d.of[i])
	if err != nil || pic == nil {
		return false, err
	}
	f, err := parts.Extract(pic.Image)
	if errors.Is(err, parts.ErrPicture) || err == nil && f.Len() == 0 {
		return false, nil
	}
	if err == nil {
		err = d.index.Add(int64(i), f)
	}
	return err == nil, err
}

// like returns the pairs of submission i and each other that shows the same document. The other
// originals are compared in the order of their similarity, up to the first of another document.
func (d *documents) like(ctx context.Context, i int) (same []findings.SameDocument, err error) {
	pic, err := d.v.openOriginal(ctx, d.of[i])
	if err != nil || pic == nil { // erased meanwhile
		return nil, err
	}
	query, err := parts.Examine(pic.Image)
	if err != nil {
		return nil, err
	}
	matches, err := d.index.Search(ctx, query, nil)
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

// compare compares the originals of submissions i and k, i < k, once for all callers. The result is
// nil if they show different documents, or if one of them cannot be opened any more.
func (d *documents) compare(ctx context.Context, i, k int) (*findings.SameDocument, error) {
	d.mu.Lock()
	f := d.pairs[[2]int{i, k}]
	if f == nil {
		f = sync.OnceValues(func() (*findings.SameDocument, error) {
			pic, err := d.v.openOriginal(ctx, d.of[k])
			if err != nil || pic == nil {
				return nil, err
			}
			m := Match{Submission: d.of[i], Pixels: PixelsUnknown}
			if err := d.v.comparePixels(ctx, &leakPicture{Picture: pic}, &m); err != nil || m.Score == nil {
				return nil, err
			}
			p := &findings.SameDocument{Submissions: [2]watermark.Submission{d.of[i], d.of[k]}, Pixels: m.Pixels, Score: micro(*m.Score)}
			if !sameDocument(p.Pixels, p.Score) {
				return nil, nil
			}
			return p, nil
		})
		d.pairs[[2]int{i, k}] = f
	}
	d.mu.Unlock()
	return f()
}

// sameDocument reports whether two originals show the same document, perhaps in two captures. pixels
// is the word for them, and score the share of their comparable blocks that agree. Two documents of one
// template that differ in little are taken for one: then fewer persons are counted than there are.
func sameDocument(pixels string, score float64) bool {
	switch pixels {
	case PixelsSame, PixelsPartial, PixelsAlike:
		return true
	}
	return pixels == PixelsDifferent && score >= minDocumentScore
}
