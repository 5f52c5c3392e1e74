// Package books has the verbs that keep the books: what came in, and who was handed what.
package books

import (
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/home"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/keyfile"
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
			if errors.Is(err, fs.ErrExist) {
				return ui.WithHint(err, "neither a home nor a registry is made over another; choose a new folder, or another database or schema")
			}
			if err != nil {
				return err
			}
			keys, seal, err := h.Keys()
			if err != nil {
				return err
			}
			dir := args[0]
			if abs, err := filepath.Abs(dir); err == nil {
				dir = abs
			}
			public, err := h.LedgerPublic()
			if err != nil {
				return err
			}
			u.Printf("%s: new home with mark key %s and sealing key %s\n", dir, keys[0].ID(), seal.ID())
			report, err := h.ReportPublic()
			if err != nil {
				return err
			}
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
	BlobsFlag(cmd, &opts.Originals)
	cmd.Flags().BoolVar(&opts.SealHashes, "seal-hashes", false, "also seal the perceptual hashes: only who has the sealing key can search")
	return cmd
}
