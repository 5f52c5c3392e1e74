// Command mark marks one picture and reads the mark back from what a messenger
// makes of it: the watermark package alone, no registry.
package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"io/fs"
	"log"

	"github.com/kycmark/kycmark/testdata"
	"github.com/kycmark/kycmark/watermark"
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

// run marks the first shipped picture, compresses it as JPEG 60 like a messenger, and reads the
// mark back. It prints both results; it writes no file.
func run(ctx context.Context) error {
	upload, err := firstPicture()
	if err != nil {
		return err
	}

	// The key marks and reads; keep it like a password (key.Secret). The copy ID
	// is what your records say who got this copy under.
	key := watermark.GenerateKey()
	id := watermark.NewCopyID()

	marked, err := watermark.Mark(ctx, key, id, upload, nil)
	if err != nil {
		return err
	}
	if marked.Weak {
		return fmt.Errorf("this picture would not carry its mark through a messenger")
	}
	fmt.Printf("marked with copy %s: PSNR %.1f dB, SSIM %.4f\n", id, marked.PSNR, marked.SSIM)

	// What leaks has been compressed again.
	var leaked bytes.Buffer
	if err := jpeg.Encode(&leaked, marked.Image, &jpeg.Options{Quality: 60}); err != nil {
		return err
	}
	leak, err := jpeg.Decode(&leaked)
	if err != nil {
		return err
	}

	found, err := watermark.Detect(ctx, key, leak)
	if err != nil {
		return err
	}
	if !found.Found || found.Copy != id {
		return fmt.Errorf("mark not read back")
	}
	fmt.Printf("the leak carries copy %s (log10 p %.1f)\n", found.Copy, found.LogPFA)
	return nil
}

// firstPicture returns the first of the pictures that are compiled in.
func firstPicture() (image.Image, error) {
	names, err := fs.Glob(testdata.Pictures, "pictures/*.jpg")
	if err != nil {
		return nil, err
	}
	f, err := testdata.Pictures.Open(names[0])
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return jpeg.Decode(f)
}
