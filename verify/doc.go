// Package verify says from which issued copies leaked pictures derive, by the books that package registry keeps. An
// investigator walks through it for a picture or a folder that was found:
//
//	leak ─► Investigator.Investigate ─► Finding ─┐
//	leak ─► …                        ─► Finding ─┼─► Weigh ─► Verdict ─► WriteReport
//	custody facts, ledger ───────────────────────┘
//
// The beginning of an investigation is entered in the ledger first. A registry that is
// open for investigation only ([registry.OpenForInvestigation]) is enough.
//
// # Where each step is
//
//	investigate.go       one leak: search, compare, read, trace
//	evidence.go          what was measured, and how a finding carries it
//	conclude.go          the table of findings: from the evidence of one leak to its finding
//	case.go, dump.go     a dump: from findings and books to the case that package odds weighs
//	odds/                the arithmetic of a dump's verdict: numbers and codes
//	words.go             codes in words
//	words_dump.go        the sentences about a dump
//	report.go            the report; findings.go writes the same for machines
//	recheck.go           concluding and weighing again from the findings alone
//
// # What a verdict is
//
// A verdict says which issued copies are in the leaks and how strong that is, and who could hold
// unmarked what carries no mark. It never says who did it. Package odds has the arithmetic with its sources and
// assumptions, and docs/verdict.md what it cannot show.
package verify
