// Package registry keeps the books on uploads, their copies and who got each copy: submissions with their hashes,
// features and sealed originals, recipients, copies, custody, and the ledger that binds all of these.
//
// The exchange's pipeline walks through it for every upload and every hand-over:
//
//	picture ─► Issuer.Submit ─► Issuer.Issue ─► marked copy out
//	               │                │
//	               └─► Registry ◄───┘ ledger entry, committed before the copy is released
//
// Package verify answers for leaked pictures out of what is kept here, by [Registry.Engine].
// Its answers are entered in the ledger: see [Ledger.Investigations].
//
// # Who may hold which key
//
// The mark key reads and forges marks; the sealing key opens the kept originals. The pipeline needs both, an
// investigator who only reads needs both as well, and a recipient of copies must hold neither.
//
// The ledger's key signs checkpoints and nothing else: keep it where the registry
// is kept, and its public half with those who audit it.
//
// # What others can check
//
// Every row is committed to in a ledger, a Merkle tree whose states are signed as [Ledger.Sign] says. Anyone who keeps
// a checkpoint can find out whether the ledger still begins with it ([Ledger.Audit]). [Ledger.Prove] and [CheckProof]
// prove a single copy to a reader who has no access to the registry.
//
// # Personal data
//
// Originals are sealed: each with a data key of its own, so that destroying that key destroys the picture
// ([Registry.Erase]). Perceptual hashes can be inverted into recognisable faces: they are also personal data. The
// registry file holds them in the clear unless they are sealed, and must be guarded accordingly. The ledger itself
// holds only opaque identifiers and salted commitments.
package registry
