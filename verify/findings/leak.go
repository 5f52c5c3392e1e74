// Package findings holds the values that a findings file consists of: what was measured on one leak, what follows from
// it, and who examined it with which program. A [Finding] is of one leak, a [Verdict] of a dump. Package verify fills
// them in. The JSON of a value that embeds others is flat, and the order of the fields is the order in the file.
package findings

import (
	_ "embed" // the schema
	"errors"
	"time"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/odds"
	"github.com/kycmark/kycmark/watermark"
)

// A Conclusion is what follows from the evidence of one leak.
type Conclusion struct {
	Kind       Kind                 `json:"finding"`
	Forgeable  bool                 `json:"forgeable,omitempty"` // unconfirmed only because the mark key was compromised before the copy was issued
	Void       bool                 `json:"void,omitempty"`      // unconfirmed only because the ledger says that the copy is void
	Submission watermark.Submission `json:"submission,omitzero"` // that the leak shows; zero: none
	Page       int                  `json:"page,omitempty"`      // of Submission, that the leak shows; 0: it has one
	Submitted  time.Time            `json:"submitted,omitzero"`  // of Submission; the registry says so
	Cluster    string               `json:"cluster,omitempty"`   // the subject of Submission, numbered within a dump
	// SubjectEntered is when the subject of Submission was entered; zero: with the upload, or not.
	SubjectEntered time.Time          `json:"subject_entered,omitzero"`
	Copies         []watermark.CopyID `json:"copies"`               // issued ones whose marks were found, strongest first; confirmed in a FoundCopy alone
	Recipients     []string           `json:"recipients,omitempty"` // of the confirmed copies, strongest first; none beside every other mark
	Beside         []Beside           `json:"beside,omitempty"`     // further submissions that the picture shows
}

// A Beside is a submission that the leak shows besides [Conclusion].Submission, with confirmed copies of it or without.
type Beside struct {
	Submission     watermark.Submission `json:"submission"`
	Same           bool                 `json:"same,omitempty"` // in the place of [Conclusion].Submission: the leak may be of either
	Page           int                  `json:"page,omitempty"` // as in [Conclusion], with all that follows
	Submitted      time.Time            `json:"submitted,omitzero"`
	Cluster        string               `json:"cluster,omitempty"`
	SubjectEntered time.Time            `json:"subject_entered,omitzero"`
	Custody        []books.Custody      `json:"custody,omitempty"` // facts that cover the submission
}

// A Strength holds the numbers behind a conclusion. Every number is a copy of one in [Evidence].
type Strength struct {
	Distance  *int     `json:"distance"`      // of the hashes, leak to Submission, bits of 256; null: not among the matches
	LogP      *float64 `json:"log10_p"`       // the smaller of BlindLogP and TraceLogP if tracing found the mark, else BlindLogP; null: no mark
	BlindLogP *float64 `json:"blind_log10_p"` // that a picture without the mark is read like this, search included; null: nothing was read
	TraceLogP *float64 `json:"trace_log10_p"` // of the same copy, traced, corrected for the number of copies; null: not traced
	Power     *float64 `json:"power"`         // that a mark would have been found by tracing against Submission; null: not traced
	Edits     []Edit   `json:"edits"`         // where the leak shows something else than Submission

	Altered []Region `json:"altered,omitempty"` // places of Submission that the leak shows altered
}

// An Evidence is all that was measured on one leak. [Conclusion] and [Strength] follow
// from it, from the rows of the registry beside it and from the size of the picture.
type Evidence struct {
	Traces     []Tracing `json:"traces"`                    // against each submission that the leak was traced against
	Reads      []Reading `json:"reads,omitempty"`           // all marks that were read, or found by tracing
	TooFlat    bool      `json:"too_flat,omitempty"`        // the leak shows too little for its hash to be searched
	Sync       float64   `json:"sync_log10_p,omitempty"`    // of so much agreement of pilots in a picture, or a part, without a mark of the keys; 0: a mark was read, or it is above [watermark.PresentLevel]
	Erased     bool      `json:"erased_copies,omitempty"`   // there are copies of erased uploads, which are found by reading alone
	Unsought   bool      `json:"erased_unsought,omitempty"` // such copies were not looked for: their mark keys are not at hand
	Closed     int       `json:"closed,omitempty"`          // uploads or pages that it may show and that could not be compared: their originals are missing, altered or not readable
	Searched   *Searched `json:"searched,omitempty"`        // what the search went by; nil: nothing was searched
	Recall     *Recall   `json:"recall,omitempty"`          // of the search, for leaks like this one; follows from Searched; nil: not of interest or not known
	Matches    []Match   `json:"matches"`                   // all submissions within the radius, nearest first, and near ones whose pixels align
	References []Control `json:"references,omitempty"`      // uploads of other subjects that the leak was compared with
}

