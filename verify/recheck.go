package verify

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"strconv"
	"time"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/verify/findings"
)

// Findings are checked by concluding again, with the code that concluded first. What
// pictures and registry said is taken as given, as long as it does not contradict
// itself: hashes, what pixels show, scores and powers, rows, custody, counts of
// submissions, and the record. TestEveryEditIsNoticed lists these values.

// CheckLeaks concludes every leak again from the evidence beside it, and compares all that follows.
// The error wraps [ErrFindings] and names the first leak that differs. It wraps [ErrVersion] if
// only words of another version differ. Neither pictures nor
// the registry are asked, so that what these said is taken as given.
func (f *Findings) CheckLeaks() error {
	return f.inWords(func(words bool) error {
		opens, err := strconv.ParseBool(f.Verdict.Record.Parameters[originalsOpen])
		if err != nil {
			return errors.New("record: it does not say whether originals could be opened")
		}
		cfg, err := f.Verdict.basis()
		if err != nil {
			return err
		}
		for i, l := range f.Leaks {
			if err := l.recheck(given{opens, cfg.Found}, words); err != nil {
				return fmt.Errorf("leak %d (%.200q): %w", i+1, l.File, err)
			}
		}
		return nil
	})
}

// recheck concludes a leak again from its evidence, and compares the whole finding. If words is false, differences in
// sentences do not count. The error does not wrap [ErrFindings]: the caller does.
func (v *Finding) recheck(g given, words bool) error {
	again := &Finding{File: v.File, Error: v.Error, Picture: v.Picture, Evidence: v.Evidence, Rows: v.Rows,
		Conclusion: findings.Conclusion{Submitted: v.Submitted, Cluster: v.Cluster, SubjectEntered: v.SubjectEntered, Beside: v.Beside}}
	if !v.Examined() {
		again = closedLeak(v.File, v.Kind, v.Picture, v.Error)
	} else {
		if v.Pages == 1 || v.Pages < 0 {
			return fmt.Errorf("pages is %d, want 0 or more than 1", v.Pages)
		}
		if err := errors.Join(v.checkMatches(), v.checkTraces()); err != nil {
			return err
		}
		if s := v.Searched; s != nil && s.Missing != nil {
			if m := s.Missing; m.Whole+m.Flat+m.Damaged > m.Uploads || m.Whole+m.Flat+m.Damaged == 0 {
				return fmt.Errorf("missing is %+v, want from 1 up to all uploads", *m)
			}
		}
		e := v.evidence(g)
		for _, r := range e.issuedReads() {
			if r.key == nil {
				return fmt.Errorf("copy %s: the state of its key is missing", r.copy)
			}
		}
		again.conclude(e)
	}
	if err := same("leak", v, again, words); err != nil {
		return err
	}
	return v.checkRows()
}

// CheckVerdict weighs the leaks again, with the books that the verdict's case was made
// from, and compares everything: case, odds, counts and words. Its error
// wraps [ErrFindings] and names the first value that differs. It wraps [ErrVersion]
// if only words of another version differ.
func (f *Findings) CheckVerdict() error {
	return f.inWords(func(words bool) error { return f.checkVerdict(words) })
}

// checkVerdict is [Findings.CheckVerdict] with an error that does not wrap [ErrFindings]. If words is false,
// sentences and the record's parameters of method are not compared.
func (f *Findings) checkVerdict(words bool) error {
	stated := f.Verdict
	cfg, err := stated.basis()
	if err == nil {
		err = f.checkHistory(cfg)
	}
	if err == nil && words {
		err = checkMethod(&stated.Record)
	}
	if err != nil {
		return err
	}
	leaks, books, err := f.restore()
	if err != nil {
		return err
	}
	w, err := weigh(leaks, books, cfg, len(stated.Record.Keys))
	if err != nil {
		return err
	}
	w.Record = stated.Record
	w.speak()
	for i, l := range leaks {
		if l.Cluster != f.Leaks[i].Cluster {
			return fmt.Errorf("leak %d: cluster is %.100q, and would be %q", i+1, f.Leaks[i].Cluster, l.Cluster)
		}
		for k, b := range f.Leaks[i].Beside {
			if now := l.Beside[k].Cluster; now != b.Cluster {
				return fmt.Errorf("leak %d: cluster of %s is %.100q, and would be %q", i+1, b.Submission, b.Cluster, now)
			}
		}
	}
	if n := len(f.labels()); f.Revealed && f.Hidden != 0 || !f.Revealed && f.Hidden != n {
		return fmt.Errorf("hidden is %d, but no finding concerns %d recipients", f.Hidden, n)
	}
	return same("verdict", stated, &w.Verdict, words)
}

