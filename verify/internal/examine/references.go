package examine

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/conclude"
	"github.com/kycmark/kycmark/verify/internal/search"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// Controls are made on the leak itself, beside the pictures of a validation: the leak is compared with other uploads
// like the upload that it shows, and its marks with marks that were never issued. They show what chance and a common
// template give in a picture of this kind and this wear.

// decoys scores [tuning.DecoyCopies] copies that were never issued in a leak, as a control of the copies
// that tracing found. Max is the highest score. The result is nil if tracing found no copy.
func decoys(found *watermark.TraceResult) *findings.Decoys {
	if len(found.Accused) == 0 {
		return nil
	}
	scores := found.Decoys(tuning.DecoyCopies)
	return &findings.Decoys{Number: len(scores), Max: conclude.Micro(slices.Max(scores))}
}

// references makes at most n controls: it compares a leak with uploads of other subjects, the nearest by hash to
// submission shown, which the leak shows. An upload that the search of the leak does not bring up counts as unrelated;
// others are compared by their pixels. If the leak shows only a part of shown, that part is compared. The result is nil
// without a sealing key, with [verify.Options].Against, or if shown was erased meanwhile.
func (v *tracer) references(ctx context.Context, shown watermark.Submission, page, n int) ([]findings.Control, error) {
	if v.Cfg.SealKey == nil || n == 0 || len(v.Cfg.Against) > 0 {
		return nil, nil
	}
	own, err := v.Cfg.Registry.Submission(ctx, shown)
	if err != nil {
		return nil, gone(err)
	}
	hash, err := v.Engine().AreaHash(ctx, v.Cfg.SealKey, shown.Page(page))
	if err != nil {
		return nil, gone(err)
	}
	hits, err := v.Found.Hashes.Nearest(hash, 8*n) // some are of the same subject, or hashes alone
	if err != nil {
		return nil, err
	}
	part := v.leak
	if m := v.e.Match(shown); m != nil && m.Region != nil {
		part = v.leak.cut(m.Region)
	}
	var out []findings.Control
	for _, h := range hits {
		if len(out) == n {
			break
		}
		m, err := v.reference(ctx, v.leak, part, v.e, own, search.Candidate{Ref: h.Ref, Distance: h.Distance})
		if err != nil {
			return nil, err
		}
		if m != nil {
			out = append(out, findings.Control{Distance: h.Distance, Pixels: m.Pixels, Score: m.Score})
		}
	}
	return out, nil
}

// brings reports whether the search of a leak finds a submission, by the hash of the whole or by local features.
func (v *matcher) brings(x search.Candidate, of watermark.Submission) (bool, error) {
	if slices.ContainsFunc(v.leak.near, func(c search.Candidate) bool { return c.Ref == x.Ref }) {
		return true, nil
	}
	p, err := v.leak.places[of]()
	return p != nil && p.LogNFA <= tuning.MaxPartNFA, err
}

// reference compares a leak with the submission of a candidate, as a control. whole is the leak, and l is the part of
// it that shows the submission own. A match that e already compared is returned. A submission that the search of whole
// does not find gives [findings.PixelsUnrelated] without a comparison. The result is nil, without an error, for own
// itself and for the same subject. It is also nil for a submission that was erased, is kept as a hash alone, or cannot
// be opened. On a sheet it is nil for the pictures that lie beside own: that the leak shows them is no false match.
func (v *Examiner) reference(ctx context.Context, whole, l *Leak, e *conclude.Evidence, own *books.Submission, c search.Candidate) (*findings.Match, error) {
	row, err := v.Engine().SubmissionAt(ctx, c.Ref)
	if err != nil {
		return nil, gone(err)
	}
	whose := row
	if row.Page > 1 { // its submission has the subject
		if whose, err = v.Engine().Page(ctx, row.Document); err != nil {
			return nil, gone(err)
		}
	}
	if whose.ID == own.ID || whose.Subject != "" && whose.Subject == own.Subject || !row.Kept {
		return nil, nil
	}
	if m := e.Match(whose.ID); m != nil && m.Page == row.Page && m.Pixels != findings.PixelsUnknown {
		read := slices.ContainsFunc(e.Reads, func(r conclude.Read) bool { return r.Issued != nil && r.Issued.Submission == whose.ID })
		if (conclude.ShowsCapture(m.Pixels) || read) && e.Apart(whose.ID) {
			return nil, nil
		}
		return m, nil
	}
	v.On(whole).locate(ctx, c.Ref, row.ID)
	v.On(l).locate(ctx, c.Ref, row.ID)
	found, err := v.On(whole).brings(c, row.ID)
	if err != nil {
		return nil, err
	}
	if !found {
		none := 0.0
		return &findings.Match{Pixels: findings.PixelsUnrelated, Score: &none}, nil
	}
	m := &findings.Match{Submission: whose.ID, Page: row.Page, Pixels: findings.PixelsUnknown}
	if err := v.On(l).comparePixels(ctx, m); err != nil || m.Pixels == findings.PixelsUnknown {
		return nil, err
	}
	return m, nil
}

