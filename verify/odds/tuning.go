package odds

// This file has every number of the package that was chosen. The names of tests and experiments say what
// fixed a number; "chosen" marks a number that no measurement fixed.

// What counts as evidence.
const (
	// SureLnE is ln of the e-value, 1,000, from which a copy is evidence that may count towards a name. Chosen.
	SureLnE = 6.907755278982137
	// maxLnE is the maximum of [Copy].LnE: larger values are lowered to it. ln 10^9, since the promised
	// false-positive rate of reading a mark is 9.3e-10.
	maxLnE = 20.72326583694641
	// minMiss is the minimum of [Copy].Miss: smaller values are raised to it. Chosen.
	minMiss = 1e-3
	// shares is the number of shares 1, 1/2, 1/4, … of a dump that a recipient's copies may have. The last,
	// 1/65,536, is below one leak of a dump of [MaxLeaks]. TestSharesReachSmallSources.
	shares = 17
	// doubtful is the e-value, e^-2, up to which a leak is not explained by the copy whose mark it lacks. Chosen.
	doubtful = 0.1353352832366127
	// coalition divides the e-value of a recipient whose copies are in leaks with copies of others: the prior of
	// "copies were mixed", in odds, against one source for each leak. Chosen.
	coalition = 1000
	// removal is the prior probability that a source of copies removed its marks on purpose, all of a dump. Chosen.
	removal = 0.05
)

// What a headline needs before it names a recipient.
const (
	nameClusters = 2 // clusters with a confirmed copy of an e-value of 1,000 at least. Chosen
	// nameLogE is the min log10 likelihood ratio before the cap, corrected for the number of recipients. Chosen: what
	// protects is nameClusters, since one false find has a probability of about 1e-9 a leak.
	nameLogE = 4
)

const (
	// wideHolder is a share of a recipient's copies. A holder of that share of the same submissions unmarked does not
	// count as a possible planter: it is no pattern that all copies lie in what a holder of nearly everything held. A
	// planter who held little leaves marks only there. Chosen.
	wideHolder = 0.9

	// nearlyAll is the share of the rest of a dump from which on a holder is listed as having
	// had the rest. It is below 1 because some leaks may match the wrong submission. Chosen.
	nearlyAll = 0.9

	// maxMembers is the number of recipients of a group that are compared, and of rivals listed as found together; of
	// more, those with most leaks. Chosen: mixtures of up to 5 copies of 8 recipients were tried.
	maxMembers = 8
)

// foreign lists, for three equally likely alternatives, the share of the leaks that are not copies of the recipient.
// [model.improbable] compares the absence of marks with these alternatives. Chosen.
var foreign = [...]float64{0.25, 0.5, 0.75}

// Windows and holdings.
const (
	// maxChance is the probability, corrected for the number of windows, up to which a window is given:
	// leaks from anywhere have one in 1 dump of 100 or fewer (TestWindowsByChance).
	maxChance = 0.01
	// maxLuck is maxChance for a holding, which names a party, over all holders (TestHoldingsByChance). Chosen.
	maxLuck = 1e-4
	// maxOutside is the share, of the clusters that chance expects outside of a holding, that may lie there: else a search
	// that misses more of them, or a country, explains it. Chosen.
	maxOutside = 1.0 / 3
	// maxEnds is the number of first, and of last, cells of windows that are looked at. It bounds the time. Chosen.
	maxEnds = 200
)
