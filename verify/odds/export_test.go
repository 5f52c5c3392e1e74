package odds

// Types that only tests name.
type (
	Claim = claim
	Flag  = flag
)

var (
	LnAtLeast = lnAtLeast
	LnShares  = lnShares
)
