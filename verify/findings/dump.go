package findings

import (
	"slices"
	"time"

	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/odds"
	"github.com/kycmark/kycmark/watermark"
)

// A Text is a verdict in words: lists of sentences, in the order in which they are to be read.
type Text struct {
	Headline string   `json:"headline"`          // the answer: what was found
	Named    []string `json:"named"`             // recipients whose copies the headline names as the source
	Strength []string `json:"strength,omitzero"` // how strong the evidence is
	Weakens  []string `json:"weakens,omitzero"`  // what weakens it
	Helps    []string `json:"helps,omitzero"`    // what would make it stronger
	ShowsNot []string `json:"shows_not,omitzero"`
	Details  []string `json:"details,omitzero"`
	Public   []string `json:"public,omitzero"` // claims that are made after a leak, each answered: supported, not supported or refuted
	Said     []Said   `json:"said,omitempty"`  // all these sentences, in this order
	// Notes are the sentences of the notes on recipients. The figure "line" is the place of the
	// recipient among all that were issued copies, strongest first, from 1.
	Notes []Said `json:"notes,omitempty"`
}

// Sentences returns the sentences of all lists, in the order in which they are to be read.
func (t *Text) Sentences() []string {
	return slices.Concat(t.Strength, t.Weakens, t.Helps, t.ShowsNot, t.Details, t.Public)
}

// A Said is a sentence by the code of its row and the values in it, so that it can be checked without its words.
type Said struct {
	Code    string         `json:"code"`
	Figures map[string]any `json:"figures,omitempty"`
}

// A Tally counts the leaks of a dump.
type Tally struct {
	Matched  int            `json:"matched"` // leaks that show a submission of the registry
	Leaks    int            `json:"leaks"`
	Repeated int            `json:"repeated"` // leaks that are byte for byte repetitions of others
	Counts   map[string]int `json:"counts"`   // leaks by finding, "copy (unconfirmed)" apart
	// Unconfirmed counts, by recipient, the leaks with marks of its copies that are not
	// confirmed. Beside such a leak the recipient is not named.
	Unconfirmed map[string]int `json:"unconfirmed"`
}

// A SameDocument is a pair of submissions whose originals show the same document, so that both are of one person.
type SameDocument struct {
	Submissions [2]watermark.Submission `json:"submissions"`
	Pixels      string                  `json:"pixels"`          // what the pixels of one say of the other: one of the constants
	Score       float64                 `json:"score"`           // share of the comparable blocks that agree, 0..1
	Pages       []int                   `json:"pages,omitempty"` // of the submissions, from 1 on; none: both are page 1
}

// A Record says who examined what with which program, so that it can be repeated.
type Record struct {
	Run
	Program
	Searchable
	Altered    []string          `json:"altered,omitempty"`     // records by which all leaks are weighed that were altered or cannot be read, in words: every leak that they concern is incomplete
	Containers []Container       `json:"containers"`            // archives and PDFs whose files are among the leaks
	Logged     []int64           `json:"logged"`                // entries of the ledger that say that these investigations began
	Keys       []string          `json:"keys"`                  // IDs of the mark keys that were tried
	KeysAbsent []string          `json:"keys_absent,omitempty"` // IDs of mark keys of the registry that were not at hand, so that marks under them were not looked for
	SealKey    string            `json:"seal_key,omitempty"`
	Parameters map[string]string `json:"parameters"` // name and value of what conclusions depend on, in words
}

// FoundOn names the parameter of when the leaks were found: RFC 3339.
const FoundOn = "leaks found on"

// Found returns when the leaks were found, as stated; zero: not stated.
func (r *Record) Found() time.Time {
	at, _ := time.Parse(time.RFC3339Nano, r.Parameters[FoundOn])
	return at
}

