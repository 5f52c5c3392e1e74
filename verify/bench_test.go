package verify_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
)

// BenchmarkKnownLeak measures what an investigation of a known leak costs, with an upload of 850 x 600 pixels that was not
// opened before: of a copy after a messenger, of one cut and scaled, and of the upload without a mark.
//
//	go test -run '^$' -bench KnownLeak -benchtime 5x -cpu 1 ./verify
//
// With -cpuprofile cpu, all that the registry takes, checks of its rows included, is what this accounts for:
//
//	go tool pprof -top -focus 'internal/store|verify/registry|internal/records|internal/tlog' verify.test cpu
func BenchmarkKnownLeak(b *testing.B) {
	cfg := leaktest.Config(b)
	require.NoError(b, cfg.Registry.AddRecipient(b.Context(), books.Recipient{Name: "vendor A", Kind: books.KindVendor}))
	s, err := registry.NewIssuer(cfg)
	require.NoError(b, err)
	upload := specimen.NewBlank(specimen.Passport, 600).Fill(specimen.NewPerson(1))
	encode := func(format string, of picture.Picture) []byte {
		var out bytes.Buffer
		require.NoError(b, picture.Encode(&out, of.Image, format, 80))
		return out.Bytes()
	}
	sub, _, err := s.Submit(b.Context(), bytes.NewReader(encode("jpeg", picture.Picture{Image: upload})), "customer 1", feb, nil)
	require.NoError(b, err)
	var out bytes.Buffer
	_, err = s.Issue(b.Context(), sub.ID, "vendor A", registry.WriteTo(&out), &registry.IssueOptions{Purpose: "request 7"})
	require.NoError(b, err)
	copied, err := picture.Decode(out.Bytes(), picture.Limits{})
	require.NoError(b, err)
	for _, l := range []struct {
		attack string
		of     picture.Picture
		want   findings.Kind
	}{{"telegram", *copied, findings.FoundCopy}, {"chain_crop", *copied, findings.FoundCopy}, {"telegram", picture.Picture{Image: upload}, findings.FoundUnmarked}} {
		b.Run(l.attack+"/"+string(l.want), func(b *testing.B) {
			a, err := attack.Find(l.attack)
			require.NoError(b, err)
			leak := encode("png", picture.Picture{Image: a.Apply(l.of.Image, 1)})
			for b.Loop() {
				v, err := investigating(cfg).Begin()
				require.NoError(b, err)
				found, err := v.File(b.Context(), "leak.png", leak)
				require.NoError(b, err)
				require.Equal(b, l.want, found.Kind)
			}
		})
	}
}
