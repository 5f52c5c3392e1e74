package verify

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/watermark"
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
		cfg, err := f.Verdict.config()
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
func (f *Findings) CheckVerdict() error { return f.inWords(f.checkVerdict) }

// checkVerdict is [Findings.CheckVerdict] with an error that does not wrap [ErrFindings]. If words is false,
// sentences and the record's parameters of method are not compared.
func (f *Findings) checkVerdict(words bool) error {
	stated := f.Verdict
	cfg, err := stated.config()
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

// config returns the part of the configuration that a verdict was weighed with, from its case and its record. Against
// has the right length, but zero IDs: only their number matters.
func (d *Verdict) config() (Config, error) {
	c := Config{Circumstances: Circumstances{Claimed: d.Case.Claimed, Drawn: d.Case.Drawn}}
	if with := d.Record.Parameters[comparedWith]; with != "" && with != allUploads {
		n, err := strconv.Atoi(with)
		if err != nil || n < 1 || n > maxAgainst {
			return c, errors.New("record: it does not say what the leaks were compared with")
		}
		c.Against = make([]watermark.Submission, n) // only their number matters
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
