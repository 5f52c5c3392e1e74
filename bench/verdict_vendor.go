package main

import (
	"math/rand/v2"
	"slices"

	"github.com/kycmark/kycmark/internal/test/oddstest"
)

// The story of capture vendors. They have their uploads before the exchange does: a fact of custody for each upload
// says so. A vendor leaks some of its uploads, or the exchange does, or a recipient that removed all marks.
const storyVendor = "the vendor had it first"

// Holders of that story, after the recipients of marked copies: three vendors, and two others.
const (
	vendorFirst = worldRecipients     // the vendor that may leak
	vendorSub   = worldRecipients + 3 // perhaps, a sub-processor that held all that the first vendor did
	vendorClean = worldRecipients + 4 // perhaps, a recipient of marked copies of just these uploads
)

// vendors gives the dump a world in which recipients have marked copies only, and draws its leaks, about n.
func (s *simulation) vendors(rng *rand.Rand, d *simDump, n int) {
	w := *d.simWorld
	w.holders = slices.Clone(w.holders)
	for r := range w.holders {
		w.holders[r].unmarked, w.holders[r].missing = make([]bool, len(w.month)), nil
	}
	late, sub, clean := rng.IntN(8) == 0, rng.IntN(4) == 0, rng.IntN(8) == 0 // late: all custody
	for _, name := range []string{"vendor A", "vendor B", "vendor C", "sub-processor", "recipient G"} {
		w.holders = append(w.holders, worldHolder{name: name, copies: make([]bool, len(w.month)), unmarked: make([]bool, len(w.month)), late: late})
	}
	d.simWorld, d.vendor = &w, oddstest.Vendors[rng.IntN(len(oddstest.Vendors))]
	w.holders[vendorSub].late = late || rng.IntN(3) == 0
	for i, k := range oddstest.Captured(rng, d.vendor, w.month) {
		if k >= 0 {
			w.holders[vendorFirst+k].unmarked[i] = true
		}
		w.holders[vendorSub].unmarked[i] = sub && (k == 0 || rng.IntN(4) == 0)
		w.holders[vendorClean].copies[i] = clean && k == 0
	}
	switch who := rng.IntN(10); {
	case who < 6:
		s.steal(rng, d, sourceCustody, vendorFirst, n)
		d.due = !late && d.vendor != oddstest.OneVendor
	case who < 7 && clean:
		s.steal(rng, d, sourceCustody, vendorFirst, n) // of the same uploads
		d.sources[0].kind = sourceCleaned
	default:
		s.steal(rng, d, sourceInsider, noHolder, n)
	}
	if rng.IntN(4) == 0 {
		s.steal(rng, d, sourceCopies, rng.IntN(4), max(n/3, 3))
	}
}

// vendors enters whether the verdict lists the right holders of the leaks without a mark: all that by the records had
// each of them, and no others. Misled: it lists others, or any although the exchange leaked. Folder: it lists holders, and a
// thief at the exchange took the uploads of one of them.
func (j *judgement) vendors() {
	persons, all := make(map[string]bool), []int(nil)
	for _, l := range j.leaks {
		if l.source == 0 && l.upload >= 0 && l.found.Shows == showsOwn && !l.found.LeftOut {
			persons[j.subject[l.upload]], all = true, append(all, l.upload)
		}
	}
	x, w, src := j.v.Holding, j.v.Window, j.sources[0]
	held, beside := []string(nil), true
	for k, h := range j.holders[vendorFirst:] {
		had := !slices.ContainsFunc(all, func(i int) bool { return !h.unmarked[i] && !h.copies[i] })
		if had && !h.late && vendorFirst+k != vendorClean {
			held = append(held, h.name)
		} else if had && x != nil {
			beside = beside && slices.Contains(x.Others, h.name)
		}
	}
	right := x != nil && beside && slices.Equal(x.Holders, held) || x == nil && w != nil && slices.Equal(w.Holders, held)
	folder := src.kind == sourceInsider && src.how == takePartition
	misled := x != nil && !folder && (!right || src.kind == sourceInsider)
	j.set("misled", misled)
	j.set("folder", x != nil && folder)
	j.dump.Labels["vendor"] = j.vendor
	if j.due {
		j.set("right", right)
		size, _ := slices.BinarySearch([]int{9, 19, 39}, len(persons))
		if 3*len(indices(j.holders[vendorFirst].unmarked)) > 2*len(j.month) {
			size = 4
		}
		j.dump.Labels["persons"] = vendorSizes[size]
	}
	if misled {
		j.note("lists %v and %v of %v as holders", x.Holders, x.Others, held)
	}
}

// vendorSizes are the sizes of a vendor's dumps that the tables distinguish, by persons. The last is of a vendor with more
// than two thirds of all uploads.
var vendorSizes = []string{"0 to 9", "10 to 19", "20 to 39", "40 and more", "any, over two thirds held"}
