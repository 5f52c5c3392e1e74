package main

import (
	"errors"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/keyfile"
	"github.com/kycmark/kycmark/watermark"
)

// newKeygen returns the verb "keygen". A file that exists is exit code 4.
func newKeygen(u *ui) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "keygen --out FILE",
		Short: "Make a new mark key file",
		Long: `Make a new mark key: 32 random bytes in a text file that only you can read.
A holder of the key can read and forge marks, and without the key no mark can be read
again: keep a copy in a safe place. An existing file is never overwritten.`,
		Example: `  kycmark keygen --out mark.key`,
		Args:    exactly(),
		RunE: u.verb(func(*cobra.Command, []string) error {
			key := watermark.GenerateKey()
			err := keyfile.CreateMark(out, key)
			if errors.Is(err, fs.ErrExist) {
				return withHint(err, "choose another name, or move the old key away")
			}
			if err != nil {
				return err
			}
			u.printf("%s: new mark key %s\n", out, key.ID())
			return u.line(map[string]string{"file": out, "key_id": key.ID()})
		}),
	}
	cmd.Flags().StringVarP(&out, "out", "o", "", "the key file to make (required)")
	cmd.MarkFlagRequired("out")
	return cmd
}
