//go:build long

package verify_test

import (
	"bytes"
	"image"
	"image/color"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// The whole story with real marks: two uploads, copies to a vendor, leaks through a messenger, as a crop that no hash
// can match, and a mark laid onto another upload by somebody who had both pictures.
func TestLongStory(t *testing.T) {
	cfg := leaktest.Config(t)
	ctx := t.Context()
	s := newIssuer(t, cfg)
	vendors(t, cfg.Registry, "vendor A")
	var uploads, copies [2]*image.NRGBA
	var subs [2]*books.Submission
	var ids [2]watermark.CopyID
	for i := range uploads {
		uploads[i] = picture.Flatten(specimen.Render(specimen.Passport, specimen.NewPerson(uint64(i+1)), 420))
		b := uploads[i].Rect // the first with a white rim, of which nothing can be seen on a white page
		uploads[i] = imaging.PasteCenter(imaging.New(b.Dx()+40, b.Dy()+40, color.Gray{Y: uint8(255 - 85*i)}), uploads[i])
		subs[i] = submit(t, s, file(t, uploads[i], "jpeg"), []string{"customer 1", "customer 2"}[i], feb)
		var out bytes.Buffer
		c, err := s.Issue(ctx, subs[i].ID, "vendor A", registry.WriteTo(&out), &registry.IssueOptions{Purpose: "request 7"})
		require.NoError(t, err)
		require.False(t, c.Weak)
		require.Greater(t, c.PSNR, 40.0)
		pic, err := picture.Decode(out.Bytes(), picture.Limits{})
		require.NoError(t, err)
		copies[i], ids[i] = pic.Image, c.ID
	}
	with := investigating(cfg)
	with.References = 0
	v := newInvestigator(t, with)
	var leaks []*findings.Finding
	for _, l := range []struct {
		name string
		img  *image.NRGBA
		want findings.Kind
		of   int // the submission that it shows
		read int // the copy whose mark it carries
	}{
		{"messenger", leaked(t, copies[0], "telegram"), findings.FoundCopy, 0, 0},
		{"crop", leaked(t, copies[1], "crop75"), findings.FoundCopy, 1, 1},
		{"transplant", transplant(uploads[0], copies[0], uploads[1]), findings.FoundTransplanted, 1, 0},
	} {
		got, err := v.File(ctx, l.name+".jpg", file(t, l.img, "jpeg"))
		require.NoError(t, err)
		assert.Equal(t, string(l.want), got.Label(), "%s: %s", l.name, got.Note)
		assert.Equal(t, subs[l.of].ID, got.Submission, l.name)
		assert.Equal(t, ids[l.read], got.Copy(), l.name)
		require.NotNil(t, got.LogP, l.name)
		assert.Less(t, *got.LogP, -9.0, l.name)
		leaks = append(leaks, got)
	}
	assert.Greater(t, *leaks[1].Distance, phash.MatchRadius, "no hash matches three quarters of a picture: its local features do")
	both := imaging.Paste(imaging.New(760, 960, color.White), imaging.Resize(copies[0], 400, 0, imaging.Lanczos), image.Pt(180, 70))
	both = imaging.Paste(both, imaging.Resize(copies[1], 400, 0, imaging.Lanczos), image.Pt(180, 520))
	collage, err := v.File(ctx, "collage.jpg", file(t, both, "jpeg"))
	require.NoError(t, err)
	assert.Equal(t, "copy", collage.Label(), collage.Note)
	for _, m := range collage.Matches {
		want := findings.PixelsSame
		if m.Submission == subs[0].ID {
			want = findings.PixelsAlike // but for its mark
		}
		assert.Equal(t, want, m.Pixels)
	}
	assert.ElementsMatch(t, ids[:], confirmed(collage))
	assert.Len(t, collage.Issued, 2, "each copy counts")
	assert.Empty(t, collage.References, "the picture beside is no control: the sheet does show it")
	d, err := v.Weigh(ctx, leaks)
	require.NoError(t, err)
	require.Equal(t, []string{"vendor A"}, d.Named)
	require.Contains(t, d.Headline, "leaked pictures come from copies issued to vendor A")
	requireCarefulWords(t, "headline", d.Headline)
}

// transplant lays the mark of a copy onto another picture of the same size.
func transplant(original, copied, onto *image.NRGBA) *image.NRGBA {
	out := image.NewNRGBA(onto.Rect)
	for i := range out.Pix {
		out.Pix[i] = uint8(min(max(int(onto.Pix[i])+int(copied.Pix[i])-int(original.Pix[i]), 0), 255))
		if i%4 == 3 {
			out.Pix[i] = 255
		}
	}
	return out
}
