package ui

import (
	"context"
	"iter"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/registry"
)

// A shell waits for what is offered: of a large registry only the first items are looked at.
// Both limits are chosen, not measured.
const (
	maxCompleted = 100    // words that are offered
	maxLooked    = 10_000 // items that are looked at
)

// Complete makes the shell offer values, and no file names, as arguments of cmd's flag.
func Complete(cmd *cobra.Command, flag string, values ...string) {
	cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// A completer offers words, each with a tab and a description behind it.
type completer = func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective)

// fromHome makes a completer of the items that all reads from the registry of --home. word returns the word to complete
// for an item, and its description. After an error nothing is offered, since a completion has no place for messages.
func fromHome[T any](all func(context.Context, *registry.Registry) iter.Seq2[T, error], word func(T) (word, about string)) completer {
	return func(cmd *cobra.Command, _ []string, begun string) (words []string, _ cobra.ShellCompDirective) {
		const noFiles = cobra.ShellCompDirectiveNoFileComp
		dir, _ := cmd.Flags().GetString("home")
		h, err := openHome(dir)
		if err != nil {
			return nil, noFiles
		}
		ctx := context.Background() // cobra hands no context to completions
		r, err := h.Investigation(ctx)
		if err != nil {
			return nil, noFiles
		}
		defer r.Close()
		looked := 0
		for x, err := range all(ctx, r) {
			if err != nil {
				return nil, noFiles
			}
			if w, about := word(x); strings.HasPrefix(w, begun) {
				words = append(words, w+"\t"+OneLine(about))
			}
			if looked++; looked == maxLooked || len(words) == maxCompleted {
				break
			}
		}
		return words, noFiles
	}
}

// RecipientNames completes the name of a recipient.
var RecipientNames = fromHome(func(ctx context.Context, r *registry.Registry) iter.Seq2[*books.Recipient, error] {
	return Listed(r.Recipients(ctx))
}, func(to *books.Recipient) (word, about string) { return to.Name, to.Kind })

// KeyIDs completes the ID of a mark key.
var KeyIDs = fromHome(func(ctx context.Context, r *registry.Registry) iter.Seq2[*books.MarkKey, error] {
	return Listed(r.Ledger().MarkKeys(ctx))
}, func(k *books.MarkKey) (word, about string) { return k.KeyID, k.State })

// CopyIDs completes the ID of a copy.
var CopyIDs = fromHome(func(ctx context.Context, r *registry.Registry) iter.Seq2[*books.Copy, error] {
	return r.AllCopies(ctx)
}, func(c *books.Copy) (word, about string) {
	return c.ID.String(), "issued to " + c.Recipient + " on " + Day(c.Issued)
})
