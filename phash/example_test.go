package phash_test

import (
	"fmt"
	"image"

	"github.com/kycmark/kycmark/phash"
)

// Uploads are registered by one hash each; a leak, here one that was mirrored,
// is looked up in all its orientations.
func Example() {
	uploads := map[int64]image.Image{
		1: picture("photo", 640, 480),
		2: picture("blocks", 300, 400),
		3: picture("even", 300, 400),
	}
	list := phash.NewList(phash.PDQ)
	for ref, img := range uploads {
		h, quality, err := phash.Sum(phash.PDQ, img)
		if err != nil {
			fmt.Println(err)
			return
		}
		if quality < phash.MinQuality {
			fmt.Println("upload", ref, "cannot be matched by its hash: quality", quality)
			continue
		}
		if err := list.Add(h, ref); err != nil {
			fmt.Println(err)
			return
		}
	}

	leak := mirror(uploads[2])
	hashes, _, err := phash.SumTurned(phash.PDQ, leak)
	if err != nil {
		fmt.Println(err)
		return
	}
	for orientation, h := range hashes {
		hits, err := list.Search(phash.MatchRadius, h)
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, hit := range hits {
			fmt.Printf("upload %d, orientation %d, %d bits away\n", hit.Ref, orientation, hit.Distance)
		}
	}
	// Output:
	// upload 3 cannot be matched by its hash: quality 0
	// upload 2, orientation 5, 0 bits away
}

func ExampleParse() {
	a, _ := phash.Parse("pdq:f8f8f0cce0f4e84d0e370a22028f67f0b36e2ed596623e1d33e6339c4e9c9b22")
	b, _ := phash.Parse("pdq:d8f8f0cee0f4a84f0637022a078f67f0b36e2ed596621e1d33e6339c4e9c9b22")
	fmt.Println(a.Kind, a.Distance(b), a.Distance(b) <= phash.MatchRadius)

	_, err := phash.Parse("d8f8f0ce")
	fmt.Println(err)
	// Output:
	// pdq 10 true
	// phash: malformed hash: no kind before the digits, want kind:digits
}

// mirror exchanges left and right.
func mirror(img image.Image) image.Image {
	b := img.Bounds()
	m := image.NewNRGBA(b)
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			m.Set(b.Max.X-1-(x-b.Min.X), y, img.At(x, y))
		}
	}
	return m
}
