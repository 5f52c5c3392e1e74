package main

import (
	"context"
	"fmt"
	"image"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/archive"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/parts"
)

// indexQuery is what to ask an index.
type indexQuery struct {
	*ui
	archive *archive.Archive
	radius  int // max distance of a match in bits; -1: any
	nearest int // max number of matches; 0: all within the radius
	lists   []string
	hashes  []string
	found   bool // a match of any input so far
}

// newIndexQuery returns the verb "index query", which asks an index which of its pictures the given
// pictures or hashes show, whole or in part. It writes nothing. Exit code 1: no input matches; 3:
// some inputs failed.
func newIndexQuery(u *ui) *cobra.Command {
	q := indexQuery{ui: u}
	cmd := &cobra.Command{
		Use:   "query INDEX [FILE|DIR...]",
		Short: "Ask which pictures of an index a picture shows",
		Long: `Ask which pictures of an index lie within a radius of a picture's hash, in any of its
eight orientations, as it is, as a negative or without what is stamped across it. Of
an index that was built with --parts it is also asked which pictures it shows a part
of, or shows among other things, and where. Matches are candidates: two identity cards
of one template look alike to both. Exit 1 when nothing matches anywhere.`,
		Example: `  kycmark index query uploads.index leak.jpg
  kycmark index query uploads.index --nearest 3 --json leaks/
  kycmark index query uploads.index --hash pdq:$DIGITS --radius 40`,
		Args: some("index"),
	}
	cmd.Flags().IntVar(&q.radius, "radius", phash.MatchRadius, "greatest `number` of bits in which a match differs")
	cmd.Flags().IntVar(&q.nearest, "nearest", 0, "the nearest `number` of pictures, however far away unless --radius is given")
	cmd.Flags().StringSliceVar(&q.hashes, "hash", nil, "a `hash` to ask with instead of a picture")
	cmd.Flags().StringSliceVar(&q.lists, "hashes", nil, "`files` of hashes to ask with, as for build")
	return u.indexVerb(cmd, func(ctx context.Context, a *archive.Archive, args []string) error {
		switch {
		case q.radius < 0 || q.nearest < 0:
			return usagef("--radius and --nearest take 0 or more")
		case len(args)-1+len(q.lists)+len(q.hashes) == 0:
			return usagef("name pictures to ask with, or hashes by --hash or --hashes")
		case q.nearest > 0 && !cmd.Flags().Changed("radius"):
			q.radius = -1
		}
		q.archive = a
		err := q.askHashes(cmd.InOrStdin())
		if err == nil && len(args) > 1 {
			err = eachPicture(ctx, u, "asking", args[1:], allPixels, q.askPicture, q.answer)
		}
		if err == nil && !q.found {
			q.no()
		}
		return err
	})
}

// matchLine is the answer to one input as JSON.
type matchLine struct {
	File    string      `json:"file"`
	Quality *int        `json:"quality"` // null for a hash
	Matches []matchItem `json:"matches"` // nearest first
	Parts   []partItem  `json:"parts"`   // pictures shown in part, those with most of their own first; null: not asked for
	Error   *string     `json:"error"`
}

type matchItem struct {
	Name        string `json:"name"`
	Distance    int    `json:"distance"`    // bits
	Orientation int    `json:"orientation"` // of the input that matches: its place in the order of phash.SumTurned
	Reading     string `json:"reading"`     // how the input was taken: as it is, as a negative, or without what is stamped across it
}

// partItem is a picture of the index that the input shows a part of.
type partItem struct {
	Name     string        `json:"name"`
	Points   int           `json:"points"`    // that agree
	LogNFA   float64       `json:"log10_nfa"` // log10 of the number of such matches expected by chance
	Mirrored bool          `json:"mirrored"`
	Quad     [4][2]float64 `json:"quad"` // corners of the whole picture in the input, pixels, clockwise from its upper left
}

// orientations are the words for what was done to the input.
var orientations = [8]string{"", ", turned 90°", ", turned 180°", ", turned 270°",
	", upside down mirrored", ", mirrored", ", transposed", ", transposed and turned"}

// askHashes asks with each hash of --hash, then with each line of the files of --hashes ("-" is
// stdin). It prints an answer for each, in that order. A bad hash or file is reported (exit code
// 3), and the others are asked all the same. failed is the first error of writing an answer, never
// that of an input.
func (q *indexQuery) askHashes(stdin io.Reader) (failed error) {
	kind := q.archive.Index.Kind()
	ask := func(_, name string, h phash.Hash, err error) {
		var line matchLine
		if err == nil {
			line.Matches, err = q.matches(phash.LeakOf(h))
		}
		if err != nil {
			q.fail(name, err)
		}
		if err := q.answer(name, line, err); failed == nil {
			failed = err
		}
	}
	for _, text := range q.hashes {
		h, err := parseHash(text, kind)
		ask("", text, h, err)
	}
	for _, list := range q.lists {
		if err := readHashes(list, stdin, kind, ask); err != nil {
			q.fail(list, err)
		}
	}
	return failed
}

