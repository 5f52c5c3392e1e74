package phash_test

import (
	"fmt"
	"image/color"

	"github.com/kycmark/kycmark/phash"
)

// One's own uploads are kept by Area, and asked for with what a leak may have become:
// here somebody wrote across it in red, and mirrored it.
func ExampleSumLeak() {
	upload := picture("page", 1200, 1600)
	list := phash.NewList(phash.Area)
	h, _, _ := phash.Sum(phash.Area, upload)
	_ = list.Add(h, 17)

	leak, quality, err := phash.SumLeak(phash.Area, mirror(bars(upload, color.NRGBA{220, 40, 40, 255})))
	if err != nil || quality < phash.MinQuality {
		fmt.Println("cannot be asked for", err)
		return
	}
	hits, err := list.Search(phash.MatchRadius, leak...)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, hit := range hits {
		fmt.Println("upload", hit.Ref)
	}
	// Output:
	// upload 17
}
