package registry

import "github.com/kycmark/kycmark/internal/books"

// What a registry keeps and hands out. The types are the row types of internal/books, which the ledger commits to.
type (
	// A Recipient is anyone who is handed pictures.
	Recipient = books.Recipient
	// A Submission is one upload as received.
	Submission = books.Submission
	// A Subject is a customer, by the opaque reference under which uploads were entered.
	Subject = books.Subject
	// A Copy is what one recipient was handed of one submission.
	Copy = books.Copy
	// A Release says what became of a copy after it was entered.
	Release = books.Release
	// A Receipt is a recipient's signature over the copy that it was handed.
	Receipt = books.Receipt
	// A Return says that an upload came in with the mark of an issued copy.
	Return = books.Return
	// Custody says which uploads a recipient could hold unmarked.
	Custody = books.Custody
	// A KeyState says what a mark key is fit for from a time on.
	KeyState = books.KeyState
	// A MarkKey is a mark key in its present state.
	MarkKey = books.MarkKey
	// An Investigation says that the registry was searched for leaks.
	Investigation = books.Investigation
	// A Checkpoint is a signed state of the ledger.
	Checkpoint = books.Checkpoint
	// A Digest is 32 bytes, as a rule a SHA-256; its text form is lower-case hex.
	Digest = books.Digest
)

// Kinds of recipients, and states of a mark key and of a copy.
const (
	KindStore     = books.KindStore
	KindVendor    = books.KindVendor
	KindAuthority = books.KindAuthority
	KindReviewer  = books.KindReviewer
	KindPartner   = books.KindPartner

	KeyActive      = books.KeyActive
	KeyRetired     = books.KeyRetired
	KeyCompromised = books.KeyCompromised

	CopyReserved = books.CopyReserved
	CopyReleased = books.CopyReleased
	CopyVoid     = books.CopyVoid
)
