package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/home"
)

// blobsFlag adds the flag that says where sealed originals are kept.
func blobsFlag(cmd *cobra.Command, place *string) {
	cmd.Flags().StringVar(place, "blobs", "", "`place` of sealed originals: a folder, s3://BUCKET/PREFIX, or database (default: a folder beside a registry's file; a server's database)")
}

// newMoveBlobs returns the verb "move-blobs", which moves sealed originals out of the database. It enters
// nothing in the ledger: where an original is kept is no fact about it.
func newMoveBlobs(u *ui) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "move-blobs PLACE",
		Short: "Move sealed originals from the database to a folder or a bucket",
		Long: `Move every sealed original from the registry's database to PLACE, a folder or
s3://BUCKET/PREFIX, and keep new ones there. The registry can be in use meanwhile. If
it is interrupted, run the same command again. "kycmark audit --originals" then opens
each. The file registry.db keeps its size, and uses the space again.

Originals that are not in the database are moved by "kycmark copy-registry --blobs".`,
		Example: `  kycmark move-blobs s3://kyc/originals
  kycmark audit --originals`,
		Args: exactly("PLACE"),
	}
	return u.bookVerb(cmd, func(ctx context.Context, b *books, args []string) error {
		place := home.Originals(b.home.Address(), args[0])
		if place == "" {
			return usagef("originals are moved out of the database, got the place %q", args[0])
		}
		show, done := b.progressOf(ctx, "moving")
		defer done()
		moved, err := b.registry.MoveOriginals(ctx, place, show)
		done()
		if err != nil {
			return err
		}
		b.printf("%s moved to %s\nnext: kycmark audit --originals\n", plural(moved, "original"), place)
		return b.line(struct {
			Moved int    `json:"moved"`
			Place string `json:"place"`
		}{moved, place})
	})
}
