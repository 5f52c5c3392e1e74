package odds

// Types that only tests name.
type (
	Claim       = claim
	Flag        = flag
	Sensitivity = sensitivity
)