// basis returns what a verdict was weighed by, from its case and its record.
func (d *Verdict) basis() (Basis, error) {
	c := Basis{Circumstances: Circumstances{Claimed: d.Case.Claimed, Drawn: d.Case.Drawn}}
	if with := d.Record.Parameters[comparedWith]; with != "" && with != allUploads {
		n, err := strconv.Atoi(with)
		if err != nil || n < 1 || n > maxAgainst {
			return c, errors.New("record: it does not say what the leaks were compared with")
		}
		c.named = n
	}
	if of := d.Record.Parameters[perSubject]; of != "" && of != notStated {
		n, err := strconv.Atoi(of)
		if err != nil || n < 1 {
			return c, errors.New("record: it does not say how many uploads one person has")
		}
		c.UploadsPerSubject = n
	}
	at := d.Record.Parameters[foundOn]
	if at == notStated {
		return c, nil
	}
	var err error
	if c.Found, err = time.Parse(time.RFC3339Nano, at); err != nil {
		return c, errors.New("record: it does not say when the leaks were found")
	}
	return c, nil
}

// ReadFindings reads what [Investigator.WriteFindings] wrote. Any other way of writing the same
// values is refused, so that two readers cannot see different things in a file with a repeated
// field. Whether the findings follow from each other is not checked: see [Findings.CheckLeaks] and
// [Findings.CheckVerdict]. The error wraps [ErrFindings], [registry.ErrLimit] above [MaxFindings]
// bytes, or is the reader's.
func ReadFindings(r io.Reader) (*Findings, error) {
	data, err := intake.ReadAll(r, 0, MaxFindings)
	if err != nil {
		return nil, err
	}
	var f Findings
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		return nil, fmt.Errorf("%w: %w%s", ErrFindings, err, writtenByOther(data))
	}
	if f.Format != FindingsFormat {
		return nil, fmt.Errorf("%w: the format is %.40q, want %q", ErrFindings, f.Format, FindingsFormat)
	}
	if f.Verdict == nil || f.Verdict.Case == nil || f.Verdict.Odds == nil {
		return nil, fmt.Errorf("%w: there is no verdict with its odds and its case", ErrFindings)
	}
	if len(f.Thumbnails) != len(f.Leaks) || len(f.Uploads) != len(f.Leaks) {
		return nil, fmt.Errorf("%w: %d thumbnails and %d uploads of %d leaks", ErrFindings, len(f.Thumbnails), len(f.Uploads), len(f.Leaks))
	}
	for i, l := range f.Leaks {
		if l == nil {
			return nil, fmt.Errorf("%w: leak %d is null", ErrFindings, i)
		}
		for _, x := range l.views() {
			if _, has := f.Subjects[x.Submission.String()]; x.matched() && has != f.Revealed {
				return nil, fmt.Errorf("%w: findings mix revealed and redacted subject references", ErrFindings)
			}
		}
	}
	if again, err := f.encode(); err != nil || !bytes.Equal(again, intake.EscapedJSON(data)) { // earlier versions wrote no such escapes
		return nil, fmt.Errorf("%w: not written as this program writes findings%s", ErrFindings, writtenByOther(data))
	}
	f.Verdict.Findings = f.Leaks
	return &f, nil
}

// writtenByOther returns, for the end of an error, which other version wrote the findings in data; "" if this one
// did, or if data does not say.
func writtenByOther(data []byte) string {
	var f struct {
		Verdict struct {
			Record findings.Record `json:"record"`
		} `json:"verdict"`
	}
	if json.Unmarshal(data, &f) != nil || f.Verdict.Record.Version == "" {
		return ""
	}
	other := otherVersion(&f.Verdict.Record)
	if other == "" {
		return ""
	}
	return " (" + other + ": check them with that version)"
}

// FindingsInReport returns the findings in a report that [Investigator.WriteReport] wrote, as bytes
// for [ReadFindings]. It checks neither the findings nor the rest of the report. The error wraps
// [ErrFindings] if the report does not have exactly one block of findings.
func FindingsInReport(report []byte) ([]byte, error) {
	const begin, end = `<pre id="findings" hidden>`, `</pre>`
	if bytes.Count(report, []byte(begin)) != 1 {
		return nil, fmt.Errorf("%w: no findings block found, or more than one", ErrFindings)
	}
	_, rest, _ := bytes.Cut(report, []byte(begin))
	text, _, ended := bytes.Cut(rest, []byte(end))
	if !ended {
		return nil, fmt.Errorf("%w: the findings block does not end", ErrFindings)
	}
	return []byte(html.UnescapeString(string(text))), nil
}

// encode returns findings as JSON in their one form: indented, with a newline at the end. Bytes of
// strings that are not UTF-8 become U+FFFD. Characters that a terminal or a browser would obey are escapes.
func (f *Findings) encode() ([]byte, error) {
	text, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		return nil, fmt.Errorf("findings: %w", err)
	}
	if bytes.Contains(text, []byte(`\ufffd`)) { // for bytes that are no UTF-8, as in names of files
		var again Findings
		if err := json.Unmarshal(text, &again); err != nil {
			return nil, fmt.Errorf("findings: %w", err)
		}
		if text, err = json.MarshalIndent(&again, "", " "); err != nil {
			return nil, fmt.Errorf("findings: %w", err)
		}
	}
	return append(intake.EscapedJSON(text), '\n'), nil
}

// hexDigest returns the SHA-256 of data in lower-case hex.
func hexDigest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
