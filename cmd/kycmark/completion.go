package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"
)

// A shell waits for what is offered: of a large registry only the first copies are looked at.
const (
	maxCompleted = 100    // IDs that are offered
	maxLooked    = 10_000 // copies that are looked at
)

// complete offers values for a flag of cmd.
func complete(cmd *cobra.Command, flag string, values ...string) {
	cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// A completer offers words, each with a tab and a description behind it.
type completer = func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective)

// fromHome makes a completer of what a home's registry knows. Without a home nothing is
// offered: a completion has nowhere to say why.
func fromHome(list func(ctx context.Context, b *books, begun string) ([]string, error)) completer {
	return func(cmd *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
		const none = cobra.ShellCompDirectiveNoFileComp
		dir, _ := cmd.Flags().GetString("home")
		h, err := openHome(dir)
		if err != nil {
			return nil, none
		}
		ctx := context.Background() // cobra hands none to completions
		r, err := h.Investigation(ctx)
		if err != nil {
			return nil, none
		}
		defer r.Close()
		words, err := list(ctx, &books{home: h, registry: r}, begun)
		if err != nil {
			return nil, none
		}
		return words, none
	}
}

// recipientNames completes the name of a recipient.
var recipientNames = fromHome(func(ctx context.Context, b *books, begun string) (words []string, err error) {
	all, err := b.registry.Recipients(ctx)
	for _, r := range all {
		if strings.HasPrefix(r.Name, begun) {
			words = append(words, r.Name+"\t"+r.Kind)
		}
	}
	return words, err
})

// keyIDs completes the ID of a mark key.
var keyIDs = fromHome(func(ctx context.Context, b *books, begun string) (words []string, err error) {
	all, err := b.registry.Ledger().MarkKeys(ctx)
	for _, k := range all {
		if strings.HasPrefix(k.KeyID, begun) {
			words = append(words, k.KeyID+"\t"+k.State)
		}
	}
	return words, err
})

// copyIDs completes the ID of a copy.
var copyIDs = fromHome(func(ctx context.Context, b *books, begun string) (words []string, err error) {
	looked := 0
	for c, err := range b.registry.AllCopies(ctx) {
		if err != nil {
			return nil, err
		}
		if id := c.ID.String(); strings.HasPrefix(id, begun) {
			words = append(words, id+"\tissued to "+name(c.Recipient)+" on "+day(c.Issued))
		}
		if looked++; looked == maxLooked || len(words) == maxCompleted {
			break
		}
	}
	return words, nil
})
