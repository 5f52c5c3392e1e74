package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// newSettle returns the verb "settle", which enters what became of reserved copies. Exit code 3: some copies are
// unknown, or were released; the rest is entered.
func newSettle(u *ui) *cobra.Command {
	var as, note string
	cmd := &cobra.Command{
		Use:   "settle COPY... --as void|released --note TEXT",
		Short: "Enter what became of copies whose release is not confirmed",
		Long: `A copy is entered before its first byte leaves, and again when it was released. If the
issue was killed in between, the copy stays reserved: "kycmark list copies" names it.
The same issue, run again, releases it. If it cannot be run again, enter what is known:
void, if no byte of it left, or released. A released copy cannot become void.

Only say void if you know that nothing left the house. A void copy counts for no
recipient, and if its mark is read in a leak, the report says that the entry was wrong.`,
		Example: `  kycmark settle 00000000000004d2 --as void --note "the server died; its disk was never read again"`,
		Args:    some("COPY"), ValidArgsFunction: copyIDs,
	}
	cmd.Flags().StringVar(&as, "as", "", "`what` became of them: void or released")
	cmd.Flags().StringVar(&note, "note", "", "how this is known")
	cmd.MarkFlagRequired("as")
	cmd.MarkFlagRequired("note")
	complete(cmd, "as", registry.CopyVoid, registry.CopyReleased)
	return u.bookVerb(cmd, func(ctx context.Context, b *books, args []string) error {
		if as != registry.CopyVoid && as != registry.CopyReleased || note == "" {
			return usagef("--as %s: want void or released, and a note", as)
		}
		for _, arg := range args {
			if _, err := watermark.ParseCopyID(arg); err != nil {
				return &usageError{err}
			}
		}
		for _, arg := range args {
			line := settleLine{Copy: arg}
			if err := b.settle(ctx, arg, as, note); err != nil {
				if ctx.Err() != nil {
					return err
				}
				b.fail(arg, err)
				line.Error = reasonText(err)
			} else {
				line.State = &as
				b.printf("copy %s: %s\n", arg, as)
			}
			if err := b.line(line); err != nil {
				return err
			}
		}
		return nil
	})
}

// settleLine is the result of settle as JSON.
type settleLine struct {
	Copy  string  `json:"copy"`
	State *string `json:"state"` // null: it is as it was
	Error *string `json:"error"`
}

// settle enters the state of the copy arg, a valid ID.
func (b *books) settle(ctx context.Context, arg, as, note string) error {
	id, err := watermark.ParseCopyID(arg)
	if err == nil {
		_, err = b.registry.Ledger().AddRelease(ctx, registry.Release{Copy: id, State: as, Note: note, Actor: b.actor()})
	}
	return err
}

// stateWords says in one line what became of a copy; "" if it was released.
func stateWords(c *registry.Copy) string {
	switch c.State {
	case registry.CopyReserved:
		return "  reserved: its release is not confirmed\n"
	case registry.CopyVoid:
		return "  void: no byte of it was handed out, says the ledger\n"
	}
	return ""
}
