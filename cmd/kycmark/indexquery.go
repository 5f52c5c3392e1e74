package main

import (
	"context"
	"fmt"
	"image"
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
	radius  int
	nearest int
	lists   []string
	hashes  []string
}

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
		RunE: u.verb(func(cmd *cobra.Command, args []string) error {
			if q.radius < 0 || q.nearest < 0 {
				return usagef("--radius and --nearest take 0 or more")
			}
			if q.nearest > 0 && !cmd.Flags().Changed("radius") {
				q.radius = -1
			}
			return q.run(cmd, args)
		}),
	}
	cmd.Flags().IntVar(&q.radius, "radius", phash.MatchRadius, "greatest `number` of bits in which a match differs")
	cmd.Flags().IntVar(&q.nearest, "nearest", 0, "the nearest `number` of pictures, however far away unless --radius is given")
	cmd.Flags().StringSliceVar(&q.hashes, "hash", nil, "a `hash` to ask with instead of a picture")
	cmd.Flags().StringSliceVar(&q.lists, "hashes", nil, "`files` of hashes to ask with, as for build")
	return cmd
}

// matchLine is the answer to one input as JSON.
type matchLine struct {
	File    string      `json:"file"`
	Quality *int        `json:"quality"` // null for a hash
	Matches []matchItem `json:"matches"` // nearest first
	Parts   []partItem  `json:"parts"`   // pictures shown in part, those with most of their own first; null: not asked for
	Error   *string     `json:"error"`

	pages int
	err   error
}

type matchItem struct {
	Name        string `json:"name"`
	Distance    int    `json:"distance"`    // bits
	Orientation int    `json:"orientation"` // of the input that matches: its place in the order of phash.SumTurned
	Reading     string `json:"reading"`     // how the input was taken: as it is, as a negative, or without what is stamped across it
}

// orientations are the words for what was done to the input.
var orientations = [8]string{"", ", turned 90°", ", turned 180°", ", turned 270°",
	", upside down mirrored", ", mirrored", ", transposed", ", transposed and turned"}

func (q *indexQuery) run(cmd *cobra.Command, args []string) error {
	files := listFiles(args[1:])
	if len(files)+len(q.lists)+len(q.hashes) == 0 {
		return usagef("name pictures to ask with, or hashes by --hash or --hashes")
	}
	a, err := openIndex(args[0])
	if err != nil {
		return err
	}
	defer a.Close()
	q.archive = a
	found, err := q.askHashes(cmd)
	if err != nil {
		return err
	}
	step, done := q.progress(cmd.Context(), "asking", len(files))
	defer done()
	err = each(cmd.Context(), files, func(ctx context.Context, file string) matchLine {
		defer step()
		return q.askPicture(ctx, file)
	}, func(_ string, line matchLine) error {
		found = found || len(line.Matches)+len(line.Parts) > 0
		q.warnPages(line.File, line.pages)
		return q.answer(line)
	})
	if err == nil && !found {
		q.no()
	}
	return err
}

// askHashes asks with the hashes of the command line and of lists.
func (q *indexQuery) askHashes(cmd *cobra.Command) (found bool, err error) {
	ask := func(_, name string, h phash.Hash, wrong error) {
		line := matchLine{File: name, err: wrong}
		if wrong == nil {
			line.Matches, line.err = q.matches(phash.LeakOf(h))
		}
		found = found || len(line.Matches) > 0
		if failed := q.answer(line); err == nil {
			err = failed
		}
	}
	kind := q.archive.Index.Kind()
	for _, text := range q.hashes {
		h, wrong := parseHash(text, kind)
		ask("", text, h, wrong)
	}
	for _, list := range q.lists {
		if err := readHashes(list, cmd.InOrStdin(), kind, ask); err != nil {
			q.fail(list, err)
		}
	}
	return found, err
}

func (q *indexQuery) askPicture(ctx context.Context, file string) (line matchLine) {
	line.File = file
	pic, err := picture.Load(file, picture.Limits{})
	if err != nil {
		line.err = err
		return line
	}
	line.pages = pic.Pages
	flat := picture.Flatten(pic.Image)
	leak, err := phash.SumLeak(q.archive.Index.Kind(), flat)
	if err != nil {
		line.err = err
		return line
	}
	line.Quality = &leak.Quality
	if leak.Quality >= phash.MinQuality {
		line.Matches, line.err = q.matches(leak)
	}
	if line.err == nil && q.archive.Features != nil {
		line.Parts, line.err = q.parts(ctx, flat)
	}
	return line
}

