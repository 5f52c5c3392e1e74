package verify

import (
	"io"

	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/recheck"
	"github.com/kycmark/kycmark/verify/internal/report"
	"github.com/kycmark/kycmark/verify/internal/weigh"
)

// ReadFindings reads what [Investigation.WriteFindings] wrote. Any other way of writing the same values is refused, so
// that two readers cannot see different things in a file with a repeated field. Whether the findings follow from each
// other is not checked: see [CheckLeaks] and [CheckVerdict]. The error wraps [findings.ErrUnsound], [registry.ErrLimit]
// above [findings.MaxFile] bytes, or is the reader's.
func ReadFindings(r io.Reader) (*findings.File, error) { return recheck.Read(r) }

// FindingsInReport returns the findings in a report that [Investigation.WriteReport] wrote, as bytes
// for [ReadFindings]. It checks neither the findings nor the rest of the report. The error wraps
// [findings.ErrUnsound] if the report does not have exactly one block of findings.
func FindingsInReport(page []byte) ([]byte, error) { return recheck.InReport(page) }

// CheckLeaks concludes every leak again from the evidence beside it, and compares all that follows. The error wraps
// [findings.ErrUnsound] and names the first leak that differs. It wraps [findings.ErrVersion] if only words of another
// version differ. Neither pictures nor the registry are asked, so that what these said is taken as given.
func CheckLeaks(f *findings.File) error { return recheck.CheckLeaks(f) }

// CheckVerdict weighs the leaks again, with the books that the verdict's case was made from, and compares everything:
// case, odds, counts and words. Its error wraps [findings.ErrUnsound] and names the first value that differs. It wraps
// [findings.ErrVersion] if only words of another version differ.
func CheckVerdict(f *findings.File) error { return recheck.CheckVerdict(f) }

// CheckReport renders the report of findings again, with the pictures of the given report, and compares every byte. The
// error wraps [findings.ErrVersion] if only the rendering differs and another version of the program wrote the
// findings, else [findings.ErrUnsound]. Whether the findings hold is not checked: see [CheckLeaks] and [CheckVerdict].
func CheckReport(f *findings.File, page []byte) error { return report.Check(f, page) }

// NotSearched returns the sentences of a verdict on uploads that were not searched, or only in part.
func NotSearched(d *findings.Verdict) []string { return weigh.NotSearched(d) }

// SearchDamaged reports whether uploads were not searched since what they are found by is damaged.
func SearchDamaged(d *findings.Verdict) bool { return weigh.SearchDamaged(d) }
