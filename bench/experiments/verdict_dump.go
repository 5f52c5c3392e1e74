package experiments

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/odds"
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
	storyInsider    = "somebody with the whole registry"
	storyElsewhere  = "sent elsewhere by their owners"
	storyStrangers  = "strangers alone"
	storyPlanted    = "planted by a holder of both, recorded"
	storyPlantedNot = "planted by a holder of both, not recorded"
	storyTransplant = "transplanted marks alone"
	storyRepeated   = "one copy planted again and again"
	storyDecoy      = "a dump salted with another's leaked copies"
)

// stories in the order of the tables, with how many of 100 dumps tell them.
var stories = []struct {
	name  string
	share int
}{
	{storyCopies, 36}, {storySeveral, 11}, {storyMixed, 11}, {storyCustody, 8}, {storyWindow20, 5}, {storyWindow8, 5},
	{storyUnlisted, 4}, {storyMissing, 3}, {storyInsider, 2}, {storyElsewhere, 2}, {storyStrangers, 2},
	{storyPlanted, 3}, {storyPlantedNot, 2}, {storyTransplant, 2}, {storyRepeated, 2}, {storyDecoy, 2},
}

// A simSource is where some of the leaks of a dump came from.
type simSource struct {
	kind     string // of explanation, as [odds.Hypothesis] has them; [odds.Unlisted] is no listed source
	holder   int    // of copies, custody, or the recipient that an unlisted holder works for; -1: none
	how      string
	attack   string // what most of its leaks went through
	scrubbed bool
}

// A simLeak is a picture of a dump.
type simLeak struct {
	kind      string // of outcome
	upload    int    // -1: a stranger's
	recipient int    // whose copy it is, or whose mark was laid on it; -1: none
	source    int    // -1: none
	attack    string
	found     *Outcome
}

// A simDump is a simulated dump and the truth about it.
type simDump struct {
	*world
	story   string
	sources []simSource
	leaks   []simLeak
	framed  int  // the recipient that somebody wants to be blamed, -1: none
	planter int  // who laid the marks, -1: nobody did
	listed  bool // the records say so
	matched bool // every leak of an upload is found to show it: the bar speaks of matched leaks
}

// A simulation draws dumps.
type simulation struct {
	worlds  []*world
	outcome *drawer
	seed    uint64
	only    string // the story that all dumps tell; "": all stories
	small   bool   // dumps of 3 to 6 leaks
}

// dump draws the leaks of dump i, without their outcomes: from the same seed always the same.
func (s *simulation) dump(i int) (*simDump, *rand.Rand) {
	rng := rand.New(rand.NewPCG(s.seed, uint64(i)))
	d := &simDump{world: s.worlds[i%len(s.worlds)], framed: -1, planter: -1}
	at := rng.IntN(100)
	for _, x := range stories {
		if at -= x.share; at < 0 {
			d.story = x.name
			break
		}
	}
	d.story = cmp.Or(s.only, d.story)
	u := rng.Float64()
	n := int(math.Round(5 * math.Pow(80, u*u))) // 5..400, every second up to 15
	if s.small {
		n = 3 + rng.IntN(4)
		if d.story == storyWindow20 || d.story == storyWindow8 {
			d.story = storyCustody
		}
	}
	s.tell(rng, d, n)
	rng.Shuffle(len(d.leaks), func(i, k int) { d.leaks[i], d.leaks[k] = d.leaks[k], d.leaks[i] })
	return d, rng
}

// tell draws the leaks of a story.
func (s *simulation) tell(rng *rand.Rand, d *simDump, n int) {
	others := int(float64(n) * .7 * rng.Float64() * rng.Float64())
	marking := []int{0, 1, 2, 3, 5}
	rng.Shuffle(len(marking), func(i, k int) { marking[i], marking[k] = marking[k], marking[i] })
	switch d.story {
	case storyCopies:
		s.steal(rng, d, odds.Copies, marking[0], n-others)
	case storySeveral:
		k := 2 + rng.IntN(2)
		for i := range k {
			s.steal(rng, d, odds.Copies, marking[i], (n-others)/k)
		}
	case storyMixed:
		s.steal(rng, d, odds.Copies, marking[0], (n-others)/2)
		s.steal(rng, d, odds.Custody, 3+rng.IntN(2), (n-others)/3)
		s.elsewhere(rng, d, (n-others)/6)
	case storyCustody:
		s.steal(rng, d, odds.Custody, 3+rng.IntN(2), n-others)
	case storyWindow20, storyWindow8:
		s.steal(rng, d, odds.Custody, 4, map[string]int{storyWindow20: 20, storyWindow8: 8}[d.story])
		others = rng.IntN(10)
	case storyUnlisted:
		s.steal(rng, d, odds.Unlisted, rng.IntN(2)*(1+3+rng.IntN(2))-1, n-others)
	case storyMissing:
		s.steal(rng, d, odds.Unlisted, -2, n-others)
	case storyInsider:
		s.steal(rng, d, odds.Insider, -1, n-others)
	case storyElsewhere:
		s.elsewhere(rng, d, n-others)
	case storyStrangers:
		others = n
	default:
		s.frame(rng, d, n-others)
	}
	for range others {
		d.leaks = append(d.leaks, simLeak{OutcomeStranger, -1, -1, -1, s.any(rng, OutcomeStranger), nil})
	}
}