// A Picture describes the file of a leak and the picture in it.
type Picture struct {
	SHA256  string `json:"sha256,omitempty"` // hex
	Size    int64  `json:"size"`             // bytes
	Format  string `json:"format,omitempty"`
	Decoder string `json:"decoder,omitempty"` // name and version
	Width   int    `json:"width,omitzero"`    // pixels, upright
	Height  int    `json:"height,omitzero"`   // pixels
	Pages   int    `json:"pages,omitempty"`   // pages or frames of the file (only the first was examined); 0: it has one
	Lacks   string `json:"lacks,omitempty"`   // what is missing or wrong in the file of a JPEG; the rest was examined
}

// Rows are what the registry says of a leak, of the copies that were read in it, and of the submission that it shows.
type Rows struct {
	Keys    []books.KeyState `json:"keys,omitempty"`    // of the copies that were read, in their present state
	Issued  []books.Copy     `json:"issued,omitempty"`  // the confirmed copies
	Custody []books.Custody  `json:"custody,omitempty"` // facts that cover the submission
	// Known is from when on the file is known: an earlier investigation examined it then, or stated that it was found then; zero: none did.
	Known time.Time `json:"known,omitzero"`
}

// A Match is a submission that a leak resembles.
type Match struct {
	Submission watermark.Submission `json:"submission"`
	Page       int                  `json:"page,omitempty"`      // of the submission; 0: it has one
	Distance   int                  `json:"distance"`            // of the hashes, bits of 256, nearest of eight orientations
	Region     *Quad                `json:"region,omitempty"`    // where the submission lies in the leak, if it was found as a part
	Plain      bool                 `json:"plain,omitempty"`     // beside a copy of it the leak shows it once more, without a mark that was found
	Inset      bool                 `json:"inset,omitempty"`     // it lies over another upload that the leak shows
	Pixels     string               `json:"pixels"`              // one of the constants
	Score      *float64             `json:"score"`               // share of the comparable blocks that agree, 0..1; null: not compared
	Submitted  time.Time            `json:"submitted"`           // of the submission
	Received   time.Time            `json:"received,omitzero"`   // when the registry took it
	Sibling    bool                 `json:"sibling,omitempty"`   // its original is the same capture as that of the upload that the leak shows
	HashOnly   bool                 `json:"hash_only,omitempty"` // only the hash of the submission is kept
	Altered    []Region             `json:"altered,omitempty"`   // places that the leak shows altered; outside of them it shows the same capture
	Width      int                  `json:"width,omitzero"`      // pixels of the original, upright; 0: it was not opened
	Height     int                  `json:"height,omitzero"`     // pixels
	// PerhapsSharper says that the leak may have more detail than the original, which has too little left to tell.
	PerhapsSharper bool `json:"perhaps_sharper,omitempty"`
}

// A Quad is a region of a picture: its corners in pixels from the upper left corner of the picture, clockwise.
type Quad [4][2]float64

// A Region is a place of an original that a leak shows altered.
type Region struct {
	Quad  Quad    `json:"quad"`  // pixels of the original
	Kind  string  `json:"kind"`  // "caption", "field", "bar" or "patch" (a sticker, another portrait), as a guess
	Share float64 `json:"share"` // of the original, 0..1
}

// A Reading is a mark that was read in a leak, or found by tracing.
type Reading struct {
	Copy       watermark.CopyID     `json:"copy"`
	KeyID      string               `json:"key_id"`
	Exact      bool                 `json:"exact,omitempty"`     // the file is the file issued as this copy, byte for byte
	LogP       *float64             `json:"log10_p"`             // of the blind read; null: found by tracing alone
	Among      int                  `json:"among,omitempty"`     // IDs of the list that the blind read was made with; 0: read by the mark's own check
	Submission watermark.Submission `json:"submission,omitzero"` // that the copy was made of; zero: the registry has no such copy
	Page       int                  `json:"page,omitempty"`      // of that submission, that the leak was compared with; 0: it has one
	Issued     time.Time            `json:"issued,omitzero"`     // when that copy was issued
	Shows      string               `json:"shows"`               // what the pixels say of the leak and that submission: one of the constants
	Altered    []Region             `json:"altered,omitempty"`   // places of that submission that the leak shows altered
	Erased     bool                 `json:"erased,omitempty"`    // that submission was erased
	Recipient  string               `json:"recipient,omitempty"` // of the copy, if that submission was erased
	State      string               `json:"state,omitempty"`     // of that copy in the ledger: reserved or void; "": released
	// Rival says what the pixels say of that submission's original and of another that the leak shows, if Shows
	// says the same document only; "": the leak shows no other.
	Rival string `json:"rival,omitempty"`
	// Returned are uploads that came in with this mark, and that the leak may show.
	Returned []watermark.Submission `json:"returned,omitempty"`
	Alone    *Quad                  `json:"alone,omitempty"` // a place in the leak, pixels, that has this mark without a copy of Returned; nil: none is known
}