// gone returns nil for the errors of a submission that was erased meanwhile, or that cannot be opened or read.
func gone(err error) error {
	if errors.Is(err, registry.ErrErased) || errors.Is(err, registry.ErrNotFound) || errors.Is(err, registry.ErrTampered) || errors.Is(err, registry.ErrSealed) {
		return nil
	}
	return err
}

// against compares the pixels of a leak with every submission of [verify.Options].Against, and returns the matches, nearest
// hash first, however far they are. Erased submissions are passed over.
func (v *matcher) against(ctx context.Context, queries []phash.Hash) ([]findings.Match, error) {
	var out []findings.Match
	for _, id := range v.Cfg.Against {
		sub, err := v.Cfg.Registry.Submission(ctx, id)
		if errors.Is(err, registry.ErrErased) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("submission %s: %w", id, err)
		}
		m := findings.Match{Submission: id, Pixels: findings.PixelsUnknown, Submitted: sub.Submitted, HashOnly: !sub.Kept}
		if err := v.comparePages(ctx, &m); err != nil {
			return nil, err
		}
		if m.Distance, err = v.Distance(ctx, conclude.PageOf(&m), queries); err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	slices.SortStableFunc(out, func(a, b findings.Match) int { return a.Distance - b.Distance })
	return out, nil
}

// Distance returns the minimum distance of a submission's hash to the queries, in bits of 256. It
// is 256 if the hash cannot be opened, or was erased meanwhile.
func (v *Examiner) Distance(ctx context.Context, of watermark.Submission, queries []phash.Hash) (int, error) {
	hash, err := v.Engine().AreaHash(ctx, v.Cfg.SealKey, of)
	if err != nil {
		return tuning.Searched.Len(), gone(err)
	}
	nearest := tuning.Searched.Len()
	for _, q := range queries {
		nearest = min(nearest, q.Distance(hash))
	}
	return nearest, nil
}

// referencesOf returns the number of controls for one leak: an even share of the controls of a dump of so many files.
// digest is the SHA-256 of the leak; it decides which leaks get one control more if the division leaves a rest.
func (c Config) referencesOf(digest [sha256.Size]byte, files int) int {
	n, each := c.References, tuning.MaxReferences
	if n == 0 {
		n, each = tuning.DefaultReferences, tuning.DefaultEach
	}
	if n < 0 {
		return 0
	}
	draw := int(binary.BigEndian.Uint32(digest[:]) % uint32(files))
	whole := n / files
	if draw < n%files {
		whole++
	}
	return min(whole, each)
}

// ReferenceRecord returns, in words for the record of an investigation, how many controls a dump gets.
func (c Config) ReferenceRecord() string {
	switch {
	case c.References < 0:
		return "none"
	case c.References == 0:
		return fmt.Sprintf("about %d comparisons a dump, %d a leak at most; by pixels if hash or parts bring the upload up", tuning.DefaultReferences, tuning.DefaultEach)
	}
	return fmt.Sprintf("about %d comparisons a dump; by pixels if hash or parts bring the upload up", c.References)
}
