package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/archive"
)

// newIndex returns the verb "index", which does nothing itself: "build", "add", "query", "remove"
// and "info" are below it. They work on a folder of hashes and need no home.
func newIndex(u *ui) *cobra.Command {
	return only(&cobra.Command{
		Use:   "index",
		Short: "Find pictures again among millions",
		Long: `Keep the perceptual hashes of pictures in a folder and ask which of them a picture
shows. No home and no keys are needed.

A hash can be turned back into a blurry picture: guard the folder like the pictures.`,
		Example: `  kycmark index build uploads.index uploads/ --parts
  kycmark index add uploads.index more/
  kycmark index query uploads.index leak.jpg
  kycmark index remove uploads.index uploads/customer-4711.jpg
  kycmark index info uploads.index`,
	}, newIndexBuild(u), newIndexAdd(u), newIndexQuery(u), newIndexRemove(u), newIndexInfo(u))
}

// indexVerb makes do the work of cmd, a verb with the folder of an existing index as its first
// argument, and returns cmd. do gets the open index and all arguments, the folder included. The
// index is closed afterwards, but saved only if do does so. If there is no index, the error has a
// hint.
func (u *ui) indexVerb(cmd *cobra.Command, do func(ctx context.Context, a *archive.Archive, args []string) error) *cobra.Command {
	cmd.RunE = u.verb(func(cmd *cobra.Command, args []string) error {
		a, err := archive.Open(args[0])
		if errors.Is(err, archive.ErrNone) {
			return withHint(err, "make one with \"kycmark index build %s FILE|DIR...\"", args[0])
		}
		if err != nil {
			return err
		}
		err = do(cmd.Context(), a, args)
		return errors.Join(err, a.Close())
	})
	return cmd
}

// indexLine says as JSON what an index holds.
type indexLine struct {
	Index     string `json:"index"`
	Algorithm string `json:"algorithm"`
	Entries   int    `json:"entries"`
	Skipped   int64  `json:"skipped"`            // too plain to be recognised by their hash
	Features  *int   `json:"features,omitempty"` // pictures whose parts can be found; null: that is not kept
	Added     *int   `json:"added,omitempty"`
	Removed   *int   `json:"removed,omitempty"`
}

// indexHolds prints what the index a in the folder dir holds now. added and removed are the numbers
// of pictures that the verb added or removed; nil if the verb does not add or remove. The error is
// one of writing JSON.
func (u *ui) indexHolds(dir string, a *archive.Archive, added, removed *int) error {
	line := indexLine{Index: dir, Algorithm: a.Index.Kind().Version(), Entries: a.Index.Len(), Skipped: a.Index.Skipped(), Added: added, Removed: removed}
	did, found := "", ""
	switch {
	case added != nil:
		did = fmt.Sprintf("%d added, ", *added)
	case removed != nil:
		did = fmt.Sprintf("%d removed, ", *removed)
	}
	if a.Features != nil {
		n := a.Features.Len()
		line.Features = &n
		found = fmt.Sprintf("; parts of %d can be found", n)
	}
	u.printf("%s: %s%s of %s; %s kept out, too plain to be recognised by a hash%s\n",
		name(dir), did, plural(line.Entries, "entry"), line.Algorithm, plural(int(line.Skipped), "picture"), found)
	return u.line(line)
}

// newIndexInfo returns the verb "index info", which opens an index, and so checks its files, and
// prints what it holds. A damaged index is exit code 4.
func newIndexInfo(u *ui) *cobra.Command {
	return u.indexVerb(&cobra.Command{
		Use:     "info INDEX",
		Short:   "Check an index and say what it holds",
		Example: `  kycmark index info uploads.index`,
		Args:    exactly("an index"),
	}, func(_ context.Context, a *archive.Archive, args []string) error {
		return u.indexHolds(args[0], a, nil, nil)
	})
}

// newIndexRemove returns the verb "index remove", which erases pictures by their names and writes
// the index anew. Names that the index lacks are passed over. Exit code 1, and nothing written: the
// index holds no picture of these names.
func newIndexRemove(u *ui) *cobra.Command {
	return u.indexVerb(&cobra.Command{
		Use:   "remove INDEX NAME...",
		Short: "Erase pictures from an index",
		Long: `Erase pictures by their names: the index is written anew without them, and its old
files are removed. Exit 1 when it holds none of them.`,
		Example: `  kycmark index remove uploads.index uploads/customer-4711.jpg`,
		Args:    some("index and name"),
	}, func(_ context.Context, a *archive.Archive, args []string) error {
		if len(args) < 2 {
			return usagef("name what to remove")
		}
		wanted := map[string]bool{}
		for _, n := range args[1:] {
			wanted[n] = true
		}
		removed := a.Remove(wanted)
		if removed == 0 {
			u.no()
		} else if err := a.Save(); err != nil {
			return indexHint(err)
		}
		return u.indexHolds(args[0], a, nil, &removed)
	})
}

// indexHint adds a hint to errors of making and saving an index that wrap [archive.ErrChanged] or
// [fs.ErrExist]. It returns other errors, and nil, unchanged.
func indexHint(err error) error {
	switch {
	case errors.Is(err, archive.ErrChanged):
		return withHint(err, "nothing was written: do it again")
	case errors.Is(err, fs.ErrExist):
		return withHint(err, "use \"kycmark index add\" to add to it, or --force to replace it")
	}
	return err
}
