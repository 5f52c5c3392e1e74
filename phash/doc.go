// Package phash names pictures by perceptual hashes and finds them again.
package phash

// MatchRadius and MinQuality are what the authors of PDQ recommend
// (facebook/ThreatExchange, pdq/README.md, "Matching").
const (
	// MatchRadius is the distance in bits up to which two PDQ hashes match.
	MatchRadius = 31
	// MinQuality is the least quality of a PDQ hash that may be matched on.
	MinQuality = 50
)
