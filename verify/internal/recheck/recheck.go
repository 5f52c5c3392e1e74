// Package recheck reads and writes findings files, and concludes and weighs anew what they hold. It opens no registry.
package recheck

import (
	"bytes"
	"cmp"
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
	"github.com/kycmark/kycmark/verify/internal/conclude"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/verify/internal/weigh"
	"github.com/kycmark/kycmark/verify/internal/words"
)

// Findings are checked by concluding again, with the code that concluded first. What pictures and registry said is
// taken as given, as long as it does not contradict itself: hashes, what pixels show, scores and powers, rows, custody,
// counts of submissions, and the record. TestEveryEditIsNoticed lists these values.

// CheckLeaks is [verify.CheckLeaks].
func CheckLeaks(f *findings.File) error {
	return inWords(f, func(wordsToo bool) error {
		opens, err := strconv.ParseBool(f.Verdict.Record.Parameters[OriginalsOpen])
		if err != nil {
			return errors.New("record: it does not say whether originals could be opened")
		}
		cfg, err := basis(f.Verdict)
		if err != nil {
			return err
		}
		for i, l := range f.Leaks {
			if err := Recheck(l, conclude.Given{Opens: opens, FoundAt: cfg.Found}, wordsToo); err != nil {
				return fmt.Errorf("leak %d (%.200q): %w", i+1, l.File, err)
			}
		}
		return nil
	})
}

// Recheck concludes a leak again from its evidence, and compares the whole finding. If wordsToo is false, differences in
// sentences do not count. The error does not wrap [findings.ErrUnsound]: the caller does.
func Recheck(v *findings.Finding, g conclude.Given, wordsToo bool) error {
	again := &findings.Finding{File: v.File, Error: v.Error, Picture: v.Picture, Evidence: v.Evidence, Rows: v.Rows,
		Conclusion: findings.Conclusion{Submitted: v.Submitted, Cluster: v.Cluster, SubjectEntered: v.SubjectEntered, Beside: v.Beside}}
	if !v.Examined() {
		again = conclude.ClosedLeak(v.File, v.Kind, v.Picture, v.Error)
	} else {
		if v.Pages == 1 || v.Pages < 0 {
			return fmt.Errorf("pages is %d, want 0 or more than 1", v.Pages)
		}
		if err := errors.Join(checkMatches(v), checkTraces(v)); err != nil {
			return err
		}
		if s := v.Searched; s != nil && s.Missing != nil {
			if m := s.Missing; m.Whole+m.Flat+m.Damaged > m.Uploads || m.Whole+m.Flat+m.Damaged == 0 {
				return fmt.Errorf("missing is %+v, want from 1 up to all uploads", *m)
			}
		}
		e := conclude.EvidenceOf(v, g)
		for _, r := range e.IssuedReads() {
			if r.Key == nil {
				return fmt.Errorf("copy %s: the state of its key is missing", r.Copy)
			}
		}
		conclude.Into(again, e)
	}
	if err := same("leak", v, again, wordsToo); err != nil {
		return err
	}
	return checkRows(v)
}

func CheckVerdict(f *findings.File) error {
	return inWords(f, func(wordsToo bool) error { return checkVerdict(f, wordsToo) })
}

// checkVerdict is [CheckVerdict] with an error that does not wrap [findings.ErrUnsound]. If wordsToo is false,
// sentences and the record's parameters of method are not compared.
func checkVerdict(f *findings.File, wordsToo bool) error {
	stated := f.Verdict
	cfg, err := basis(stated)
	if err == nil {
		err = cmp.Or(checkRecord(f), checkHistory(f, cfg))
	}
	if err == nil && wordsToo {
		err = checkMethod(&stated.Record)
	}
	if err != nil {
		return err
	}
	leaks, books, err := restore(f)
	if err != nil {
		return err
	}
	w, err := weigh.Weigh(leaks, books, cfg, len(stated.Record.Keys))
	if err != nil {
		return err
	}
	w.Record = stated.Record
	w.Speak()
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
	if n := len(labels(f)); f.Revealed && f.Hidden != 0 || !f.Revealed && f.Hidden != n {
		return fmt.Errorf("hidden is %d, but no finding concerns %d recipients", f.Hidden, n)
	}
	return same("verdict", stated, &w.Verdict, wordsToo)
}