// held are the uploads that a source could take.
func (d *simDump) held(kind string, holder int) []int {
	switch {
	case kind == odds.Copies:
		return heldOf(d.holders[holder].copies)
	case kind == odds.Custody, kind == odds.Unlisted && holder >= 0:
		return heldOf(d.holders[holder].unmarked)
	case kind == odds.Unlisted && holder == -2:
		return heldOf(d.holders[5].missing)
	}
	all := make([]int, len(d.month))
	for i := range all {
		all[i] = i
	}
	return all
}

// steal adds a source and what it took.
func (s *simulation) steal(rng *rand.Rand, d *simDump, kind string, holder, n int) {
	how := takes[rng.IntN(len(takes))]
	if d.story == storyWindow20 || d.story == storyWindow8 {
		how, d.matched = takeSample, true // of all of the window
	}
	if kind == odds.Unlisted && holder == -1 {
		how = takeRange // a holder of its own: one range, any
	}
	marked := kind == odds.Copies
	src := s.handle(rng, simSource{kind: kind, holder: holder, how: how})
	d.sources = append(d.sources, src)
	for _, i := range d.take(rng, d.held(kind, holder), how, max(n, 1)) {
		l := simLeak{kind: OutcomeUnmarked, upload: i, recipient: -1, source: len(d.sources) - 1}
		if marked {
			l.kind, l.recipient = OutcomeCopy, holder
		}
		l.attack = s.through(rng, l.kind, src)
		d.leaks = append(d.leaks, l)
	}
}

// handle draws what a source's leaks go through.
func (s *simulation) handle(rng *rand.Rand, src simSource) simSource {
	src.attack = s.any(rng, OutcomeCopy)
	if rng.IntN(3) == 0 {
		src.attack = "whatsapp_twice"
	}
	if src.scrubbed = rng.IntN(10) == 0; src.scrubbed {
		src.attack = scrubs[rng.IntN(len(scrubs))]
	}
	return src
}

// any is some recorded attack of a kind, no scrub.
func (s *simulation) any(rng *rand.Rand, kind string) string {
	all := s.outcome.attacks[kind]
	for range 20 {
		if a := all[rng.IntN(len(all))]; !slices.Contains(scrubs, a) {
			return a
		}
	}
	return all[0]
}

// through is what one leak of a source went through: mostly what the others did.
func (s *simulation) through(rng *rand.Rand, kind string, src simSource) string {
	if src.scrubbed || rng.IntN(4) > 0 {
		return src.attack
	}
	return s.any(rng, kind)
}

// elsewhere adds files that their owners sent to others, too.
func (s *simulation) elsewhere(rng *rand.Rand, d *simDump, n int) {
	d.sources = append(d.sources, s.handle(rng, simSource{kind: odds.Elsewhere, holder: -1}))
	reuse := []float64{.003, .02, .1, .3}[rng.IntN(4)]
	for range n {
		l := simLeak{OutcomeStranger, -1, -1, len(d.sources) - 1, s.any(rng, OutcomeStranger), nil}
		if rng.Float64() < reuse {
			l.kind, l.upload = OutcomeUnmarked, rng.IntN(len(d.month))
		}
		d.leaks = append(d.leaks, l)
	}
}

// frame tells the stories in which somebody wants another one blamed.
func (s *simulation) frame(rng *rand.Rand, d *simDump, n int) {
	d.framed = []int{0, 1, 2}[rng.IntN(3)]
	planter := 3 + rng.IntN(2)
	few := 2 + rng.IntN(12)
	if s.small {
		few = 2 + rng.IntN(3)
	}
	switch d.story {
	case storyPlanted, storyPlantedNot: // the copies got into the hands of who held the pictures unmarked
		d.planter, d.listed = planter, d.story == storyPlanted
		s.steal(rng, d, odds.Custody, planter, n)
		for k := range d.leaks {
			if l := &d.leaks[k]; few > 0 && d.holders[d.framed].copies[l.upload] {
				l.kind, l.recipient = OutcomeCopy, d.framed
				few--
			}
		}
	case storyTransplant:
		d.planter = planter
		s.steal(rng, d, odds.Custody, planter, n)
		for k := range d.leaks {
			if few--; few >= 0 {
				l := &d.leaks[k]
				l.kind, l.recipient = OutcomeTransplanted, d.framed
			}
		}
	case storyRepeated:
		d.planter = planter
		s.steal(rng, d, odds.Custody, planter, n)
		s.plant(rng, d, 1, few)
	case storyDecoy:
		d.planter = []int{3, 5}[rng.IntN(2)]
		s.steal(rng, d, odds.Copies, d.planter, n)
		s.plant(rng, d, 1+rng.IntN(4), 1)
	}
}

