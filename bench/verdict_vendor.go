package main

import (
	"math/rand/v2"
	"slices"
)

// The story of capture vendors, each of which holds its uploads before the exchange does: a fact of custody for each
// upload says so. A vendor leaks some of its uploads, or the exchange does, or a recipient that removed all marks.
const storyVendor = "the vendor had it first"

// Who captures the uploads.
const (
	vendorOne     = "one vendor has all"
	vendorChanged = "another vendor from a month on"
	vendorSome    = "two vendors, some uploads of none"
	vendorTwo     = "two vendors"
	vendorThree   = "three vendors"
)

var vendorShapes = []string{vendorOne, vendorChanged, vendorSome, vendorTwo, vendorThree}

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
	late := rng.IntN(8) == 0 // all custody
	for _, name := range []string{"vendor A", "vendor B", "vendor C", "sub-processor", "recipient G"} {
		w.holders = append(w.holders, worldHolder{name: name, copies: make([]bool, len(w.month)), unmarked: make([]bool, len(w.month)), late: late})
	}
	d.simWorld, d.shape = &w, vendorShapes[rng.IntN(len(vendorShapes))]
	share, change, without := .15+.7*rng.Float64(), 12+rng.IntN(len(w.months)-24), .1+.4*rng.Float64()
	sub, clean := rng.IntN(4) == 0, rng.IntN(8) == 0
	w.holders[vendorSub].late = late || rng.IntN(3) == 0
	for i, m := range w.month {
		k := 0
		switch other := rng.Float64() >= share; {
		case d.shape == vendorChanged:
			k = int(yes(m >= change))
		case d.shape == vendorSome && rng.Float64() < without:
			continue
		case d.shape == vendorThree && other:
			k = 1 + rng.IntN(2)
		case d.shape != vendorOne && other:
			k = 1
		}
		w.holders[vendorFirst+k].unmarked[i] = true
		w.holders[vendorSub].unmarked[i] = sub && (k == 0 || rng.IntN(4) == 0)
		w.holders[vendorClean].copies[i] = clean && k == 0
	}
	switch who := rng.IntN(10); {
	case who < 6:
		s.steal(rng, d, sourceCustody, vendorFirst, n)
		d.due = !late && d.shape != vendorOne
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
// each of them, and no others. Misled: it lists others, or any although the exchange leaked. Folder: it lists holders, and a thief at the
// exchange took the uploads of one of them.
func (j *judgement) vendors() {
	persons, all := make(map[string]bool), []int(nil)
	for _, l := range j.leaks {
		if l.source == 0 && l.upload >= 0 && l.found.Shows == showsOwn && !l.found.LeftOut {
			persons[j.subject[l.upload]], all = true, append(all, l.upload)
		}
	}
	x, w, src := j.v.Holding, j.v.Window, j.sources[0]
	var held []string
	beside := true
	for k, h := range j.holders[vendorFirst:] {
		had := !slices.ContainsFunc(all, func(i int) bool { return !h.unmarked[i] && !h.copies[i] })
		switch counts := !h.late && vendorFirst+k != vendorClean; {
		case had && counts:
			held = append(held, h.name)
		case had && x != nil:
			beside = beside && slices.Contains(x.Others, h.name)
		}
	}
	right := x != nil && beside && slices.Equal(x.Holders, held) || x == nil && w != nil && slices.Equal(w.Holders, held)
	folder := src.kind == sourceInsider && src.how == takePartition
	j.set("misled", x != nil && !folder && (!right || src.kind == sourceInsider))
	j.set("folder", x != nil && folder)
	j.dump.Labels["shape"] = j.shape
	if j.due {
		j.dump.Labels["persons"] = vendorSize(len(persons), 3*len(indices(j.holders[vendorFirst].unmarked)) > 2*len(j.month))
		j.set("right", right)
	}
	if j.dump.Values["misled"] > 0 {
		j.note("lists %v and %v of %v as holders", x.Holders, x.Others, held)
	}
}

// vendorSizes are the sizes of a vendor's dumps that the tables distinguish, by persons.
var vendorSizes = []string{"0 to 9", "10 to 19", "20 to 39", "40 and more", "of a vendor of more than two thirds"}

func vendorSize(persons int, most bool) string {
	if most {
		return vendorSizes[4]
	}
	i, _ := slices.BinarySearch([]int{9, 19, 39}, persons)
	return vendorSizes[i]
}
