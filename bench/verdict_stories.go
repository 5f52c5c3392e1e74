package main

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// The stories of simulated dumps.
const (
	storyCopies     = "marked copies of one recipient"
	storySeveral    = "marked copies of two or three"
	storyMixed      = "copies, custody and elsewhere"
	storyCustody    = "unmarked, from recorded custody"
	storyWindow20   = "unmarked, narrow window, 20 leaks"
	storyWindow8    = "unmarked, narrow window, 8 leaks"
	storyUnlisted   = "an unlisted holder"
	storyMissing    = "custody missing or entered late"
	storyInsider    = "an insider with the whole registry"
	storyElsewhere  = "sent elsewhere by their owners"
	storyStrangers  = "strangers alone"
	storyPlanted    = "planted by a holder of both, recorded"
	storyPlantedNot = "planted by a holder of both, not recorded"
	storyTransplant = "transplanted marks alone"
	storyRepeated   = "one copy planted again and again"
	storyDecoy      = "a dump salted with another's leaked copies"
)

// stories lists the stories in the order of the tables, with the number of dumps in 100 that
// tell each.
var stories = []struct {
	name  string
	share int
}{
	{storyCopies, 26}, {storySeveral, 11}, {storyMixed, 11}, {storyCustody, 8}, {storyWindow20, 5}, {storyWindow8, 5}, {storyVendor, 10},
	{storyUnlisted, 4}, {storyMissing, 3}, {storyInsider, 2}, {storyElsewhere, 2}, {storyStrangers, 2},
	{storyPlanted, 3}, {storyPlantedNot, 2}, {storyTransplant, 2}, {storyRepeated, 2}, {storyDecoy, 2},
}

// A simSource is where some leaks of a dump came from.
type simSource struct {
	kind     string // [sourceCopies], ...
	how      string // one of takes: which of its uploads the source took
	holder   int    // recipient whose holdings were taken; noHolder and lateHolder otherwise
	attack   string // what most of its leaks went through
	scrubbed bool   // attack is meant to remove marks
}

// Kinds of sources.
const (
	sourceCopies    = "copies"    // marked copies issued to a recipient
	sourceCustody   = "custody"   // uploads that a recipient held unmarked, on record
	sourceUnlisted  = "unlisted"  // a holder that no record has
	sourceInsider   = "insider"   // a person with the whole registry
	sourceCleaned   = "cleaned"   // marked copies whose marks were all removed
	sourceElsewhere = "elsewhere" // files that their owners also sent to other firms
)

// Values of simSource.holder beside recipients.
const (
	noHolder   = -1
	lateHolder = -2 // recipient 5, whose custody is missing from the record
)

// A simLeak is a picture of a dump. An index of -1 means none.
type simLeak struct {
	kind      string   // of outcome
	upload    int      // -1: another person's document
	recipient int      // whose copy it is, or whose mark was laid on it
	source    int      // index into the dump's sources
	attack    string   // what it went through
	found     *outcome // what the investigation found
}

// A simDump is a simulated dump and the truth about it.
type simDump struct {
	*simWorld
	story   string
	sources []simSource
	leaks   []simLeak
	framed  int    // recipient who is to be blamed for what others did; -1: none
	planter int    // who laid the marks; -1: none
	listed  bool   // the records say that the planter received the framed recipient's copies
	vendor  string // one of [oddstest.Vendors]; "": another story
	due     bool   // the first vendor leaked, and the records tell its uploads from others
	matched bool   // every leak of an upload is found to show it
}

// A simulation draws dumps of registries and what investigations find in them.
type simulation struct {
	worlds  []*simWorld
	outcome *drawer
	seed    uint64
	only    string // the story that all dumps tell; "": all stories
}

