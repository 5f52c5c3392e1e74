package judge

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/keyfile"
	"github.com/kycmark/kycmark/internal/seal"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/registry"
)

// bundleFlags are what an investigation writes beside its report, for others.
type bundleFlags struct {
	findings, bundle, authority string

	key            ed25519.PrivateKey
	ledger, public string // halves of the ledger's key; "": no proofs
	tsa            *seal.TSA
}

// ready checks, before any work is done, that the findings and the bundle can be written, and reads what signs the
// bundle and the ledger. No output may be one of inputs or a file of the home.
func (f *bundleFlags) ready(b *ui.Desk, inputs []string) (err error) {
	if err := b.CheckOutputs(false, inputs, f.findings); err != nil {
		return err
	}
	if f.tsa, err = ui.Authority(b, f.authority); f.tsa != nil && f.bundle == "" {
		err = ui.Usagef("--tsa dates a bundle: name it by --bundle")
	}
	if err != nil || f.bundle == "" {
		return err
	}
	if err := f.checkBundle(b.Home.Files(), inputs); err != nil {
		return err
	}
	if f.key, err = b.Home.ReportKey(); err != nil {
		return ui.HintFor(err, fs.ErrNotExist, "this home has no key for reports: make one with \"kycmark key report --create\"")
	}
	if f.ledger, err = b.Home.LedgerKey(); err == nil {
		f.public, err = b.Home.LedgerPublic()
	} else if errors.Is(err, fs.ErrNotExist) || b.Home.InvestigateOnly {
		b.Warnf("the bundle has no proofs from the ledger: %v", err)
		return nil
	}
	return err
}

// checkBundle returns an error if the bundle cannot be written: a .zip must not exist, and a folder must be new or
// empty. Neither may be in kept or inputs.
func (f *bundleFlags) checkBundle(kept, inputs []string) error {
	if isZip(f.bundle) {
		return ui.CheckOutput(f.bundle, false, kept, inputs...)
	}
	if err := ui.CheckSpared(f.bundle, kept); err != nil {
		return err
	}
	entries, err := os.ReadDir(f.bundle)
	switch {
	case len(entries) > 0:
		return ui.WithHint(fmt.Errorf("output %s is not empty", f.bundle), "name a new folder or a .zip")
	case err == nil, errors.Is(err, fs.ErrNotExist):
		return ui.CheckFolder(f.bundle)
	}
	return ui.WithHint(fmt.Errorf("output %s: %s", f.bundle, ui.Reason(err)), "name a new folder or a .zip")
}

func isZip(path string) bool { return strings.EqualFold(filepath.Ext(path), ".zip") }

// write writes the findings file and the bundle, as far as flags name them. report is the HTML. With reveal the
// findings name subjects and all recipients. For a bundle it also signs the ledger's present state.
func (f *bundleFlags) write(ctx context.Context, b *ui.Desk, inv *verify.Investigation, d *findings.Verdict, report []byte, reveal bool) error {
	if f.findings == "" && f.bundle == "" {
		return nil
	}
	var findings bytes.Buffer
	if err := inv.WriteFindings(ctx, &findings, d, reveal); err != nil {
		return err
	}
	if f.findings != "" {
		if err := ui.WriteOutput(f.findings, findings.Bytes(), false); err != nil {
			return err
		}
	}
	if f.bundle == "" {
		return nil
	}
	if err := f.sign(ctx, b); err != nil {
		return err
	}
	in := seal.Investigation{Report: report, Findings: findings.Bytes(), Registry: b.Registry, LedgerPublic: f.public, Made: time.Now(),
		Sign: func(ctx context.Context) error { return f.sign(ctx, b) }}
	sealed, err := seal.Seal(ctx, in, f.key, f.tsa)
	if err != nil {
		return err
	}
	return sealed.Write(f.bundle)
}

// sign signs the ledger's present state, so that proofs can rest on it, unless there is no key. If the home is for
// investigation only, it warns and sets f.public to "".
func (f *bundleFlags) sign(ctx context.Context, b *ui.Desk) error {
	if f.public == "" {
		return nil
	}
	r, err := b.Home.Registry(ctx)
	if err != nil {
		return err
	}
	_, err = registry.SignLast(ctx, r.Ledger(), f.ledger)
	if err = errors.Join(err, r.Close()); errors.Is(err, registry.ErrReadOnly) && b.Home.InvestigateOnly {
		b.Warnf("the bundle has no proofs from the ledger: this home is for investigation only")
		f.public, err = "", nil
	}
	return err
}

// writeAll writes the report, the findings and the bundle as far as flags name them, and then prints the paths.
func (f *investigateFlags) writeAll(ctx context.Context, b *ui.Desk, inv *verify.Investigation, d *findings.Verdict) error {
	var report bytes.Buffer
	if f.report != "" || f.bundle != "" {
		if err := inv.WriteReport(ctx, &report, d, f.reveal); err != nil {
			return err
		}
	}
	if f.report != "" {
		if err := ui.WriteOutput(f.report, report.Bytes(), false); err != nil {
			return err
		}
	}
	if err := f.write(ctx, b, inv, d, report.Bytes(), f.reveal); err != nil {
		return err
	}
	if f.report != "" {
		b.Printf("\nreport: %s\n", f.report)
	}
	if f.findings != "" {
		b.Printf("findings: %s\n", f.findings)
	}
	if f.bundle != "" {
		b.Printf("bundle: %s, signed by the report key %s\n", f.bundle, keyfile.ReportID(f.key.Public().(ed25519.PublicKey)))
	}
	return nil
}

// checkOutputs returns an error, before any work is done, if an output cannot be written. An output must not be one
// of the leaks in dump, a file of a home, or another output. Only the state file may exist.
func (f *investigateFlags) checkOutputs(b *ui.Desk, dump []string) error {
	inputs := ui.ListFiles(dump)
	if err := b.CheckOutputs(false, inputs, f.report); err != nil {
		return err
	}
	if f.state != "" { // a state file may exist: it is what an earlier run left
		if err := ui.CheckSpared(f.state, b.Home.Files()); err != nil {
			return err
		}
	}
	outputs := []struct{ flag, path string }{
		{"--report", f.report}, {"--findings", f.findings}, {"--bundle", f.bundle}, {"--state", f.state},
	}
	for i, x := range outputs {
		for _, y := range outputs[:i] {
			if x.path != "" && y.path != "" && ui.SamePlace(x.path, y.path) {
				return ui.Usagef("%s and %s are one file, %s", y.flag, x.flag, x.path)
			}
		}
	}
	return f.ready(b, inputs)
}
