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
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/parts"
)

// indexInputs are what is put into an index: pictures and lists of hashes.
type indexInputs struct{ lists []string }

func (in *indexInputs) flag(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&in.lists, "hashes", nil, "`files` of hashes, one a line: name, tab, hash; or the hash alone; - for standard input")
}

func newIndexBuild(u *ui) *cobra.Command {
	var in indexInputs
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
				return indexBusy(err)
			}
			return in.fill(cmd, u, a, args)
		}),
	}
	in.flag(cmd)
	cmd.Flags().StringVarP(&algorithm, "algorithm", "a", phash.PDQ.String(), "`one` of "+hashNames())
	cmd.Flags().BoolVar(&parts, "parts", false, "also keep local features, so that parts of pictures are found")
	cmd.Flags().BoolVar(&force, "force", false, "replace the index if it exists")
	return cmd
}

func newIndexAdd(u *ui) *cobra.Command {
	var in indexInputs
	cmd := &cobra.Command{
		Use:   "add INDEX [FILE|DIR...]",
		Short: "Add pictures to an index",
		Long:  `Add pictures to an index. One whose name is there takes the place of what was there.`,
		Example: `  kycmark index add uploads.index uploads/2018-02-15/
  printf 'old/7.jpg\tpdq:%s\n' $DIGITS | kycmark index add uploads.index --hashes -`,
		Args: some("index"),
		RunE: u.verb(func(cmd *cobra.Command, args []string) error {
			a, err := openIndex(args[0])
			if err != nil {
				return err
			}
			return in.fill(cmd, u, a, args)
		}),
	}
	in.flag(cmd)
	return cmd
}

// fill adds the inputs to the archive, saves and closes it. Of args the first is
// the index.
func (in *indexInputs) fill(cmd *cobra.Command, u *ui, a *archive.Archive, args []string) (err error) {
	defer func() { err = errors.Join(err, a.Close()) }()
	files := listFiles(args[1:])
	if len(files) == 0 && len(in.lists) == 0 {
		return usagef("name pictures to put into it, or lists of hashes by --hashes")
	}
	var entries []archive.Entry
	for _, list := range in.lists {
		err := readHashes(list, cmd.InOrStdin(), a.Index.Kind(), func(where, name string, h phash.Hash, err error) {
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
	hashed, err := hashFiles(cmd.Context(), u, a, files)
	if err != nil {
		return err
	}
	added, err := a.Add(append(entries, hashed...))
	if err != nil {
		return err
	}
	return saveIndex(cmd.Context(), u, args[0], a, added)
}

// indexedLine is one picture of build and add as JSON.
type indexedLine struct {
	File    string  `json:"file"`
	Quality *int    `json:"quality"`
	Stored  bool    `json:"stored"`
	Error   *string `json:"error"`

	hash     phash.Hash
	features *parts.Features
}

// hashFiles hashes pictures, extracts their features if a keeps features, and reports each.
func hashFiles(ctx context.Context, u *ui, a *archive.Archive, files []string) (entries []archive.Entry, err error) {
	if len(files) == 0 {
		return nil, nil
	}
	err = eachPicture(ctx, u, "hashing", files, func(_ context.Context, p *picture.Picture) (line indexedLine, err error) {
		flat := picture.Flatten(p.Image)
		var quality int
		line.hash, quality, err = phash.Sum(a.Index.Kind(), flat)
		line.Quality, line.Stored = &quality, quality >= phash.MinQuality
		if err == nil && line.Stored && a.Features != nil {
			line.features, err = parts.Extract(flat)
		}
		return line, err
	}, func(file string, line indexedLine, err error) error {
		line.File, line.Error = file, reasonText(err)
		if err == nil {
			if !line.Stored {
				u.warnf("%s: too plain to be recognised by its hash (quality %d): kept out", file, *line.Quality)
			}
			entries = append(entries, archive.Entry{Name: file, Hash: line.hash, Quality: *line.Quality, Features: line.features})
		}
		return u.line(line)
	})
	return entries, err
}

// parseHash reads a hash with its kind before it or, of that kind, bare digits.
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

// longestLine bounds a line of a list of hashes: a name and 64 digits.
const longestLine = 64 << 10

// readHashes reads a list of hashes, "-" for standard input, and hands every line
// to each: where it stands, and the name and hash or what is wrong with it. Where
// no name is given, it is where the line stands.
func readHashes(list string, stdin io.Reader, kind phash.Kind, each func(where, name string, h phash.Hash, err error)) error {
	in := stdin
	if list != "-" {
		f, err := openRegular(list)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, longestLine)
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
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("a line is longer than %d bytes", longestLine)
	} else if err != nil {
		return err
	}
	return nil
}
