// Package verify says of leaked pictures whose copies they are, out of the books that
// package registry keeps. An investigator walks through it, for a picture or a folder
// that was found:
//
//	leak ─► Investigator.Investigate ─► Verdict ─┐
//	leak ─► …                        ─► Verdict ─┼─► Weigh ─► DumpVerdict ─► WriteReport
//	custody facts, ledger ───────────────────────┘
//
// That it begins is entered in the ledger first. A registry that is open for
// investigation only ([registry.OpenForInvestigation]) is enough.
//
// # What a verdict is
//
// A verdict says how much better one listed explanation fits the findings than
// another, never who did it. See odds.go for the arithmetic with its sources and
// assumptions, and docs/limits.md for what it cannot show.
package verify
