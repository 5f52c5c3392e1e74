package main

import (
	"context"
	"fmt"
	"image"
	"strings"

	"github.com/kycmark/kycmark/phash/parts"
)

// mostPartNFA is log10 of the number of pictures that may match by chance: no pixels are
// compared here, so a sure match is asked for.
const mostPartNFA = -15

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
	found, err := q.archive.Features.Search(ctx, leak, &parts.SearchOptions{MaxLogNFA: mostPartNFA})
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
