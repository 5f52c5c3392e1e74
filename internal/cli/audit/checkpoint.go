package audit

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/seal"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/registry"
)

// NewCheckpoint returns the verb "checkpoint"; "add" is below it.
func NewCheckpoint(u *ui.UI) *cobra.Command {
	var public bool
	var address, out string
	var w witnessFlags
	cmd := &cobra.Command{
		Use:   "checkpoint",
		Short: "Sign the ledger's present state for witnesses and auditors",
		Long: `Sign how many entries the ledger has and the root of the tree over them, keep that
in the registry and print it (C2SP tlog-checkpoint). Hand the checkpoint to a witness, who
keeps it or also signs it. From then on an entry that was changed, removed or dated back is
found out. A state that has a checkpoint is not signed again. A timestamp or a signature of
a witness, which is an entry too, is a new state without --tsa, --stamp and --witness-url.

With --tsa a timestamp authority also dates that state. The registry keeps the timestamp,
and --stamp writes it to a file. The authority dates the checkpoint's body, the lines before
the blank line: witnesses that sign later do not change them. With openssl:

  sed '/^$/,$d' 2026-11-20.checkpoint > body
  openssl ts -verify -in 2026-11-20.tsr -data body -CAfile tsa.pem -partial_chain

With --witness-url a witness also signs that state, if it continues the state that the
witness signed last (C2SP tlog-witness). A scheduler that runs this each hour bounds the
time of each entry to an hour that is not in our hands: kycmark audit --witness.

Users and passwords of authorities and witnesses are lines https://USER:PASSWORD@HOST of
the file that KYCMARK_CREDENTIALS names. An address with a password is refused.

With --public print the public key, which checkpoints and proofs are checked with.
Give it to auditors and witnesses by another way than these.`,
		Example: `  kycmark checkpoint > 2026-11-20.checkpoint
  kycmark checkpoint --tsa http://tsa.example --stamp 2026-11-20.tsr
  kycmark checkpoint --witness-url https://witness.example --witness witness.pub
  kycmark checkpoint --public
  kycmark checkpoint add cosigned.checkpoint --witness witness.pub`,
		Args: ui.Exactly(),
	}
	cmd.Flags().BoolVar(&public, "public", false, "print the public key of the ledger, and sign nothing")
	cmd.Flags().StringVar(&out, "stamp", "", "write the timestamp to this new `file`")
	ui.TsaFlag(cmd, &address)
	cmd.Flags().StringVar(&w.url, "witness-url", "", "`address` of a witness that is to sign this state, too")
	cmd.Flags().StringVar(&w.key, "witness", "", "public `key` of that witness, or its file")
	cmd.MarkFlagsRequiredTogether("witness-url", "witness")
	cmd.AddCommand(newCheckpointAdd(u))
	return u.BookVerb(cmd, func(ctx context.Context, b *ui.Desk, _ []string) error {
		if !public {
			return signCheckpoint(ctx, b, address, w, out)
		}
		key, err := ledgerKey(b, "")
		if err != nil {
			return err
		}
		b.Printf("%s\n", key)
		return b.Line(map[string]string{"public_key": key})
	})
}

// witnessFlags name a witness. url and key go together.
type witnessFlags struct{ url, key string }

// cosign has the witness sign c and keeps its signature. Without a witness it returns c.
func cosign(ctx context.Context, b *ui.Desk, w witnessFlags, c *books.Checkpoint) (*books.Checkpoint, error) {
	if w.url == "" {
		return c, nil
	}
	keys, err1 := publicKeys([]string{w.key})
	public, err2 := ledgerKey(b, "")
	address, err3 := ui.WithCredentials(w.url)
	if err := cmp.Or(err1, err2, err3); err != nil {
		return nil, err
	}
	lines, err := (&seal.Witness{URL: address}).Sign(ctx, func(signed int64) ([]byte, error) {
		return b.Registry.Ledger().WitnessRequest(ctx, c, signed)
	})
	if err != nil {
		return nil, err
	}
	out, err := b.Registry.Ledger().AddCosignatures(ctx, append([]byte(c.Text), lines...), public, keys...)
	return out, keyUsage(err)
}