// plant adds leaked copies of the one who is to be blamed, each so many times.
func (s *simulation) plant(rng *rand.Rand, d *simDump, copies, times int) {
	all := heldOf(d.holders[d.framed].copies)
	if len(all) == 0 {
		return
	}
	for range copies {
		i := all[rng.IntN(len(all))]
		for range times {
			d.leaks = append(d.leaks, simLeak{OutcomeCopy, i, d.framed, -1, s.any(rng, OutcomeCopy), nil})
		}
	}
}

// caseOf is what an investigation would hand to the odds.
func (s *simulation) caseOf(rng *rand.Rand, d *simDump) *odds.Case {
	draw := s.outcome
	for k := range d.leaks {
		l := &d.leaks[k]
		l.found = draw.draw(rng, l.kind, l.attack)
		for try := 0; d.matched && l.upload >= 0 && l.found.Shows != ShowsOwn && try < 100; try++ {
			l.found = draw.draw(rng, l.kind, s.any(rng, l.kind))
		}
	}
	c := &odds.Case{FoundKnown: true, Cells: d.months, Holders: d.holdings(), MarkTrials: verify.TraceTrials, MatchTrials: verify.MatchTrials, Examined: len(d.leaks)}
	innocent := make(map[[2]int]Evidence) // one value for a copy, as it is pooled
	pool := make(map[[2]int][]float64)
	var of []int
	for k := range d.leaks {
		l := &d.leaks[k]
		if l.found.LeftOut {
			continue
		}
		if l.found.Read {
			c.MarkTrials = verify.ReadTrials
		}
		leak := odds.Leak{Recall: l.found.Recall, FalseMatch: l.found.FalseMatch}
		shown := l.upload
		switch l.found.Shows {
		case ShowsNone:
			shown = -1
		case ShowsOther:
			shown = rng.IntN(len(d.month))
		}
		if shown >= 0 {
			d.show(&leak, l, shown, func(r int) Evidence {
				e, known := innocent[[2]int{shown, r}]
				if !known {
					e = draw.innocence(rng, l.found)
					innocent[[2]int{shown, r}] = e
				}
				return e
			})
			if own := l.own(shown); own != nil && !l.found.Read {
				pool[[2]int{shown, l.recipient}] = append(pool[[2]int{shown, l.recipient}], own.LnE)
			}
		}
		c.Leaks, of = append(c.Leaks, leak), append(of, k)
	}
	for k := range c.Leaks {
		l := &d.leaks[of[k]]
		for x := range c.Leaks[k].Copies {
			copied := &c.Leaks[k].Copies[x]
			if all := pool[[2]int{l.upload, l.recipient}]; len(all) > 1 && l.recipient >= 0 && copied.Recipient == d.holders[l.recipient].name && copied.Confirmed && l.found.Own != nil {
				copied.LnE = meanLn(all)
				if l.found.Finding != string(verify.FoundCopy) { // less than what counts towards a name
					copied.LnE = min(copied.LnE, l.found.Own.LnE)
				}
			}
		}
	}
	return c
}

// own is the evidence for the leaked copy itself; nil: there is none.
func (l *simLeak) own(shown int) *Evidence {
	if l.kind == OutcomeCopy && shown == l.upload {
		return l.found.Own
	}
	return nil
}

// show enters what the registry says of the submission that a leak was found to show, and
// the evidence for its copies.
func (d *simDump) show(leak *odds.Leak, l *simLeak, shown int, innocence func(recipient int) Evidence) {
	leak.Submission, leak.Submitted, leak.Cluster = strconv.Itoa(shown), d.at[shown], d.subject[shown]
	for r, h := range d.holders {
		if h.unmarked[shown] {
			leak.Unmarked = append(leak.Unmarked, h.name)
		}
		if !h.copies[shown] {
			continue
		}
		e := innocence(r)
		own := l.own(shown)
		if own != nil && l.recipient == r {
			e = *own
		}
		x := e.copy(strconv.Itoa(shown*worldRecipients+r), h.name)
		if own != nil && l.recipient == r && d.listed && d.framed == r {
			x.Others = []string{d.holders[d.planter].name}
		}
		leak.Copies = append(leak.Copies, x)
	}
	if l.kind == OutcomeTransplanted && l.found.Marked {
		leak.Transplanted = []string{d.holders[l.recipient].name}
	}
}

// meanLn is the logarithm of the mean of numbers whose logarithms are given.
func meanLn(ln []float64) float64 {
	most, sum := slices.Max(ln), 0.0
	for _, x := range ln {
		sum += math.Exp(x - most)
	}
	return most + math.Log(sum/float64(len(ln)))
}
