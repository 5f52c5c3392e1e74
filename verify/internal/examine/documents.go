package examine

import (
	"cmp"
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/kycmark/kycmark/internal/capture"
	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/memory"
	"github.com/kycmark/kycmark/phash/parts"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/conclude"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/watermark"
)

// SameDocuments returns the pairs of submissions that leaks show whose originals show the same document, in the order
// of the leaks: one person may be registered twice. All pages are compared with each other. Local features say which
// pages are compared by their pixels: for each page the most similar ones, up to the first that shows another document.
// Submissions of the same subject are not compared. A page other than the first that three or more persons sent is a
// form, such as the terms of a bank: it makes no pair. notCompared is how many submissions could not be compared, or
// not with all their pages: beyond the first [tuning.MaxDocuments] or [tuning.MaxDocumentPages], not opened, or too
// plain. Errors are the registry's and the end of ctx.
func (v *Examiner) SameDocuments(ctx context.Context, leaks []*findings.Finding) (same []findings.SameDocument, notCompared int, err error) {
	d := documents{v: v, pairs: make(map[[2]int]func() (*findings.SameDocument, error))}
	subjects, nameless := make(map[string]bool), 0
	all := findings.Shown(leaks)
	for _, l := range all {
		d.subjects = append(d.subjects, l.Private.Subject)
		if subjects[l.Private.Subject] = true; l.Private.Subject == "" {
			nameless++
		}
	}
	if len(subjects)+max(nameless-1, 0) < 2 {
		return nil, 0, nil
	}
	compared, err := d.findPages(ctx, all)
	if err != nil {
		return nil, 0, err
	}
	d.queries = make([]*parts.Query, len(d.pages))
	if err := d.each(ctx, func(i int) error { return d.list(ctx, i) }); err != nil {
		return nil, 0, err
	}
	some := make([]bool, len(all)) // a page was compared
	for i, q := range d.queries {
		some[d.pages[i].of] = some[d.pages[i].of] || q != nil
	}
	for i := range all {
		if !compared[i] || !some[i] {
			notCompared++
		}
	}
	found := make([][]findings.SameDocument, len(d.pages))
	if err := d.each(ctx, func(i int) (err error) {
		if d.queries[i] != nil {
			found[i], err = d.like(ctx, i)
		}
		return err
	}); err != nil {
		return nil, 0, err
	}
	once := make(map[[2]watermark.Submission]bool)
	forms := d.forms(found)
	for i, pairs := range found {
		for _, p := range pairs {
			if !once[p.Submissions] && (!forms[i] || p.Pages == nil) {
				once[p.Submissions] = true
				same = append(same, p)
			}
		}
	}
	return same, notCompared, nil
}

// documents are the originals of a dump that are compared with each other, page by page.
type documents struct {
	v        *Examiner
	subjects []string // by submission
	pages    []documentPage
	queries  []*parts.Query // of the pages; nil: not opened, or too plain
	index    parts.Index    // their local features, by their index in pages

	mu    sync.Mutex
	pairs map[[2]int]func() (*findings.SameDocument, error) // comparisons of pages, the lower index first
}

// A documentPage is one page of a submission.
type documentPage struct {
	id     watermark.Submission // under which the page is opened: see [watermark.Submission.Page]
	of     int                  // its submission, an index
	whole  watermark.Submission
	number int // from 1
}

// findPages lists pages to compare: page 1 of each submission first. complete says which submissions are listed whole.
func (d *documents) findPages(ctx context.Context, leaks []*findings.Finding) (complete []bool, err error) {
	complete = make([]bool, len(leaks))
	counts := make([]int, min(len(leaks), tuning.MaxDocuments))
	longest := 0
	for i := range counts {
		row, err := d.v.Engine().Page(ctx, leaks[i].Submission)
		if err := gone(err); err != nil {
			return nil, err
		}
		if counts[i] = 1; row != nil {
			counts[i] = max(row.Pages, 1)
		}
		complete[i], longest = true, max(longest, counts[i])
	}
	for k := 1; k <= longest; k++ {
		for i, n := range counts {
			switch id := leaks[i].Submission; {
			case n < k:
			case k > 1 && len(d.pages) >= tuning.MaxDocumentPages:
				complete[i] = false
			default:
				d.pages = append(d.pages, documentPage{id.Page(k), i, id, k})
			}
		}
	}
	return complete, nil
}

// pageOfPair returns the page of the first or second submission of a pair, 0 or 1.
func pageOfPair(p findings.SameDocument, i int) int {
	if p.Pages == nil {
		return 1
	}
	return p.Pages[i]
}

// forms returns which pages three or more persons sent. Pages that were found to show the same document
// are one; found has them by page. Submissions without a subject count as persons.
func (d *documents) forms(found [][]findings.SameDocument) []bool {
	group := make([]int, len(d.pages))
	for i := range group {
		group[i] = i
	}
	at := make(map[watermark.Submission]int)
	for i, p := range d.pages {
		at[p.id] = i
	}
	for _, pairs := range found {
		for _, p := range pairs {
			a, b := group[at[p.Submissions[0].Page(pageOfPair(p, 0))]], group[at[p.Submissions[1].Page(pageOfPair(p, 1))]]
			for i := range group {
				if group[i] == b {
					group[i] = a
				}
			}
		}
	}
	persons := make(map[int]map[string]bool)
	for i, g := range group {
		if persons[g] == nil {
			persons[g] = make(map[string]bool)
		}
		persons[g][cmp.Or(d.subjects[d.pages[i].of], "\x00"+d.pages[i].whole.String())] = true
	}
	return each.Of(group, func(g int) bool { return len(persons[g]) > 2 })
}