// askPicture asks with one picture, by its hash and, if the index keeps features, by its parts. It
// prints nothing. Below the quality phash.MinQuality the hash is not asked for, and Matches stays
// nil. The line lacks the file's name, which answer sets.
func (q *indexQuery) askPicture(ctx context.Context, p *picture.Picture) (line matchLine, err error) {
	flat := picture.Flatten(p.Image)
	leak, err := phash.SumLeak(q.archive.Index.Kind(), flat)
	if err != nil {
		return line, err
	}
	line.Quality = &leak.Quality
	if leak.Quality >= phash.MinQuality {
		line.Matches, err = q.matches(leak)
	}
	if err == nil && q.archive.Features != nil {
		line.Parts, err = q.parts(ctx, flat)
	}
	return line, err
}

// matches returns the entries near the leak, nearest first: all within q.radius bits or, if
// q.nearest is above 0, that many of the nearest, within q.radius unless that is -1.
func (q *indexQuery) matches(leak *phash.Leak) (items []matchItem, err error) {
	var near []phash.LeakHit
	if q.nearest == 0 {
		near, err = q.archive.Index.SearchLeak(leak, q.radius)
	} else {
		near, err = q.archive.Index.NearestLeak(leak, q.nearest)
	}
	for _, n := range near {
		if q.radius < 0 || n.Distance <= q.radius {
			items = append(items, matchItem{q.archive.Name(n.Ref), n.Distance, n.Orientation, n.Reading})
		}
	}
	return items, err
}

// maxPartNFA is log10 of the number of pictures that may match by chance: no pixels are
// compared here, so a sure match is asked for.
const maxPartNFA = -15

// parts returns the pictures of the index that img shows a part of, or among other things, in the
// order of [parts.Index.Search]. The index must keep features. A picture is listed once, with its
// first match. Without a match it returns an empty list, not nil.
func (q *indexQuery) parts(ctx context.Context, img image.Image) ([]partItem, error) {
	leak, err := parts.Examine(img)
	if err != nil {
		return nil, err
	}
	found, err := q.archive.Features.Search(ctx, leak, &parts.SearchOptions{MaxLogNFA: maxPartNFA})
	items := []partItem{}
	for _, m := range found {
		name := q.archive.Name(m.Ref)
		if !slices.ContainsFunc(items, func(p partItem) bool { return p.Name == name }) {
			items = append(items, partItem{name, m.Inliers, m.LogNFA, m.Mirrored, m.Leak})
		}
	}
	return items, err
}

// answer prints the answer to one input and notes whether there was a match. file is the name of
// the input, a file or a hash. err is why there is no answer, nil if there is one; the caller has
// reported it. The result is an error of writing.
func (q *indexQuery) answer(file string, line matchLine, err error) error {
	line.File, line.Error = file, reasonText(err)
	if line.Matches == nil {
		line.Matches = []matchItem{}
	}
	q.found = q.found || len(line.Matches)+len(line.Parts) > 0
	if err == nil {
		q.printf("%s: %s\n", name(file), line.words())
	}
	return q.line(line)
}

// maxWorded is how many pictures shown in part are named in words; JSON has all.
const maxWorded = 5

// words tells the answer in one line: the whole pictures that match, else up to maxWorded pictures
// shown in part. Without matches it says so, or that the picture is too plain.
func (l *matchLine) words() string {
	var words []string
	for _, m := range l.Matches {
		words = append(words, fmt.Sprintf("%s (%s%s)", name(m.Name), plural(m.Distance, "bit"), orientations[m.Orientation]))
	}
	switch {
	case len(words) > 0:
	case len(l.Parts) == 0 && l.Quality != nil && *l.Quality < phash.MinQuality:
		return fmt.Sprintf("too plain to be recognised by its hash (quality %d)", *l.Quality)
	case len(l.Parts) == 0:
		return "no match"
	default:
		for _, p := range l.Parts[:min(len(l.Parts), maxWorded)] {
			words = append(words, fmt.Sprintf("part of %s (%s)", name(p.Name), plural(p.Points, "point")))
		}
		if more := len(l.Parts) - maxWorded; more > 0 {
			words = append(words, fmt.Sprintf("and %d more", more))
		}
	}
	return strings.Join(words, ", ")
}
