// Command pipeline is what an exchange's intake does: it takes an upload in and
// hands two recipients a copy each.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"log"
	"time"

	"github.com/kycmark/kycmark/testdata"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
	"github.com/kycmark/kycmark/watermark"
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

// run enters one upload, adds two recipients and issues a copy to each. It prints the results and
// checks the ledger at the end. All is kept in memory only.
func run(ctx context.Context) error {
	// In earnest: sqlite.At("/var/lib/kyc/registry.db"), and keys out of a safe.
	reg, err := registry.Create(ctx, sqlite.At(":memory:"), nil)
	if err != nil {
		return err
	}
	defer reg.Close()
	key := watermark.GenerateKey()
	if _, err := reg.Ledger().AddMarkKey(ctx, key); err != nil {
		return err
	}
	issuer, err := registry.NewIssuer(registry.Config{
		Registry: reg,
		Key:      key,
		SealKey:  registry.GenerateSealKey(),
	})
	if err != nil {
		return err
	}

	upload, err := shippedPicture()
	if err != nil {
		return err
	}
	submission, _, err := issuer.Submit(ctx, bytes.NewReader(upload), "customer-4711", time.Time{}, nil)
	if err != nil {
		return err
	}
	fmt.Printf("submission %s: %s, %d x %d pixels\n", submission.ID, submission.Format, submission.Width, submission.Height)

	for name, kind := range map[string]string{"store": books.KindStore, "vendor A": books.KindVendor} {
		if err := reg.AddRecipient(ctx, books.Recipient{Name: name, Kind: kind}); err != nil {
			return err
		}
		var file bytes.Buffer // what you send
		c, err := issuer.Issue(ctx, submission.ID, name, registry.WriteTo(&file), &registry.IssueOptions{Actor: "intake service", Purpose: "identity check"})
		if err != nil {
			return err
		}
		fmt.Printf("copy %s for %s: %d bytes, PSNR %.1f dB\n", c.ID, name, file.Len(), c.PSNR)
	}

	entries, _, err := reg.Ledger().Check(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("the ledger of %d entries holds\n", entries)
	return nil
}

// shippedPicture returns the JPEG file of the first of the pictures that are compiled in.
func shippedPicture() ([]byte, error) {
	names, err := fs.Glob(testdata.Pictures, "pictures/*.jpg")
	if err != nil {
		return nil, err
	}
	return testdata.Pictures.ReadFile(names[0])
}
