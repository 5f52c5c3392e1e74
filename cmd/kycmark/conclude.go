package main

import (
	"context"
	"iter"
	"os"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/verify"
)

// newConclude returns the verb "conclude", which weighs the parts of a dump that "investigate --part"
// examined. It prints and writes what one run of "investigate" over the dump does.
func newConclude(u *ui) *cobra.Command {
	var f investigateFlags
	cmd := &cobra.Command{
		Use:   "conclude PART...",
		Short: "Weigh the parts of a dump that several machines examined",
		Long: `Weigh the parts of a dump that "kycmark investigate --part K/N" examined, each on any
machine with the registry and its keys. All N are needed, in any order, made by the same
version of kycmark with the same flags. Findings and verdict equal what one run finds.
What is known of the dump, such as --found, was said to each part.`,
		Example: `  for k in 1 2 3 4; do kycmark investigate leaks/ --part $k/4 --findings part-$k.json & done; wait
  kycmark conclude part-*.json --report report.html`,
		Args: some("file that \"investigate --part\" wrote"),
	}
	f.outputs(cmd)
	return u.searchVerb(cmd, func(ctx context.Context, b *books, args []string) error {
		return b.concludeParts(ctx, f, args)
	})
}

// concludeParts weighs the parts in the files at paths.
func (b *books) concludeParts(ctx context.Context, f investigateFlags, paths []string) error {
	if err := f.checkOutputs(b, paths); err != nil {
		return err
	}
	texts := make([][]byte, len(paths))
	for i, path := range paths {
		var err error
		if texts[i], err = os.ReadFile(path); err != nil {
			return err
		}
	}
	return b.concludeTexts(ctx, f, texts)
}

// concludeTexts weighs parts.
func (b *books) concludeTexts(ctx context.Context, f investigateFlags, texts [][]byte) error {
	parts, err := verify.ReadParts(texts...)
	if err != nil {
		return err
	}
	if f.reveal && !parts.Reveals {
		return usagef("--reveal: the parts have no recognisable thumbnails, want parts made with --reveal")
	}
	cfg, err := parts.Config(verify.Config{})
	if err != nil {
		return err
	}
	inv, done, err := b.investigator(ctx, cfg, "joining")
	if err != nil {
		return err
	}
	defer done()
	joined, err := inv.Join(ctx, parts)
	if err != nil {
		return err
	}
	verdicts, err := b.examine(all(joined), cfg.Claimed)
	if err != nil {
		return err
	}
	return b.weigh(ctx, f, inv, done, verdicts)
}

// all yields the verdicts.
func all(verdicts []*verify.Verdict) iter.Seq2[*verify.Verdict, error] {
	return func(yield func(*verify.Verdict, error) bool) {
		for _, v := range verdicts {
			if !yield(v, nil) {
				return
			}
		}
	}
}
