package main

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/verify/books"
)

// newRecipient returns the verb "recipient", which does nothing itself: "add" is below it.
func newRecipient(u *ui) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "recipient",
		Short:   "Enter recipients of copies",
		Example: "  kycmark recipient add vendor-a --kind vendor",
	}
	return only(cmd, newRecipientAdd(u))
}

var recipientKinds = []string{books.KindStore, books.KindVendor, books.KindAuthority, books.KindReviewer, books.KindPartner}

// newRecipientAdd returns the verb "recipient add". Entering a recipient again changes nothing; another kind for the
// same name is exit code 4.
func newRecipientAdd(u *ui) *cobra.Command {
	var kind string
	cmd := &cobra.Command{
		Use:   "add NAME --kind KIND",
		Short: "Enter a recipient",
		Long: `Enter a recipient. Kinds: store (the exchange's own working copies), vendor,
authority (law enforcement, a court, a regulator), reviewer (a person), partner.`,
		Example: `  kycmark recipient add store --kind store
  kycmark recipient add vendor-a --kind vendor
  kycmark recipient add authority-b --kind authority`,
		Args: exactly("NAME"),
	}
	cmd.Flags().StringVar(&kind, "kind", "", "store, vendor, authority, reviewer or partner (required)")
	cmd.MarkFlagRequired("kind")
	complete(cmd, "kind", recipientKinds...)
	return u.bookVerb(cmd, func(ctx context.Context, b *desk, args []string) error {
		if !slices.Contains(recipientKinds, kind) {
			return usagef("--kind is store, vendor, authority, reviewer or partner, not %q", kind)
		}
		to := books.Recipient{Name: args[0], Kind: kind, Actor: actor()}
		if err := b.registry.AddRecipient(ctx, to); err != nil {
			return err
		}
		b.printf("%s: recipient of kind %s\n", name(to.Name), to.Kind)
		return b.line(map[string]string{"name": to.Name, "kind": to.Kind})
	})
}
