package books

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/verify/books"
)

// NewRecipient returns the verb "recipient", which does nothing itself: "add" is below it.
func NewRecipient(u *ui.UI) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "recipient",
		Short:   "Enter recipients of copies",
		Example: "  kycmark recipient add vendor-a --kind vendor",
	}
	return ui.Only(cmd, newRecipientAdd(u))
}

var recipientKinds = []string{books.KindStore, books.KindVendor, books.KindAuthority, books.KindReviewer, books.KindPartner}

// newRecipientAdd returns the verb "recipient add". Entering a recipient again changes nothing; another kind for the
// same name is exit code 4.
func newRecipientAdd(u *ui.UI) *cobra.Command {
	var kind string
	cmd := &cobra.Command{
		Use:   "add NAME --kind KIND",
		Short: "Enter a recipient",
		Long: `Enter a recipient. Kinds: store (the exchange's own working copies), vendor,
authority (law enforcement, a court, a regulator), reviewer (a person), partner.`,
		Example: `  kycmark recipient add store --kind store
  kycmark recipient add vendor-a --kind vendor
  kycmark recipient add authority-b --kind authority`,
		Args: ui.Exactly("NAME"),
	}
	cmd.Flags().StringVar(&kind, "kind", "", "store, vendor, authority, reviewer or partner (required)")
	cmd.MarkFlagRequired("kind")
	ui.Complete(cmd, "kind", recipientKinds...)
	return u.BookVerb(cmd, func(ctx context.Context, b *ui.Desk, args []string) error {
		if !slices.Contains(recipientKinds, kind) {
			return ui.Usagef("--kind is store, vendor, authority, reviewer or partner, not %q", kind)
		}
		to := books.Recipient{Name: args[0], Kind: kind, Actor: ui.Actor()}
		if err := b.Registry.AddRecipient(ctx, to); err != nil {
			return err
		}
		b.Printf("%s: recipient of kind %s\n", ui.Name(to.Name), to.Kind)
		return b.Line(map[string]string{"name": to.Name, "kind": to.Kind})
	})
}
