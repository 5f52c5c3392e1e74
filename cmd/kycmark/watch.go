package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/verify/registry"
)

// watchTries is how many rounds in sequence may fail for a witness or a database that does not answer. Chosen: three
// hours of the default interval.
const watchTries = 3

type watchFlags struct {
	witness      witnessFlags
	every, audit time.Duration
	once         bool
}

// newWatch returns the verb "watch", which has a witness sign the ledger and audits it, again and again. Exit code 1:
// something does not hold.
func newWatch(u *ui) *cobra.Command {
	var f watchFlags
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Have a witness sign the ledger at an interval, and audit it as it grows",
		Long: `Each --every sign the ledger's state, keep the checkpoint and have a witness sign it: this bounds
the time of each entry to that interval. When the ledger grew, audit it, each --audit at most,
also against the checkpoints that this process has seen. Exit 1 with the reason when something
does not hold, and 4 after three rounds in which a witness or the database did not answer. Your
supervisor is to alarm an operator on both. Ctrl-C ends it.`,
		Example: `  kycmark watch --witness-url https://witness.example --witness witness.pub
  kycmark watch --once`,
		Args: exactly(),
	}
	fs := cmd.Flags()
	fs.StringVar(&f.witness.url, "witness-url", "", "`address` of the witness")
	fs.StringVar(&f.witness.key, "witness", "", "public `key` of the witness, or its file")
	fs.DurationVar(&f.every, "every", time.Hour, "`time` between two signatures")
	fs.DurationVar(&f.audit, "audit", 24*time.Hour, "least `time` between two audits")
	fs.BoolVar(&f.once, "once", false, "sign and audit once, then end")
	return u.bookVerb(cmd, func(ctx context.Context, b *books, _ []string) error {
		if f.every <= 0 || f.audit <= 0 {
			return usagef("--every and --audit must be above 0")
		}
		return b.watch(ctx, f)
	})
}

// watch goes on until ctx ends, something does not hold, or watchTries rounds failed in sequence.
func (b *books) watch(ctx context.Context, f watchFlags) error {
	o, err := b.auditOptions(auditFlags{})
	if err != nil {
		return err
	}
	if f.witness.key != "" {
		keys, err := publicKeys([]string{f.witness.key})
		if err != nil {
			return err
		}
		if !slices.Contains(o.Witnesses, keys[0]) { // the home may trust it
			o.Witnesses = append(o.Witnesses, keys...)
		}
	}
	tick := time.NewTicker(f.every)
	defer tick.Stop()
	var audited time.Time // when the last audit began
	size, failed := int64(0), 0
	for {
		c, err := b.sign(ctx, f.witness)
		if err == nil {
			b.printf("%s signed%s\n", entries(c.Size), by(c))
			if o.Checkpoints = append(o.Checkpoints, c.Text); len(o.Checkpoints) > 2 {
				o.Checkpoints = o.Checkpoints[1:] // the last ones continue those before
			}
			if now := time.Now(); c.Size != size && now.Sub(audited) >= f.audit {
				audited, size = now, c.Size
				var holds bool
				if holds, err = b.report(ctx, auditFlags{}, o); err == nil && !holds {
					return nil
				}
			}
		}
		switch failed++; {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, registry.ErrTampered), errors.Is(err, registry.ErrCheckpoint):
			b.no()
			b.errorf("%s", reason(err))
			return nil
		case err != nil && (size == 0 || failed == watchTries):
			return err
		case err != nil:
			b.warnf("%s", reason(err))
		default:
			failed = 0
		}
		if f.once {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// by returns " by NAME and NAME", who signed a checkpoint beside the ledger's key.
func by(c *registry.Checkpoint) string {
	if len(c.Signers) < 2 {
		return ""
	}
	return fmt.Sprintf(" by %s", strings.Join(c.Signers[1:], " and "))
}
