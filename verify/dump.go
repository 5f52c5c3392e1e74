package verify

import "time"

// A Hypothesis is one explanation of where a dump came from.
type Hypothesis struct {
	Name     string  `json:"name"`     // "vendor A", "elsewhere", …
	Kind     string  `json:"kind"`     // recipient's kind, or "elsewhere", "unlisted", "forged"
	LogLR    float64 `json:"log10_lr"` // log10 likelihood ratio against the strongest other explanation, capped
	Words    string  `json:"words"`    // the same on the verbal scale
	Capped   bool    `json:"capped"`   // LogLR is the cap, not the evidence's own value
	Evidence int     `json:"evidence"` // distinct submissions with a confirmed copy of this recipient
	Note     string  `json:"note,omitempty"`
}

// A DumpVerdict is what is concluded of a dump as a whole.
type DumpVerdict struct {
	Headline   string         `json:"headline"`
	Named      string         `json:"named,omitempty"` // the recipient that the headline names, if any
	Shows      []string       `json:"shows"`           // sentences
	ShowsNot   []string       `json:"shows_not"`
	Hypotheses []Hypothesis   `json:"hypotheses"` // strongest first
	Matched    int            `json:"matched"`    // leaks that show one of our submissions
	Leaks      int            `json:"leaks"`
	Counts     map[string]int `json:"counts"` // leaks by Verdict.Label
	Record     Record         `json:"record"`
	Verdicts   []*Verdict     `json:"-"`
}

// A Record says who examined what with which tool, so that it can be repeated.
type Record struct {
	Time       time.Time         `json:"time"` // UTC
	Actor      string            `json:"actor,omitempty"`
	Command    []string          `json:"command,omitempty"`
	Version    string            `json:"version"` // of kycmark
	Go         string            `json:"go"`
	Platform   string            `json:"platform"`
	Build      map[string]string `json:"build"` // settings of the build
	Registry   string            `json:"registry"`
	Indexed    int               `json:"indexed"` // submissions that could be matched
	LedgerSize int64             `json:"ledger_size"`
	LedgerHead string            `json:"ledger_head"`
	Keys       []string          `json:"keys"` // IDs of the mark keys that were tried
	Parameters map[string]string `json:"parameters"`
}