// A Tracing is the result of tracing a leak against the original of one submission, or a page of it: subtracting what
// the original explains and looking for the complete mark of every copy that was issued of it ([watermark.Trace]).
type Tracing struct {
	Submission watermark.Submission `json:"submission"`
	Page       int                  `json:"page,omitempty"`        // of the submission; 0: it has one
	Registered bool                 `json:"registered"`            // the leak shows the original
	Issued     int                  `json:"issued"`                // copies that were looked for
	Unsought   int                  `json:"unsought"`              // copies that were not looked for, because their mark keys are not at hand
	Copies     []TracedCopy         `json:"copies"`                // all that were looked for, strongest first
	Decoys     *Decoys              `json:"decoys,omitempty"`      // of copies that were never issued; nil: no copy was found
	Level      float64              `json:"level"`                 // log10 of the p below which a copy counts as found
	Power      float64              `json:"power"`                 // probability that a mark of the weakest strength issued would have been found
	Withheld   float64              `json:"withheld,omitempty"`    // what Power would be, if the leak may be another capture; 0 if Registered
	Expected   float64              `json:"expected"`              // mean score of such a mark
	LogAny     float64              `json:"any_log10_p,omitempty"` // of as much of any mark in a leak that never had one
	Survival   float64              `json:"survival,omitempty"`    // of the strongest copy's code, over what codec, blur and size leave; 0: not measured
	Unmarked   float64              `json:"unmarked,omitempty"`    // of the places where the marks of the found copies should show, the share in which they are missing; 0: not measured
	Residual   float64              `json:"residual"`              // grey levels RMS that the original does not explain
	Overlap    float64              `json:"overlap"`               // share of the leak that shows the original, 0..1
	Edits      []Edit               `json:"edits"`                 // where the leak shows something else
}

// A TracedCopy is how much of a copy's mark is in a leak.
type TracedCopy struct {
	Copy  watermark.CopyID `json:"copy"`
	Score float64          `json:"score"`   // z of the part of the mark that only this copy has
	LogP  float64          `json:"log10_p"` // corrected for the number of copies
	LogE  float64          `json:"log10_e"` // e-value: its mean is at most 1 for a copy that was not used
	Found bool             `json:"found"`   // LogP is at or below Level of the tracing
}

// A Decoys says what copies that were never issued score in a leak in which a copy was found.
type Decoys struct {
	Number int     `json:"number"` // of copies that were scored
	Max    float64 `json:"most"`   // the highest of their scores
}

// An Edit is a region in which a leak shows something else than its original.
type Edit struct {
	Submission watermark.Submission `json:"submission"`
	Quad       Quad                 `json:"quad"`  // pixels of the original
	Kind       string               `json:"kind"`  // "covered": without detail; "changed": with other detail
	Score      float64              `json:"score"` // RMS difference in units of what is usual elsewhere
}

// A Control is an upload of another subject that a leak was compared with. Which upload it was is left out: that person
// has no part in the matter, and who has the registry can compare the two again.
type Control struct {
	Distance int      `json:"distance"` // of its hash to the hash of the submission that the leak shows, bits of 256
	Pixels   string   `json:"pixels"`   // what the pixels say of the leak and this upload: one of the constants
	Score    *float64 `json:"score"`    // share of the comparable blocks that agree, 0..1
}

// A Searched says what there was in a leak for the search of the registry to go by.
type Searched struct {
	Quality  int  `json:"quality"`            // of the hash, 0..100
	Features *int `json:"features,omitempty"` // local features; nil: they were not searched
	Bilevel  bool `json:"bilevel,omitempty"`  // the leak is black and white, and nothing between

	Missing *Missing `json:"missing,omitempty"` // uploads that the search could not find, or only in part; nil: none
}

// A Missing counts the uploads of a registry, and the uploads that the search could not find, or only in part.
type Missing struct {
	Uploads int `json:"uploads"`           // all that were not erased; each page counts
	Whole   int `json:"whole,omitempty"`   // searched as whole pictures, not for parts of them
	Flat    int `json:"flat,omitempty"`    // not searched: too little is in them, or they are sealed and there was no key
	Damaged int `json:"damaged,omitempty"` // not searched: what they are found by was altered or removed, or cannot be read
}

// A Recall is how often the search found the upload of leaks of one kind, in trials with leaks whose upload was in the
// registry. It bounds what may be concluded from a search that finds nothing. The kind is judged from the leak alone;
// how the leak was altered is not known, and the trials are over a mixture of alterations (docs/matching.md).
type Recall struct {
	Table int     `json:"table"`    // version of the record of the trials
	Kind  string  `json:"kind"`     // of leak, in words
	Found int     `json:"found"`    // trials in which the upload was found
	Of    int     `json:"of"`       // trials
	Bound float64 `json:"at_least"` // lower 95 % bound (Clopper and Pearson, Biometrika 26, 1934)
}

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
			ids := each.Map(l.Copies, func(c odds.Copy) (string, bool) { return c.ID, true })
			take(of, len(ids))
		}
	}
	return out
}

// ErrVersion is wrapped if another version of the program wrote the findings, and this program
// would write other words. Only the version that wrote the findings can say whether they are its own.
var ErrVersion = errors.New("written by another version")
