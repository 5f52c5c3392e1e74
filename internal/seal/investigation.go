package seal

import (
	"bytes"
	"context"
	"crypto"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kycmark/kycmark/internal/books"
	"github.com/kycmark/kycmark/verify"
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
	Report, Findings []byte   // by verify's WriteReport and WriteFindings
	Sources          []Source // the registries that were searched, in the order of the findings
	Made             time.Time
}

// A Source is a registry with its name in the findings, for proofs from its ledger.
type Source struct {
	Name         string // "": the only one
	Registry     *registry.Registry
	LedgerPublic string // "": no proofs, of any registry
	// Sign signs the present state of the ledger, which the registry keeps. It is called when it is known what is to
	// be proved, since others may enter more meanwhile; nil: the last entry was signed.
	Sign func(context.Context) error
}

// Seal makes a bundle of in, signed with key, an Ed25519 key, and stamped by tsa unless that is
// nil. It writes nothing: [Bundle.Write] does. Findings that do not follow from their evidence
// are not signed: the error wraps [verify.ErrFindings]. If no signed checkpoint covers what is
// to be proved, the error wraps [registry.ErrProof]. Other errors wrap [ErrBundle],
// [keyfile.ErrKey] or [ErrTSA].
func Seal(ctx context.Context, in Investigation, key crypto.Signer, tsa *TSA) (*Bundle, error) {
	f, err := verify.ReadFindings(bytes.NewReader(in.Findings))
	if err == nil {
		err = errors.Join(f.CheckLeaks(), f.CheckVerdict(), f.CheckReport(in.Report))
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
			{schemaName, "what the fields of " + findingsName + " mean (JSON Schema)", []byte(verify.FindingsSchema)},
		},
		inputs:    examined(f),
		predicate: Predicate{Made: in.Made, Tool: "kycmark " + f.Verdict.Record.Version, Record: record},
	}
	if err := c.proveAll(ctx, in, f); err != nil {
		return nil, err
	}
	return c.sign(ctx, key, tsa)
}

