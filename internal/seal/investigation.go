package seal

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// Names of the files that say what was found. For the ledger's first N entries there may also
// be a timestamp, ledger-N.tsr, and what it stamps, ledger-N.body.
const (
	reportName   = "report.html"
	findingsName = "findings.json"
	schemaName   = "findings.schema.json"
	proofsName   = "proofs.jsonl"
	ledgerName   = "ledger.pub"
	stateName    = "ledger.checkpoint"
)

// An Investigation is what a bundle is made of.
type Investigation struct {
	Report, Findings []byte // by verify's WriteReport and WriteFindings
	Registry         *registry.Registry
	LedgerPublic     string // "": no proofs from the ledger
	// Sign signs the present state of the ledger, which the registry keeps. It is called when it is known what is to
	// be proved, since others may enter more meanwhile; nil: the last entry was signed.
	Sign func(context.Context) error
	Made time.Time
}

// Seal makes a bundle of in, signed with key, an Ed25519 key, and stamped by tsa unless that is nil. It writes nothing:
// [Bundle.Write] does. Findings that do not follow from their evidence are not signed: the error wraps
// [findings.ErrUnsound]. If no signed checkpoint covers what is to be proved, the error wraps [registry.ErrProof].
// Other errors wrap [ErrBundle], [keyfile.ErrKey] or [ErrTSA].
func Seal(ctx context.Context, in Investigation, key crypto.Signer, tsa *TSA) (*Bundle, error) {
	f, err := verify.ReadFindings(bytes.NewReader(in.Findings))
	if err == nil {
		err = errors.Join(verify.CheckLeaks(f), verify.CheckVerdict(f), verify.CheckReport(f, in.Report))
	}
	if err != nil {
		return nil, err
	}
	record, err := json.Marshal(f.Verdict.Record)
	if err != nil {
		return nil, err
	}
	c := content{
		files: []File{
			{reportName, "the report, for people: open it in any browser", in.Report},
			{findingsName, "all that the report says, for machines", in.Findings},
			{schemaName, "what the fields of " + findingsName + " mean (JSON Schema)", []byte(findings.Schema)},
		},
		inputs:    examined(f),
		predicate: Predicate{Made: in.Made, Tool: "kycmark " + f.Verdict.Record.Version, Record: record},
	}
	if in.LedgerPublic != "" {
		if err := c.prove(ctx, in, f); err != nil {
			return nil, err
		}
	}
	return c.sign(ctx, key, tsa)
}

// examined returns the files that were examined, and the archives and PDFs that contained them, as subjects, with
// repetitions and unsorted. A file without a valid digest, since it could not be read, is left out.
func examined(f *findings.File) (out []Subject) {
	add := func(path string, size int64, sum string) {
		if raw, err := hex.DecodeString(sum); err == nil && len(raw) == 32 {
			out = append(out, input(path, size, [32]byte(raw)))
		}
	}
	for _, l := range f.Leaks {
		add(l.File, l.Size, l.SHA256)
	}
	for _, c := range f.Verdict.Record.Containers {
		add(c.File, c.Size, c.SHA256)
	}
	return out
}

// provedTogether is how many submissions one proof of numbers of copies has. Paths among ten million lists are of some
// 2.2 kB of JSON each, and a proof may have 16 MiB.
const provedTogether = 1000

