package oddstest

import "math/rand/v2"

// Who captures the uploads of a registry, and so has each before the registry does.
const (
	OneVendor      = "one vendor has all"
	VendorChanged  = "another vendor from a month on"
	VendorsAndNone = "two vendors, some uploads of none"
	TwoVendors     = "two vendors"
	ThreeVendors   = "three vendors"
)

// Vendors lists who may capture uploads.
var Vendors = []string{OneVendor, VendorChanged, VendorsAndNone, TwoVendors, ThreeVendors}

// Captured draws which of three vendors captured each upload, by the upload's month: 0 to 2, or -1 for none. who is one of
// [Vendors]. Vendor 0 has a share of all that is drawn from 15 to 85 %, and at least a tenth of the months.
func Captured(rng *rand.Rand, who string, month []int) (by []int) {
	months := month[len(month)-1] + 1
	share, without := .15+.7*rng.Float64(), .1+.4*rng.Float64()
	change := months/10 + rng.IntN(months-months/5)
	for _, m := range month {
		k, other := 0, rng.Float64() >= share
		switch {
		case who == VendorChanged && m >= change:
			k = 1
		case who == OneVendor, who == VendorChanged:
		case who == VendorsAndNone && rng.Float64() < without:
			k = -1
		case who == ThreeVendors && other:
			k = 1 + rng.IntN(2)
		case other:
			k = 1
		}
		by = append(by, k)
	}
	return by
}
