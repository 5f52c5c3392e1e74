package seal

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// CheckFindings checks findings (JSON), or a report (HTML, if data begins with "<"), without a bundle. It checks
// whether the conclusions follow from the evidence, and the report from the findings. It cannot say who wrote them, or
// when: the checks of signature, timestamp and proofs are skipped. What does not hold is in the Result's checks.
func CheckFindings(data []byte) *Result {
	r := &Result{}
	findings, report := data, []byte(nil)
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("<")) {
		text, err := verify.FindingsInReport(data)
		if err != nil {
			r.add("report", "", err)
			return r
		}
		findings, report = text, data
	}
	r.findings(findings)
	if report != nil && r.Findings != nil {
		r.report(report)
	}
	for _, name := range []string{"signature", "timestamp", "proofs"} {
		r.skip(name, "not in this file alone: hand in the bundle")
	}
	return r
}

// Check makes all checks of a bundle, without registry, network and clock. trust holds keys and
// certificates that the verifier has from elsewhere; for missing keys the bundle's own are used.
// Checks that depend on a failed check are left out. Call [Result.Holds] for the outcome.
func (b *Bundle) Check(trust Trust) *Result {
	r := &Result{}
	b.verify(trust, r)
	if _, has := b.file(stampName); !has && len(trust.TSA) == 0 {
		r.skip("timestamp", "the bundle has no timestamp: when it was signed is known from its signer alone")
	}
	data, err := b.need(findingsName)
	if err != nil {
		r.add("findings", "", err)
		return r
	}
	r.findings(data)
	if report, err := b.need(reportName); err != nil {
		r.add("report", "", err)
	} else if r.Findings != nil {
		r.report(report)
	}
	if r.Findings != nil && r.Statement != nil {
		r.add("inputs", "the statement is about the files that the findings are about, and has their record", checkInputs(r.Statement, r.Findings))
		r.proofs(b, trust)
	}
	return r
}

// findings reads findings (JSON), sets r.Findings, and adds checks of their form, of each leak and of the verdict: it
// concludes them again from the evidence. If the form is wrong, only that check is added, and r.Findings stays nil.
func (r *Result) findings(data []byte) {
	f, err := verify.ReadFindings(bytes.NewReader(data))
	if !r.add("findings", "written in the form of "+findings.Format, err) {
		return
	}
	r.Findings = f
	r.concluded("leaks", fmt.Sprintf("each of the %d findings follows from the evidence beside it", len(f.Leaks)), verify.CheckLeaks(f))
	r.concluded("verdict", "odds, hypotheses, counts and words follow from the findings", verify.CheckVerdict(f))
}

func (r *Result) report(report []byte) {
	r.concluded("report", "written again from the findings it is the same, byte for byte", verify.CheckReport(r.Findings, report))
}

// checkInputs compares the inputs and the record of the statement s with the files and the record of the findings f.
// The record must be equal byte for byte, the inputs as sets. Errors about a difference wrap [ErrBundle].
func checkInputs(s *Statement, f *findings.File) error {
	record, err := json.Marshal(f.Verdict.Record)
	if err != nil {
		return err
	}
	if !bytes.Equal(intake.EscapedJSON(record), intake.EscapedJSON(s.Predicate.Record)) {
		return fmt.Errorf("%w: the statement's record differs from the record of the findings", ErrBundle)
	}
	if tool := "kycmark " + f.Verdict.Record.Version; s.Predicate.Tool != tool {
		return fmt.Errorf("%w: the statement is by %.200q, and the record by %.200q", ErrBundle, s.Predicate.Tool, tool)
	}
	stated := each.Map(s.inputs(), func(x Subject) (Subject, bool) { return x, true })
	seen := make(map[Subject]bool)
	for _, x := range examined(f) {
		if !stated[x] {
			return fmt.Errorf("%w: the statement says nothing about the input %.200q", ErrBundle, strings.TrimPrefix(x.Name, inputPrefix))
		}
		seen[x] = true
	}
	if len(seen) != len(stated) {
		return fmt.Errorf("%w: the statement is about %d inputs, and the findings about %d", ErrBundle, len(stated), len(seen))
	}
	return nil
}

