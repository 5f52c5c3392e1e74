package casefile

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/kycmark/kycmark/internal/seal"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/registry"
)

// A Closing is what the file of a case is made of.
type Closing struct {
	Case        []byte // case.json, which the ledger has
	Acquisition []byte // acquisition.csv; empty: none was kept, which page one says
	Bundle      *seal.Bundle
	Commitments []byte // empty: nothing was committed to, which page one says

	Registry     *registry.Registry
	Several      bool   // the investigation searched other registries too, whose ledgers' keys are not known here
	LedgerPublic string // public key name+hash+key of its ledger
	Made         time.Time
}

// Close makes the file of a case, signed with key and stamped by tsa unless that is nil. The bundle
// of the investigation must hold, and be of the case's registry. Errors wrap [ErrCase], or are the
// errors of [seal.SignFiles] and [registry.Ledger.ProveInvestigation].
func Close(ctx context.Context, in Closing, key crypto.Signer, tsa *seal.TSA) (*seal.Bundle, error) {
	inner, err := in.Bundle.Archive()
	if err != nil {
		return nil, err
	}
	sheet, err := json.MarshalIndent(sheets, "", " ")
	if err != nil {
		return nil, err
	}
	files := []seal.File{
		{Name: CaseName, About: "propositions, conditioning information, examiner: entered in the ledger", Data: in.Case},
		{Name: bundleName, About: "the investigation, a bundle of its own", Data: inner},
		{Name: validationName, About: "what was tried, for each kind of claim", Data: append(sheet, '\n')},
	}
	if len(in.Acquisition) > 0 {
		files = append(files, seal.File{Name: AcquisitionName, About: "who took which file from where, and how it was hashed", Data: in.Acquisition})
	}
	if len(in.Commitments) > 0 {
		files = append(files, seal.File{Name: commitmentsName, About: "a salted digest of each leak's values", Data: in.Commitments})
	}
	proofs, last, err := in.prove(ctx)
	if err != nil {
		return nil, err
	}
	files = append(files,
		seal.File{Name: proofsName, About: "proofs that the case and the commitments are in the ledger", Data: proofs},
		seal.File{Name: stateName, About: "the ledger's signed state (C2SP tlog-checkpoint)", Data: []byte(last.Text)},
		seal.File{Name: ledgerName, About: "public key of the ledger, which the proofs are checked with", Data: []byte(in.LedgerPublic + "\n")})
	trust := seal.Trust{Ledger: in.LedgerPublic}
	if in.Several {
		trust = seal.Trust{Ledgers: []string{in.LedgerPublic}}
	}
	f, r := gather(func(name string) []byte {
		for _, x := range files {
			if x.Name == name {
				return x.Data
			}
		}
		return nil
	}, trust)
	for _, c := range r.Checks {
		if c.Err != nil {
			return nil, fmt.Errorf("%w: %s does not hold: %w", ErrCase, c.Name, c.Err)
		}
	}
	page, err := f.page()
	if err != nil {
		return nil, err
	}
	files = append(files, seal.File{Name: pageName, About: "the file of the case, for people", Data: page})
	return seal.SignFiles(ctx, files, seal.Predicate{Made: in.Made, Tool: "kycmark " + f.Findings.Verdict.Record.Version,
		Ledger: &seal.Ledger{Key: in.LedgerPublic, Checkpoint: last.Text}}, key, tsa)
}

// prove returns the proofs that the ledger has the case and the commitments, one a line. It also
// returns the largest state of the ledger that the proofs rest on. A case that the ledger does not
// have is an error that wraps [ErrCase].
func (in *Closing) prove(ctx context.Context) ([]byte, registry.Checkpoint, error) {
	var out bytes.Buffer
	var last registry.Checkpoint
	all, err := in.Registry.Ledger().Investigations(ctx)
	if err != nil {
		return nil, last, err
	}
	for _, text := range [][]byte{in.Case, in.Commitments} {
		if len(text) == 0 {
			continue
		}
		entered := Entered(all, text)
		if entered == nil {
			return nil, last, fmt.Errorf("%w: this ledger has no entry of the file with SHA-256 %x", ErrCase, sha256.Sum256(text))
		}
		proof, err := in.Registry.Ledger().ProveInvestigation(ctx, entered.Entry, in.LedgerPublic)
		if err != nil {
			return nil, last, err
		}
		p, err := registry.CheckProof(proof, in.LedgerPublic)
		if err != nil {
			return nil, last, err
		}
		for _, c := range p.Checkpoints {
			if c.Size > last.Size {
				last = c
			}
		}
		out.Write(proof)
	}
	return out.Bytes(), last, nil
}

