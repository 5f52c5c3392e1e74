package markfile_test

import (
	"context"
	"fmt"
	"os"

	"github.com/kycmark/kycmark/watermark"
	"github.com/kycmark/kycmark/watermark/markfile"
)

// README.md shows the lines between the two comments.
func Example() {
	ctx := context.Background()
	upload, err := os.ReadFile("../../testdata/pictures/daria_idcard.jpg")
	check(err)
	// README
	key, id := watermark.GenerateKey(), watermark.NewCopyID()
	made, err := markfile.Mark(ctx, key, id, upload, nil) // upload: the bytes of a picture file
	check(err)
	found, err := markfile.Read(ctx, made.File, nil, key) // made.File is for the recipient
	check(err)
	// README
	fmt.Println(len(found), found[0].Copy == id, made.Format)
	// Output: 1 true jpeg
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
