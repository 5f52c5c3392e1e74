// Package leakkinds has the kinds of leaks that the bench records trials of.
package leakkinds

import "github.com/kycmark/kycmark/internal/recall"

// All returns the kinds of leaks that trials are recorded for, in the order of a table, without
// trials. The last kind has no limits. Each call returns a new list.
func All() []recall.Kind {
	return []recall.Kind{
		{Name: "of 400 pixels and more, full of detail", MinSide: 400, MinFeatures: 120, MinQuality: 50},
		{Name: "of 400 pixels and more, with some detail", MinSide: 400, MinFeatures: 30},
		{Name: "of 200 to 400 pixels", MinSide: 200, MinFeatures: 60, MinQuality: 50},
		{Name: "of 100 to 200 pixels", MinSide: 100, MinFeatures: 30, MinQuality: 50},
		{Name: "tiny, or with little detail", MinQuality: 50},
		{Name: "flat"}, // no hash to ask for, and few features
	}
}
