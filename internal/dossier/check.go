package dossier

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kycmark/kycmark/internal/seal"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// Trust is what a verifier has from elsewhere than the bundle.
type Trust struct {
	seal.Trust
	Ledger string // public key of the ledger; "": the key in the bundle
}

// A Check is one question about a bundle. Err is nil if the answer is yes. Skipped is true if
// the question could not be asked; Text then says why.
type Check struct {
	Name    string
	Text    string
	Skipped bool
	Err     error
}

// A Result is what came of checking.
type Result struct {
	Checks   []Check
	KeyID    string           // of the report key that the bundle brings; "": no bundle
	Findings *verify.Findings // nil: they cannot be read
}

// Holds says whether no check failed.
func (r *Result) Holds() bool {
	for _, c := range r.Checks {
		if c.Err != nil {
			return false
		}
	}
	return len(r.Checks) > 0
}

func (r *Result) add(name, text string, err error) bool {
	if err != nil {
		text = ""
	}
	r.Checks = append(r.Checks, Check{Name: name, Text: text, Err: err})
	return err == nil
}

func (r *Result) skip(name, why string) {
	r.Checks = append(r.Checks, Check{Name: name, Text: why, Skipped: true})
}

// word adds a check of what holds words. Where another version wrote them, it says so: numbers
// were compared.
func (r *Result) word(name, text string, err error) {
	if errors.Is(err, verify.ErrVersion) {
		r.skip(name, strings.TrimPrefix(err.Error(), verify.ErrVersion.Error()+": "))
		return
	}
	r.add(name, text, err)
}

// CheckFindings checks findings alone, or those in a report alone: whether they follow
// from themselves, and the report from them. Who wrote them, and when, cannot be said of them.
func CheckFindings(data []byte) *Result {
	r := &Result{}
	var report []byte
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("<")) {
		text, err := verify.FindingsInReport(data)
		if err != nil {
			r.add("report", "", err)
			return r
		}
		report, data = data, text
	}
	r.findings(data)
	if report != nil && r.Findings != nil {
		r.report(report)
	}
	const alone = "not in this file alone: hand in the bundle"
	for _, name := range []string{"signature", "timestamp", "proofs"} {
		r.skip(name, alone)
	}
	return r
}

func (r *Result) findings(data []byte) {
	f, err := verify.ReadFindings(bytes.NewReader(data))
	if !r.add("findings", "written in the form of "+verify.FindingsFormat, err) {
		return
	}
	r.Findings = f
	r.word("leaks", fmt.Sprintf("each of the %d findings follows from the evidence beside it", len(f.Leaks)), f.CheckLeaks())
	r.word("verdict", "odds, hypotheses, counts and words follow from the findings", f.CheckVerdict())
}

func (r *Result) report(report []byte) {
	r.word("report", "written again from the findings it is the same, byte for byte", r.Findings.CheckReport(report))
}

// CheckBundle checks all of a bundle, without registry, network and clock.
func CheckBundle(ctx context.Context, b *seal.Bundle, trust Trust) *Result {
	sealed := b.Verify(ctx, trust.Trust)
	r := &Result{KeyID: sealed.KeyID}
	for _, c := range sealed.Checks {
		r.add(c.Name, c.Text, c.Err)
	}
	if sealed.Stamp == nil && len(trust.TSA) == 0 {
		if _, has := b.File(seal.StampName); !has {
			r.skip("timestamp", "the bundle has no timestamp: when it was signed is known from its signer alone")
		}
	}
	data, ok := b.File(FindingsName)
	if !ok {
		r.add("findings", "", fmt.Errorf("%w: there is no %s", seal.ErrBundle, FindingsName))
		return r
	}
	r.findings(data)
	report, ok := b.File(ReportName)
	switch {
	case !ok:
		r.add("report", "", fmt.Errorf("%w: there is no %s", seal.ErrBundle, ReportName))
	case r.Findings != nil:
		r.report(report)
	}
	if r.Findings == nil {
		return r
	}
	if s := sealed.Statement; s != nil {
		r.add("inputs", "the statement is about the files that the findings are about, and has their record", checkInputs(s, r.Findings))
		r.proofs(b, s, trust.Ledger, trust.TSA)
	}
	return r
}

// checkInputs compares the statement's inputs and record with the inputs and record of the
// findings. Errors about a difference wrap [seal.ErrBundle].
func checkInputs(s *seal.Statement, f *verify.Findings) error {
	record, err := json.Marshal(f.Verdict.Record)
	if err != nil {
		return err
	}
	if !bytes.Equal(record, s.Predicate.Record) {
		return fmt.Errorf("%w: the statement's record differs from the record of the findings", seal.ErrBundle)
	}
	type input struct {
		path, sum string
		size      int64
	}
	stated := make(map[input]bool)
	for _, x := range s.Inputs() {
		stated[input{x.Name, x.Digest.SHA256, x.Annotations.Size}] = true
	}
	seen := make(map[input]bool)
	for _, x := range inputs(f) {
		in := input{strings.ToValidUTF8(x.Path, string(utf8.RuneError)), hex.EncodeToString(x.SHA256[:]), x.Size}
		if !stated[in] {
			return fmt.Errorf("%w: the statement says nothing about the input %.200q", seal.ErrBundle, x.Path)
		}
		seen[in] = true
	}
	if len(seen) != len(stated) {
		return fmt.Errorf("%w: the statement is about %d inputs, and the findings about %d", seal.ErrBundle, len(stated), len(seen))
	}
	return nil
}

