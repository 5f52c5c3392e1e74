// Package books has the verbs that keep the books: what came in, and who was handed what.
package books

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/home"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/keyfile"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/registry"
)

// NewInit returns the verb "init". A home or a registry that exists is not touched and is exit code 4.
func NewInit(u *ui.UI) *cobra.Command {
	var at string
	var opts registry.CreateOptions
	cmd := &cobra.Command{
		Use:   "init DIR",
		Short: "Make a home: configuration, registry and keys",
		Long: `Make a home: a folder with kycmark.toml, an empty registry, a mark key, a sealing
key and keys that sign the ledger and reports, all readable by you alone. Keep copies
of the keys elsewhere: without the mark key no mark can be read, without the sealing
key no original opened. If KYCMARK_PASSPHRASE_FILE names a file, new keys are encrypted
under the passphrase in its first line, as "age -p" does, and each verb needs it. It is
asked for on the terminal if the variable is not set. A Vault or OpenBao wraps keys too:
"kycmark key protect --help".

With --registry postgres://USER@HOST/DATABASE the registry is made in a PostgreSQL
database, where many machines can work on it. Leave the password to PGPASSFILE or
PGPASSWORD; &search_path=NAME puts the registry into a schema of that name.

Sealed originals are kept in the folder blobs beside registry.db, or in the
PostgreSQL database. --blobs names another place: a folder, "database", or a bucket,
s3://BUCKET/PREFIX?endpoint=https://HOST. Keys of the bucket are taken from
AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.`,
		Example: `  kycmark init kyc
  export KYCMARK_HOME=$PWD/kyc

  # the registry in PostgreSQL
  kycmark init --registry 'postgres://kyc@db.example/kyc?sslmode=verify-full' --blobs s3://kyc/originals kyc`,
		Args: ui.Exactly("DIR"),
		RunE: u.Verb(func(cmd *cobra.Command, args []string) error {
			h, err := home.Create(cmd.Context(), args[0], at, &opts)
			if err != nil {
				return ui.HintFor(err, fs.ErrExist,
					"neither a home nor a registry is made over another; choose a new folder, or another database or schema")
			}
			keys, seal, err1 := h.Keys()
			public, err2 := h.LedgerPublic()
			report, err3 := h.ReportPublic()
			if err := cmp.Or(err1, err2, err3); err != nil {
				return err
			}
			dir := args[0]
			if abs, err := filepath.Abs(dir); err == nil {
				dir = abs
			}
			u.Printf("%s: new home with mark key %s and sealing key %s\n", ui.Name(dir), keys[0].ID(), seal.ID())
			u.Printf("public key of its ledger, for auditors: %s\n", public)
			u.Printf("ID of its report key, for those who are to trust its reports: %s\n", keyfile.ReportID(report))
			u.Printf("next: export KYCMARK_HOME=%s\n      kycmark recipient add vendor-a --kind vendor\n", intake.ShellLine(dir))
			return u.Line(struct {
				Home      string `json:"home"`
				KeyID     string `json:"key_id"`
				SealKeyID string `json:"seal_key_id"`
				LedgerKey string `json:"ledger_key"`    // public
				ReportKey string `json:"report_key_id"` // of the public half
			}{dir, keys[0].ID(), seal.ID(), public, keyfile.ReportID(report)})
		}),
	}
	cmd.Flags().StringVar(&at, "registry", "", "`address` of a registry outside the folder (default: registry.db in it)")
	blobsFlag(cmd, &opts.Originals)
	cmd.Flags().BoolVar(&opts.SealHashes, "seal-hashes", false, "also seal the perceptual hashes: only who has the sealing key can search")
	return cmd
}

// NewRecipient returns the verb "recipient", which does nothing itself: "add" is below it.
func NewRecipient(u *ui.UI) *cobra.Command {
	return ui.Only(&cobra.Command{Use: "recipient", Short: "Enter recipients of copies", Example: "  kycmark recipient add vendor-a --kind vendor"}, newRecipientAdd(u))
}

var recipientKinds = []string{books.KindStore, books.KindVendor, books.KindAuthority, books.KindReviewer, books.KindPartner}

