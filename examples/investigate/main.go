// Command investigate says of a folder of leaks whose copies they are.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"log"
	"strings"
	"testing/fstest"
	"time"

	"github.com/kycmark/kycmark/testdata"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
	"github.com/kycmark/kycmark/watermark"
)

// main makes a registry in memory, hands out a copy that leaks, and investigates the leak.
func main() {
	ctx := context.Background()
	books, err := registry.Create(ctx, sqlite.At(":memory:"), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer books.Close()
	key, seal := watermark.GenerateKey(), registry.GenerateSealKey()
	leaks := fstest.MapFS{} // in earnest: os.DirFS("leaks")
	if err = handOut(ctx, registry.Config{Registry: books, Key: key, SealKey: seal}, leaks); err == nil {
		err = investigate(ctx, verify.Config{Registry: books, Keys: []*watermark.Key{key}, SealKey: seal}, leaks)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// investigate prints a line for each leak in the files of leaks, and then what they say together.
// cfg names the registry and the keys that issued the copies.
func investigate(ctx context.Context, cfg verify.Config, leaks fs.FS) error {
	investigator, err := verify.NewInvestigator(cfg)
	if err != nil {
		return err
	}
	run, err := investigator.Begin(nil)
	if err != nil {
		return err
	}
	var verdicts []*findings.Finding
	for v, err := range run.FS(ctx, leaks) {
		if err != nil {
			return err
		}
		fmt.Println(v.File, v.Label(), strings.Join(v.MayNames(), ", "))
		verdicts = append(verdicts, v)
	}
	dump, err := run.Weigh(ctx, verdicts)
	if err == nil {
		fmt.Println(dump.Headline)
	}
	return err
}

// handOut enters an upload, hands vendor A a copy, and puts the copy into leaks as 1.jpg. It adds
// as 2.jpg another person's document of the same kind that was never ours. cfg names the registry
// and the keys to mark with.
func handOut(ctx context.Context, cfg registry.Config, leaks fstest.MapFS) error {
	names, _ := fs.Glob(testdata.Pictures, "pictures/*.jpg")
	upload, _ := testdata.Pictures.ReadFile(names[0])
	stranger, _ := testdata.Pictures.ReadFile(names[len(names)-1])
	if _, err := cfg.Registry.Ledger().AddMarkKey(ctx, cfg.Key); err != nil {
		return err
	}
	issuer, err := registry.NewIssuer(cfg)
	if err != nil {
		return err
	}
	s, _, err := issuer.Submit(ctx, bytes.NewReader(upload), "", time.Time{}, nil)
	if err != nil {
		return err
	}
	if err := cfg.Registry.AddRecipient(ctx, books.Recipient{Name: "vendor A", Kind: books.KindVendor}); err != nil {
		return err
	}
	var file bytes.Buffer
	_, err = issuer.Issue(ctx, s.ID, "vendor A", registry.WriteTo(&file), nil)
	leaks["1.jpg"] = &fstest.MapFile{Data: file.Bytes()}
	leaks["2.jpg"] = &fstest.MapFile{Data: stranger}
	return err
}
