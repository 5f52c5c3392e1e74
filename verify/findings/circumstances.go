package findings

import (
	"time"

	"github.com/kycmark/kycmark/verify/books"
)

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

	// Claimed is how many pictures the holder of the dump claims to have, at most [odds.MaxClaimed] if Drawn; 0: there
	// is no such claim. Drawn says that we drew the dump at random from the claimed pictures. A selection that others
	// made says nothing about the rest.
	Claimed int
	Drawn   bool

	// UploadsPerSubject is how many of the uploads without a subject reference one person has at most. n of them are
	// then of n/UploadsPerSubject persons at least. 0: not known, so that all of them may be of one person.
	UploadsPerSubject int

	// Case is the number of the case, and Examiner the name of the person who examines, as the
	// report states them. Both may be empty.
	Case, Examiner string
}