// proofs adds the checks of the ledger's part of b: the proofs, and then the timestamps of the states that they rest on.
// Without proofs in b the check is skipped, or fails if trust has a ledger key. r must have the statement and the findings.
func (r *Result) proofs(b *Bundle, trust Trust) {
	if _, has := b.file(proofsName); !has && trust.Ledger != "" {
		r.add("proofs", "", fmt.Errorf("%w: the bundle has no proofs", registry.ErrProof))
		return
	} else if !has {
		r.skip("proofs", "the bundle has no proofs: that the copies were entered before they were released is not shown")
		return
	}
	l := r.Statement.Predicate.Ledger
	p, err := checkProofs(b, l, r.Findings, trust)
	if err != nil {
		r.add("proofs", "", err)
		return
	}
	text := fmt.Sprintf("investigations: %d, copies: %d; each is in the ledger as the findings have it, under its signed state of %d entries",
		len(p.investigations), len(p.copies), p.last.Size)
	if trust.Ledger == "" {
		text += "; checked with the key that the bundle brings, " + l.Key + elsewhere
	}
	r.add("proofs", text, nil)
	for _, c := range p.states {
		r.state(b, c, trust.TSA)
	}
	if len(p.entered) > 0 {
		r.add("copies", fmt.Sprintf("of %d uploads the ledger has no copy that the findings lack", len(p.entered)), tookAll(p.entered, r.Findings))
	}
}

// state adds a check, "ledger", of when the state c of the ledger existed. If b has no timestamp of c, it adds nothing.
// tsa holds the trusted certificates of timestamp authorities; without them the check is skipped.
func (r *Result) state(b *Bundle, c books.Checkpoint, tsa []*x509.Certificate) {
	const name = "ledger"
	stampFile, bodyFile := stateFiles(c)
	stamp, ok := b.file(stampFile)
	if !ok {
		return
	}
	if body, _ := b.file(bodyFile); !bytes.Equal(body, c.Body()) {
		r.add(name, "", fmt.Errorf("%w: %s is not the state that the proofs rest on", ErrBundle, bodyFile))
		return
	}
	if len(tsa) == 0 {
		r.skip(name, fmt.Sprintf("when its first %d entries were there: for the timestamp %s the authority's certificate is needed", c.Size, stampFile))
		return
	}
	s, err := VerifyStamp(stamp, sha256.Sum256(c.Body()), tsa)
	text := ""
	if err == nil {
		text = fmt.Sprintf("its first %d entries were there on %s, says %s", c.Size, s.Time.Format(time.RFC3339), s.Authority)
	}
	r.add(name, text, err)
}

// A proved holds what the proofs of a bundle show.
type proved struct {
	investigations map[int64]*books.Investigation // by the numbers of their entries
	copies         map[watermark.CopyID]books.Copy
	receipts       map[watermark.CopyID][]time.Time // when they were entered
	recipients     map[string]books.Recipient       // by name, reviewers by reference
	conclusions    []books.Conclusion
	entered        map[watermark.Submission]uint64                 // how many copies of each submission are in the ledger, and not void
	became         map[watermark.Submission]registry.CopiesEntered // what became of them
	states         []books.Checkpoint                              // that the proofs rest on, each once
	last           books.Checkpoint                                // the largest of them
}

func newProved() *proved {
	return &proved{investigations: make(map[int64]*books.Investigation), copies: make(map[watermark.CopyID]books.Copy), receipts: make(map[watermark.CopyID][]time.Time), recipients: make(map[string]books.Recipient),
		entered: make(map[watermark.Submission]uint64), became: make(map[watermark.Submission]registry.CopiesEntered)}
}

func (p *proved) restsOn(c books.Checkpoint) bool {
	return slices.ContainsFunc(p.states, func(o books.Checkpoint) bool { return o.Text == c.Text })
}

