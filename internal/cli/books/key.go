package books

import (
	"context"
	"crypto/ed25519"
	"errors"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/keyfile"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/registry"
)

// NewKey returns the verb "key", which does nothing itself.
func NewKey(u *ui.UI) *cobra.Command {
	return ui.Only(&cobra.Command{
		Use:   "key",
		Short: "Enter mark keys in the ledger, end them, encrypt key files",
		Example: `  kycmark key add
  kycmark key end v1-0011223344556677 --retired --note "replaced after the audit"
  kycmark key end v1-0011223344556677 --lost --since 2026-10-01 --note "backup tape lost"
  KYCMARK_PASSPHRASE_FILE=$HOME/pass kycmark key protect`,
	}, newKeyAdd(u), newKeyReport(u), newKeyProtect(u), newKeyEnd(u))
}

// newKeyProtect returns the verb "key protect". After a file that cannot be read or written the others go on; the exit code is 4.
func newKeyProtect(u *ui.UI) *cobra.Command {
	var plain bool
	cmd := &cobra.Command{
		Use:   "protect",
		Short: "Encrypt the home's key files, or decrypt them",
		Long: `Encrypt all private keys that kycmark.toml names: under the key ENGINE/NAME of a Vault
or OpenBao if KYCMARK_KMS_KEY names it, else under the passphrase in the first line of
the file that KYCMARK_PASSPHRASE_FILE names. Keys that are encrypted are encrypted anew.
With --plain decrypt them. Each file is replaced in one step: a killed command leaves a
key that works, and the next run completes it.

The old file's bytes stay on the disk until others take their place, and in backups.
Without the passphrase, or without the service's key, no key opens: keep a copy of them.`,
		Example: `  KYCMARK_PASSPHRASE_FILE=$HOME/pass kycmark key protect
  VAULT_ADDR=https://vault.example:8200 KYCMARK_KMS_KEY=transit/kyc kycmark key protect   # VAULT_TOKEN is set
  kycmark key protect --plain`,
		Args: ui.Exactly(),
	}
	cmd.Flags().BoolVar(&plain, "plain", false, "decrypt the files")
	return u.BookVerb(cmd, func(_ context.Context, b *ui.Desk, _ []string) error {
		var failed error
		for _, file := range b.Home.KeyFiles() {
			how, err := keyfile.Protect(file, plain)
			switch {
			case errors.Is(err, keyfile.ErrUnprotected):
				return ui.Usagef("%w", err)
			case errors.Is(err, fs.ErrNotExist):
				continue // homes for investigation have no key that signs
			case err != nil:
				failed = errors.Join(failed, err)
				continue
			}
			b.Printf("%s: %s\n", file, how)
			if err := b.Line(map[string]string{"file": file, "kept": how}); err != nil {
				return err
			}
		}
		return failed
	})
}

// newKeyAdd returns the verb "key add". A key that is entered already is named and left unchanged.
func newKeyAdd(u *ui.UI) *cobra.Command {
	return u.BookVerb(&cobra.Command{
		Use:   "add",
		Short: "Enter the commitments to the home's mark keys",
		Long: `Enter the commitments to the mark keys that kycmark.toml names and that the ledger does
not have yet. Do so before the first copy is marked with them. To use a new key, make it
with keygen, name it first under keys.mark, and enter it.`,
		Example: `  kycmark keygen --out kyc/keys/mark2.key
  kycmark key add`,
		Args: ui.Exactly(),
	}, func(ctx context.Context, b *ui.Desk, _ []string) error {
		keys, _, err := b.Keys()
		if err != nil {
			return err
		}
		for _, k := range keys {
			added, err := b.Registry.Ledger().AddMarkKey(ctx, k)
			if err != nil {
				return err
			}
			was := ""
			if !added {
				was = ", was there already"
			}
			b.Printf("%s: commitment entered%s\n", k.ID(), was)
			if err := b.Line(struct {
				KeyID string `json:"key_id"`
				Added bool   `json:"added"`
			}{k.ID(), added}); err != nil {
				return err
			}
		}
		return nil
	})
}