// dump draws the leaks of dump i, without their outcomes, and returns the generator that goes on.
// The same seed and i give the same dump.
func (s *simulation) dump(i int) (*simDump, *rand.Rand) {
	rng := rand.New(rand.NewPCG(s.seed, uint64(i)))
	d := &simDump{simWorld: s.worlds[i%len(s.worlds)], framed: -1, planter: -1}
	at := rng.IntN(100)
	for _, x := range stories {
		if at -= x.share; at < 0 {
			d.story = x.name
			break
		}
	}
	d.story = cmp.Or(s.only, d.story)
	u := rng.Float64()
	n := int(math.Round(5 * math.Pow(80, u*u))) // 5 to 400, median 15
	s.tell(rng, d, n)
	rng.Shuffle(len(d.leaks), func(i, k int) { d.leaks[i], d.leaks[k] = d.leaks[k], d.leaks[i] })
	return d, rng
}

// tell draws about n leaks of the dump's story, some of them of other persons' documents.
func (s *simulation) tell(rng *rand.Rand, d *simDump, n int) {
	others := int(float64(n) * .7 * rng.Float64() * rng.Float64())
	marking := []int{0, 1, 2, 3, 5} // recipients of copies
	rng.Shuffle(len(marking), func(i, k int) { marking[i], marking[k] = marking[k], marking[i] })
	switch d.story {
	case storyCopies:
		s.steal(rng, d, sourceCopies, marking[0], n-others)
	case storySeveral:
		k := 2 + rng.IntN(2)
		for i := range k {
			s.steal(rng, d, sourceCopies, marking[i], (n-others)/k)
		}
	case storyMixed:
		s.steal(rng, d, sourceCopies, marking[0], (n-others)/2)
		s.steal(rng, d, sourceCustody, 3+rng.IntN(2), (n-others)/3)
		s.elsewhere(rng, d, (n-others)/6)
	case storyCustody:
		s.steal(rng, d, sourceCustody, 3+rng.IntN(2), n-others)
	case storyWindow20, storyWindow8:
		s.steal(rng, d, sourceCustody, 4, map[string]int{storyWindow20: 20, storyWindow8: 8}[d.story])
		others = rng.IntN(10)
	case storyUnlisted:
		s.steal(rng, d, sourceUnlisted, rng.IntN(2)*(1+3+rng.IntN(2))-1, n-others)
	case storyMissing:
		s.steal(rng, d, sourceUnlisted, lateHolder, n-others)
	case storyInsider:
		s.steal(rng, d, sourceInsider, noHolder, n-others)
	case storyElsewhere:
		s.elsewhere(rng, d, n-others)
	case storyStrangers:
		others = n
	case storyVendor:
		s.vendors(rng, d, n-others)
	default:
		s.frame(rng, d, n-others)
	}
	for range others {
		d.leaks = append(d.leaks, simLeak{outcomeStranger, -1, -1, -1, s.anyAttack(rng, outcomeStranger), nil})
	}
}

// held returns the uploads that a source could take.
func (d *simDump) held(kind string, holder int) []int {
	switch {
	case kind == sourceCopies:
		return indices(d.holders[holder].copies)
	case kind == sourceCustody, kind == sourceUnlisted && holder >= 0:
		return indices(d.holders[holder].unmarked)
	case kind == sourceUnlisted && holder == lateHolder:
		return indices(d.holders[5].missing)
	}
	all := make([]int, len(d.month))
	for i := range all {
		all[i] = i
	}
	return all
}

// steal adds a source and at most n leaks of the uploads that the source took.
func (s *simulation) steal(rng *rand.Rand, d *simDump, kind string, holder, n int) {
	how := takes[rng.IntN(len(takes))]
	if d.story == storyWindow20 || d.story == storyWindow8 {
		how, d.matched = takeSample, true
	}
	if kind == sourceUnlisted && holder == noHolder {
		how = takeRange // an unlisted holder received the uploads of one period
	}
	src := s.handle(rng, simSource{kind: kind, holder: holder, how: how})
	d.sources = append(d.sources, src)
	for _, i := range d.take(rng, d.held(kind, holder), how, max(n, 1)) {
		l := simLeak{kind: outcomeUnmarked, upload: i, recipient: -1, source: len(d.sources) - 1}
		if kind == sourceCopies {
			l.kind, l.recipient = outcomeCopy, holder
		}
		l.attack = s.leakAttack(rng, l.kind, src)
		d.leaks = append(d.leaks, l)
	}
}