// checkProofs checks the proofs from the ledger: that they prove the investigations, and the copies that the
// findings f name. l is the ledger of the statement, or nil, which is an error. Without a trusted key the key that the bundle brings is used.
// The result is what was proved. Errors wrap [ErrBundle] or [registry.ErrProof].
func checkProofs(b *Bundle, l *Ledger, f *findings.File, trust Trust) (*proved, error) {
	if l == nil {
		return nil, fmt.Errorf("%w: the statement names no ledger", ErrBundle)
	}
	lines, _ := b.file(proofsName)
	public, _ := b.file(ledgerName)
	state, _ := b.file(stateName)
	switch {
	case string(public) != l.Key+"\n" || string(state) != l.Checkpoint:
		return nil, fmt.Errorf("%w: %s or %s is not what the statement has", ErrBundle, ledgerName, stateName)
	case trust.Ledger != "" && trust.Ledger != l.Key:
		return nil, fmt.Errorf("%w: made under the key %s, not %s", registry.ErrProof, l.Key, trust.Ledger)
	}
	p := newProved()
	for line := range bytes.Lines(lines) {
		if err := p.add(line, l.Key, f); err != nil {
			return nil, err
		}
	}
	if p.last.Text != l.Checkpoint {
		return nil, fmt.Errorf("%w: they rest on another state of the ledger than the statement", registry.ErrProof)
	}
	if err := p.examined(f); err != nil {
		return nil, err
	}
	for _, c := range f.ConfirmedCopies() {
		x, ok := p.copies[c.ID]
		as := c
		if as.State, as.Bound = x.State, x.Bound; !ok || x != as {
			return nil, fmt.Errorf("%w: none of copy %s as the findings have it", registry.ErrProof, c.ID)
		}
	}
	for _, t := range f.Verdict.Travel {
		if !t.Receipt.IsZero() && !slices.ContainsFunc(p.receipts[t.Copy], t.Receipt.Equal) {
			return nil, fmt.Errorf("%w: none of the receipt of copy %s as the findings have it", registry.ErrProof, t.Copy)
		}
	}
	if err := p.sameStates(f); err != nil {
		return nil, err
	}
	for _, name := range namesIn(f) {
		h, x := f.Verdict.History, p.recipients[name]
		if h.Reviewers[name] != "" && x.Name != h.Reviewers[name] || slices.ContainsFunc(h.Recipients, func(r findings.RecipientHistory) bool { return r.Name == name && r.Kind != x.Kind }) {
			return nil, fmt.Errorf("%w: none of the recipient %.200q as the findings have it", registry.ErrProof, name)
		}
	}
	for of := range f.CopiesTaken() {
		if _, ok := p.entered[of]; !ok {
			return nil, fmt.Errorf("%w: none of how many copies of submission %s there are", registry.ErrProof, of)
		}
	}
	c, err := verify.ConclusionOf(f)
	if err != nil {
		return nil, err
	}
	if c != nil && !slices.ContainsFunc(p.conclusions, func(o books.Conclusion) bool { return o.Says(c) }) {
		return nil, fmt.Errorf("%w: none that investigation %d ended with this evidence", registry.ErrProof, c.Investigation)
	}
	return p, nil
}

// examined checks that the findings f are on all files that their investigations began with, and on no other picture.
// Earlier investigations in f must be proved. No entry of f's own may name another earlier one. The error wraps [registry.ErrProof].
func (p *proved) examined(f *findings.File) error {
	record, given, left := &f.Verdict.Record, 0, make(map[string]bool)
	own := slices.Compact(slices.Sorted(slices.Values(record.Logged)))
	earlier := f.Verdict.Earlier
	others := each.Of(slices.Concat(earlier, f.Verdict.Published), func(e findings.Earlier) int64 { return e.Entry })
	for _, n := range slices.Concat(own, others) {
		i := p.investigations[n]
		if i == nil {
			return fmt.Errorf("%w: none of entry %d, an investigation", registry.ErrProof, n)
		}
		if !slices.Contains(own, n) {
			continue
		}
		given += int(i.Files)
		for d := range slices.Chunk(i.Digests, len(records.FileDigest("", [32]byte{}))) {
			left[string(d)] = true
		}
		for _, n := range i.Earlier {
			if n < own[0] && !slices.ContainsFunc(earlier, func(e findings.Earlier) bool { return e.Entry == n }) {
				return fmt.Errorf("%w: the findings lack the examination of entry %d, of some of the same files", registry.ErrProof, n)
			}
		}
	}
	found := make(map[string]bool)
	for _, l := range f.Leaks {
		sum, err := hex.DecodeString(l.SHA256)
		if err != nil || len(sum) != sha256.Size {
			continue // it could not be read
		}
		d := records.FileDigest(record.Registry, [sha256.Size]byte(sum))
		if found[string(d[:])] = true; l.Examined() && !left[string(d[:])] {
			return fmt.Errorf("%w: %.200q was not given when entry %v was made", registry.ErrProof, l.File, own)
		}
	}
	maps.DeleteFunc(left, func(d string, _ bool) bool { return found[d] })
	if n := max(len(left), given-len(f.Leaks)); n > 0 {
		return fmt.Errorf("%w: %d of the files that were given are missing in the findings", registry.ErrProof, n)
	}
	return nil
}