// A Run says when, by whom and with which command leaks were examined.
type Run struct {
	Began   time.Time `json:"began,omitzero"` // when the first investigation began; UTC, by Clock
	Time    time.Time `json:"time"`           // when the findings were weighed; UTC, by Clock
	Clock   string    `json:"clock"`          // where the times come from, in words
	Actor   string    `json:"actor,omitempty"`
	Command []string  `json:"command,omitempty"`

	Case     string `json:"case,omitempty"`     // the number of the case
	Examiner string `json:"examiner,omitempty"` // the name of the person who examined

	FoundEvidence string `json:"found_evidence,omitempty"` // how it is known when the leaks were found
	FoundSHA256   string `json:"found_sha256,omitempty"`   // of a file that shows it, hex
}

// An Earlier is an investigation of some of the same files, byte for byte, that the ledger has.
type Earlier struct {
	Entry   int64     `json:"entry"` // its number in the ledger
	Started time.Time `json:"started"`
	Actor   string    `json:"actor,omitempty"`
	Command string    `json:"command,omitempty"`
	Shared  int       `json:"shared"`         // files of this dump that it examined, repeated files once
	Found   time.Time `json:"found,omitzero"` // when the files were found, as was stated then; zero: not stated

	Evidence       string    `json:"evidence,omitempty"`        // how that was known
	EvidenceSHA256 string    `json:"evidence_sha256,omitempty"` // of a file that shows it, hex
	Concluded      time.Time `json:"concluded,omitzero"`        // zero: no conclusion was entered
	Named          []string  `json:"named,omitempty"`           // recipients that its headline named, sorted
}

// EarlierOf returns what a row of the ledger says of an earlier investigation.
func EarlierOf(i *books.Investigation) Earlier {
	e := Earlier{Entry: i.Entry, Started: i.Started, Actor: i.Actor, Command: i.Command, Found: i.Found, Evidence: i.Evidence}
	if i.EvidenceSHA256 != (books.Digest{}) {
		e.EvidenceSHA256 = i.EvidenceSHA256.String()
	}
	return e
}

// A Travel says how a copy that a leak contains travelled, by the record.
type Travel struct {
	Copy    watermark.CopyID `json:"copy"`
	Receipt time.Time        `json:"receipt,omitzero"` // when its recipient's signed receipt was entered; zero: it signed no receipt
	Others  []HandOn         `json:"others,omitempty"` // who had it besides its recipient

	Returned []Return `json:"returned,omitempty"` // uploads that came in with its mark, and that leaks with it may show
}

// A Return is an upload that came in with the mark of a copy.
type Return struct {
	Submission watermark.Submission `json:"submission"`
	Holders    []HandOn             `json:"holders,omitempty"` // who had it unmarked, or a copy of it
}

// A HandOn says that a party had a copy besides its recipient.
type HandOn struct {
	Party   string    `json:"party"`
	Entered time.Time `json:"entered"`
	Note    string    `json:"note,omitempty"` // how this is known
}

// A Program identifies the program that examined leaks.
type Program struct {
	Version    string            `json:"version"` // of kycmark
	Go         string            `json:"go"`
	Platform   string            `json:"platform"`
	Build      map[string]string `json:"build"`                // settings of the build
	Executable string            `json:"executable,omitempty"` // SHA-256 of the program's file, hex; "": the file cannot be read
}

// A Searchable identifies the registry that was searched, and its state.
type Searchable struct {
	Registry string `json:"registry"`
	Indexed  int    `json:"indexed"`                // submissions whose hashes were searched
	Index    string `json:"index_digest,omitempty"` // of these hashes, hex, as indexDigest of package verify takes it; "": the database was searched
	// Segments are the files from which hashes were mapped. The other hashes were read from the database.
	Segments   []Segment `json:"segments,omitempty"`
	LedgerSize int64     `json:"ledger_size"` // entries
	LedgerHead string    `json:"ledger_head"` // the head hash at that size
}

// A Segment is a file of hashes beside the registry.
type Segment struct {
	File    string `json:"file"`
	Problem string `json:"problem,omitempty"` // why it was not used: its uploads were read from the database in its place
}

// A Container is an archive or a PDF of the dump. The files in it are listed among the
// leaks as "container!file" in an archive and "container#picture" in a PDF.
type Container struct {
	File   string `json:"file"`
	Size   int64  `json:"size"`             // bytes
	SHA256 string `json:"sha256,omitempty"` // hex; "": the file could not be read to its end
}

