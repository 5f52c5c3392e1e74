package odds

// Types that only tests name.
type (
	Claim    = claim
	AlsoHeld = alsoHeld
)

var (
	LnTail   = lnTail
	LnShares = lnShares
)
