package verify

import (
	"fmt"
	"slices"

	"github.com/kycmark/kycmark/watermark"
)

// Leaks in which the marks of several issued copies are.

// merged reports whether a picture is made of several copies of one submission: tracing
// found the own part of each.
func merged(issued []read) bool {
	return allFound(issued) && !slices.ContainsFunc(issued, func(r read) bool { return r.issued.Submission != issued[0].issued.Submission })
}

// allFound reports whether tracing found the own part of each copy, on its own submission.
func allFound(issued []read) bool {
	for i := range issued {
		if r := &issued[i]; !r.confirmed() || !r.found() || r.forgeable() {
			return false
		}
	}
	return true
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

// concludeCollage is for a picture that shows several submissions. A leak counts once: for the
// copy that was found most strongly.
func concludeCollage(issued []read) conclusion {
	c := concludeCopies(issued)
	c.also, c.note = nil, fmt.Sprintf("Is put together of copies of %d submissions: traced against their originals, the marks of copies %s are in it, each where its submission is shown. It counts once, as copy %s.", len(issued), copyNames(issued), issued[0].copy)
	return c
}

// concludeMerged is for a picture in which several copies of one submission were found,
// each by the part of the mark that is its alone.
func concludeMerged(issued []read) conclusion {
	c := concludeCopies(issued)
	c.note = fmt.Sprintf("Traced against its original, the marks of copies %s are all in this picture, each with the part that is that copy's alone: it was made of all of them, or of one copy onto which a holder of the others laid their marks.", copyNames(issued))
	return c
}

// concludeSeveral is for a leak in which several issued copies were read: at most
// one of the marks was laid by issuing, and nothing says which.
func concludeSeveral(e evidence, issued []read) conclusion {
	c := concludeCopies(issued)
	var shows *Match
	elsewhere := 0 // marks of copies of another submission than the leak shows
	for _, r := range issued {
		if m := e.positive(r.issued.Submission); m != nil && !r.confirmed() {
			shows = m
			elsewhere++
		}
	}
	if elsewhere == len(issued) {
		c.finding, c.submission, c.accused = FoundTransplanted, shows.Submission, nil
		c.note = fmt.Sprintf("Carries the marks of copies %s, but shows another submission than any of theirs: the marks were laid onto it, which says nothing about the copies' recipients.", copyNames(issued))
		return c
	}
	c.unconfirmed = true
	c.note = fmt.Sprintf("Carries the marks of several issued copies, %s: a picture is issued with one, so at least one mark was laid onto it or the copies were merged, and none of them is confirmed.", copyNames(issued))
	return c
}

// concludeCopies accuses all copies that were read, and rests on the first, the strongest.
func concludeCopies(issued []read) conclusion {
	c := conclusion{finding: FoundCopy, submission: issued[0].issued.Submission, read: &issued[0], also: issued[1:]}
	for _, r := range issued {
		c.accused = append(c.accused, r.copy)
	}
	return c
}

// copyNames lists the copies that were read in words.
func copyNames(issued []read) string {
	var names []string
	for _, r := range issued {
		names = append(names, r.copy.String())
	}
	return list(names)
}
