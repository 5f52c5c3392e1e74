package index_test

import (
	"fmt"

	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/index"
)

func Example() {
	stored, _ := phash.Parse("pdq:f8f8f0cce0f4e84d0e370a22028f67f0b36e2ed596623e1d33e6339c4e9c9b22")
	leaked, _ := phash.Parse("pdq:d8f8f0cee0f4a84f0637022a078f67f0b36e2ed596621e1d33e6339c4e9c9b22")
	uploads := index.New(phash.PDQ)
	if err := uploads.Add(stored, 17); err != nil {
		fmt.Println(err)
		return
	}
	hits, err := uploads.Search(phash.MatchRadius, leaked)
	fmt.Println(hits, err)
	// Output:
	// [{17 10}] <nil>
}