// A History is what the registry says of the time before the leaks were found. A
// report counts it by time and by recipient.
type History struct {
	Submitted  []DayCount         `json:"submitted"` // all submissions
	Recipients []RecipientHistory `json:"recipients"`
	// Reviewers has the names of the reviewers that the verdict names, by reference; erased names are missing.
	Reviewers map[string]string `json:"reviewers,omitempty"`
}

// A RecipientHistory says what one recipient was given, and when.
type RecipientHistory struct {
	Name    string        `json:"name"`
	Kind    string        `json:"kind"`
	Issued  []DayCount    `json:"issued"`  // marked copies
	Custody []CustodySpan `json:"custody"` // admissible facts
}

// A DayCount is how many there are of one day.
type DayCount struct {
	Day time.Time `json:"day"` // its begin, UTC
	N   int       `json:"n"`
}

// A CustodySpan is a fact of custody without its list of submissions, or the facts of a day that list some.
type CustodySpan struct {
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Listed int       `json:"listed,omitempty"` // how many submissions of that time are meant, each as often as facts list it; 0: all
}

// A Verdict is what is concluded of a dump as a whole.
type Verdict struct {
	Text
	Tally
	Odds    *odds.Verdict `json:"odds"` // what [odds.Weigh] says of Case; without a window if only named uploads were searched
	Case    *odds.Case    `json:"case"` // all that the odds were computed from
	Of      []int         `json:"of"`   // for each leak of Case its place among the leaks
	History History       `json:"history"`
	// SameDocuments are pairs of the submissions that leaks show whose originals show the same document.
	SameDocuments []SameDocument `json:"same_documents,omitempty"`
	// NotCompared is the number of submissions that leaks show whose originals were not compared with each other.
	NotCompared int `json:"documents_not_compared,omitempty"`
	// Travel says how the confirmed copies travelled, by the record: receipts, and who else had them.
	Travel []Travel `json:"travel,omitempty"`
	// Earlier are the investigations of some of the same files that the ledger has from before.
	Earlier []Earlier `json:"earlier,omitempty"`
	// Published are the investigations of other files that were published before, with the same copies.
	Published []Earlier  `json:"published,omitempty"`
	Record    Record     `json:"record"`
	Findings  []*Finding `json:"-"` // of the leaks, in the order in which they were given
}

// ViewOf returns the view of a leak that a leak of the case is about.
func (d *Verdict) ViewOf(i int) *Finding {
	all := d.Findings[d.Of[i]].Views()
	if k := slices.IndexFunc(all, func(x *Finding) bool { return x.Submission.String() == d.Case.Leaks[i].Submission }); k >= 0 {
		return all[k]
	}
	return all[0]
}

// Readable returns the number of leaks that could be decoded as pictures.
func (d *Verdict) Readable() int {
	n := d.Leaks
	for kind, count := range d.Counts {
		if !Kind(kind).Examined() {
			n -= count
		}
	}
	return n
}

// Circumstances are what is known of a dump apart from its files.
type Circumstances struct {
	// Found is when the leaks were found, as the person who examines states it. Custody that was entered later speaks
	// against no holder; it counts for others whatever its date. The zero time: not known, so that no custody speaks
	// against anybody. The ledger keeps the time, and each examination of the same files shows it. Evidence says how it
	// is known (an address, a message), and EvidenceSHA256 is of a file that shows it; both may be empty.
	Found          time.Time
	Evidence       string
	EvidenceSHA256 books.Digest

	// Published says that at Found anybody could take the files where Evidence says; both must be stated. Copies that are
	// confirmed in these files name no recipient anew in other files that are found later, elsewhere.
	Published bool

	// Claimed is how many pictures the holder of the dump claims to have; 0: there is no such claim. A selection that
	// others made says nothing about the rest.
	Claimed int

	// UploadsPerSubject is how many of the uploads without a subject reference one person has at most. n of them are
	// then of n/UploadsPerSubject persons at least. 0: not known, so that all of them may be of one person.
	UploadsPerSubject int

	// Case is the number of the case, and Examiner the name of the person who examines, as the
	// report states them. Both may be empty.
	Case, Examiner string
}
