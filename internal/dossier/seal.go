// Package dossier is what the other side is handed of an investigation: report and
// findings, signed, with proofs from the ledger; and how all of it is checked without
// the registry. docs/report.md describes the files.
package dossier

import (
	"bytes"
	"context"
	"crypto"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/kycmark/kycmark/internal/seal"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// Names of the files of a bundle that this package adds to the files of package seal.
const (
	ReportName   = "report.html"
	FindingsName = "findings.json"
	SchemaName   = "findings.schema.json"
	ProofsName   = "proofs.jsonl"
	LedgerName   = "ledger.pub"
	StateName    = "ledger.checkpoint"
)

// Content is what a bundle is made of.
type Content struct {
	Report, Findings []byte             // by verify's WriteReport and WriteFindings
	Registry         *registry.Registry // for proofs
	LedgerPublic     string             // public key name+hash+key of its ledger; "": no proofs
	Made             time.Time
}

// Seal makes the bundle. Findings that do not hold are not signed: the error wraps
// [verify.ErrFindings]. Where no signed checkpoint covers what is to be proved, the error
// wraps [registry.ErrProof].
func Seal(ctx context.Context, c Content, key crypto.Signer, tsa *seal.TSA) (*seal.Bundle, error) {
	f, err := verify.ReadFindings(bytes.NewReader(c.Findings))
	if err == nil {
		err = errors.Join(f.CheckLeaks(), f.CheckVerdict(), f.CheckReport(c.Report))
	}
	if err != nil {
		return nil, err
	}
	record, err := json.Marshal(f.Verdict.Record)
	if err != nil {
		return nil, err
	}
	content := seal.Content{
		Files: []seal.File{
			{Name: ReportName, About: "the report, for people: open it in any browser", Data: c.Report},
			{Name: FindingsName, About: "all that the report says, for machines", Data: c.Findings},
			{Name: SchemaName, About: "what the fields of " + FindingsName + " mean (JSON Schema)", Data: []byte(verify.FindingsSchema)},
		},
		Predicate: seal.Predicate{Made: c.Made, Tool: "kycmark " + f.Verdict.Record.Version, Record: record},
	}
	content.Inputs = inputs(f)
	if c.LedgerPublic != "" {
		if err := prove(ctx, c, f, &content); err != nil {
			return nil, err
		}
	}
	return seal.Seal(ctx, content, key, tsa)
}

// inputs returns the files that were examined, and the archives and PDFs that contained them.
// A file that could not be read has no digest, and is left out.
func inputs(f *verify.Findings) (out []seal.Input) {
	add := func(path string, size int64, sum string) {
		in := seal.Input{Path: path, Size: size}
		if n, err := hex.Decode(in.SHA256[:], []byte(sum)); err == nil && n == len(in.SHA256) {
			out = append(out, in)
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

// prove adds proofs that the investigation and the copies that it names stand in the
// ledger, and the last signed state that they rest on.
func prove(ctx context.Context, c Content, f *verify.Findings, to *seal.Content) error {
	var proofs bytes.Buffer
	var last registry.Checkpoint
	used := make(map[string]bool)
	add := func(proof []byte, err error) error {
		if err != nil {
			return err
		}
		p, err := registry.CheckProof(proof, c.LedgerPublic)
		if err != nil {
			return err
		}
		for _, s := range p.Checkpoints {
			used[s.Text] = true
			if s.Size > last.Size {
				last = s
			}
		}
		proofs.Write(proof)
		return nil
	}
	for _, entry := range f.Verdict.Record.Logged {
		if err := add(c.Registry.Ledger().ProveInvestigation(ctx, entry, c.LedgerPublic)); err != nil {
			return err
		}
	}
	for _, x := range named(f) {
		if err := add(c.Registry.Ledger().Prove(ctx, x.ID, c.LedgerPublic)); err != nil {
			return err
		}
	}
	if proofs.Len() == 0 {
		return nil
	}
	to.Predicate.Ledger = &seal.Ledger{Key: c.LedgerPublic, Checkpoint: last.Text}
	to.Files = append(to.Files,
		seal.File{Name: ProofsName, About: "proofs that this investigation and the copies named stand in the ledger, one a line", Data: proofs.Bytes()},
		seal.File{Name: StateName, About: "the ledger's signed state (C2SP tlog-checkpoint)", Data: []byte(last.Text)},
		seal.File{Name: LedgerName, About: "public key of the ledger, which the proofs are checked with", Data: []byte(c.LedgerPublic + "\n")})
	return stamps(ctx, c.Registry, used, to)
}

// stamps adds the timestamps of those states of the ledger that proofs rest on.
func stamps(ctx context.Context, r *registry.Registry, used map[string]bool, to *seal.Content) error {
	kept, err := r.Ledger().Checkpoints(ctx)
	if err != nil {
		return err
	}
	for _, s := range kept {
		if !used[s.Text] || len(s.Stamp) == 0 {
			continue
		}
		name := stampName(s)
		to.Files = append(to.Files,
			seal.File{Name: name + stampEnd, About: "a timestamp (RFC 3161) of the next, a state of the ledger", Data: s.Stamp},
			seal.File{Name: name + bodyEnd, About: "that state without its signatures", Data: s.Body()})
	}
	return nil
}

// Of a state of so many entries: its timestamp, and what that is of.
const (
	stampEnd = ".tsr"
	bodyEnd  = ".body"
)

func stampName(c registry.Checkpoint) string { return fmt.Sprintf("ledger-%d", c.Size) }

// named are the copies whose recipients stand beside leaks, each once.
func named(f *verify.Findings) (out []registry.Copy) {
	once := make(map[watermark.CopyID]bool)
	for _, l := range f.Leaks {
		if l.MayName() == "" {
			continue
		}
		for _, c := range l.Issued {
			if !once[c.ID] {
				once[c.ID] = true
				out = append(out, c)
			}
		}
	}
	return out
}

// errNoProofs says that a bundle has no proofs from the ledger.
var errNoProofs = fmt.Errorf("%w: the bundle has no proofs", registry.ErrProof)