func newKeyReport(u *ui.UI) *cobra.Command {
	var create bool
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Print the public key that checks reports, or make one",
		Long: `Print the ID and the public half of the key that signs reports. Tell the other side
the ID before there is a quarrel: in the contract, on paper, on a web site.

With --create first make the key, if the home has none: one is never overwritten.`,
		Example: `  kycmark key report
  kycmark key report --create`,
		Args: ui.Exactly(),
	}
	cmd.Flags().BoolVar(&create, "create", false, "make the key")
	return u.BookVerb(cmd, func(_ context.Context, b *ui.Desk, _ []string) error {
		var key ed25519.PublicKey
		var err error
		if create {
			key, err = b.Home.CreateReportKey()
			if private, e := b.Home.ReportKey(); errors.Is(err, fs.ErrExist) && e == nil { // an interrupted command made it
				key, err = private.Public().(ed25519.PublicKey), nil
			}
		} else {
			key, err = b.Home.ReportPublic()
		}
		if err != nil {
			return ui.HintFor(err, fs.ErrNotExist, "make one with --create")
		}
		public := keyfile.EncodeReportPublic(key)
		b.Printf("%s\n%s", keyfile.ReportID(key), public)
		return b.Line(map[string]string{"key_id": keyfile.ReportID(key), "public_key": string(public)})
	})
}

func newKeyEnd(u *ui.UI) *cobra.Command {
	var since, note string
	var retired, lost bool
	cmd := &cobra.Command{
		Use:   "end KEYID (--retired | --lost --since TIME --note TEXT)",
		Short: "Enter that a mark key makes no more marks, or that others may hold it",
		Long: `With --retired enter that a mark key is retired: it is refused for issuing, and reads marks
as before.

With --lost enter since when others may hold a mark key. The key is refused for issuing.
A holder of the key marks any upload as any copy. So marks under the key confirm no copy in
leaks that were found since then, whenever the copy was issued. The entry cannot be taken
back. It can be entered again for an earlier time.`,
		Example: `  kycmark key end v1-0011223344556677 --retired --note "replaced after the audit"
  kycmark key end v1-0011223344556677 --lost --since 2026-10-01 --note "backup tape lost"`,
		Args:              ui.Exactly("KEYID"),
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	cmd.Flags().BoolVar(&retired, "retired", false, "the key makes no more marks")
	cmd.Flags().BoolVar(&lost, "lost", false, "others may hold the key")
	cmd.Flags().StringVar(&since, "since", "", "`time` from which on: RFC 3339, or a day (default: now, if it is retired)")
	cmd.Flags().StringVar(&note, "note", "", "how that is known")
	cmd.MarkFlagsOneRequired("retired", "lost")
	cmd.MarkFlagsMutuallyExclusive("retired", "lost")
	return u.BookVerb(cmd, func(ctx context.Context, b *ui.Desk, args []string) error {
		s := books.KeyState{KeyID: args[0], State: books.KeyRetired, Since: time.Now(), Note: note, Actor: ui.Actor()}
		if lost {
			if s.State = books.KeyCompromised; since == "" || note == "" {
				return ui.Usagef("--lost needs --since and --note")
			}
		}
		if since != "" {
			var err error
			if s.Since, err = ui.ParseTime(since, false); err != nil {
				return err
			}
		}
		if err := b.Registry.Ledger().SetKeyState(ctx, s); err != nil {
			return ui.HintFor(err, registry.ErrNotFound, "\"kycmark list keys\" names the keys")
		}
		b.Printf("%s\n", s)
		if lost {
			n, to := 0, make(map[string]bool)
			for c, err := range b.Registry.AllCopies(ctx) {
				if err != nil {
					return err
				}
				if c.KeyID == s.KeyID {
					n, to[c.Recipient] = n+1, true
				}
			}
			b.Printf("%s for %s can be made by others since then. Leaks found since then name no recipient by these marks.\n"+
				"State with --found when leaks were found. Issue under a new key: kycmark keygen.\n", ui.Plural(n, "copy"), ui.Plural(len(to), "recipient"))
		}
		return b.Line(s)
	})
}
