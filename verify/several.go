package verify

import (
	"slices"

	"github.com/kycmark/kycmark/watermark"
)

// Leaks in which the marks of several issued copies are.

// merged reports whether a picture is made of several copies of one submission: all reads are of
// it, and tracing found the own part of each ([allFound]). issued must not be empty.
func merged(issued []read) bool {
	return allFound(issued) && !slices.ContainsFunc(issued, func(r read) bool { return r.issued.Submission != issued[0].issued.Submission })
}

// allFound reports whether every read is sure.
func allFound(issued []read) bool {
	return !slices.ContainsFunc(issued, func(r read) bool { return !r.sure() })
}

// sure reports whether the read is a confirmed copy whose own part of the mark tracing found, under a key
// that others did not hold. The copy is not void.
func (r *read) sure() bool { return r.confirmed() && r.found() && !r.forgeable() && !r.void() }

// beside splits the reads of a leak: main reads conclude, and others count for no recipient. Sure reads
// conclude alone if they fit together and no other read is of their submissions: a mark that was laid onto a
// picture says nothing against the mark of the picture's own upload. Otherwise all reads conclude.
func beside(issued []read) (main, others []read) {
	for _, r := range issued {
		if r.sure() {
			main = append(main, r)
		} else {
			others = append(others, r)
		}
	}
	ofMain := func(o read) bool {
		return slices.ContainsFunc(main, func(r read) bool { return r.issued.Submission == o.issued.Submission })
	}
	if len(main) == 0 || len(main) > 1 && !merged(main) && !collage(main) || slices.ContainsFunc(others, ofMain) {
		return issued, nil
	}
	return main, others
}

// collage reports whether a picture is put together of copies of several submissions, one of
// each, each found where its submission is shown.
func collage(issued []read) bool {
	of := make(map[watermark.Submission]bool)
	for _, r := range issued {
		of[r.issued.Submission] = true
	}
	return len(of) == len(issued) && allFound(issued)
}

// nested reports whether the leak shows the capture of every copy, and none beside the others: a copy was
// entered as an upload and marked again. The copy that was issued last then has the marks of all.
func (e *evidence) nested(issued []read) bool {
	return !slices.ContainsFunc(issued, func(r read) bool { return !showsCapture(r.shows) || e.apart(r.issued.Submission) })
}

// concludeCollage returns the conclusion for a picture with copies of several submissions. All copies are
// accused, but the leak counts once. If they are nested, it counts for the copy that was issued last. Else
// it counts for the first read that shows its capture, or for the first, whose mark is the strongest.
// Recipients of the others are not listed, since the rows of a leak are of one submission: the verdict on
// the dump says how many copies that leaves out.
func concludeCollage(e evidence, issued []read) conclusion {
	code := "copies-collage"
	issued = slices.Clone(issued)
	if e.nested(issued) {
		code = "copies-nested"
		slices.SortStableFunc(issued, func(a, b read) int { return b.issued.Issued.Compare(a.issued.Issued) })
	} else {
		aside := func(r read) int {
			if showsCapture(r.shows) {
				return 0
			}
			return 1
		}
		slices.SortStableFunc(issued, func(a, b read) int { return aside(a) - aside(b) })
	}
	c := concludeCopies(issued)
	c.also = nil
	c.say(code, figures{"n": len(issued), "copies": copyNames(issued), "copy": issued[0].copy.String()})
	return c
}

// concludeMerged returns the conclusion for a picture in which tracing found several copies of one
// submission, each by its own part of the mark. All are confirmed and accused.
func concludeMerged(issued []read) conclusion {
	c := concludeCopies(issued)
	c.say("copies-merged", figures{"copies": copyNames(issued)})
	return c
}

// concludeSeveral returns the conclusion for a leak in which several issued copies were read that
// do not fit together. Issuing laid at most one of the marks, and nothing says which. The finding
// is [FoundTransplanted], and no copy is accused, if for each copy the leak shows another
// submission than the copy's. Otherwise it is an unconfirmed copy, and all are accused.
func concludeSeveral(e evidence, issued []read) conclusion {
	c := concludeCopies(issued)
	var shows *Match
	elsewhere := 0 // marks of copies of another submission than the leak shows
	for _, r := range issued {
		if m := e.positive(r.issued.Submission); m != nil && !r.confirmed() && r.elsewhere(m) {
			shows = m
			elsewhere++
		}
	}
	if elsewhere == len(issued) {
		c.finding, c.submission, c.accused = FoundTransplanted, shows.Submission, nil
		c.say("transplanted-several", figures{"copies": copyNames(issued)})
		return c
	}
	c.unconfirmed = true
	c.say("unconfirmed-several", figures{"copies": copyNames(issued)})
	return c
}

// concludeCopies returns the conclusion of a confirmed copy that rests on the first read and
// accuses the copies of all reads. The callers change what does not fit. issued must not be empty.
func concludeCopies(issued []read) conclusion {
	c := conclusion{finding: FoundCopy, submission: issued[0].issued.Submission, read: &issued[0], also: issued[1:]}
	for _, r := range issued {
		c.accused = append(c.accused, r.copy)
	}
	return c
}

// copyNames returns the IDs of the copies that were read.
func copyNames(issued []read) (names []string) {
	for _, r := range issued {
		names = append(names, r.copy.String())
	}
	return names
}
