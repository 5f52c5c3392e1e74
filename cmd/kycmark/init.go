package main

import (
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/home"
)

func newInit(u *ui) *cobra.Command {
	return &cobra.Command{
		Use:   "init DIR",
		Short: "Make a home: configuration, registry and keys",
		Long: `Make a home: a folder with kycmark.toml, an empty registry, a mark key and a
sealing key, all readable by you alone. Keep copies of the keys elsewhere: without
the mark key no mark can be read, without the sealing key no original opened.`,
		Example: `  kycmark init kyc
  export KYCMARK_HOME=$PWD/kyc`,
		Args: exactly("DIR"),
		RunE: u.verb(func(cmd *cobra.Command, args []string) error {
			h, err := home.Create(cmd.Context(), args[0])
			if errors.Is(err, fs.ErrExist) {
				return withHint(err, "a home is never made over another; choose a new folder")
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
			u.printf("%s: new home with mark key %s and sealing key %s\n", dir, keys[0].ID(), seal.ID())
			u.printf("next: export KYCMARK_HOME='%s'\n      kycmark recipient add vendor-a --kind vendor\n", dir)
			return u.line(struct {
				Home      string `json:"home"`
				KeyID     string `json:"key_id"`
				SealKeyID string `json:"seal_key_id"`
			}{dir, keys[0].ID(), seal.ID()})
		}),
	}
}
