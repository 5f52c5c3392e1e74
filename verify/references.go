package verify

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/kycmark/kycmark/phash/parts"
	"github.com/kycmark/kycmark/verify/internal/findings"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// Controls are made on the leak itself, beside the pictures of a validation: the leak is
// compared with other uploads like the upload that it shows, and its marks with marks that
// were never issued. They show what chance and a common template give in a picture of this
// kind and this wear.

// decoys scores copies that were never issued in a leak in which tracing found a copy. The
// result is nil if tracing found no copy.
func decoys(found *watermark.TraceResult) *findings.Decoys {
	if len(found.Accused) == 0 {
		return nil
	}
	scores := found.Decoys(decoyCopies)
	return &findings.Decoys{Number: len(scores), Max: micro(slices.Max(scores))}
}

// Chance says in words how far the marks that tracing found exceed the marks of copies that
// were never issued. It is "" if tracing found no mark.
func (v *Verdict) Chance() string {
	t := traceOf(v.Traces, v.Submission)
	if t == nil || t.Decoys == nil {
		return ""
	}
	var found []string
	for _, c := range t.Copies {
		if c.Found {
			found = append(found, fmt.Sprintf("copy %s scores %.1f", c.Copy, c.Score))
		}
	}
	return fmt.Sprintf("%s; of %s copies that were never issued none scores above %.1f in this picture", list(found), thousands(float64(t.Decoys.Number)), t.Decoys.Max)
}

// referencesOf returns the number of controls for one leak: its share of the controls of a dump
// of so many files. digest is the SHA-256 of the leak. It decides which leaks get one control
// more if the controls cannot be shared evenly.
func (c Config) referencesOf(digest [sha256.Size]byte, files int) int {
	n, each := c.References, maxReferences
	if n == 0 {
		n, each = DefaultReferences, defaultEach
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

// referenceRecord says, for the record of an investigation, how many controls are made.
func (c Config) referenceRecord() string {
	switch {
	case c.References < 0:
		return "none"
	case c.References == 0:
		return fmt.Sprintf("about %d comparisons a dump, %d a leak at most; by pixels if hash or parts bring the upload up", DefaultReferences, defaultEach)
	}
	return fmt.Sprintf("about %d comparisons a dump; by pixels if hash or parts bring the upload up", c.References)
}

// references makes at most n controls for a leak that shows a submission: it compares the
// leak with the uploads of other subjects whose hashes lie nearest to that submission's.
// Each comparison takes the way of every candidate. An upload that the leak's hash and
// parts do not bring up is unrelated, as in the search; all others are compared by their
// pixels. The store cannot be asked for the nearest uploads, so it gives no controls.
func (v *Investigator) references(ctx context.Context, l *leakPicture, e *evidence, shown watermark.Submission, n int) ([]findings.Control, error) {
	if v.cfg.SealKey == nil || n == 0 || len(v.cfg.Against) > 0 {
		return nil, nil
	}
	if where, err := v.searches(ctx); err != nil || where == SearchStore {
		return nil, err
	}
	own, err := v.cfg.Registry.Submission(ctx, shown)
	if err != nil {
		return nil, gone(err)
	}
	hash, err := v.cfg.Registry.Engine().AreaHash(ctx, v.cfg.SealKey, shown)
	if err != nil {
		return nil, gone(err)
	}
	hits, err := v.found.hashes.Nearest(hash, 8*n) // some are of the same subject, or hashes alone
	if err != nil {
		return nil, err
	}
	part := l
	if m := e.match(shown); m != nil && m.Region != nil {
		part = l.cut(m.Region)
	}
	var out []findings.Control
	for _, h := range hits {
		if len(out) == n {
			break
		}
		m, err := v.reference(ctx, l, part, e, own, h.Ref)
		if err != nil {
			return nil, err
		}
		if m != nil {
			out = append(out, findings.Control{Distance: h.Distance, Pixels: m.Pixels, Score: m.Score})
		}
	}
	return out, nil
}

// brings reports whether the search of a leak brings up the submission of a number, by the
// hash of the whole or by parts.
func (v *Investigator) brings(ctx context.Context, l *leakPicture, number int64) (bool, error) {
	if slices.ContainsFunc(l.near, func(c candidate) bool { return c.ref == number }) {
		return true, nil
	}
	s, err := v.searchParts(ctx, l)
	if err != nil || s == nil {
		return false, err
	}
	return slices.ContainsFunc(s.found, func(m parts.Match) bool { return m.Ref == number }), nil
}

// reference holds a leak against the submission of a number. whole is the leak, l the part
// of it that shows the submission own. It returns nil if the submission is of the same
// subject or its pixels cannot be compared.
func (v *Investigator) reference(ctx context.Context, whole, l *leakPicture, e *evidence, own *registry.Submission, number int64) (*Match, error) {
	row, err := v.cfg.Registry.Engine().SubmissionAt(ctx, number)
	if err != nil {
		return nil, gone(err)
	}
	if row.ID == own.ID || row.Subject != "" && row.Subject == own.Subject || !row.Kept {
		return nil, nil
	}
	if m := e.match(row.ID); m != nil && m.Pixels != PixelsUnknown {
		return m, nil
	}
	found, err := v.brings(ctx, whole, number)
	if err != nil {
		return nil, err
	}
	if !found {
		none := 0.0
		return &Match{Pixels: PixelsUnrelated, Score: &none}, nil
	}
	m := &Match{Submission: row.ID, Pixels: PixelsUnknown}
	if err := v.comparePixels(ctx, l, m); err != nil || m.Pixels == PixelsUnknown {
		return nil, err
	}
	return m, nil
}

// gone returns nil for the errors of a submission that was erased meanwhile, and every other
// error as it is.
func gone(err error) error {
	if errors.Is(err, registry.ErrErased) || errors.Is(err, registry.ErrNotFound) {
		return nil
	}
	return err
}

// match returns the match of the leak with a submission, nil if they were not compared.
func (e *evidence) match(of watermark.Submission) *Match {
	return find(e.matches, func(m *Match) bool { return m.Submission == of })
}

// references counts the controls of a dump: the leaks that have controls, the comparisons, and
// the comparisons that found the other upload to be the same capture.
func (w *weighing) references() (leaks, compared, same int) {
	for i, l := range w.Verdicts {
		if len(l.References) == 0 || !l.matched() || w.first[i] != i {
			continue
		}
		leaks++
		for _, m := range l.References {
			if compared++; m.Pixels == PixelsSame {
				same++
			}
		}
	}
	return leaks, compared, same
}

// falseMatch is the rate at which leaks fit uploads that they do not show, for the odds: the
// 95 % upper bound 3/n of the trials of matching, which showed none. Where leaks of this
// dump fit other uploads, theirs (Krichevsky and Trofimov's estimate), if that is more.
func (w *weighing) falseMatch() float64 {
	_, trials := w.cfg.trials(w.Verdicts)
	rate := math.Min(3/float64(trials), 1)
	if _, compared, same := w.references(); same > 0 {
		rate = math.Max(rate, (float64(same)+0.5)/(float64(compared)+1))
	}
	return math.Max(micro(rate), 1e-6)
}