// prove adds proofs to c: that the ledger has the investigations that f records and the copies that f names. It
// proves how many copies there are of submissions that leaks show. It also adds the largest signed state of the
// ledger that the proofs rest on, and kept timestamps of these states. If there is nothing to prove, it adds nothing. The error
// wraps [registry.ErrProof] if no signed checkpoint covers an entry: prove signs no checkpoint.
func (c *content) prove(ctx context.Context, in Investigation, f *findings.File) error {
	p, ledger := newProved(), in.Registry.Ledger()
	var proofs bytes.Buffer
	var failed error
	add := func(proof []byte, err error) {
		if err == nil {
			err = p.add(proof, in.LedgerPublic, f)
		}
		proofs.Write(proof)
		failed = cmp.Or(failed, err)
	}
	for _, entry := range f.Verdict.Record.Logged {
		add(ledger.ProveInvestigation(ctx, entry, in.LedgerPublic, true))
	}
	for _, e := range slices.Concat(f.Verdict.Earlier, f.Verdict.Published) {
		add(ledger.ProveInvestigation(ctx, e.Entry, in.LedgerPublic, false))
	}
	if err := cmp.Or(failed, p.examined(f)); err != nil {
		return err
	}
	if c, err := verify.ConclusionOf(f); err != nil {
		return err
	} else if c != nil {
		add(registry.ProveConclusion(ctx, ledger, c, in.LedgerPublic))
	}
	for _, x := range f.ConfirmedCopies() {
		add(ledger.Prove(ctx, x.ID, in.LedgerPublic))
	}
	for _, name := range namesIn(f) {
		add(registry.ProveRecipient(ctx, ledger, name, in.LedgerPublic))
	}
	if failed != nil {
		return failed
	}
	for of := range slices.Chunk(records.Ascending(slices.Collect(maps.Keys(f.CopiesTaken()))), provedTogether) {
		add(ledger.ProveCopies(ctx, of, in.LedgerPublic, in.Sign))
	}
	if err := cmp.Or(failed, p.sameStates(f), tookAll(p.entered, f)); err != nil || proofs.Len() == 0 {
		return err
	}
	c.predicate.Ledger = &Ledger{Key: in.LedgerPublic, Checkpoint: p.last.Text}
	c.files = append(c.files,
		File{proofsName, "proofs that the investigations and the copies named are in the ledger, and how many copies there are, one a line", proofs.Bytes()},
		File{stateName, "the ledger's signed state (C2SP tlog-checkpoint)", []byte(p.last.Text)},
		File{ledgerName, "public key of the ledger, which the proofs are checked with", []byte(in.LedgerPublic + "\n")})
	states, err := ledger.Checkpoints(ctx)
	if err != nil {
		return err
	}
	for _, s := range states {
		if p.restsOn(s) && len(s.Stamp) > 0 {
			stamp, body := stateFiles(s)
			c.files = append(c.files, File{stamp, "a timestamp (RFC 3161) of the next, a state of the ledger", s.Stamp},
				File{body, "that state without its signatures", s.Body()})
		}
	}
	return nil
}

// stateFiles names the files of a state of the ledger: its timestamp, and what that stamps.
func stateFiles(c books.Checkpoint) (stamp, body string) {
	return fmt.Sprintf("ledger-%d.tsr", c.Size), fmt.Sprintf("ledger-%d.body", c.Size)
}

// namesIn returns the recipients whose kind findings have, and the references of reviewers whose names they have.
func namesIn(f *findings.File) []string {
	names := slices.Sorted(maps.Keys(f.Verdict.History.Reviewers))
	for _, r := range f.Verdict.History.Recipients {
		if r.Kind != "" {
			names = append(names, r.Name)
		}
	}
	return names
}

// sameStates checks that copies have the states in the findings f that the ledger has at the find, or when the leak was known. A
// reserved copy may have been released since. The error wraps [registry.ErrProof].
func (p *proved) sameStates(f *findings.File) error {
	for _, l := range f.Leaks {
		copies := slices.Clone(l.Issued)
		for _, r := range l.Reads {
			copies = append(copies, books.Copy{ID: r.Copy, Submission: r.Submission, Issued: r.Issued, State: cmp.Or(r.State, books.CopyReleased)})
		}
		for _, c := range copies {
			all, ok := p.became[c.Submission]
			state := all.StateAt(c, books.Earliest(f.Verdict.Record.Found(), l.Known))
			if ok && state != c.State && (c.State != books.CopyReserved || state != books.CopyReleased) {
				return fmt.Errorf("%w: copy %s is %s in the ledger, and %s in the findings", registry.ErrProof, c.ID, state, c.State)
			}
		}
	}
	return nil
}

// tookAll checks that findings f have all entered copies of each submission. The error wraps [registry.ErrProof].
func tookAll(entered map[watermark.Submission]uint64, f *findings.File) error {
	taken := f.CopiesTaken()
	for _, of := range records.Ascending(slices.Collect(maps.Keys(entered))) {
		if n := entered[of]; n > uint64(taken[of]) {
			return fmt.Errorf("%w: the ledger has %d copies of submission %s, and the findings %d: some are hidden, or were issued meanwhile", registry.ErrProof, n, of, taken[of])
		}
	}
	return nil
}