// add checks one proof with the ledger's public key, and adds its copy or investigation, and the states that it rests
// on, to p. It must be of the registry, and an investigation also of the actor and not after the time, that the
// findings f record. Errors wrap [registry.ErrProof], or [registry.ErrLedgerKey] if key is unusable.
func (p *proved) add(proof []byte, key string, f *findings.File) error {
	x, err := registry.CheckProof(proof, key)
	if err != nil {
		return err
	}
	record := f.Verdict.Record
	for _, c := range x.Checkpoints {
		if c.Origin != "kycmark/"+record.Registry {
			return fmt.Errorf("%w: of another registry's ledger, %s", registry.ErrProof, c.Origin)
		}
		if !p.restsOn(c) {
			p.states = append(p.states, c)
		}
		if c.Size > p.last.Size {
			p.last = c
		}
	}
	switch first := x.Entries[0]; {
	case first.Copy != nil:
		p.copies[first.Copy.ID] = *first.Copy
		for _, e := range x.Entries {
			if e.Receipt != nil {
				p.receipts[first.Copy.ID] = append(p.receipts[first.Copy.ID], e.Receipt.Entered)
			}
		}
	case first.Investigation != nil:
		is := findings.EarlierOf(first.Investigation)
		command := intake.ShellLine(record.Command...)
		if len(is.Command) > intake.MaxNote-utf8.UTFMax && strings.HasPrefix(command, is.Command) { // the ledger has its beginning
			command = is.Command
		}
		want := []findings.Earlier{{Entry: is.Entry, Started: is.Started, Actor: record.Actor, Command: command, Found: records.Timestamp(record.Found()), Evidence: record.FoundEvidence, EvidenceSHA256: record.FoundSHA256}}
		if !slices.Contains(record.Logged, is.Entry) {
			if want = f.Verdict.Earlier; first.Investigation.Published {
				want = slices.Concat(want, f.Verdict.Published)
			}
		}
		if is.Started.After(record.Time) || !slices.ContainsFunc(want, func(e findings.Earlier) bool {
			e.Shared, e.Concluded, e.Named = 0, time.Time{}, nil
			return reflect.DeepEqual(e, is)
		}) {
			return fmt.Errorf("%w: entry %d is of another investigation, or states another find or command", registry.ErrProof, is.Entry)
		}
		p.investigations[is.Entry] = first.Investigation
	case first.Conclusion != nil:
		p.conclusions = append(p.conclusions, *first.Conclusion)
	case first.Recipient != nil:
		p.recipients[cmp.Or(first.Recipient.Ref, first.Recipient.Name)] = *first.Recipient
	case first.Copies != nil:
		if len(record.Logged) > 0 && first.Entry < slices.Max(record.Logged) {
			return fmt.Errorf("%w: of how many copies there were before the investigation", registry.ErrProof)
		}
		for _, c := range first.Copies {
			if n := c.N - c.Void(record.Found()); n >= p.entered[c.Submission] {
				p.entered[c.Submission], p.became[c.Submission] = n, c
			}
		}
	}
	return nil
}
