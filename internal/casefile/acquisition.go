package casefile

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"

	"github.com/kycmark/kycmark/verify"
)

// acquisitionColumns are the columns of acquisition.csv, all of them in this order.
var acquisitionColumns = []string{"file", "sha256", "from", "by", "at", "device", "hashed_with"}

// An acquired row says how one file came to the examiner.
type acquired struct {
	File, SHA256, From, By, At, Device, HashedWith string
}

// An acquisition is the chain of the files that were examined, compared with what was examined.
type acquisition struct {
	Rows       []acquired
	Covered    int      // examined files with a row of the same digest, of their own or of their archive
	Of         int      // examined files
	Mismatches []string // rows of a file that was examined with other bytes
	Gaps       []string // examined files without a row, and rows that leave something out
}

// readAcquisition reads acquisition.csv and compares it with the files of the findings. No text is
// a chain without rows: every file is a gap. The error wraps [ErrCase].
func readAcquisition(text []byte, f *verify.Findings) (*acquisition, error) {
	a := &acquisition{}
	if len(text) > 0 {
		r := csv.NewReader(bytes.NewReader(text))
		r.FieldsPerRecord = len(acquisitionColumns)
		rows, err := r.ReadAll()
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrCase, AcquisitionName, err)
		}
		if len(rows) == 0 || !slices.Equal(rows[0], acquisitionColumns) {
			return nil, fmt.Errorf("%w: %s: the columns must be %s", ErrCase, AcquisitionName, strings.Join(acquisitionColumns, ","))
		}
		for i, x := range rows[1:] {
			a.Rows = append(a.Rows, acquired{x[0], x[1], x[2], x[3], x[4], x[5], x[6]})
			for k, cell := range x {
				if cell == "" {
					a.Gaps = append(a.Gaps, fmt.Sprintf("row %d (%s): %s is not stated", i+1, x[0], acquisitionColumns[k]))
				}
			}
		}
	}
	a.compare(f)
	return a, nil
}

// compare fills in what follows from the rows and the findings.
func (a *acquisition) compare(f *verify.Findings) {
	listed, digests := make(map[string]bool), make(map[string][]string) // by digest; by name the digests examined
	for _, r := range a.Rows {
		listed[r.SHA256] = true
	}
	archived := func(file string) bool {
		for _, c := range f.Verdict.Record.Containers {
			rest, in := strings.CutPrefix(file, c.File)
			if in && rest != "" && strings.ContainsAny(rest[:1], "!#") && listed[c.SHA256] {
				return true
			}
		}
		return false
	}
	for _, c := range f.Verdict.Record.Containers {
		digests[c.File] = append(digests[c.File], c.SHA256)
	}
	for _, l := range f.Leaks {
		if l.Finding == verify.FoundMissing {
			continue
		}
		digests[l.File] = append(digests[l.File], l.SHA256)
		if a.Of++; listed[l.SHA256] && l.SHA256 != "" || archived(l.File) {
			a.Covered++
		} else {
			a.Gaps = append(a.Gaps, "no row: "+l.File)
		}
	}
	for _, r := range a.Rows {
		if d := digests[r.File]; len(d) > 0 && !slices.Contains(d, r.SHA256) {
			a.Mismatches = append(a.Mismatches, fmt.Sprintf("%s: acquired with SHA-256 %s, examined with %s", r.File, r.SHA256, strings.Join(d, ", ")))
		}
	}
}
