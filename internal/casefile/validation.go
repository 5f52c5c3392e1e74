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
	{"a trace accuses no copy that was not used", verify.TraceTrials, 0, 20, "real pictures, under one key", "go -C bench run . trace", "bench/results/trace.jsonl", traceDigest},
	{"a blind reading gives no wrong ID", verify.ReadTrials, 0, 15, "pictures, each under a key of its own", "go -C bench run . falsepositives", "bench/results/falsepositives.jsonl", readDigest},
	{"another person's document of the same template is not taken for ours", verify.MatchTrials, 0, verify.MatchTrials, "documents of invented persons, of five drawn templates", "go -C bench run . match lookalikes", "bench/results/match-lookalikes.jsonl", matchDigest},
	{"a recipient whose copies did not leak is not named", 10_000, 0, 10_000, "simulated dumps", "go -C bench run . verdict", "bench/results/verdict.jsonl", verdictDigest},
}

// Digests of the result files, as they were when the figures above were read off.
const (
	traceDigest   = "920dc5ee1a14847bc8a4b35b900c9250db0122cf0af2bbd94034d83b84d3b3bb"
	readDigest    = "c3a952b75b822d8b7fb69fa5b05420de38b08e932edc589d9422c4946b28c019"
	matchDigest   = "ff431074ffab68120d4a8c35cce16c96c69301d20fd698e986d5517513eaa397"
	verdictDigest = "11f1ac5affcd9b787db78cdf4d074953de15703ad6f6a7683352692bde0c35b8"
)