// Entered returns the first entry of the ledger that has the SHA-256 of text as its input; nil: there
// is no such entry. all are the ledger's investigations in the order of entry.
func Entered(all []registry.Investigation, text []byte) *registry.Investigation {
	sum := registry.Digest(sha256.Sum256(text))
	i := slices.IndexFunc(all, func(x registry.Investigation) bool { return x.Input == sum })
	if i < 0 {
		return nil
	}
	return &all[i]
}

// facts are what page one and the rest of case.html say.
type facts struct {
	*Case
	Digest      string                  // SHA-256 of case.json
	Entered     *registry.Investigation // the case's entry in the ledger
	Committed   *registry.Investigation // the entry of the commitments; nil: without commitments
	Before      bool                    // the case's entry is before the investigation's
	Named       bool                    // the investigation names the case
	Findings    *verify.Findings
	Acquisition *acquisition
	Marked      []Marked
	Commitments []commitment
	Sheets      []sheet
}

// gather reads the files of a case, by name, and checks them against each other. Every check is in
// the result, also the checks of the investigation's bundle, whose names begin with "in ". facts
// is nil if a file cannot be read.
func gather(file func(string) []byte, trust seal.Trust) (*facts, *seal.Result) {
	r := &seal.Result{}
	f := &facts{Digest: fmt.Sprintf("%x", sha256.Sum256(file(CaseName))), Sheets: sheets}
	var err error
	if f.Case, err = ReadCase(file(CaseName)); err != nil {
		r.Add("case", "", err)
		return nil, r
	}
	r.Add("case", fmt.Sprintf("case %s: propositions: %d, facts given beforehand: %d", f.ID, len(f.Propositions), len(f.Given)), nil)
	inner, err := seal.Parse(file(bundleName))
	if err != nil {
		r.Add(bundleName, "", err)
		return nil, r
	}
	checked := inner.Check(trust)
	for _, c := range checked.Checks {
		c.Name = "in " + c.Name
		r.Checks = append(r.Checks, c)
	}
	if f.Findings = checked.Findings; f.Findings == nil {
		return nil, r
	}
	r.Add("opened", "", nil)
	at := &r.Checks[len(r.Checks)-1]
	if at.Err = f.prove(file, trust); at.Err != nil {
		return nil, r
	}
	at.Text = f.When()
	if f.Commitments, err = readCommitments(file(commitmentsName)); err == nil && len(f.Commitments) > 0 && len(f.Commitments) != len(f.Findings.Leaks) {
		err = fmt.Errorf("%w: commitments to %d leaks, want %d", ErrCase, len(f.Commitments), len(f.Findings.Leaks))
	}
	if f.Committed != nil || err != nil {
		r.Add("values", fmt.Sprintf("the values of %d leaks are committed to in the ledger", len(f.Commitments)), err)
	}
	if f.Acquisition, err = readAcquisition(file(AcquisitionName), f.Findings); err != nil {
		r.Add("acquired", "", err)
		return nil, r
	}
	r.Add("acquired", fmt.Sprintf("%d of %d files have a row in the chain; %d mismatches, %d gaps", f.Acquisition.Covered, f.Acquisition.Of, len(f.Acquisition.Mismatches), len(f.Acquisition.Gaps)), nil)
	f.Marked = Judge(f.Statement, f.Findings)
	return f, r
}

