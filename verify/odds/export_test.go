package odds

// Claim is a type that only tests name.
type Claim = claim

var (
	LnTail   = lnTail
	LnShares = lnShares
)
