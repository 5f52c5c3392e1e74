package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/archive"
)

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

// openIndex opens the index in a folder.
func openIndex(dir string) (*archive.Archive, error) {
	a, err := archive.Open(dir)
	if errors.Is(err, archive.ErrNone) {
		return nil, withHint(err, "make one with \"kycmark index build %s FILE|DIR...\"", dir)
	}
	return a, err
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

func indexLineOf(dir string, a *archive.Archive) indexLine {
	line := indexLine{Index: dir, Algorithm: a.Index.Kind().Version(), Entries: a.Index.Len(), Skipped: a.Index.Skipped()}
	if a.Features != nil {
		n := a.Features.Len()
		line.Features = &n
	}
	return line
}

// holds is the line in words.
func (l *indexLine) holds() string {
	words := fmt.Sprintf("%s of %s; %s kept out, too plain to be recognised by a hash",
		plural(l.Entries, "entry"), l.Algorithm, plural(int(l.Skipped), "picture"))
	if l.Features != nil {
		words += fmt.Sprintf("; parts of %d can be found", *l.Features)
	}
	return words
}

func newIndexInfo(u *ui) *cobra.Command {
	return &cobra.Command{
		Use:     "info INDEX",
		Short:   "Check an index and say what it holds",
		Example: `  kycmark index info uploads.index`,
		Args:    exactly("an index"),
		RunE: u.verb(func(_ *cobra.Command, args []string) error {
			a, err := openIndex(args[0])
			if err != nil {
				return err
			}
			defer a.Close()
			line := indexLineOf(args[0], a)
			u.printf("%s: %s\n", name(args[0]), line.holds())
			return u.line(line)
		}),
	}
}

func newIndexRemove(u *ui) *cobra.Command {
	return &cobra.Command{
		Use:   "remove INDEX NAME...",
		Short: "Erase pictures from an index",
		Long: `Erase pictures by their names: the index is written anew without them, and its old
files are removed. Exit 1 when it holds none of them.`,
		Example: `  kycmark index remove uploads.index uploads/customer-4711.jpg`,
		Args:    some("index and name"),
		RunE: u.verb(func(_ *cobra.Command, args []string) error {
			if len(args) < 2 {
				return usagef("name what to remove")
			}
			return indexRemove(u, args[0], args[1:])
		}),
	}
}

func indexRemove(u *ui, dir string, names []string) error {
	a, err := openIndex(dir)
	if err != nil {
		return err
	}
	defer a.Close()
	wanted := map[string]bool{}
	for _, n := range names {
		wanted[n] = true
	}
	removed := a.Remove(wanted)
	if removed == 0 {
		u.no()
	} else if err := a.Save(); err != nil {
		return indexBusy(err)
	}
	line := indexLineOf(dir, a)
	line.Removed = &removed
	u.printf("%s: %d removed, %s\n", name(dir), removed, line.holds())
	return u.line(line)
}

// indexBusy gives errors of saving a hint.
func indexBusy(err error) error {
	switch {
	case errors.Is(err, archive.ErrChanged):
		return withHint(err, "nothing was written: do it again")
	case errors.Is(err, fs.ErrExist):
		return withHint(err, "use \"kycmark index add\" to add to it, or --force to replace it")
	}
	return err
}

// saveIndex saves what was added and says so.
func saveIndex(ctx context.Context, u *ui, dir string, a *archive.Archive, added int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := a.Save(); err != nil {
		return indexBusy(err)
	}
	line := indexLineOf(dir, a)
	line.Added = &added
	u.printf("%s: %d added, %s\n", name(dir), added, line.holds())
	return u.line(line)
}
