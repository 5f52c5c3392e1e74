// Command whose marks an upload, issues the copy to a vendor, and says whose copies the files of a folder are.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
	"github.com/kycmark/kycmark/watermark"
)

// Call it as "whose UPLOAD LEAKS": the vendor's copy leaks into the folder LEAKS. Keep real keys in a safe, and the
// registry in a file.
func main() {
	ctx, upload, leaks := context.Background(), os.Args[1], os.Args[2]
	key, seal := watermark.GenerateKey(), registry.GenerateSealKey()
	r := must(registry.Create(ctx, sqlite.At(":memory:"), nil))
	defer r.Close()
	must(r.Ledger().AddMarkKey(ctx, key))
	must(0, r.AddRecipient(ctx, books.Recipient{Name: "vendor-a", Kind: books.KindVendor}))

	issuer := must(registry.NewIssuer(registry.Config{Registry: r, Key: key, SealKey: seal}))
	file := must(os.Open(upload))
	submission, _, err := issuer.Submit(ctx, file, "customer-4711", time.Time{}, nil)
	must(0, err)
	must(issuer.Issue(ctx, submission.ID, "vendor-a", func(c *books.Copy, file []byte) error {
		return os.WriteFile(filepath.Join(leaks, "copy.jpg"), file, 0o600) // send it to the vendor
	}, &registry.IssueOptions{Actor: "anna", Purpose: "identity checks"}))

	investigator := must(verify.NewInvestigator(verify.Config{Registry: r, Keys: []*watermark.Key{key}, SealKey: seal}))
	for leak, err := range must(investigator.Begin(nil)).Files(ctx, leaks) {
		must(0, err)
		fmt.Println(filepath.Base(leak.File), leak.Label(), leak.MayNames())
	}
}

// must returns x, or ends the program.
func must[T any](x T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return x
}
