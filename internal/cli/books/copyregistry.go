package books

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/home"
	"github.com/kycmark/kycmark/verify/registry"
)

// NewCopyRegistry returns the verb "copy-registry". A copy that does not check is exit code 4.
func NewCopyRegistry(u *ui.UI) *cobra.Command {
	var blobs string
	cmd := &cobra.Command{
		Use:   "copy-registry FROM TO",
		Short: "Copy a registry into a new file or a PostgreSQL database, and check the copy",
		Long: `Copy every row of a registry, with the whole ledger, to a new file or an empty database;
then check the copy and compare the ledgers. FROM and TO are files or addresses of
PostgreSQL databases (postgres://USER@HOST/DATABASE, password in PGPASSFILE or
PGPASSWORD). FROM may be in use: what is written to it meanwhile is not copied.

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
	BlobsFlag(cmd, &blobs)
	return cmd
}

// BlobsFlag adds the flag that says where sealed originals are kept.
func BlobsFlag(cmd *cobra.Command, place *string) {
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