// handle draws what a source's leaks go through.
func (s *simulation) handle(rng *rand.Rand, src simSource) simSource {
	src.attack = s.anyAttack(rng, outcomeCopy)
	if rng.IntN(3) == 0 {
		src.attack = "whatsapp_twice"
	}
	if src.scrubbed = rng.IntN(10) == 0; src.scrubbed {
		src.attack = scrubs[rng.IntN(len(scrubs))]
	}
	return src
}

// anyAttack draws a recorded attack of a kind that is meant to keep the picture, not to remove the mark.
func (s *simulation) anyAttack(rng *rand.Rand, kind string) string {
	all := s.outcome.attacks[kind]
	for range 20 {
		if a := all[rng.IntN(len(all))]; !slices.Contains(scrubs, a) {
			return a
		}
	}
	return all[0]
}

// leakAttack draws what one leak of a source went through: in three of four cases what the others did.
func (s *simulation) leakAttack(rng *rand.Rand, kind string, src simSource) string {
	if src.scrubbed || rng.IntN(4) > 0 {
		return src.attack
	}
	return s.anyAttack(rng, kind)
}

// elsewhere adds n pictures that their owners sent to other firms. A share of them is of uploads.
func (s *simulation) elsewhere(rng *rand.Rand, d *simDump, n int) {
	d.sources = append(d.sources, s.handle(rng, simSource{kind: sourceElsewhere, holder: noHolder}))
	reuse := []float64{.003, .02, .1, .3}[rng.IntN(4)]
	for range n {
		l := simLeak{outcomeStranger, -1, -1, len(d.sources) - 1, s.anyAttack(rng, outcomeStranger), nil}
		if rng.Float64() < reuse {
			l.kind, l.upload = outcomeUnmarked, rng.IntN(len(d.month))
		}
		d.leaks = append(d.leaks, l)
	}
}

// frame tells the stories in which a recipient is to be blamed for what another one did.
func (s *simulation) frame(rng *rand.Rand, d *simDump, n int) {
	d.framed = rng.IntN(3)
	planter := 3 + rng.IntN(2)
	few := 2 + rng.IntN(12)
	if d.story == storyDecoy {
		d.planter = []int{3, 5}[rng.IntN(2)]
		s.steal(rng, d, sourceCopies, d.planter, n)
		s.plant(rng, d, 1+rng.IntN(4), 1)
		return
	}
	d.planter, d.listed = planter, d.story == storyPlanted
	s.steal(rng, d, sourceCustody, planter, n)
	if d.story == storyRepeated {
		s.plant(rng, d, 1, few)
		return
	}
	for k := range d.leaks { // a holder of unmarked uploads mixes in marked copies, or lays marks on
		l, kind := &d.leaks[k], outcomeCopy
		if d.story == storyTransplant {
			kind = outcomeTransplanted
		} else if !d.holders[d.framed].copies[l.upload] {
			continue
		}
		if few--; few >= 0 {
			l.kind, l.recipient = kind, d.framed
		}
	}
}

// plant adds some of the leaked copies of the framed recipient, each the given number of times.
func (s *simulation) plant(rng *rand.Rand, d *simDump, copies, times int) {
	all := indices(d.holders[d.framed].copies)
	if len(all) == 0 {
		return
	}
	for range copies {
		i := all[rng.IntN(len(all))]
		for range times {
			d.leaks = append(d.leaks, simLeak{outcomeCopy, i, d.framed, -1, s.anyAttack(rng, outcomeCopy), nil})
		}
	}
}
