package judge

import (
	"errors"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/keyfile"
	"github.com/kycmark/kycmark/internal/seal"
	"github.com/kycmark/kycmark/verify/findings"
)

type verifyFlags struct {
	key, ca, ledger string
}

// NewVerifyReport returns the verb "verify-report". It needs no home and writes nothing.
func NewVerifyReport(u *ui.UI) *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify-report R",
		Short: "Check a report that another party handed over",
		Long: `Check what "kycmark investigate --bundle" wrote, a folder or a .zip: signatures,
digests, timestamp, proofs from the ledger, and the arithmetic: every finding is
concluded again from its evidence, the verdict is weighed again, and the report is
written again and compared byte for byte. It needs no home and no network. Exit 1 when
something does not hold. Words that another version of kycmark wrote are not compared,
and it says so; numbers are.

Of a findings.json or a report.html alone only the arithmetic and the words can be
checked. If another version wrote the words, nothing vouches for them: exit 1.

Take the keys from somewhere else than the bundle: a forger brings keys of their own.
Without --key, --tsa-ca and --ledger-key the keys of the bundle are used and named.`,
		Example: `  kycmark verify-report bundle.zip --key report.pub --tsa-ca tsa.pem --ledger-key ledger.pub
  kycmark verify-report findings.json`,
		Args: ui.Exactly("a bundle, findings.json or report.html"),
		RunE: u.Verb(func(_ *cobra.Command, args []string) error {
			trust, err := f.trust()
			if err != nil {
				return err
			}
			r, err := examineReport(args[0], trust)
			if err != nil {
				return err
			}
			return sayChecks(u, args[0], r)
		}),
	}
	cmd.Flags().StringVar(&f.key, "key", "", "`file` with the public key of reports, PEM")
	cmd.Flags().StringVar(&f.ca, "tsa-ca", "", "`file` with the certificate of the timestamp authority or its issuers, PEM")
	cmd.Flags().StringVar(&f.ledger, "ledger-key", "", "public `key` of the ledger, or its file")
	return cmd
}

func (f *verifyFlags) trust() (trust seal.Trust, err error) {
	if f.key != "" {
		text, err := ui.ReadSmall(f.key)
		if err != nil {
			return trust, err
		}
		if trust.Key, err = keyfile.ParseReportPublic(string(text)); err != nil {
			return trust, ui.Usagef("%s: %v", f.key, err)
		}
	}
	if f.ca != "" {
		text, err := ui.ReadSmall(f.ca)
		if err != nil {
			return trust, err
		}
		if trust.TSA, err = seal.ParseCertificates(text); err != nil {
			return trust, ui.Usagef("%s: %v", f.ca, err)
		}
	}
	if f.ledger != "" {
		trust.Ledger, err = ui.PublicKey(f.ledger)
	}
	return trust, err
}

// examineReport checks the bundle (a folder or a .zip), or the findings or report at path. trust holds the keys to
// check with; a zero key means the bundle's own. For a single file all must be zero. The result says what does not hold.
func examineReport(path string, trust seal.Trust) (*seal.Result, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() && !isZip(path) {
		if trust.Key != nil || trust.TSA != nil || trust.Ledger != "" {
			return nil, ui.Usagef("%s is an unsigned report: --key, --tsa-ca and --ledger-key are for bundles", path)
		}
		data, err := intake.ReadFile(path, findings.MaxFile)
		if err != nil {
			return nil, err
		}
		return seal.CheckFindings(data), nil
	}
	b, err := seal.Read(path)
	if errors.Is(err, seal.ErrBundle) {
		return &seal.Result{Checks: []seal.Check{{Name: "bundle", Err: err}}}, nil
	}
	if err != nil {
		return nil, err
	}
	return b.Check(trust), nil
}

type checkLine struct {
	Check string  `json:"check"`
	Holds *bool   `json:"holds"` // null: not checked
	Text  string  `json:"text"`
	Error *string `json:"error"`
}

// sayChecks prints the checks in r of the file at path and, if all hold, the headline of the findings. A headline
// that another version wrote was not checked: it is printed as such, and null in JSON. A skipped check is no "no",
// unless it is of words that no signature covers.
func sayChecks(u *ui.UI, path string, r *seal.Result) error {
	for _, c := range r.Checks {
		line := checkLine{Check: c.Name, Text: c.Text, Error: ui.ReasonText(c.Err)}
		holds := c.Err == nil
		switch {
		case c.Skipped:
			u.Printf("%-10s not checked: %s\n", c.Name, c.Text)
		case holds:
			line.Holds = &holds
			u.Printf("%-10s holds: %s\n", c.Name, ui.OneLine(c.Text))
		default:
			line.Holds = &holds
			u.No()
			u.Printf("%-10s DOES NOT HOLD: %s\n", c.Name, ui.OneLine(c.Err.Error()))
			u.Errorf("%s: %s: %v", path, c.Name, c.Err)
		}
		if err := u.Line(line); err != nil {
			return err
		}
	}
	holds, headline := new(r.Holds()), ""
	skipped := func(names ...string) bool {
		return slices.ContainsFunc(r.Checks, func(c seal.Check) bool { return c.Skipped && slices.Contains(names, c.Name) })
	}
	if *holds && skipped("signature") && skipped("leaks", "verdict", "report") {
		holds = nil
		u.No()
		u.Errorf("%s: another version wrote its words, and no signature covers them: hand in the bundle, or check with that version", path)
	}
	if r.Findings != nil && r.Holds() {
		headline = r.Findings.Verdict.Headline
		words := "\n" + Wrap(ui.OneLine(headline), "") + "\n"
		if skipped("verdict") {
			words, headline = "\nThe headline was not checked:"+words, ""
		}
		u.Printf("%s", words)
	}
	return u.Line(struct {
		File     string  `json:"file"`
		Holds    *bool   `json:"holds"` // null: its words were not checked
		KeyID    *string `json:"key_id"`
		Headline *string `json:"headline"`
	}{path, holds, ui.Text(r.KeyID), ui.Text(headline)})
}