// signCheckpoint signs the ledger's present state and prints the checkpoint. If it has no timestamp, the authority at the
// address dates it. The timestamp is written to the new file out; "" writes no file.
func signCheckpoint(ctx context.Context, b *ui.Desk, address string, w witnessFlags, out string) error {
	tsa, err := ui.Authority(b, address)
	if err != nil {
		return err
	}
	if err := b.CheckOutputs(false, nil, out); err != nil {
		return err
	}
	private, err := b.Home.LedgerKey()
	if err != nil {
		return ui.WithHint(err, "checkpoints are signed where the ledger's key is: keys.ledger in kycmark.toml")
	}
	b.WarnExposed(b.Home.KeyFiles()...)
	var c *books.Checkpoint
	if l := b.Registry.Ledger(); tsa != nil || w.url != "" || out != "" { // what they enter is no new state to them
		c, err = l.Sign(ctx, private)
	} else {
		c, err = registry.SignLast(ctx, l, private)
	}
	if err == nil {
		c, err = cosign(ctx, b, w, c)
	}
	if err != nil {
		return err
	}
	if tsa != nil && len(c.Stamp) == 0 {
		stamp, says, err := tsa.Stamp(ctx, sha256.Sum256(c.Body()))
		if err != nil {
			return err
		}
		if c, err = b.Registry.Ledger().AddStamp(ctx, c.Size, stamp, says.Time); err != nil {
			return err
		}
	}
	if out != "" && len(c.Stamp) == 0 {
		return ui.Usagef("this state has no timestamp: name an authority by --tsa")
	} else if out != "" {
		if err := ui.WriteOutput(out, c.Stamp, false); err != nil {
			return err
		}
	}
	b.Printf("%s", c.Text)
	return b.Line(c)
}

// newCheckpointAdd returns the verb "checkpoint add". Exit code 1, and no entry: a signature fails, or the ledger never had that state.
func newCheckpointAdd(u *ui.UI) *cobra.Command {
	var witnesses []string
	var key string
	cmd := &cobra.Command{
		Use:   "add FILE --witness KEY",
		Short: "Take back a checkpoint that witnesses have signed",
		Long: `Take back a checkpoint that witnesses have signed beside the ledger's own key, and add
their signatures to the kept checkpoint of that state. Each named witness must have signed.
Other signatures are left out. Exit 1 when a signature does not hold.

A witness's key is the text name+hash+key of a signed note: plain Ed25519, or a
C2SP cosignature, which says when the witness signed; or a file that holds it.`,
		Example: `  kycmark checkpoint add cosigned.checkpoint --witness witness.pub`,
		Args:    ui.Exactly("FILE"),
	}
	cmd.Flags().StringArrayVar(&witnesses, "witness", nil, "public `key` of a witness, or its file; may be repeated (required)")
	cmd.Flags().StringVar(&key, "key", "", "public `key` of the ledger, or its file (default: the home's)")
	cmd.MarkFlagRequired("witness")
	return u.BookVerb(cmd, func(ctx context.Context, b *ui.Desk, args []string) error {
		text, err1 := ui.ReadSmall(args[0])
		public, err2 := ledgerKey(b, key)
		keys, err3 := publicKeys(witnesses)
		if err := cmp.Or(err1, err2, err3); err != nil {
			return err
		}
		c, err := b.Registry.Ledger().AddCosignatures(ctx, text, public, keys...)
		if errors.Is(err, registry.ErrCheckpoint) || errors.Is(err, registry.ErrNotFound) {
			b.No()
			b.Errorf("%s: %v", args[0], err)
			return nil
		}
		if err != nil {
			return keyUsage(err)
		}
		for _, w := range c.Witnesses {
			b.Printf("checkpoint of %s: signed by the witness %s%s\n", ui.Entries(c.Size), w.Name, at(w.Time))
		}
		return b.Line(c)
	})
}

func at(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " at " + ui.Moment(t)
}

// ledgerKey returns the ledger's public key as text: what the flag --key says, or the home's if that is "".
func ledgerKey(b *ui.Desk, flag string) (string, error) {
	if flag != "" {
		return ui.PublicKey(flag)
	}
	key, err := b.Home.LedgerPublic()
	if err != nil {
		return "", ui.WithHint(err, "name the public key of the ledger by --key")
	}
	return key, nil
}

func publicKeys(args []string) ([]string, error) {
	var keys []string
	for _, a := range args {
		key, err := ui.PublicKey(a)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// keyUsage turns an error that wraps [registry.ErrLedgerKey] into a ui.UsageError: the caller named the key.
func keyUsage(err error) error {
	if errors.Is(err, registry.ErrLedgerKey) {
		return ui.Usagef("%w", err)
	}
	return err
}
