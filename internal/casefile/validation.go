package casefile

import "github.com/kycmark/kycmark/verify"

// A sheet says what was tried for one kind of claim. Digest is the SHA-256 of the result file in the
// repository; TestSheets compares it.
type sheet struct {
	Claim   string `json:"claim"`
	Trials  int    `json:"trials"`
	Wrong   int    `json:"wrong"`
	Units   int    `json:"independent_units"` // what the trials are independent by
	Unit    string `json:"unit"`
	Command string `json:"command"` // in the repository
	File    string `json:"file"`    // its result
	Digest  string `json:"sha256"`
}

// sheets are the validation sheets, one for each kind of claim.
var sheets = []sheet{
	{"a trace finds no copy that did not leak, and a blind reading gives no wrong ID", verify.MarkTrials, 0, verify.MarkTrials, "real pictures, under 30 keys", "go -C bench run . units --pictures FOLDER --max-side 640", "bench/results/units.jsonl", unitsDigest},
	{"another person's document of the same template is not taken for ours", verify.MatchTrials - verify.MarkTrials, 0, 5, "drawn templates", "go -C bench run . match lookalikes", "bench/results/match-lookalikes.jsonl", matchDigest},
	{"a recipient whose copies did not leak is not named", 10_000, 0, 10_000, "simulated dumps", "go -C bench run . verdict --seed 5", "bench/results/verdict.jsonl", verdictDigest},
}

// Digests of the result files, as they were when the figures above were read off.
const (
	unitsDigest   = "d64f1a01a53f6368185ecf759a5162e5826d53c92b35e47495a53a1526b18f42"
	matchDigest   = "330cf1b003bb36f8a2f9919b4657abe7f5729449d800d827d582099c869d6a7f"
	verdictDigest = "0f9ec1257cbc43c31d1bd55b35d79cabf2e14d6d06d3a970123f2ec40c33a885"
)
