package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/archive"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/parts"
)

// newIndexBuild returns the verb "index build", which makes an index in a folder out of pictures,
// lists of hashes, or both. An index that exists is refused without --force. Pictures that fail are
// reported, the rest is indexed, and the exit code is 3.
func newIndexBuild(u *ui) *cobra.Command {
	var lists []string
	var algorithm string
	var parts, force bool
	cmd := &cobra.Command{
		Use:   "build INDEX [FILE|DIR...]",
		Short: "Make an index of pictures",
		Long: `Make an index of pictures, in a folder of its own. Pictures are named by their paths
as given here, and the names are what queries answer with.

A picture whose quality is below 50 is too plain to be recognised by its hash: it is
counted and kept out. A hash finds whole pictures; with --parts the index keeps
local features as well, 4 KB a picture, and finds crops, collages and screenshots.`,
		Example: `  kycmark index build uploads.index uploads/ --parts
  kycmark index build archive.index --hashes archive.tsv`,
		Args: some("index"),
		RunE: u.verb(func(cmd *cobra.Command, args []string) error {
			kinds, err := parseKinds([]string{algorithm})
			if err != nil || len(kinds) != 1 {
				return usagef("--algorithm: choose one of %s", hashNames())
			}
			a, err := archive.Create(args[0], kinds[0], parts, force)
			if err != nil {
				return indexHint(err)
			}
			return u.indexAdd(cmd.Context(), a, args, lists, cmd.InOrStdin())
		}),
	}
	hashesFlag(cmd, &lists)
	cmd.Flags().StringVarP(&algorithm, "algorithm", "a", phash.PDQ.String(), "`one` of "+hashNames())
	cmd.Flags().BoolVar(&parts, "parts", false, "also keep local features, so that parts of pictures are found")
	cmd.Flags().BoolVar(&force, "force", false, "replace the index if it exists")
	return cmd
}

// newIndexAdd returns the verb "index add", which adds pictures and lists of hashes to an existing
// index and saves it. A name that is there gets the new picture. Exit code 3: some pictures or
// lines failed, and the rest is added.
func newIndexAdd(u *ui) *cobra.Command {
	var lists []string
	cmd := &cobra.Command{
		Use:   "add INDEX [FILE|DIR...]",
		Short: "Add pictures to an index",
		Long:  `Add pictures to an index. One whose name is there takes the place of what was there.`,
		Example: `  kycmark index add uploads.index uploads/2018-02-15/
  printf 'old/7.jpg\tpdq:%s\n' $DIGITS | kycmark index add uploads.index --hashes -`,
		Args: some("index"),
	}
	hashesFlag(cmd, &lists)
	return u.indexVerb(cmd, func(ctx context.Context, a *archive.Archive, args []string) error {
		return u.indexAdd(ctx, a, args, lists, cmd.InOrStdin())
	})
}

// hashesFlag adds the flag that names lists of hashes.
func hashesFlag(cmd *cobra.Command, lists *[]string) {
	cmd.Flags().StringSliceVar(lists, "hashes", nil, "`files` of hashes, one a line: name, tab, hash; or the hash alone; - for standard input")
}

// indexAdd adds pictures and hashes to the index a, saves it and prints what it holds then. args
// are the index's folder and the files and folders of pictures. lists are files of hashes, "-" for
// stdin; such hashes get quality 100. Bad lines and pictures are reported and left out. After an
// error nothing is saved; indexAdd does not close a.
func (u *ui) indexAdd(ctx context.Context, a *archive.Archive, args, lists []string, stdin io.Reader) error {
	if len(args) == 1 && len(lists) == 0 {
		return usagef("name pictures to put into it, or lists of hashes by --hashes")
	}
	var entries []archive.Entry
	for _, list := range lists {
		err := readHashes(list, stdin, a.Index.Kind(), func(where, name string, h phash.Hash, err error) {
			if err != nil {
				u.fail(where, err)
				return
			}
			entries = append(entries, archive.Entry{Name: name, Hash: h, Quality: 100})
		})
		if err != nil {
			u.fail(list, err)
		}
	}
	if len(lists) == 0 || len(listFiles(args[1:])) > 0 { // beside lists, an empty folder is no error
		hashed, err := u.hashFiles(ctx, a, args[1:])
		if err != nil {
			return err
		}
		entries = append(entries, hashed...)
	}
	added, err := a.Add(entries)
	if err = errors.Join(err, ctx.Err()); err != nil {
		return err
	}
	if err := a.Save(); err != nil {
		return indexHint(err)
	}
	return u.indexHolds(args[0], a, &added, nil)
}

