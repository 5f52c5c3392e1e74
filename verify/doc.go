// Package verify keeps the books of who was handed which copy of which upload,
// and answers for leaked pictures out of them.
//
// There are two journeys. The exchange's pipeline runs the first, for every
// upload and every hand-over:
//
//	picture ─► Issuer.Submit ─► Issuer.Issue ─► marked copy out
//	               │                │
//	               └─► Registry ◄───┘ ledger entry, committed before the copy is released
//
// An investigator runs the second, for a picture or a folder that was found:
//
//	leak ─► Investigator.Investigate ─► Verdict ─┐
//	leak ─► …                        ─► Verdict ─┼─► Weigh ─► DumpVerdict ─► WriteReport
//	custody facts, ledger ───────────────────────┘
//
// # Who may hold which key
//
// The mark key reads and forges marks; the sealing key opens the kept originals.
// The pipeline needs both, an investigator who only reads needs both as well,
// and nobody who is handed copies may hold either.
//
// The ledger's key signs checkpoints and nothing else: keep it where the registry
// is kept, and its public half with those who audit it.
//
// # What others can check
//
// Every row is committed to in a ledger, a Merkle tree whose states are signed as
// [Registry.SignCheckpoint] says. Who keeps a checkpoint finds out whether the ledger
// still begins with it ([Registry.Audit]); a single copy is proved to those who see
// nothing of the registry by [Registry.Prove] and [CheckProof].
//
// # Personal data
//
// Originals are sealed: each with a data key of its own, so that destroying that
// key destroys the picture ([Registry.Erase]). Perceptual hashes can be inverted
// into recognisable faces: they are personal data too, stand in the clear in the
// registry file unless they are sealed, and the file must be guarded accordingly.
// The ledger itself holds only opaque identifiers and salted commitments.
//
// # What a verdict is
//
// A verdict says how much better one listed explanation fits the findings than
// another, never who did it. See odds.go for the arithmetic with its sources and
// assumptions, and docs/limits.md for what it cannot show.
package verify
