package leaktest_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
)

// publish stands for the pipeline under test: it takes the file of an upload in and returns the vendor's.
func publish(cfg registry.Config, upload []byte) ([]byte, error) {
	ctx := context.Background()
	issuer, err := registry.NewIssuer(cfg)
	if err != nil {
		return nil, err
	}
	if err := cfg.Registry.AddRecipient(ctx, books.Recipient{Name: "vendor A", Kind: books.KindVendor}); err != nil {
		return nil, err
	}
	sub, _, err := issuer.Submit(ctx, bytes.NewReader(upload), "customer 17", time.Time{}, nil)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	_, err = issuer.Issue(ctx, sub.ID, "vendor A", registry.WriteTo(&out), nil)
	return out.Bytes(), err
}

// A pipeline's own unit test: what leaves it names its recipient after a messenger, and a picture
// that never went through it is unknown.
func Example() {
	test := func(t leaktest.T) {
		cfg := leaktest.Config(t)
		out, err := publish(cfg, document())
		if err != nil {
			t.Errorf("%v", err)
			t.FailNow()
		}
		leaktest.RequireLeakOf(t, cfg, leaktest.Leak(t, out, "telegram"), "vendor A")
		leaktest.RequireFinding(t, cfg, pngOf(specimen.Landscape(7, 160, 120)), findings.FoundUnknown)
	}
	r := new(recorder) // go test hands over a *testing.T
	test(r)
	fmt.Println("failures:", len(r.failures))
	// Output: failures: 0
}

var _ leaktest.T = (*testing.T)(nil)