// examined returns the files that were examined, and the archives and PDFs that contained them,
// as subjects, with repetitions and unsorted. A file without a valid digest, since it could not
// be read, is left out.
func examined(f *verify.Findings) (out []Subject) {
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

// proveAll adds the proofs from the ledger of each registry to c, or none if a ledger has no public key.
// The error wraps [registry.ErrProof] if no ledger has a copy that f names.
func (c *content) proveAll(ctx context.Context, in Investigation, f *verify.Findings) error {
	sources := in.Sources
	if slices.ContainsFunc(sources, func(s Source) bool { return s.LedgerPublic == "" }) {
		return nil
	}
	proved, entered := make(map[watermark.CopyID]bool), make(map[watermark.Submission]uint64)
	for i, l := range ledgersOf(f) {
		if i >= len(sources) || sources[i].Name != l.name {
			return fmt.Errorf("%w: the findings are of other registries", ErrBundle)
		}
		if err := c.prove(ctx, sources[i], l, f, proved, entered); err != nil {
			return err
		}
	}
	for _, x := range f.ConfirmedCopies() {
		if !proved[x.ID] {
			return fmt.Errorf("%w: no ledger has copy %s", registry.ErrProof, x.ID)
		}
	}
	return tookAll(entered, f)
}

// A ledgerOf is the ledger of a registry, as findings record it.
type ledgerOf struct {
	name   string // of the registry; "": the only one
	id     string
	logged []int64
}

// ledgersOf returns the ledgers of the registries that were searched.
func ledgersOf(f *verify.Findings) (out []ledgerOf) {
	r := &f.Verdict.Record
	for _, x := range r.Registries {
		out = append(out, ledgerOf{x.Name, x.Registry, x.Logged})
	}
	if out == nil {
		return []ledgerOf{{"", r.Registry, r.Logged}}
	}
	return out
}

// names reports whether a recipient in findings may be one of the registry, which calls it own; "": any.
func (l *ledgerOf) names(recipient, own string) bool {
	if l.name == "" {
		return own == "" || recipient == own
	}
	return slices.ContainsFunc(strings.Split(recipient, " = "), func(name string) bool {
		of, local, _ := strings.Cut(name, "/")
		return of == l.name && (own == "" || own == local)
	})
}

// file returns the name of a file of the ledger: of several the registry's name is in it.
func (l *ledgerOf) file(name string) string {
	if l.name == "" {
		return name
	}
	before, after, _ := strings.Cut(name, ".")
	return before + "-" + l.name + "." + after
}

// provedTogether is how many submissions one proof of numbers of copies has. Paths among ten million lists are of some
// 2.2 kB of JSON each, and a proof may have 16 MiB.
const provedTogether = 1000

// prove adds proofs to c: that the ledger has the investigations that f records and the copies
// that f names, which are noted in proved. It proves how many copies there are of submissions that leaks show,
// and adds their numbers to entered. It also adds the largest signed state of the ledger that the proofs rest on, and
// kept timestamps of these states. If there is nothing to prove, it adds nothing. The error
// wraps [registry.ErrProof] if no signed checkpoint covers an entry: prove signs no checkpoint.
func (c *content) prove(ctx context.Context, in Source, l ledgerOf, f *verify.Findings, proved map[watermark.CopyID]bool, entered map[watermark.Submission]uint64) error {
	became, named := make(map[watermark.Submission]registry.CopiesEntered), []registry.Copy(nil)
	ledger := in.Registry.Ledger()
	var proofs bytes.Buffer
	var last registry.Checkpoint
	used := make(map[string]bool) // texts of the states that proofs rest on
	add := func(proof []byte, err error) error {
		if err != nil {
			return err
		}
		p, err := registry.CheckProof(proof, in.LedgerPublic)
		if err != nil {
			return err
		}
		for _, s := range p.Checkpoints {
			used[s.Text] = true
			if s.Size > last.Size {
				last = s
			}
		}
		for _, c := range p.Entries[0].Copies {
			entered[c.Submission] += c.N - c.Void()
			became[c.Submission] = c
		}
		proofs.Write(proof)
		return nil
	}
	for _, entry := range l.logged {
		if err := add(ledger.ProveInvestigation(ctx, entry, in.LedgerPublic)); err != nil {
			return err
		}
	}
	for _, x := range f.ConfirmedCopies() {
		if !l.names(x.Recipient, "") {
			continue
		}
		if row, err := in.Registry.Copy(ctx, x.ID); l.name != "" && (errors.Is(err, registry.ErrNotFound) || err == nil && row.KeyID != x.KeyID) {
			continue // of another registry of the same party
		}
		if err := add(ledger.Prove(ctx, x.ID, in.LedgerPublic)); err != nil {
			return err
		}
		proved[x.ID] = true
		named = append(named, x)
	}
	for of := range slices.Chunk(books.Ascending(slices.Collect(maps.Keys(f.CopiesTaken()))), provedTogether) {
		if err := add(ledger.ProveCopies(ctx, of, in.LedgerPublic, in.Sign)); err != nil {
			return err
		}
	}
	for _, x := range named {
		if err := sameState(x, became); err != nil {
			return err
		}
	}
	if proofs.Len() == 0 {
		return nil
	}
	stated := Ledger{Registry: l.name, Key: in.LedgerPublic, Checkpoint: last.Text}
	if l.name == "" {
		c.predicate.Ledger = &stated
	} else {
		c.predicate.Ledgers = append(c.predicate.Ledgers, stated)
	}
	c.files = append(c.files,
		File{l.file(proofsName), "proofs that this investigation and the copies named are in the ledger, and how many copies there are, one a line", proofs.Bytes()},
		File{l.file(stateName), "the ledger's signed state (C2SP tlog-checkpoint)", []byte(last.Text)},
		File{l.file(ledgerName), "public key of the ledger, which the proofs are checked with", []byte(in.LedgerPublic + "\n")})
	states, err := ledger.Checkpoints(ctx)
	if err != nil {
		return err
	}
	for _, s := range states {
		if used[s.Text] && len(s.Stamp) > 0 {
			stamp, body := l.stateFiles(s)
			c.files = append(c.files,
				File{stamp, "a timestamp (RFC 3161) of the next, a state of the ledger", s.Stamp},
				File{body, "that state without its signatures", s.Body()})
		}
	}
	return nil
}

// stateFiles names the files of a state of the ledger: its timestamp, and what that stamps.
func (l *ledgerOf) stateFiles(c registry.Checkpoint) (stamp, body string) {
	return l.file(fmt.Sprintf("ledger-%d.tsr", c.Size)), l.file(fmt.Sprintf("ledger-%d.body", c.Size))
}
