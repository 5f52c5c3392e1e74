package findings

import (
	_ "embed" // the schema
	"errors"

	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

// Format names the meaning of the fields of findings. Each meaning has its own name, which never changes.
const Format = "kycmark findings v1"

// MaxFile is the maximum size of a findings file in bytes. A leak takes 2 to 5 kB.
const MaxFile = 512 << 20

// Schema is the JSON Schema (draft 2020-12) of findings files.
//
//go:embed findings.schema.json
var Schema string

// ErrUnsound is wrapped if a file holds no findings, or findings that do not follow from themselves.
var ErrUnsound = errors.New("findings do not hold")

// File are all that an investigation found, for machines: what the report says in
// words, and all that this was computed from.
type File struct {
	Format   string            `json:"format"` // [Format]
	Verdict  *Verdict          `json:"verdict"`
	Leaks    []*Finding        `json:"leaks"`
	Revealed bool              `json:"revealed"`           // Subjects are there, and every recipient by name
	Subjects map[string]string `json:"subjects,omitempty"` // references by submission
	// Hidden is how many recipients are called "recipient 1" and so on, since no finding
	// concerns them; 0 where they are revealed.
	Hidden int `json:"hidden"`
	// Thumbnails are, for each leak, SHA-256 in hex of the picture of it that the report
	// shows; "": it shows none. Uploads are the same for the original of the leak's submission.
	Thumbnails []string `json:"thumbnails"`
	Uploads    []string `json:"uploads"`
}

// ConfirmedCopies returns the copies that may name a recipient, each once, in the order of the leaks.
func (f *File) ConfirmedCopies() []books.Copy { return ConfirmedCopies(f.Leaks) }

// CopiesTaken returns, for each submission that a leak was traced against or that the verdict weighs, how many
// issued copies of it the findings have. If parts of them have different numbers, it is the smallest.
func (f *File) CopiesTaken() map[watermark.Submission]int {
	out := make(map[watermark.Submission]int)
	take := func(of watermark.Submission, n int) {
		if had, ok := out[of]; !ok || n < had {
			out[of] = n
		}
	}
	for _, l := range f.Leaks {
		for _, t := range l.Traces {
			take(t.Submission, t.Issued+t.Unsought)
		}
	}
	for i := range f.Verdict.Case.Leaks {
		l := &f.Verdict.Case.Leaks[i]
		var of watermark.Submission
		if of.UnmarshalText([]byte(l.Submission)) == nil && l.Submission != "" {
			ids := make(map[string]bool)
			for _, c := range l.Copies {
				ids[c.ID] = true
			}
			take(of, len(ids))
		}
	}
	return out
}

// ErrVersion is wrapped if another version of the program wrote the findings, and this program
// would write other words. Only the version that wrote the findings can say whether they are its own.
var ErrVersion = errors.New("written by another version")