// basis returns what a verdict was weighed by, from its case and its record.
func basis(d *findings.Verdict) (weigh.Basis, error) {
	c := weigh.Basis{Circumstances: findings.Circumstances{Claimed: d.Case.Claimed}}
	if with := d.Record.Parameters[ComparedWith]; with != AllUploads {
		n, err := strconv.Atoi(with)
		if err != nil || n < 1 || n > tuning.MaxAgainst {
			return c, errors.New("record: it does not say what the leaks were compared with")
		}
		c.Named = n
	}
	if of := d.Record.Parameters[PerSubject]; of != "" && of != words.NotStated {
		n, err := strconv.Atoi(of)
		if err != nil || n < 1 {
			return c, errors.New("record: it does not say how many uploads one person has")
		}
		c.UploadsPerSubject = n
	}
	at := d.Record.Parameters[FoundOn]
	if at == words.NotStated {
		return c, nil
	}
	var err error
	if c.Found, err = time.Parse(time.RFC3339Nano, at); err != nil {
		return c, errors.New("record: it does not say when the leaks were found")
	}
	return c, nil
}

// Read is [verify.ReadFindings].
func Read(r io.Reader) (*findings.File, error) {
	data, err := intake.ReadAll(r, 0, findings.MaxFile)
	if err != nil {
		return nil, err
	}
	var f findings.File
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		return nil, fmt.Errorf("%w: %w%s", findings.ErrUnsound, err, writtenByOther(data))
	}
	if f.Format != findings.Format {
		return nil, fmt.Errorf("%w: the format is %.40q, want %q", findings.ErrUnsound, f.Format, findings.Format)
	}
	if f.Verdict == nil || f.Verdict.Case == nil || f.Verdict.Odds == nil {
		return nil, fmt.Errorf("%w: there is no verdict with its odds and its case", findings.ErrUnsound)
	}
	if len(f.Thumbnails) != len(f.Leaks) || len(f.Uploads) != len(f.Leaks) {
		return nil, fmt.Errorf("%w: %d thumbnails and %d uploads of %d leaks", findings.ErrUnsound, len(f.Thumbnails), len(f.Uploads), len(f.Leaks))
	}
	for i, l := range f.Leaks {
		if l == nil {
			return nil, fmt.Errorf("%w: leak %d is null", findings.ErrUnsound, i)
		}
		for _, x := range l.Views() {
			if _, has := f.Subjects[x.Submission.String()]; x.Matched() && has != f.Revealed {
				return nil, fmt.Errorf("%w: findings mix revealed and redacted subject references", findings.ErrUnsound)
			}
		}
	}
	if again, err := Encode(&f); err != nil || !bytes.Equal(again, intake.EscapedJSON(data)) { // earlier versions wrote no such escapes
		return nil, fmt.Errorf("%w: not written as this program writes findings%s", findings.ErrUnsound, writtenByOther(data))
	}
	f.Verdict.Findings = f.Leaks
	return &f, nil
}

// writtenByOther returns, for an error's end, which other version wrote data; "": this one did, or data does not say.
func writtenByOther(data []byte) string {
	var f struct {
		Verdict struct {
			Record findings.Record `json:"record"`
		} `json:"verdict"`
	}
	if json.Unmarshal(data, &f) != nil || f.Verdict.Record.Version == "" {
		return ""
	}
	other := OtherVersion(&f.Verdict.Record)
	if other == "" {
		return ""
	}
	return " (" + other + ": check them with that version)"
}

func InReport(report []byte) ([]byte, error) {
	const begin, end = `<pre id="findings" hidden>`, `</pre>`
	if bytes.Count(report, []byte(begin)) != 1 {
		return nil, fmt.Errorf("%w: no findings block found, or more than one", findings.ErrUnsound)
	}
	_, rest, _ := bytes.Cut(report, []byte(begin))
	text, _, ended := bytes.Cut(rest, []byte(end))
	if !ended {
		return nil, fmt.Errorf("%w: the findings block does not end", findings.ErrUnsound)
	}
	return []byte(html.UnescapeString(string(text))), nil
}

// Encode returns findings as JSON in their one form: indented, with a newline at the end. Bytes of
// strings that are not UTF-8 become U+FFFD. Characters that a terminal or a browser would obey are escapes.
func Encode(f *findings.File) ([]byte, error) {
	text, err := json.MarshalIndent(f, "", " ")
	if bytes.Contains(text, []byte(`\ufffd`)) { // for bytes that are no UTF-8, as in names of files
		var again findings.File
		if err = json.Unmarshal(text, &again); err == nil {
			text, err = json.MarshalIndent(&again, "", " ")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("findings: %w", err)
	}
	return append(intake.EscapedJSON(text), '\n'), nil
}

// HexDigest returns the SHA-256 of data in lower-case hex.
func HexDigest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
