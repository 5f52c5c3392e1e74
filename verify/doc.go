// Package verify says from which issued copies leaked pictures derive, by the books that package registry keeps. An
// investigator walks through it for a picture or a folder that was found:
//
//	leak ─► Investigation.Files ─► Finding ─┐
//	leak ─► …                   ─► Finding ─┼─► Weigh ─► Verdict ─► WriteReport
//	custody facts, ledger ──────────────────┘
//
// The beginning of an investigation is entered in the ledger first. A registry that is
// open for investigation only ([registry.OpenForInvestigation]) is enough.
//
// # Where each step is
//
//	findings/, books/    the values of a verdict and of a registry
//	internal/search/     which uploads a leak may show
//	internal/examine/    one leak: compare, read, trace; what was measured is its evidence
//	internal/conclude/   the table of findings: from the evidence of one leak to its finding
//	internal/weigh/      a dump: from findings and books to the case that package odds weighs, and to sentences
//	odds/                the arithmetic of a dump's verdict: numbers and codes
//	internal/report/     the report
//	internal/recheck/    the findings file; concluding and weighing again from it alone
//
// # What a verdict is
//
// A verdict says which issued copies are in the leaks and how strong that is, and who could hold
// unmarked what carries no mark. It never says who did it. Package odds has the arithmetic with its sources and
// assumptions, and docs/verdict.md what it cannot show.
package verify
