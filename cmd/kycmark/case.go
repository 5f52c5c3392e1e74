package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/casefile"
	"github.com/kycmark/kycmark/internal/durable"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/seal"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/registry"
)

// newCase returns the verb "case", which does nothing itself: "open", "close", "check" and
// "statement" are below it.
func newCase(u *ui) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "case",
		Short: "Make and check the file of a case, for a court",
		Long: `A case is opened before the examination: what both sides say, and what the examiner
knows, are entered in the ledger. The examination names the case. Then the case is
closed: one signed file, which the other side's expert checks offline.`,
		Example: `  kycmark case open c17 --id 17/26 --propositions sides.txt --examiner "A. Muster" --role "employee" --party "the exchange"
  kycmark investigate leaks/ --case c17 --found 2026-11-20 --bundle leaks.zip
  kycmark case close c17 --bundle leaks.zip --out case-17.zip
  kycmark case check case-17.zip --key report.pub --ledger-key ledger.pub`,
	}
	return only(cmd, newCaseOpen(u), newCaseClose(u), newCaseCheck(u), newCaseStatement(u))
}

// newCaseOpen returns the verb "case open", which writes the file case.json into a new folder and
// enters its digest in the ledger.
func newCaseOpen(u *ui) *cobra.Command {
	var id, propositions, examiner, role, party string
	cmd := &cobra.Command{
		Use:   "open FOLDER --id NUMBER --propositions FILE --examiner NAME --role ROLE --party PARTY",
		Short: "Fix what both sides say, before the examination",
		Long: `Write FOLDER/case.json and enter its SHA-256 in the ledger. Do this before "kycmark
investigate": a case that is opened later says so on page one. The file of propositions has
a line for each fact, as

  proposition of the exchange: The pictures are copies that were issued to vendor-a.
  proposition of vendor-a: The pictures come from another service of the same customers.
  given: The exchange received 400 files on 2026-11-20, by e-mail from a journalist.
  says [no-mark]: They lack our watermark.

Propositions of two sides and one given fact are needed. Sentences of a statement (says)
name what the findings can decide:
` + claimWords() + `

Put acquisition.csv into the folder: a row for each file or archive, with the columns file,
sha256, from, by, at, device, hashed_with.`,
		Example: `  kycmark case open c17 --id 17/26 --propositions sides.txt --examiner "A. Muster" --role "employee" --party "the exchange"`,
		Args:    exactly("FOLDER"),
	}
	fs := cmd.Flags()
	fs.StringVar(&id, "id", "", "`number` of the case")
	fs.StringVar(&propositions, "propositions", "", "`file` with what both sides say")
	fs.StringVar(&examiner, "examiner", "", "`name` of the person who examines")
	fs.StringVar(&role, "role", "", "what the examiner is, such as \"employee of the exchange\"")
	fs.StringVar(&party, "party", "", "on whose behalf the examiner acts")
	for _, name := range []string{"id", "propositions", "examiner", "role", "party"} {
		cmd.MarkFlagRequired(name)
	}
	return u.searchVerb(cmd, func(ctx context.Context, b *books, args []string) error {
		text, err := readSmall(propositions)
		if err != nil {
			return err
		}
		c, err := casefile.ParseText(string(text))
		if err != nil {
			return usagef("%s: %v", propositions, err)
		}
		c.ID, c.Examiner, c.Role, c.Party = id, examiner, role, party
		c.Registry, c.Opened = b.registry.ID(), time.Now().UTC().Truncate(time.Second)
		return b.openCase(ctx, args[0], c)
	})
}

// claimWords lists the claims of a statement, one a line, for the help.
func claimWords() string {
	var out []string
	for _, c := range casefile.Claims() {
		out = append(out, fmt.Sprintf("  %-13s %s", c[0], c[1]))
	}
	return strings.Join(out, "\n")
}