// indexedLine is one picture of build and add as JSON.
type indexedLine struct {
	File    string  `json:"file"`
	Quality *int    `json:"quality"`
	Stored  bool    `json:"stored"`
	Error   *string `json:"error"`
}

// hashFiles returns an entry for each picture at paths, named by its path, with its hash and, if a
// keeps features, its features. It does not add them to a. Pictures too plain for a hash are among
// the entries, without features, and warned of. Pictures that fail are reported and left out. With
// --json a line is printed for each file.
func (u *ui) hashFiles(ctx context.Context, a *archive.Archive, paths []string) (entries []archive.Entry, err error) {
	load := allPixels
	if a.Features == nil {
		load = forHashes
	}
	err = eachPicture(ctx, u, "hashing", paths, load, func(_ context.Context, p *picture.Picture) (e archive.Entry, err error) {
		e.Hash, e.Quality, err = sum(a.Index.Kind(), p)
		if err == nil && e.Quality >= phash.MinQuality && a.Features != nil {
			e.Features, err = parts.Extract(picture.Flatten(p.Image))
		}
		return e, err
	}, func(file string, e archive.Entry, err error) error {
		line := indexedLine{File: file, Error: reasonText(err)}
		if err == nil {
			line.Quality, line.Stored = &e.Quality, e.Quality >= phash.MinQuality
			if !line.Stored {
				u.warnf("%s: too plain to be recognised by its hash (quality %d): kept out", file, e.Quality)
			}
			e.Name = file
			entries = append(entries, e)
		}
		return u.line(line)
	})
	return entries, err
}

// parseHash reads a hash of the given kind. text is its hex digits, alone or after the name of the
// kind and a colon; case and surrounding space do not matter. The error wraps [phash.ErrKind] if
// the name is that of another kind; another error is of [phash.Parse].
func parseHash(text string, kind phash.Kind) (phash.Hash, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	if !strings.Contains(text, ":") {
		text = kind.String() + ":" + text
	}
	h, err := phash.Parse(text)
	if err == nil && h.Kind != kind {
		err = phash.ErrKind
	}
	return h, err
}

// maxHashLine is the max length in bytes of a line in a list of hashes: a name and 64 digits.
const maxHashLine = 64 << 10

// readHashes reads a list of hashes of the given kind, from stdin if list is "-", else from that
// file. A line is a name, a tab and a hash, or a hash alone. It calls each for every line that is
// not blank; err is what is wrong with the line. The place "FILE:LINE" is also the name if the line
// has only a hash. readHashes itself returns errors of reading, also for a line above maxHashLine.
func readHashes(list string, stdin io.Reader, kind phash.Kind, each func(where, name string, h phash.Hash, err error)) error {
	in := stdin
	if list != "-" {
		f, err := intake.OpenRegular(list)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxHashLine)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimRight(lines.Text(), "\r")
		if strings.TrimSpace(line) == "" {
			continue
		}
		where := fmt.Sprintf("%s:%d", list, n)
		label, digits := where, line
		if i := strings.LastIndexByte(line, '\t'); i >= 0 {
			label, digits = line[:i], line[i+1:]
		}
		h, err := parseHash(digits, kind)
		if err == nil && label == "" {
			err = errors.New("no name before the tab")
		}
		each(where, label, h, err)
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("a line is longer than %d bytes", maxHashLine)
	}
	return lines.Err()
}
