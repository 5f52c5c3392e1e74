package main

import (
	"context"
	"errors"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/jobs"
)

// newSegments returns the verb "segments", which makes the segments of a registry that are due.
func newSegments(u *ui) *cobra.Command {
	var anew, queue bool
	cmd := &cobra.Command{
		Use:   "segments",
		Short: "Make the files that searches map",
		Long: `Searches map the hashes and the sealed local features of uploads from files, the
segments, and read only later uploads from the database. “submit” makes the segments.
This command is for programs that enter uploads one by one, for segments that are
missing or were altered, and after erasures, which remove sealed segments. It may be
interrupted and run again, and others may use the registry meanwhile.`,
		Example: `  kycmark segments --anew`,
		Args:    exactly(),
	}
	cmd.Flags().BoolVar(&anew, "anew", false, "make all segments again from the database")
	queueFlag(cmd, &queue)
	return u.bookVerb(cmd, func(ctx context.Context, b *books, _ []string) error {
		if queue {
			_, err := runOne[struct{}](ctx, b, jobs.Job{Kind: kindSegments, Do: segmentsJob{anew}})
			return err
		}
		seal, err := b.home.SealKey()
		if errors.Is(err, fs.ErrNotExist) {
			b.warnf("%v: sealed segments are not made", err)
		} else if err != nil {
			return err
		}
		show, done := b.progressOf(ctx, "reading")
		defer done()
		return b.registry.Engine().BuildSegments(ctx, seal, anew, func(done, total int64) { show(int(done), int(total)) })
	})
}