// openCase writes case.json into a folder, which must not have it, and then enters it. A case that
// lacks something is wrong usage.
func (b *books) openCase(ctx context.Context, folder string, c *casefile.Case) error {
	text, err := c.Encode()
	if err == nil {
		_, err = casefile.ReadCase(text)
	}
	if err != nil {
		return &usageError{err}
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	path := filepath.Join(folder, casefile.CaseName)
	if err := writeOutput(path, text, false); err != nil {
		return err
	}
	entry, err := b.logCase(ctx, "kycmark case open "+c.ID, text)
	if err != nil {
		return err
	}
	b.printf("%s: case %s, entry %d of the ledger\n", path, c.ID, entry)
	b.hintf("put %s beside it, and examine with \"kycmark investigate --case %s\"", casefile.AcquisitionName, folder)
	return b.line(map[string]any{"file": path, "case": c.ID, "sha256": fmt.Sprintf("%x", sha256.Sum256(text)), "entry": entry})
}

// logCase enters the SHA-256 of a file of a case in the ledger, as an investigation of no files. Homes
// for investigation only may do that. It returns the number of the entry.
func (b *books) logCase(ctx context.Context, command string, text []byte) (int64, error) {
	return b.registry.Engine().LogInvestigation(ctx, registry.Investigation{Actor: actor(), Command: command, Input: sha256.Sum256(text)})
}

// opened fills in what --case says: a folder of "kycmark case open" gives the case's number, examiner,
// digest and entry; any other text is the number alone. It returns the folder, "" for a number. A path
// without a case, and a case that the ledger does not have, are wrong usage.
func (b *books) opened(ctx context.Context, f *investigateFlags, c *verify.Circumstances) (string, error) {
	text, err := readSmall(filepath.Join(f.caseNumber, casefile.CaseName))
	if f.caseNumber == "" || errors.Is(err, fs.ErrNotExist) || err != nil && !isFolder(f.caseNumber) {
		if strings.HasPrefix(f.caseNumber, ".") || strings.HasSuffix(f.caseNumber, "/") || filepath.IsAbs(f.caseNumber) {
			return "", usagef("--case %s: no case there; \"kycmark case open\" makes one", f.caseNumber)
		}
		return "", nil
	}
	if err != nil {
		return "", err
	}
	opened, err := casefile.ReadCase(text)
	if err != nil {
		return "", &usageError{err}
	}
	var entered *registry.Investigation
	if at := b.with(opened.Registry); at != nil {
		all, err := at.registry.Ledger().Investigations(ctx)
		if err != nil {
			return "", err
		}
		entered = casefile.Entered(all, text)
	}
	if entered == nil {
		return "", usagef("--case %s: this ledger has no entry of that case", f.caseNumber)
	}
	c.Case, c.CaseDigest, c.CaseEntry = opened.ID, fmt.Sprintf("%x", sha256.Sum256(text)), entered.Entry
	if c.Examiner == "" {
		c.Examiner = opened.Examiner
	}
	return f.caseNumber, nil
}

// with returns the books of the registry with an ID, nil if that registry is not searched.
func (b *books) with(id string) *books {
	for _, x := range b.each() {
		if x.registry.ID() == id {
			return x.books
		}
	}
	return nil
}

// isFolder reports whether path is a folder.
func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// commit binds the examiner to the values of each leak: it enters commitments in the ledger, and
// writes them and what opens them into the folder of the case. The names of both files have the
// number of the investigation's entry in the ledger of the case.
func (b *books) commit(ctx context.Context, folder string, inv *verify.Investigator, d *verify.DumpVerdict, reveal bool) error {
	var text bytes.Buffer
	if err := inv.WriteFindings(ctx, &text, d, reveal); err != nil {
		return err
	}
	f, err := verify.ReadFindings(&text)
	if err != nil {
		return err
	}
	commitments, openings, err := casefile.Commit(f)
	if err != nil {
		return err
	}
	file, err := readSmall(filepath.Join(folder, casefile.CaseName))
	if err != nil {
		return err
	}
	opened, err := casefile.ReadCase(file)
	if err != nil {
		return err
	}
	_, logged := f.Verdict.Record.In(opened.Registry)
	number := logged[0]
	if err := durable.WriteFile(filepath.Join(folder, fmt.Sprintf("openings-%d.jsonl", number)), openings, 0o600, false); err != nil {
		return err
	}
	if err := writeOutput(committed(folder, number), commitments, false); err != nil {
		return err
	}
	_, err = b.with(opened.Registry).logCase(ctx, "kycmark case values "+f.Verdict.Record.Case, commitments)
	return err
}

// committed names the file of commitments of the investigation with a number.
func committed(folder string, number int64) string {
	return filepath.Join(folder, fmt.Sprintf("commitments-%d.jsonl", number))
}

// newCaseClose returns the verb "case close", which makes one signed file of a case and its
// investigation.
func newCaseClose(u *ui) *cobra.Command {
	var bundle string
	var out bundleFlags
	var force bool
	cmd := &cobra.Command{
		Use:   "close FOLDER --bundle BUNDLE --out FILE.zip",
		Short: "Make the signed file of a case",
		Long: `Make one signed file, or folder, of a case: what "kycmark case open" fixed, the bundle of
the investigation, the acquisition chain (acquisition.csv in FOLDER), the commitments to the
values of the leaks, and a page for people. Page one says whether the case was opened
before the examination. Differences and gaps of the chain are said, not refused.`,
		Example: `  kycmark case close c17 --bundle leaks.zip --out case-17.zip`,
		Args:    exactly("FOLDER"),
	}
	cmd.Flags().StringVar(&bundle, "bundle", "", "the investigation's `bundle`, a folder or a .zip")
	cmd.Flags().StringVarP(&out.bundle, "out", "o", "", "write the case to this `file` (.zip) or new folder")
	cmd.Flags().BoolVar(&force, "force", false, "overwrite a file that exists")
	tsaFlag(cmd, &out.authority)
	cmd.MarkFlagRequired("bundle")
	cmd.MarkFlagRequired("out")
	return u.bookVerb(cmd, func(ctx context.Context, b *books, args []string) error {
		if err := out.ready(b, force, []string{bundle}); err != nil {
			return err
		}
		in, err := readCase(args[0], bundle)
		if err != nil {
			return err
		}
		if in.LedgerPublic, err = b.signedState(ctx); err != nil {
			return err
		}
		if in.LedgerPublic == "" {
			return errors.New("the case cannot be proved to be in the ledger: this home cannot sign the ledger's state")
		}
		in.Registry, in.Made = b.registry, time.Now()
		made, err := casefile.Close(ctx, *in, out.key, out.tsa)
		if err != nil {
			return err
		}
		if err := made.Write(out.bundle, force); err != nil {
			return err
		}
		out.written(b)
		return b.line(map[string]string{"file": out.bundle})
	})
}

// readCase reads the files of a case from its folder, and the investigation's bundle. The chain and
// the commitments may be missing.
func readCase(folder, bundle string) (*casefile.Closing, error) {
	in := &casefile.Closing{}
	var err error
	if in.Case, err = readSmall(filepath.Join(folder, casefile.CaseName)); err != nil {
		return nil, err
	}
	if in.Acquisition, err = readSmall(filepath.Join(folder, casefile.AcquisitionName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if in.Bundle, err = seal.Read(bundle); err != nil {
		return nil, err
	}
	f, err := verify.ReadFindings(bytes.NewReader(in.Bundle.Content("findings.json")))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", bundle, err)
	}
	opened, err := casefile.ReadCase(in.Case)
	if err != nil {
		return nil, err
	}
	in.Several = len(f.Verdict.Record.Registries) > 0
	_, logged := f.Verdict.Record.In(opened.Registry)
	for _, number := range logged {
		in.Commitments, err = intake.ReadFile(committed(folder, number), verify.MaxFindings)
		if err == nil {
			return in, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return in, nil
}

// newCaseCheck returns the verb "case check", which checks the file of a case without a home. Exit
// code 1: something does not hold.
func newCaseCheck(u *ui) *cobra.Command {
	var f verifyFlags
	var open, measured string
	cmd := &cobra.Command{
		Use:   "check CASE",
		Short: "Check the file of a case that another party handed over",
		Long: `Check what "kycmark case close" wrote: signatures, digests and timestamp, that the
propositions are in the ledger and since when, the acquisition chain against the files that
were examined, and all that "kycmark verify-report" checks of the investigation: the verdict
is weighed again. With --open compare values that were committed to with the findings.
Exit 1 when something does not hold. Take the keys from somewhere else than the case.

To examine again, ask for the leaks, and for the home with originals and keys in escrow. Run
"kycmark investigate LEAKS --findings own.json" with it. --measured own.json compares each
value of each leak with the case.`,
		Example: `  kycmark case check case-17.zip --key report.pub --ledger-key ledger.pub
  kycmark case check case-17.zip --open openings-12.jsonl --measured own.json`,
		Args: exactly("a case"),
		RunE: u.verb(func(cmd *cobra.Command, args []string) error {
			trust, err := f.trust()
			if err != nil {
				return err
			}
			var openings []byte
			if open != "" {
				if openings, err = intake.ReadFile(open, verify.MaxFindings); err != nil {
					return err
				}
			}
			var own *verify.Findings
			if measured != "" {
				text, err := intake.ReadFile(measured, verify.MaxFindings)
				if err != nil {
					return err
				}
				if own, err = verify.ReadFindings(bytes.NewReader(text)); err != nil {
					return fmt.Errorf("%s: %w", measured, err)
				}
			}
			b, err := seal.Read(args[0])
			if errors.Is(err, seal.ErrBundle) {
				return u.reportChecks(args[0], &seal.Result{Checks: []seal.Check{{Name: "bundle", Err: err}}})
			}
			if err != nil {
				return err
			}
			return u.reportChecks(args[0], casefile.Check(b, trust, openings, own))
		}),
	}
	f.add(cmd)
	cmd.Flags().StringVar(&open, "open", "", "`file` with openings of commitments, one a line")
	cmd.Flags().StringVar(&measured, "measured", "", "`findings` of your own investigation of the same leaks")
	return cmd
}

// newCaseStatement returns the verb "case statement", which marks each sentence of a statement by
// findings. It needs no home and writes nothing. Exit code 1: a sentence is refuted.
func newCaseStatement(u *ui) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "statement FILE FINDINGS",
		Short: "Mark each sentence of a statement as supported, open or refuted",
		Long: `Mark each sentence of a party's statement by the findings of an investigation
(findings.json, report.html, or a bundle): supported, open or refuted, with the figure.
A sentence is open unless the pictures decide it. FILE has a line for each sentence, as

  says [no-mark]: They lack our watermark.

The claims are
` + claimWords() + `

The findings must hold: they are checked first, as "kycmark verify-report" does.`,
		Example: `  kycmark case statement statement.txt findings.json`,
		Args:    exactly("FILE", "FINDINGS"),
	}
	cmd.RunE = u.verb(func(cmd *cobra.Command, args []string) error {
		text, err := readSmall(args[0])
		if err != nil {
			return err
		}
		c, err := casefile.ParseText(string(text))
		if err != nil {
			return usagef("%s: %v", args[0], err)
		}
		r, err := examineReport(args[1], seal.Trust{})
		if err != nil {
			return err
		}
		if !r.Holds() || r.Findings == nil {
			return u.reportChecks(args[1], r)
		}
		t := u.table("MARK\tSENTENCE\tREAD AS\tWHY")
		defer t.Flush()
		for _, m := range casefile.Judge(c.Statement, r.Findings) {
			if m.Mark == casefile.Refuted {
				u.no()
			}
			t.row([]string{m.Mark, m.Text, m.Claim, m.Why})
			if err := u.line(m); err != nil {
				return err
			}
		}
		return nil
	})
	return cmd
}
