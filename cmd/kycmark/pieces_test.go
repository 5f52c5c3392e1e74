package main

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/internal/webp"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// Opponent's story: a WebP or JPEG lies in pieces in a recorded transfer. Noise is decoded, and the report says that the registry
// has nothing like it.
func TestPicturesInPieces(t *testing.T) {
	t.Parallel()
	cfg := leaktest.Config(t)
	passport := specimen.Render(specimen.Passport, specimen.NewPerson(1), 360)
	var upload, leaked bytes.Buffer
	require.NoError(t, picture.Encode(&upload, passport, "jpeg", 90))
	issuer, err := registry.NewIssuer(cfg)
	require.NoError(t, err)
	sub, _, err := issuer.Submit(t.Context(), &upload, "customer 1", time.Date(2018, 2, 3, 0, 0, 0, 0, time.UTC), nil)
	require.NoError(t, err)
	require.NoError(t, cfg.Registry.AddRecipient(t.Context(), books.Recipient{Name: "vendor-a", Kind: books.KindVendor}))
	_, err = issuer.Issue(t.Context(), sub.ID, "vendor-a", registry.WriteTo(io.Discard), &registry.IssueOptions{Purpose: "request 7"})
	require.NoError(t, err)
	investigator := func(keys ...*watermark.Key) *verify.Investigation {
		v, err := verify.NewInvestigator(verify.Config{Registry: cfg.Registry, Keys: keys, SealKey: cfg.SealKey})
		require.NoError(t, err)
		run, err := v.Begin(&verify.Options{References: -1})
		require.NoError(t, err)
		return run
	}
	require.NoError(t, webp.Encode(&leaked, picture.Flatten(attack.JPEG(90)(nil, passport)), 90, nil, nil))
	whole, err := investigator(cfg.Key).File(t.Context(), "whole.webp", leaked.Bytes())
	require.NoError(t, err)
	assert.Equal(t, findings.FoundUnmarked, whole.Kind)
	v := investigator() // noise has no mark, and to search it for one takes two seconds a piece
	examined := 0
	var sent bytes.Buffer
	require.NoError(t, picture.Encode(&sent, specimen.Render(specimen.Passport, specimen.NewPerson(2), 360), "jpeg", 90))
	half := sent.Len() / 2
	files := [][]byte{slices.Concat(sent.Bytes()[:half], []byte("\xff\x00\xff\x00\xff\x00"), sent.Bytes()[half:])}
	for at := 1200; at < leaked.Len()/3; at += long.Number(4200, 700) {
		files = append(files, slices.Concat(leaked.Bytes()[:at], []byte("\r\n4000\r\n"), leaked.Bytes()[at:])[:leaked.Len()])
	}
	for _, file := range files {
		leak, err := v.File(t.Context(), "pieces.webp", file)
		require.NoError(t, err)
		assert.NotEqual(t, findings.FoundUnknown, leak.Kind)
		if strings.Contains(leak.Error, "it may lie in pieces") {
			examined++
			assert.Equal(t, findings.FoundDamaged, leak.Kind)
			_, err = v.Weigh(t.Context(), []*findings.Finding{leak})
			require.NoError(t, err)
		}
	}
	assert.Positive(t, examined)
}