// prove checks the proofs of the case and of the commitments with the ledger's key, by default the key in
// the file. It sets Entered, Committed, Before and Named. Errors wrap [ErrCase] or
// [registry.ErrProof].
func (f *facts) prove(file func(string) []byte, trust seal.Trust) error {
	record := &f.Findings.Verdict.Record
	own := string(bytes.TrimSuffix(file(ledgerName), []byte("\n")))
	key := trust.Ledger
	if key == "" || slices.Contains(trust.Ledgers, own) {
		key = own
	}
	if key != own {
		return fmt.Errorf("%w: made under the key %s, not %s", registry.ErrProof, own, key)
	}
	var all []registry.Investigation
	for line := range bytes.Lines(file(proofsName)) {
		p, err := registry.CheckProof(line, key)
		if err != nil {
			return err
		}
		for _, c := range p.Checkpoints {
			if c.Origin != "kycmark/"+f.Registry {
				return fmt.Errorf("%w: of another registry's ledger, %s", registry.ErrProof, c.Origin)
			}
		}
		if x := p.Entries[0].Investigation; x != nil {
			all = append(all, *x)
		}
	}
	f.Entered, f.Committed = Entered(all, file(CaseName)), nil
	if text := file(commitmentsName); len(text) > 0 {
		if f.Committed = Entered(all, text); f.Committed == nil {
			return fmt.Errorf("%w: no proof of the commitments", registry.ErrProof)
		}
	}
	switch {
	case f.Entered == nil:
		return fmt.Errorf("%w: no proof of the case", registry.ErrProof)
	case len(f.Logged()) == 0:
		return fmt.Errorf("%w: the case is of the registry %s, whose ledger has no entry of the investigation", ErrCase, f.Registry)
	case record.CaseDigest != "" && record.CaseDigest != f.Digest:
		return fmt.Errorf("%w: the investigation was made for another case, %s", ErrCase, record.CaseDigest)
	}
	f.Before, f.Named = f.Entered.Entry < f.first(), record.CaseDigest != ""
	return nil
}

// Logged returns the entries of the investigation in the ledger that has the case.
func (f *facts) Logged() []int64 {
	_, logged := f.Findings.Verdict.Record.In(f.Registry)
	return logged
}

// first returns the number of the first entry of the ledger about an examination of some of these
// files: this investigation or an earlier one.
func (f *facts) first() int64 {
	name, logged := f.Findings.Verdict.Record.In(f.Registry)
	first := slices.Min(logged)
	for _, e := range f.Findings.Verdict.Earlier {
		if e.Registry == name {
			first = min(first, e.Entry)
		}
	}
	return first
}

// When says, for page one, whether the case was opened before the examination.
func (f *facts) When() string {
	entered := fmt.Sprintf("entry %d of the ledger, %s", f.Entered.Entry, f.Entered.Started.UTC().Format(time.RFC3339))
	examined := fmt.Sprintf("entry %d", f.first())
	if !f.Before {
		return "OPENED AFTER THE EXAMINATION: the propositions are " + entered + "; some of these files were first examined as " + examined + ". The examiner could know the findings when the propositions were written."
	}
	return "The propositions were fixed before the examination: " + entered + "; the examination began with " + examined + "."
}

// Check checks the file of a case: its signatures, digests and timestamp, the ledger's proofs, the
// investigation's bundle with its verdict, and that case.html follows from the other files. openings
// are openings of commitments, one a line, or empty. measured are the findings of another party about
// the same leaks, or nil.
func Check(b *seal.Bundle, trust seal.Trust, openings []byte, measured *verify.Findings) *seal.Result {
	r := b.CheckSignatures(trust)
	if !r.Holds() {
		return r
	}
	f, inner := gather(b.Content, trust)
	r.Checks = append(r.Checks, inner.Checks...)
	if f == nil {
		return r
	}
	r.Findings = f.Findings
	page, err := f.page()
	if err == nil && !bytes.Equal(page, b.Content(pageName)) {
		err = fmt.Errorf("%w: it is not the page of these files", ErrCase)
		if f.Findings.CheckVerdict() != nil { // another version: its words are its own
			err = fmt.Errorf("%w: %s is not compared", verify.ErrVersion, pageName)
		}
	}
	r.Add("page", "written again from the other files it is the same, byte for byte", err)
	if len(openings) > 0 {
		n, err := checkOpenings(openings, f.Commitments, f.Findings)
		r.Add("openings", fmt.Sprintf("leaks whose values are as committed to: %d", n), err)
	}
	if measured != nil {
		n, err := compare(f.Findings, measured)
		r.Add("measured", fmt.Sprintf("leaks that were measured again with the same values: %d of %d", n, len(f.Findings.Leaks)), err)
	}
	return r
}
