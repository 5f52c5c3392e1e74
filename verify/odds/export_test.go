package odds

var (
	LnTail   = lnTail
	LnShares = lnShares
)
