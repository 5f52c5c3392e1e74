package leaktest_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"testing"

	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/leaktest"
)

// publish stands for the pipeline under test: it takes an upload in and returns
// what the vendor gets.
func publish(cfg verify.Config, upload image.Image) (image.Image, error) {
	ctx := context.Background()
	issuer, err := verify.NewIssuer(cfg)
	if err != nil {
		return nil, err
	}
	if err := cfg.Registry.AddRecipient(ctx, verify.Recipient{Name: "vendor A", Kind: verify.Vendor}); err != nil {
		return nil, err
	}
	var in, out bytes.Buffer
	if err := jpeg.Encode(&in, upload, nil); err != nil {
		return nil, err
	}
	sub, _, err := issuer.Submit(ctx, &in, "customer 17", cfg.Found)
	if err != nil {
		return nil, err
	}
	if _, err := issuer.Issue(ctx, &out, sub.ID, "vendor A", "request 7"); err != nil {
		return nil, err
	}
	return jpeg.Decode(&out)
}

// A pipeline's own unit test: what leaves it is marked and survives a messenger,
// and what never went through it is not marked.
func Example() {
	test := func(t leaktest.T) {
		upload := document()
		out, err := publish(leaktest.Config(t), upload)
		if err != nil {
			t.Errorf("%v", err)
			t.FailNow()
		}
		leaktest.RequireMarked(t, leaktest.Key(), out, leaktest.Leak(t, out, "telegram"))
		leaktest.RequireNotOurs(t, leaktest.Key(), unmarked())
	}
	r := new(recorder) // go test hands over a *testing.T
	test(r)
	fmt.Println("failures:", len(r.failures))
	// Output: failures: 0
}

var _ leaktest.T = (*testing.T)(nil)
