// Command cost does the jobs whose steps the experiment "cost" counts: it submits a shipped
// picture, issues a copy, and investigates leaks. The experiment builds the command with coverage
// counters, so that the product needs no counters of its own.
//
//	cost FOLDER    writes the counters of each job into a folder of the job's name
//
// The command prints one line a job: its name and the bytes that it allocated. Random numbers come
// from a fixed seed, and one processor does the work, so that two runs do the same steps.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"image"
	"log"
	seeded "math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/coverage"
	"runtime/debug"
	"time"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/testdata"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
	"github.com/kycmark/kycmark/watermark"
)

func main() {
	rand.Reader = seeded.NewChaCha8([32]byte{1})
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(-1) // what pools keep between collections does not count
	if err := run(context.Background(), os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

// uploads are the shipped pictures in the registry. Leaks are of the first.
var uploads = []string{"anna_passport", "bruno_passport", "anna_selfie", "hana_bill"}

// run does all jobs, one after the other.
func run(ctx context.Context, dir string) error {
	key, seal := watermark.GenerateKey(), registry.GenerateSealKey()
	reg, err := registry.Create(ctx, sqlite.At(":memory:"), nil)
	if err != nil {
		return err
	}
	defer reg.Close()
	if err := reg.AddRecipient(ctx, registry.Recipient{Name: "vendor", Kind: registry.KindVendor}); err != nil {
		return err
	}
	issuer, err := registry.NewIssuer(registry.Config{Registry: reg, Key: key, SealKey: seal})
	if err != nil {
		return err
	}
	var first *registry.Submission
	for i, name := range uploads {
		file, err := testdata.Pictures.ReadFile("pictures/" + name + ".jpg")
		if err != nil {
			return err
		}
		submit := func() (sub *registry.Submission, err error) {
			sub, _, err = issuer.Submit(ctx, bytes.NewReader(file), name, time.Time{})
			return sub, err
		}
		if i > 0 {
			if _, err := submit(); err != nil {
				return err
			}
			continue
		}
		if err := count(dir, "submit", func() error { first, err = submit(); return err }); err != nil {
			return err
		}
	}
	var copied bytes.Buffer
	if err := count(dir, "issue", func() error { _, err := issuer.Issue(ctx, &copied, first.ID, "vendor", "request"); return err }); err != nil {
		return err
	}
	cfg := verify.Config{Registry: reg, Keys: []*watermark.Key{key}, SealKey: seal, Limits: verify.Limits{Workers: 1}}
	for _, job := range []struct {
		name string
		file func() ([]byte, error)
	}{
		{"investigate a copy", func() ([]byte, error) { return leakOf(copied.Bytes(), "telegram") }},
		{"investigate an unmarked upload", func() ([]byte, error) { return leakOfShipped("anna_passport", "telegram") }},
		{"investigate a stranger", func() ([]byte, error) { return leakOfShipped("stranger_passport", "telegram") }},
	} {
		file, err := job.file()
		if err != nil {
			return err
		}
		err = count(dir, job.name, func() error {
			v, err := verify.NewInvestigator(cfg)
			if err != nil {
				return err
			}
			leak, err := v.Investigate(ctx, "leak.jpg", file)
			if err == nil {
				_, err = v.Weigh(ctx, []*verify.Verdict{leak})
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// leakOfShipped is a leak of a shipped picture.
func leakOfShipped(name, attacked string) ([]byte, error) {
	file, err := testdata.Pictures.ReadFile("pictures/" + name + ".jpg")
	if err != nil {
		return nil, err
	}
	return leakOf(file, attacked)
}

// leakOf attacks a picture of at most 800 pixels and saves it as JPEG.
func leakOf(file []byte, attacked string) ([]byte, error) {
	p, err := picture.Decode(file, picture.Limits{})
	if err != nil {
		return nil, err
	}
	a, err := attack.Find(attacked)
	if err != nil {
		return nil, err
	}
	var leak image.Image = a.Apply(picture.Fit(picture.Flatten(p.Image), 800), 1)
	var out bytes.Buffer
	err = picture.Encode(&out, leak, "jpeg", 85)
	return out.Bytes(), err
}

// count does a job and writes the counters of all functions that the job ran.
func count(dir, name string, job func() error) error {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := coverage.ClearCounters(); err != nil {
		return err
	}
	if err := job(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	out := filepath.Join(dir, name)
	if err := os.Mkdir(out, 0o755); err != nil {
		return err
	}
	if err := coverage.WriteMetaDir(out); err != nil {
		return err
	}
	if err := coverage.WriteCountersDir(out); err != nil {
		return err
	}
	runtime.ReadMemStats(&after)
	fmt.Printf("%d %s\n", after.TotalAlloc-before.TotalAlloc, name)
	return nil
}