// proofs checks the ledger's part.
func (r *Result) proofs(b *seal.Bundle, s *seal.Statement, key string, tsa []*x509.Certificate) {
	data, ok := b.File(ProofsName)
	if !ok {
		if key != "" {
			r.add("proofs", "", errNoProofs)
		} else {
			r.skip("proofs", "the bundle has no proofs: that the copies were entered before they were released is not shown")
		}
		return
	}
	p, err := checkProofs(b, data, s, r.Findings, key)
	text := ""
	if err == nil {
		text = fmt.Sprintf("%d investigations and %d copies stand in the ledger as the findings have them, under its signed state of %d entries", p.investigations, p.copies, p.size)
		if key == "" {
			text += "; checked with the key that the bundle brings, " + s.Predicate.Ledger.Key + ": compare that with what you have from elsewhere"
		}
	}
	if r.add("proofs", text, err) {
		for _, c := range p.states {
			r.state(b, c, tsa)
		}
	}
}

// state checks when a state of the ledger existed, where it has a timestamp.
func (r *Result) state(b *seal.Bundle, c registry.Checkpoint, tsa []*x509.Certificate) {
	stamp, ok := b.File(stampName(c) + stampEnd)
	if !ok {
		return
	}
	const name = "ledger"
	if body, _ := b.File(stampName(c) + bodyEnd); !bytes.Equal(body, c.Body()) {
		r.add(name, "", fmt.Errorf("%w: %s is not the state that the proofs rest on", seal.ErrBundle, stampName(c)+bodyEnd))
		return
	}
	if len(tsa) == 0 {
		r.skip(name, fmt.Sprintf("when its first %d entries were there: for the timestamp %s the authority's certificate is needed", c.Size, stampName(c)+stampEnd))
		return
	}
	s, err := seal.VerifyStamp(stamp, sha256.Sum256(c.Body()), tsa)
	text := ""
	if err == nil {
		text = fmt.Sprintf("its first %d entries were there on %s, says %s", c.Size, s.Time.Format(time.RFC3339), s.Authority)
	}
	r.add(name, text, err)
}

type proved struct {
	investigations, copies int
	size                   int64
	states                 []registry.Checkpoint // that proofs rest on, each once
}

func checkProofs(b *seal.Bundle, data []byte, s *seal.Statement, f *verify.Findings, key string) (out proved, err error) {
	l := s.Predicate.Ledger
	if l == nil {
		return out, fmt.Errorf("%w: the statement names no ledger", seal.ErrBundle)
	}
	public, _ := b.File(LedgerName)
	state, _ := b.File(StateName)
	switch {
	case string(public) != l.Key+"\n" || string(state) != l.Checkpoint:
		return out, fmt.Errorf("%w: %s or %s is not what the statement has", seal.ErrBundle, LedgerName, StateName)
	case key != "" && key != l.Key:
		return out, fmt.Errorf("%w: made under the key %s, not %s", registry.ErrProof, l.Key, key)
	}
	copies := make(map[watermark.CopyID]registry.Copy)
	logged := make(map[int64]bool)
	last := ""
	for line := range bytes.Lines(data) {
		p, err := registry.CheckProof(line, l.Key)
		if err != nil {
			return out, err
		}
		for _, c := range p.Checkpoints {
			if c.Origin != "kycmark/"+f.Verdict.Record.Registry {
				return out, fmt.Errorf("%w: of another registry's ledger, %s", registry.ErrProof, c.Origin)
			}
			if !slices.ContainsFunc(out.states, func(o registry.Checkpoint) bool { return o.Text == c.Text }) {
				out.states = append(out.states, c)
			}
			if c.Size > out.size {
				out.size, last = c.Size, c.Text
			}
		}
		switch first := p.Entries[0]; {
		case first.Copy != nil:
			copies[first.Copy.ID] = *first.Copy
		case first.Investigation != nil:
			x := first.Investigation
			if x.Actor != f.Verdict.Record.Actor || x.Started.After(f.Verdict.Record.Time) {
				return out, fmt.Errorf("%w: entry %d is of another investigation", registry.ErrProof, x.Entry)
			}
			logged[x.Entry] = true
		}
	}
	if last != l.Checkpoint {
		return out, fmt.Errorf("%w: they rest on another state of the ledger than the statement", registry.ErrProof)
	}
	for _, n := range f.Verdict.Record.Logged {
		if !logged[n] {
			return out, fmt.Errorf("%w: none of entry %d, the investigation", registry.ErrProof, n)
		}
	}
	for _, c := range named(f) {
		if x, ok := copies[c.ID]; !ok || x != c {
			return out, fmt.Errorf("%w: none of copy %s as the findings have it", registry.ErrProof, c.ID)
		}
	}
	out.investigations, out.copies = len(logged), len(copies)
	return out, nil
}
