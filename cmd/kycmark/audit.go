package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/verify"
)

func newAudit(u *ui) *cobra.Command {
	return u.bookVerb(&cobra.Command{
		Use:   "audit",
		Short: "Check the ledger against the registry",
		Long: `Recompute the ledger's hash chain and every commitment in it. Exit 1 when
something was edited, removed, added or reordered. Keep the size and the head
that it prints elsewhere: somebody who rewrites the whole registry is found out
only by comparing them.`,
		Example: `  kycmark audit --json`,
		Args:    exactly(),
	}, func(ctx context.Context, b *books, _ []string) error {
		size, head, err := b.registry.CheckLedger(ctx)
		line := auditLine{Holds: err == nil, Size: size, Head: head, Error: reasonText(err)}
		switch {
		case err == nil:
			b.printf("the ledger holds: %d entries, head %s\n", size, head)
		case errors.Is(err, verify.ErrTampered):
			b.no()
			b.errorf("%v", err)
		default:
			return err
		}
		return b.line(line)
	})
}

type auditLine struct {
	Holds bool    `json:"holds"`
	Size  int64   `json:"size"` // entries
	Head  string  `json:"head"` // hex SHA-256
	Error *string `json:"error"`
}
