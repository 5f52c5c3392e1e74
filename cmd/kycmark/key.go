package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/keyfile"
	"github.com/kycmark/kycmark/verify/registry"
)

// newKey returns the verb "key", which does nothing itself: "list", "add", "report", "retire" and
// "compromised" are below it.
func newKey(u *ui) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "key",
		Short: "Enter mark keys in the ledger, list and retire them",
		Example: `  kycmark key list
  kycmark key retire v1-0011223344556677 --note "replaced after the audit"
  kycmark key compromised v1-0011223344556677 --since 2026-10-01 --note "backup tape lost"`,
	}
	return only(cmd, newKeyList(u), newKeyAdd(u), newKeyReport(u),
		newKeyState(u, "retire", registry.KeyRetired, "Enter that a mark key makes no more marks",
			"Enter that a mark key is retired: it is refused for issuing, and reads marks as before."),
		newKeyState(u, "compromised", registry.KeyCompromised, "Enter that others may hold a mark key",
			`Enter since when others may hold a mark key. The key is refused for issuing. Copies issued
since then confirm nothing, because a holder of the key can make their marks. The entry
cannot be taken back. It can be entered again for an earlier time.`))
}

// newKeyList returns the verb "key list", which prints the mark keys in the ledger with their
// states. It enters nothing and reads no key file.
func newKeyList(u *ui) *cobra.Command {
	return u.bookVerb(&cobra.Command{
		Use:     "list",
		Short:   "List the mark keys with their states",
		Example: `  kycmark key list --json`,
		Args:    exactly(),
	}, func(ctx context.Context, b *books, _ []string) error {
		return printList(b.ui, "KEY\tSTATE\tSINCE\tADDED\tNOTE", listed(b.registry.Ledger().MarkKeys(ctx)), func(k *registry.MarkKey) (any, []string) {
			return k, []string{k.KeyID, k.State, moment(k.Since), day(k.Added), k.Note}
		})
	})
}

// newKeyAdd returns the verb "key add", which enters in the ledger the commitments to the home's
// mark keys. A key that is entered already is named and left unchanged.
func newKeyAdd(u *ui) *cobra.Command {
	return u.bookVerb(&cobra.Command{
		Use:   "add",
		Short: "Enter the commitments to the home's mark keys",
		Long: `Enter the commitments to the mark keys that kycmark.toml names and that the ledger does
not have yet. Do so before the first copy is marked with them. To use a new key, make it
with keygen, name it first under keys.mark, and enter it.`,
		Example: `  kycmark keygen --out kyc/keys/mark2.key
  kycmark key add`,
		Args: exactly(),
	}, func(ctx context.Context, b *books, _ []string) error {
		keys, _, err := b.keys()
		if err != nil {
			return err
		}
		for _, k := range keys {
			added, err := b.registry.Ledger().AddMarkKey(ctx, k)
			if err != nil {
				return err
			}
			was := ""
			if !added {
				was = ", was there already"
			}
			b.printf("%s: commitment entered%s\n", k.ID(), was)
			if err := b.line(struct {
				KeyID string `json:"key_id"`
				Added bool   `json:"added"`
			}{k.ID(), added}); err != nil {
				return err
			}
		}
		return nil
	})
}

// newKeyReport returns the verb "key report", which prints the ID and the public half of the key
// that signs reports. With --create it first makes the key; a home that has one is exit code 4.
func newKeyReport(u *ui) *cobra.Command {
	var create bool
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Print the public key that checks reports, or make one",
		Long: `Print the ID and the public half of the key that signs reports. Tell the other side
the ID before there is a quarrel: in the contract, on paper, on a web site.

With --create make the key, for a home that has none: one is never overwritten.`,
		Example: `  kycmark key report
  kycmark key report --create`,
		Args: exactly(),
	}
	cmd.Flags().BoolVar(&create, "create", false, "make the key")
	return u.bookVerb(cmd, func(_ context.Context, b *books, _ []string) error {
		var key ed25519.PublicKey
		var err error
		if create {
			key, err = b.home.CreateReportKey()
		} else {
			key, err = b.home.ReportPublic()
		}
		if errors.Is(err, fs.ErrNotExist) {
			return withHint(err, "make one with --create")
		}
		if err != nil {
			return err
		}
		public := keyfile.EncodeReportPublic(key)
		b.printf("%s\n%s", keyfile.ReportID(key), public)
		return b.line(map[string]string{"key_id": keyfile.ReportID(key), "public_key": string(public)})
	})
}

// newKeyState returns a verb below "key" that enters a state of a mark key in the ledger. verb is
// its name, state the value that the ledger keeps, short and long its help. Without --since the
// state begins now; registry.KeyCompromised requires --since and --note. An unknown key is exit
// code 4.
func newKeyState(u *ui, verb, state, short, long string) *cobra.Command {
	var since, note string
	cmd := &cobra.Command{
		Use:     verb + " KEYID",
		Short:   short,
		Long:    long,
		Example: "  kycmark key " + verb + " v1-0011223344556677 --since 2026-10-01 --note \"how that is known\"",
		Args:    exactly("KEYID"),
	}
	cmd.ValidArgsFunction = keyIDs
	cmd.Flags().StringVar(&since, "since", "", "`time` from which on: RFC 3339, or a day")
	cmd.Flags().StringVar(&note, "note", "", "how that is known")
	if state == registry.KeyCompromised {
		cmd.MarkFlagRequired("since")
		cmd.MarkFlagRequired("note")
	}
	return u.bookVerb(cmd, func(ctx context.Context, b *books, args []string) error {
		when, err := parseOptionalTime(since)
		if err != nil {
			return err
		}
		if since == "" {
			when = time.Now()
		}
		s := registry.KeyState{KeyID: args[0], State: state, Since: when, Note: note, Actor: actor()}
		err = b.registry.Ledger().SetKeyState(ctx, s)
		if errors.Is(err, registry.ErrNotFound) {
			return withHint(err, "\"kycmark key list\" names the keys")
		}
		if err != nil {
			return err
		}
		b.printf("%s\n", s)
		return b.line(s)
	})
}
