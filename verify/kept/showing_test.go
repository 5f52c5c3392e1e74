package kept

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// An amid calls do once, between the two queries of Showing.
type amid struct {
	records.Kept
	do func()
}

func (a *amid) once() {
	if do := a.do; do != nil {
		a.do = nil
		do()
	}
}

func (a *amid) Showing(ctx context.Context, of ...watermark.Submission) ([]records.KeptItem, error) {
	defer a.once()
	return a.Kept.Showing(ctx, of...)
}

func (a *amid) Unfinished(ctx context.Context, begun, ended string) ([]records.KeptItem, error) {
	defer a.once()
	return a.Kept.Unfinished(ctx, begun, ended)
}

// An investigation that ends while an erasure asks which ones show an upload is named.
func TestShowingAmid(t *testing.T) {
	cfg, ctx := leaktest.Config(t), t.Context()
	s := New(cfg.Registry, cfg.SealKey)
	id, err := s.Create(ctx, Request{Kind: Investigation})
	require.NoError(t, err)
	_, err = s.Write(ctx, id, Begun, bytes.NewReader(nil))
	require.NoError(t, err)
	issuer, err := registry.NewIssuer(cfg)
	require.NoError(t, err)
	var file bytes.Buffer
	require.NoError(t, png.Encode(&file, image.NewGray(image.Rect(0, 0, 64, 64))))
	row, _, err := issuer.Submit(ctx, &file, "", time.Time{}, &registry.SubmitOptions{HashOnly: true})
	require.NoError(t, err)
	upload := row.ID
	s.rows = &amid{s.rows, func() {
		require.NoError(t, s.Show(ctx, id, upload))
		_, err := s.Write(ctx, id, Findings, bytes.NewReader([]byte("that show it")))
		require.NoError(t, err)
	}}
	got, err := s.Showing(ctx, upload)
	require.NoError(t, err)
	require.Len(t, got, 1)
}