// each calls f with the index of every page, [Config].Workers at a time, and each with the memory of an examination.
// The error joins ctx's and all errors of f.
func (d *documents) each(ctx context.Context, f func(i int) error) error {
	errs := make([]error, len(d.pages))
	var group errgroup.Group
	group.SetLimit(d.v.Cfg.Workers)
	for i := range d.pages {
		group.Go(func() error {
			lease := d.v.Memory.Lease()
			defer lease.Give()
			if errs[i] = lease.Take(ctx, memory.Examining(0, 0)); errs[i] == nil {
				errs[i] = f(i)
			}
			return nil
		})
	}
	_ = group.Wait() // whose functions return no errors
	return errors.Join(errs...)
}

// list adds the local features of page i to index, and sets its query. It does neither if the page cannot be opened or has no features.
func (d *documents) list(ctx context.Context, i int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	o, err := d.v.openOriginal(ctx, d.pages[i].id)
	if err != nil || o == nil {
		return err
	}
	f, err := parts.Extract(o.image)
	if errors.Is(err, parts.ErrPicture) || err == nil && f.Len() == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	if d.queries[i], err = parts.Examine(o.image); err != nil {
		return err
	}
	return d.index.Add(int64(i), f)
}

// like returns the pairs of page i and the pages, of other subjects, that show the same document: the most similar, until one does not.
func (d *documents) like(ctx context.Context, i int) (same []findings.SameDocument, err error) {
	matches, err := d.index.Search(ctx, d.queries[i], nil)
	if err != nil {
		return nil, err
	}
	for _, m := range matches {
		k := int(m.Ref)
		a, b := d.pages[i].of, d.pages[k].of
		if a == b || m.LogNFA > tuning.MaxDocumentNFA || d.subjects[a] != "" && d.subjects[a] == d.subjects[b] {
			continue
		}
		p, err := d.compare(ctx, min(i, k), max(i, k))
		if err != nil || p == nil {
			return same, err
		}
		if p.Pixels != findings.PixelsUnknown {
			same = append(same, *p)
		}
	}
	return same, nil
}

// compare compares the pages i and k, i < k, once for all callers: the second laid
// on the first and, if that shows two documents, the first on the second. The result is nil if both
// show two documents. Its Pixels are [findings.PixelsUnknown] if one of the pages cannot be opened any more.
func (d *documents) compare(ctx context.Context, i, k int) (*findings.SameDocument, error) {
	d.mu.Lock()
	f := d.pairs[[2]int{i, k}]
	if f == nil {
		f = sync.OnceValues(func() (*findings.SameDocument, error) {
			for _, way := range [][2]int{{i, k}, {k, i}} {
				word, score, err := d.v.between(ctx, d.pages[way[0]].id, d.pages[way[1]].id)
				if err != nil || word == findings.PixelsUnknown {
					return &findings.SameDocument{Pixels: word}, err
				}
				if conclude.SameDocument(word, score) {
					a, b := d.pages[i], d.pages[k]
					if a.of > b.of {
						a, b = b, a
					}
					same := &findings.SameDocument{Submissions: [2]watermark.Submission{a.whole, b.whole}, Pixels: word, Score: score}
					if a.number > 1 || b.number > 1 {
						same.Pages = []int{a.number, b.number}
					}
					return same, nil
				}
			}
			return nil, nil
		})
		d.pairs[[2]int{i, k}] = f
	}
	d.mu.Unlock()
	return f()
}

// between lays the page leak on the page on, by their IDs, and returns what [DocumentPixels] does. The word is
// [findings.PixelsUnknown] if one of them cannot be opened.
func (v *Examiner) between(ctx context.Context, on, leak watermark.Submission) (word string, score float64, err error) {
	o, err := v.original(ctx, on)
	if err != nil || o == nil {
		return findings.PixelsUnknown, 0, err
	}
	l, err := v.original(ctx, leak)
	if err != nil || l == nil {
		return findings.PixelsUnknown, 0, err
	}
	p, err := v.families.pair(ctx, l, o)
	return p.document, p.score, err
}

// DocumentPixels returns the word of [comparePixels] for two originals, the word for their documents, which is
// [findings.PixelsRecaptured] as well, and the score. A page that cannot all be read is [findings.PixelsPartial]. s is how one
// lies on the other; nil: nothing aligns.
func DocumentPixels(s *capture.Sight) (word, document string, score float64, err error) {
	word, share, fields, err := comparePixels(s)
	if err != nil {
		return "", "", 0, err
	}
	document = word
	switch {
	case word == findings.PixelsPage && len(fields) == 0:
		document = findings.PixelsPartial
	case word == findings.PixelsDifferent:
		if n := s.Likeness(); n.Foreign && n.Exchanged == 0 {
			document = findings.PixelsRecaptured
		}
	}
	return word, document, conclude.Micro(*share), nil
}