// matches returns the entries near the leak, nearest first.
func (q *indexQuery) matches(leak *phash.Leak) ([]matchItem, error) {
	near, err := q.near(leak)
	refs := make([]int64, len(near))
	for i, n := range near {
		refs[i] = n.Ref
	}
	names := q.archive.Names(refs...)
	items := make([]matchItem, len(near))
	for i, n := range near {
		items[i] = matchItem{Name: names[n.Ref], Distance: n.Distance, Orientation: n.Orientation, Reading: n.Reading}
	}
	return items, err
}

func (q *indexQuery) near(leak *phash.Leak) ([]phash.LeakHit, error) {
	if q.nearest == 0 {
		return q.archive.Index.SearchLeak(leak, q.radius)
	}
	near, err := q.archive.Index.NearestLeak(leak, q.nearest)
	if q.radius >= 0 {
		near = slices.DeleteFunc(near, func(n phash.LeakHit) bool { return n.Distance > q.radius })
	}
	return near, err
}

func (q *indexQuery) answer(line matchLine) error {
	switch {
	case line.err != nil:
		line.Error = reasonText(line.err)
		q.fail(line.File, line.err)
	case len(line.Matches) == 0 && len(line.Parts) > 0:
		q.printf("%s: %s\n", name(line.File), partWords(line.Parts))
	case line.Quality != nil && *line.Quality < phash.MinQuality:
		q.printf("%s: too plain to be recognised by its hash (quality %d)\n", name(line.File), *line.Quality)
	case len(line.Matches) == 0:
		q.printf("%s: no match\n", name(line.File))
	default:
		words := make([]string, len(line.Matches))
		for i, m := range line.Matches {
			words[i] = fmt.Sprintf("%s (%s%s)", name(m.Name), plural(m.Distance, "bit"), orientations[m.Orientation])
		}
		q.printf("%s: %s\n", name(line.File), strings.Join(words, ", "))
	}
	if line.Matches == nil {
		line.Matches = []matchItem{}
	}
	return q.line(line)
}

// maxPartNFA is log10 of the number of pictures that may match by chance: no pixels are
// compared here, so a sure match is asked for.
const maxPartNFA = -15

// wordedParts is how many pictures are named in words; JSON has all.
const wordedParts = 5

// partItem is a picture of the index that the input shows a part of.
type partItem struct {
	Name     string        `json:"name"`
	Points   int           `json:"points"`    // that agree
	LogNFA   float64       `json:"log10_nfa"` // log10 of the number of such matches expected by chance
	Mirrored bool          `json:"mirrored"`
	Quad     [4][2]float64 `json:"quad"` // corners of the whole picture in the input, pixels, clockwise from its upper left
}

// parts asks which pictures an input shows in part. A picture is listed once.
func (q *indexQuery) parts(ctx context.Context, img image.Image) ([]partItem, error) {
	leak, err := parts.Examine(img)
	if err != nil {
		return nil, err
	}
	found, err := q.archive.Features.Search(ctx, leak, &parts.SearchOptions{MaxLogNFA: maxPartNFA})
	if err != nil {
		return nil, err
	}
	refs := make([]int64, len(found))
	for i, m := range found {
		refs[i] = m.Ref
	}
	names, listed := q.archive.Names(refs...), map[int64]bool{}
	items := []partItem{}
	for _, m := range found {
		if !listed[m.Ref] {
			listed[m.Ref] = true
			items = append(items, partItem{names[m.Ref], m.Inliers, m.LogNFA, m.Mirrored, m.Leak})
		}
	}
	return items, nil
}

func partWords(parts []partItem) string {
	var words []string
	for _, p := range parts[:min(len(parts), wordedParts)] {
		words = append(words, fmt.Sprintf("part of %s (%s)", name(p.Name), plural(p.Points, "point")))
	}
	if more := len(parts) - wordedParts; more > 0 {
		words = append(words, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(words, ", ")
}
