package pictures

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/durable"
	"github.com/kycmark/kycmark/internal/keyfile"
	"github.com/kycmark/kycmark/watermark"
)

// NewKeygen returns the verb "keygen". A file that exists is exit code 4, unless it has a mark key that was just made.
func NewKeygen(u *ui.UI) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "keygen --out FILE",
		Short: "Make a new mark key file",
		Long: `Make a new mark key: 32 random bytes in a text file that only you can read.
A holder of the key can read and forge marks, and without the key no mark can be read
again: keep a copy in a safe place. An existing file is never overwritten. If it has
a mark key of the last hour, an interrupted command may have made it: exit 0.`,
		Example: `  kycmark keygen --out mark.key`,
		Args:    ui.Exactly(),
		RunE: u.Verb(func(*cobra.Command, []string) error {
			key := watermark.GenerateKey()
			err := keyfile.CreateMark(out, key)
			is := "new mark key"
			if errors.Is(err, fs.ErrExist) {
				old, unusable := keyfile.ReadMark(out)
				if info, gone := os.Stat(out); unusable != nil || gone != nil || time.Since(info.ModTime()) > durable.Settled {
					return ui.WithHint(err, "choose another name, or move the old key away")
				}
				key, is, err = old, "was made within the last hour, and stays: mark key", nil
			}
			if err != nil {
				return err
			}
			u.Printf("%s: %s %s\n", out, is, key.ID())
			return u.Line(map[string]string{"file": out, "key_id": key.ID()})
		}),
	}
	cmd.Flags().StringVarP(&out, "out", "o", "", "the key file to make (required)")
	cmd.MarkFlagRequired("out")
	return cmd
}
