package odds

// Types that only tests name.
type (
	Claim = claim
	Flag  = flag
)

var (
	LnTail   = lnTail
	LnShares = lnShares
)
