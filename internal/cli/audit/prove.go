package audit

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	bookverbs "github.com/kycmark/kycmark/internal/cli/books"
	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/verify/registry"
)

type proveFlags struct {
	check     string
	key, out  string
	witnesses []string
	force     bool
}

// NewProve returns the verb "prove". No signed checkpoint over the entries is exit code 4.
func NewProve(u *ui.UI) *cobra.Command {
	var f proveFlags
	cmd := &cobra.Command{
		Use:   "prove ID | prove --check FILE",
		Short: "Prove an entry of the ledger to others, or check such a proof",
		Long: `Write a proof that a copy (16 hex digits) is in the ledger, as one line of JSON: its row,
its mark key and its receipts, the salts of their commitments, their entries, and the paths
to the root of a signed checkpoint. The proof says nothing about the person. Of a submission
(32 hex digits) the proof holds subject reference and hashes: it is personal data.

With --check check a proof, without the registry. Exit 1 when it does not hold. Take
the public key of the ledger (--key) from somewhere else than the proof: without it
the proof is checked with the key that it brings.`,
		Example: `  kycmark prove 00000000000004d2 --out proof.json
  kycmark prove --check proof.json --key ledger.pub`,
		Args: func(cmd *cobra.Command, args []string) error {
			if f.check != "" {
				return ui.Exactly()(cmd, args)
			}
			return ui.Exactly("a copy's or a submission's ID")(cmd, args)
		},
	}
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	fs := cmd.Flags()
	fs.StringVar(&f.check, "check", "", "check the proof in this `file`")
	fs.StringVar(&f.key, "key", "", "public `key` of the ledger, or its file (default: the home's; with --check the proof's)")
	fs.StringArrayVar(&f.witnesses, "witness", nil, "with --check: public `key` of a witness, or its file; may be repeated")
	fs.StringVarP(&f.out, "out", "o", "", "write the proof to this `file`")
	fs.BoolVar(&f.force, "force", false, "overwrite a file that exists")
	u.BookVerb(cmd, func(ctx context.Context, b *ui.Desk, args []string) error { return proveID(ctx, b, f, args[0]) })
	inHome := cmd.RunE
	offline := u.Verb(func(*cobra.Command, []string) error { return checkProof(u, f) })
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if f.check != "" {
			return offline(cmd, args)
		}
		return inHome(cmd, args)
	}
	return cmd
}

// proveID writes the proof of a copy or of a submission to the file of --out, or to stdout. id is 16 or 32 hex digits.
func proveID(ctx context.Context, b *ui.Desk, f proveFlags, id string) error {
	if err := b.CheckOutputs(f.force, []string{f.key}, f.out); err != nil {
		return err
	}
	public, err := ledgerKey(b, f.key)
	if err != nil {
		return err
	}
	proof, err := proofOf(ctx, b, id, public)
	if err != nil {
		return ui.NotFound(ui.HintFor(err, registry.ErrProof, "sign the ledger's present state with \"kycmark checkpoint\""))
	}
	if f.out == "" {
		_, err = b.Out.Write(proof)
		return err
	}
	if err := ui.WriteOutput(f.out, proof, f.force); err != nil {
		return err
	}
	b.Printf("%s: proof of %s\n", f.out, id)
	return b.Line(map[string]string{"file": f.out, "id": id})
}

// proofOf returns, as a line of JSON, the proof that a submission or a copy is in the ledger, whose ID begins with id.
// public is the text of the key that checks the ledger's checkpoints. For a submission it warns of personal data.
func proofOf(ctx context.Context, b *ui.Desk, id, public string) ([]byte, error) {
	sub, copyID, err := bookverbs.Named(ctx, b, id)
	if err != nil {
		return nil, err
	}
	if copyID != 0 {
		return b.Registry.Ledger().Prove(ctx, copyID, public)
	}
	proof, err := b.Registry.Ledger().ProveSubmission(ctx, sub, public)
	if err == nil {
		b.Warnf("this proof holds a subject reference and hashes: it is personal data")
	}
	return proof, err
}

type proofLine struct {
	File  string          `json:"file"`
	Holds bool            `json:"holds"`
	Proof *registry.Proof `json:"proof"`
	Error *string         `json:"error"`
}

// checkProof checks the proof in the file of --check, without a registry, and prints what it proves. Without --key
// the proof is checked with the key that it brings, and a warning says so.
func checkProof(u *ui.UI, f proveFlags) error {
	data, err := ui.ReadSmall(f.check)
	if err != nil {
		return err
	}
	key := ""
	if f.key != "" {
		if key, err = ui.PublicKey(f.key); err != nil {
			return err
		}
	}
	witnesses, err := publicKeys(f.witnesses)
	if err != nil {
		return err
	}
	p, err := registry.CheckProof(data, key, witnesses...)
	switch {
	case errors.Is(err, registry.ErrProof):
		u.No()
		u.Errorf("%s: %s", ui.Name(f.check), ui.Reason(err))
		return u.Line(proofLine{File: f.check, Error: ui.ReasonText(err)})
	case err != nil:
		return keyUsage(err)
	}
	if key == "" {
		u.Warnf("checked with the key that the proof brings, %s: compare it with the key that you have from elsewhere", p.Key)
	}
	proofWords(u, p)
	return u.Line(proofLine{File: f.check, Holds: true, Proof: p})
}

// proofWords prints each entry that the checked proof p holds, its place in the ledger, and the witnesses.
func proofWords(u *ui.UI, p *registry.Proof) {
	for _, e := range p.Entries {
		what := ""
		switch {
		case e.Copy != nil:
			what = bookverbs.CopyWords(e.Copy)
		case e.MarkKey != nil:
			what = fmt.Sprintf("mark key %s: its commitment %s was entered on %s\n", e.MarkKey.KeyID, e.MarkKey.Commitment, ui.Moment(e.MarkKey.Added))
		case e.Receipt != nil:
			what = bookverbs.ReceiptWords(e.Receipt)
		case e.Release != nil:
			what = fmt.Sprintf("release of copy %s: %s on %s\n", e.Release.Copy, e.Release.State, ui.Moment(e.Release.Entered))
		case e.Conclusion != nil:
			what = fmt.Sprintf("conclusion of investigation %d, entered on %s\n", e.Conclusion.Investigation, ui.Moment(e.Conclusion.Entered))
		case e.Recipient != nil:
			what = fmt.Sprintf("%s %s: %s\n", e.Recipient.Kind, e.Recipient.Ref, ui.Name(e.Recipient.Name))
		case e.Submission != nil:
			what = bookverbs.SubmissionWords(e.Submission)
		case e.Investigation != nil:
			what = fmt.Sprintf("investigation of %s by %s, begun on %s\n", ui.Plural(int(e.Investigation.Files), "file"), e.Investigation.Actor, ui.Moment(e.Investigation.Started))
		}
		c := p.Checkpoints[e.Checkpoint]
		u.Printf("%s  holds: entry %d of the ledger %s, among the %d that were signed\n", what, e.Entry, c.Origin, c.Size)
		for _, w := range c.Witnesses {
			u.Printf("  signed by the witness %s, too%s\n", w.Name, at(w.Time))
		}
	}
}
