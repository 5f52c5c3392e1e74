// Package audit has the verbs for auditors and witnesses: checkpoints, proofs and the state of a home.
package audit

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/verify/registry"
)

type auditFlags struct {
	checkpoints, keys, witnesses []string
	originals                    bool
}

// NewAudit returns the verb "audit". It enters nothing.
func NewAudit(u *ui.UI) *cobra.Command {
	var f auditFlags
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Check the ledger against the registry, and against what others kept",
		Long: `Recompute the ledger's tree, every commitment in it and the signatures of all
checkpoints. Exit 1 when something was edited, removed, added or reordered. The database
also compares its indexes with its tables: PostgreSQL needs the extension amcheck for it,
and the right to call bt_index_check.

Entries that were made when a clock was wrong are named: an entry before them is later,
or a witness (--witness) signed the entries before them later.

A registry that was rewritten as a whole is found out only by what was kept elsewhere:
hand in checkpoints that a witness or an auditor kept (--checkpoint) and the public key
that came with them (--key). With --originals every sealed original is also opened and
compared with the digest that was entered, and so is what uploads are found by. What
interrupted runs left there is removed after an hour. Exit 3 if only originals cannot be read.`,
		Example: `  kycmark audit --originals
  kycmark audit --checkpoint 2026-11-20.checkpoint --key ledger.pub --json`,
		Args: ui.Exactly(),
	}
	fs := cmd.Flags()
	fs.StringArrayVar(&f.checkpoints, "checkpoint", nil, "`file` with a checkpoint that was kept elsewhere; may be repeated")
	fs.StringArrayVar(&f.keys, "key", nil, "public `key` of the ledger, or its file; of several any may have signed (default: the home's)")
	fs.StringArrayVar(&f.witnesses, "witness", nil, "public `key` of a witness, or its file: check its signatures; may be repeated (default: the home's)")
	fs.BoolVar(&f.originals, "originals", false, "open every sealed original")
	return u.BookVerb(cmd, func(ctx context.Context, b *ui.Desk, _ []string) error { return auditLedger(ctx, b, f) })
}

type auditLine struct {
	Holds       bool     `json:"holds"`
	Size        int64    `json:"size"`             // entries
	Head        string   `json:"head"`             // root of the tree over them, hex
	Checkpoints int      `json:"checkpoints"`      // kept ones that hold
	Outside     int      `json:"outside"`          // handed in ones that hold
	Originals   *int     `json:"originals"`        // opened; null: not asked for
	Unread      []string `json:"unread,omitempty"` // originals that cannot be read
	Problems    []string `json:"problems"`
	Reserved    int      `json:"reserved,omitempty"` // copies whose release is not confirmed
	Unsummed    bool     `json:"unsummed,omitempty"` // the database server keeps no checksums
	Clock       []string `json:"clock"`              // entries that were made when a clock was wrong
	Error       *string  `json:"error"`              // the first problem
}

// auditLedger checks the ledger as f says. A problem in the ledger makes the exit code 1 and no error, also if files
// could not be read. The error is wrong usage, an unusable key, or a check that could not be done.
func auditLedger(ctx context.Context, b *ui.Desk, f auditFlags) error {
	o, err := auditOptions(b, f)
	if err != nil {
		return err
	}
	show, done := b.ProgressOf(ctx, "opening")
	o.Progress, o.Readers = show, b.Readers()
	a, err := b.Registry.Ledger().Audit(ctx, o)
	done()
	if err != nil {
		return keyUsage(err)
	}
	line := auditLine{Holds: a.Holds, Size: a.Size, Head: a.Head,
		Checkpoints: len(a.Checkpoints), Outside: len(a.Outside), Unread: a.Unread, Problems: a.Problems, Reserved: a.Reserved, Unsummed: a.Unsummed, Clock: a.Clock}
	if f.originals {
		line.Originals = &a.Originals
	}
	for _, o := range a.Unread {
		b.Fail("incomplete", errors.New(o))
	}
	for i, p := range a.Problems {
		if i == 0 {
			b.Code = ui.ExitNo // whatever files could not be read
			line.Error = ui.Text(p)
		}
		b.Errorf("%s", p)
	}
	for _, c := range a.Clock {
		b.Warnf("%s", c)
	}
	if a.Unsummed {
		b.Warnf("the database server keeps no data checksums: stop it and run pg_checksums --enable")
	}
	if a.Holds {
		b.Printf("the ledger holds: %s, head %s\n", ui.Entries(a.Size), a.Head)
	}
	auditWords(b, f, a)
	return b.Line(line)
}

// auditOptions reads the keys and checkpoints that the flags name. A checkpoint file that cannot be read is a failed input.
func auditOptions(b *ui.Desk, f auditFlags) (o registry.AuditOptions, err error) {
	if o.Keys, err = publicKeys(f.keys); err != nil {
		return o, err
	}
	if len(f.keys) == 0 {
		if key, err := b.Home.LedgerPublic(); err == nil {
			o.Keys = append(o.Keys, key)
		}
	}
	if o.Witnesses, err = publicKeys(f.witnesses); err != nil {
		return o, err
	}
	if len(f.witnesses) == 0 {
		if o.Witnesses, err = b.Home.Witnesses(); err != nil {
			return o, err
		}
	}
	for _, path := range f.checkpoints {
		text, err := ui.ReadSmall(path)
		if err != nil {
			b.Fail(path, err)
			continue
		}
		o.Checkpoints = append(o.Checkpoints, string(text))
	}
	if f.originals {
		o.SealKey, err = b.Home.SealKey()
	}
	return o, err
}

// auditWords prints what the audit looked at, and what it therefore does not show.
func auditWords(b *ui.Desk, f auditFlags, a *registry.Audit) {
	for _, c := range append(a.Checkpoints, a.Outside...) {
		for _, w := range c.Witnesses {
			b.Printf("the first %s: signed by the witness %s%s\n", ui.Entries(c.Size), w.Name, at(w.Time))
		}
	}
	if n := len(a.Checkpoints); n > 0 {
		b.Printf("%s kept: the ledger begins with each\n", ui.Plural(n, "checkpoint"))
	}
	if n := len(a.Outside); n > 0 {
		b.Printf("%s handed in: the ledger begins with each\n", ui.Plural(n, "checkpoint"))
	} else if len(f.checkpoints) == 0 {
		b.Printf("no checkpoint was handed in: that the whole registry was not rewritten is not shown\n")
	}
	if a.Reserved > 0 {
		b.Warnf("%s reserved, and not confirmed as released: issue again, or \"kycmark issue --void\"", ui.Plural(a.Reserved, "copy"))
	}
	if f.originals {
		b.Printf("%s opened, with the digests that were entered\n", ui.Plural(a.Originals, "original"))
		if a.Swept > 0 {
			b.Printf("%s of no submission removed\n", ui.Plural(a.Swept, "original"))
		}
		if a.Left > 0 {
			b.Warnf("%s of no submission: a run was interrupted, or the registry is an old copy. The next audit after an entry removes them", ui.Plural(a.Left, "original"))
		}
	}
}