// newRecipientAdd returns the verb "recipient add". A known recipient changes nothing; another kind is exit code 4.
func newRecipientAdd(u *ui.UI) *cobra.Command {
	var kind, of string
	cmd := &cobra.Command{
		Use:   "add NAME --kind KIND",
		Short: "Enter a recipient",
		Long: `Enter a recipient. Kinds: store (the exchange's own working copies), vendor,
authority (law enforcement, a court, a regulator), reviewer (a person), partner.

With --of a reviewer has an employer, which is entered before. Copies and custody of
the reviewer count for the employer: the leaked copies of four reviewers of vendor-a
name vendor-a. The employer never changes: a person who moves is another recipient.
"kycmark erase --recipient" erases the reviewer's name.`,
		Example: `  kycmark recipient add store --kind store
  kycmark recipient add vendor-a --kind vendor
  kycmark recipient add authority-b --kind authority
  kycmark recipient add reviewer-17 --kind reviewer --of vendor-a`,
		Args: ui.Exactly("NAME"),
	}
	cmd.Flags().StringVar(&kind, "kind", "", "store, vendor, authority, reviewer or partner (required)")
	cmd.Flags().StringVar(&of, "of", "", "the `recipient` that employs the reviewer")
	cmd.MarkFlagRequired("kind")
	ui.Complete(cmd, "kind", recipientKinds...)
	return u.BookVerb(cmd, func(ctx context.Context, b *ui.Desk, args []string) error {
		if !slices.Contains(recipientKinds, kind) {
			return ui.Usagef("--kind is store, vendor, authority, reviewer or partner, not %q", kind)
		}
		to := books.Recipient{Name: args[0], Kind: kind, Of: of, Actor: ui.Actor()}
		if err := b.Registry.AddRecipient(ctx, to); err != nil {
			return ui.NotFound(err)
		}
		b.Printf("%s: recipient of kind %s\n", ui.Name(to.Name), kindWords(&to))
		return b.Line(struct {
			Kind string `json:"kind"`
			Name string `json:"name"`
			Of   string `json:"of,omitempty"`
		}{to.Kind, to.Name, to.Of})
	})
}

// kindWords says what a recipient is: "vendor", or "reviewer of vendor-a (erased)".
func kindWords(r *books.Recipient) string {
	words := r.Kind
	if r.Of != "" {
		words += " of " + ui.Name(r.Of)
	}
	if r.Erased() {
		words += " (erased)"
	}
	return words
}

// NewCopyRegistry returns the verb "copy-registry". A copy that does not check is exit code 4.
func NewCopyRegistry(u *ui.UI) *cobra.Command {
	var blobs string
	cmd := &cobra.Command{
		Use:   "copy-registry FROM TO",
		Short: "Copy a registry into a new file or a PostgreSQL database, and check the copy",
		Long: `Copy the rows of a registry, with the whole ledger, to a new file or an empty database;
then check the copy and compare the ledgers. FROM and TO are files or addresses of
PostgreSQL databases (postgres://USER@HOST/DATABASE, password in PGPASSFILE or
PGPASSWORD). FROM may be in use: what is written to it meanwhile is not copied. Nor are
segments, which "kycmark submit" makes again, and what a service keeps beside tokens:
investigations, notices and idempotency keys. Download results first.

Sealed originals are copied to the place that --blobs names (see "kycmark init"). What is
there from an earlier copy is not copied again, so that a copy a day is a backup.

A copy that was interrupted leaves nothing but sealed originals; run the same command
again. When the copy is complete, name the new registry in kycmark.toml. Write to only one of the two from then on: otherwise they
become two ledgers.`,
		Example: `  kycmark copy-registry kyc/registry.db backup/2026-11-22.db --blobs backup/originals
  kycmark copy-registry kyc/registry.db 'postgres://kyc@db.example/kyc?sslmode=verify-full'`,
		Args: ui.Exactly("FROM", "TO"),
		RunE: u.Verb(func(cmd *cobra.Command, args []string) error {
			from, to := settled(args[0]), settled(args[1])
			if ui.Same(from, to) {
				return ui.Usagef("FROM and TO are one registry, %s", args[0])
			}
			if !home.IsServer(to) {
				if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
					return err
				}
				if err := ui.CheckFolder(to); err != nil {
					return err
				}
			}
			show, done := u.ProgressOf(cmd.Context(), "copying")
			defer done()
			rows := 0
			size, root, err := registry.Clone(cmd.Context(), home.Driver(from), home.Driver(to), home.Originals(to, blobs), func(n, total int) {
				rows = n
				show(n, total)
			})
			done()
			switch {
			case errors.Is(err, fs.ErrExist), errors.Is(err, registry.ErrConflict):
				return ui.WithHint(err, "a registry is never made over another; name a new file, database or schema")
			case errors.Is(err, registry.ErrTampered):
				return ui.WithHint(err, "kycmark audit says more of the original; nothing was copied")
			case err != nil:
				return err
			}
			u.Printf("copied %s; the ledger holds: %s, head %s\n", ui.Plural(rows, "row"), ui.Entries(size), root)
			u.Printf("next: in the home's kycmark.toml, registry = %q\n", to)
			return u.Line(struct {
				Rows int    `json:"rows"`
				Size int64  `json:"size"` // entries of the ledger
				Head string `json:"head"` // root of the tree over them, hex
			}{rows, size, root})
		}),
	}
	blobsFlag(cmd, &blobs)
	return cmd
}

func blobsFlag(cmd *cobra.Command, place *string) {
	cmd.Flags().StringVar(place, "blobs", "", "`place` of sealed originals: a folder, s3://BUCKET/PREFIX, or database (default: a folder beside a registry's file; a server's database)")
}

// settled returns the address s of a registry so that it means the same in every working directory.
func settled(s string) string {
	if home.IsServer(s) {
		return s
	}
	path := strings.TrimPrefix(s, "file:")
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
