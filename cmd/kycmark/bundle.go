package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/keyfile"
	"github.com/kycmark/kycmark/internal/seal"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/registry"
)

// bundleFlags are what an investigation writes beside its report, for others.
type bundleFlags struct {
	findings, bundle string
	stampFlags

	key ed25519.PrivateKey
	tsa *seal.TSA
}

// add registers the flags.
func (f *bundleFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.findings, "findings", "", "write all findings to this `file`, as JSON")
	cmd.Flags().StringVar(&f.bundle, "bundle", "", "write report, findings and proofs, signed, to this new `folder` or .zip")
	f.stampFlags.add(cmd)
}

// stampFlags name a timestamp authority.
type stampFlags struct{ url, ca string }

// add registers the flags.
func (f *stampFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.url, "tsa", "", "`address` of a timestamp authority (RFC 3161) that is to date what is signed")
	cmd.Flags().StringVar(&f.ca, "tsa-ca", "", "`file` with the authority's certificate or its issuers' certificates, PEM")
}

// authority is nil where no address is given.
func (f *stampFlags) authority() (*seal.TSA, error) {
	switch {
	case f.url == "" && f.ca == "":
		return nil, nil
	case f.url == "" || f.ca == "":
		return nil, usagef("--tsa and --tsa-ca go together")
	}
	trusted, err := certificates(f.ca)
	return &seal.TSA{URL: f.url, Trusted: trusted}, err
}

// certificates reads the certificates in a PEM file; nil for a path of "".
func certificates(path string) ([]*x509.Certificate, error) {
	if path == "" {
		return nil, nil
	}
	text, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	certs, err := seal.ParseCertificates(text)
	if err != nil {
		return nil, usagef("%s: %v", path, err)
	}
	return certs, nil
}

// ready looks, before any work is done, whether it can be written.
func (f *bundleFlags) ready(b *books, force bool, inputs []string) (err error) {
	if err := b.checkOutputs(force, inputs, f.findings); err != nil {
		return err
	}
	if f.tsa, err = f.authority(); err != nil {
		return err
	}
	if f.bundle == "" {
		if f.tsa != nil {
			return usagef("--tsa dates a bundle: name it by --bundle")
		}
		return nil
	}
	if err := f.checkBundle(force, b.home.Files(), inputs); err != nil {
		return err
	}
	f.key, err = b.home.ReportKey()
	if errors.Is(err, fs.ErrNotExist) {
		return withHint(err, "this home has no key for reports: make one with \"kycmark key report --create\"")
	}
	return err
}

// checkBundle looks whether the bundle can be written: a .zip, or a folder that is new or
// empty.
func (f *bundleFlags) checkBundle(force bool, kept, inputs []string) error {
	if isZip(f.bundle) {
		return checkOutput(f.bundle, force, kept, inputs...)
	}
	if err := checkSpared(f.bundle, kept); err != nil {
		return err
	}
	entries, err := os.ReadDir(f.bundle)
	switch {
	case len(entries) > 0:
		return withHint(fmt.Errorf("output %s is not empty", f.bundle), "name a new folder or a .zip")
	case err == nil, errors.Is(err, fs.ErrNotExist):
		return checkFolder(f.bundle)
	}
	return withHint(fmt.Errorf("output %s: %s", f.bundle, reason(err)), "name a new folder or a .zip")
}

// isZip reports whether a path has the ending .zip.
func isZip(path string) bool { return strings.EqualFold(filepath.Ext(path), ".zip") }

// write writes what was asked for.
func (f *bundleFlags) write(ctx context.Context, b *books, inv *verify.Investigator, d *verify.DumpVerdict, report []byte, reveal, force bool) error {
	if f.findings == "" && f.bundle == "" {
		return nil
	}
	var findings bytes.Buffer
	if err := inv.WriteFindings(ctx, &findings, d, reveal); err != nil {
		return err
	}
	if f.findings != "" {
		if err := writeOutput(f.findings, findings.Bytes(), force); err != nil {
			return err
		}
	}
	if f.bundle == "" {
		return nil
	}
	public, err := b.signedState(ctx)
	if err != nil {
		return err
	}
	sealed, err := seal.Seal(ctx, seal.Investigation{
		Report: report, Findings: findings.Bytes(), Registry: b.registry, LedgerPublic: public, Made: time.Now(),
	}, f.key, f.tsa)
	if err != nil {
		return err
	}
	return sealed.Write(f.bundle, force)
}

// signedState signs the ledger's present state, so that a proof can rest on it, and
// returns the key that checks it; "" where this home cannot sign.
func (b *books) signedState(ctx context.Context) (string, error) {
	private, err := b.home.LedgerKey()
	if err != nil {
		b.warnf("the bundle has no proofs from the ledger: %v", err)
		return "", nil
	}
	r, err := b.home.Registry(ctx)
	if err != nil {
		return "", err
	}
	_, err = r.Ledger().Sign(ctx, private)
	if err := errors.Join(err, r.Close()); errors.Is(err, registry.ErrReadOnly) {
		b.warnf("the bundle has no proofs from the ledger: this home is for investigation only")
		return "", nil
	} else if err != nil {
		return "", err
	}
	return b.home.LedgerPublic()
}

// written says what was written.
func (f *bundleFlags) written(b *books) {
	if f.findings != "" {
		b.printf("findings: %s\n", f.findings)
	}
	if f.bundle != "" {
		b.printf("bundle: %s, signed by the report key %s\n", f.bundle, keyfile.ReportID(f.key.Public().(ed25519.PublicKey)))
	}
}
