package verify_test

import (
	"bytes"
	"encoding/hex"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
	"github.com/kycmark/kycmark/watermark"
)

// Unmarked parts of uploads, which no hash of a whole picture finds: a quarter of one,
// four in a collage, a small one on a page.
func TestPartsAreFound(t *testing.T) {
	t.Parallel()
	cfg := leaktest.Config(t)
	s := newIssuer(t, cfg)
	kinds := []specimen.Template{specimen.Passport, specimen.Licence, specimen.IDCard, specimen.Residence}
	var ids []watermark.Submission
	var uploads []*image.NRGBA
	for i, k := range kinds {
		img := specimen.Photograph(specimen.Render(k, specimen.NewPerson(uint64(40+i)), 675), uint64(i), 900, 675)
		uploads = append(uploads, img)
		ids = append(ids, submit(t, s, file(t, img, "jpeg"), "", feb).ID)
	}
	searching := untraced(cfg)
	v := newInvestigator(t, searching)
	collage := imaging.New(1200, 900, color.White)
	for i, u := range uploads {
		collage = imaging.Paste(collage, imaging.Resize(u, 584, 0, imaging.Lanczos), image.Pt(8+600*(i%2), 8+450*(i/2)))
	}
	page := imaging.Paste(imaging.New(1400, 1800, color.NRGBA{240, 240, 235, 255}), imaging.Resize(uploads[1], 700, 0, imaging.Lanczos), image.Pt(300, 400))
	for name, leak := range map[string]struct {
		img  *image.NRGBA
		want []int
		at   image.Rectangle // of the first
	}{
		"a quarter": {imaging.Crop(uploads[0], image.Rect(262, 187, 712, 525)), []int{0}, image.Rect(-262, -187, 638, 488)},
		"a collage": {collage, []int{0, 1, 2, 3}, image.Rect(8, 8, 592, 446)},
		"a page":    {page, []int{1}, image.Rect(300, 400, 1000, 925)},
	} {
		if name != "a collage" && !long.On {
			continue // TestSealedHashes has a part of one upload
		}
		got, err := v.File(t.Context(), name, file(t, leak.img, "jpeg"))
		require.NoError(t, err)
		for k, i := range leak.want {
			at := slices.IndexFunc(got.Matches, func(m findings.Match) bool { return m.Submission == ids[i] })
			if !assert.GreaterOrEqual(t, at, 0, "%s: upload %d is not listed: %s", name, i, got.Note) {
				continue
			}
			m := got.Matches[at]
			assert.Contains(t, []string{findings.PixelsSame, findings.PixelsPartial, findings.PixelsAlike}, m.Pixels, "%s: upload %d", name, i)
			assert.Greater(t, m.Distance, phash.MatchRadius, name)
			if require.NotNil(t, m.Region, name); k == 0 {
				requireNear(t, leak.at, *m.Region, name)
			}
		}
		assert.Contains(t, ids, got.Submission, name)
	}
	if !long.On {
		return
	}
	// Too flat for a hash, and the first that an investigator sees.
	page = imaging.Paste(imaging.New(2250, 3000, color.White), imaging.Resize(uploads[1], 400, 0, imaging.Lanczos), image.Pt(300, 400))
	got, err := newInvestigator(t, searching).File(t.Context(), "a large page", file(t, page, "jpeg"))
	require.NoError(t, err)
	require.Less(t, got.Searched.Quality, phash.MinQuality)
	require.Len(t, got.Matches, 1)
	assert.Equal(t, ids[1], got.Matches[0].Submission)

	stranger := specimen.Photograph(specimen.Render(specimen.Passport, specimen.NewPerson(99), 900), 99, 1200, 900)
	got, err = v.File(t.Context(), "stranger", file(t, imaging.Crop(stranger, image.Rect(350, 250, 950, 700)), "jpeg"))
	require.NoError(t, err)
	assert.Contains(t, []findings.Kind{findings.FoundLookalike, findings.FoundUnknown}, got.Kind, got.Note)
	for _, m := range got.Matches {
		assert.NotEqual(t, findings.PixelsSame, m.Pixels, "another person's passport")
	}
}

// If the leak shows an upload, other uploads of the template are not compared, but a second upload
// of the same capture is.
func TestPartsOfTwins(t *testing.T) {
	t.Parallel()
	cfg := leaktest.Config(t)
	s := newIssuer(t, cfg)
	blank := specimen.NewBlank(specimen.Licence, 420)
	card := func(n uint64) *image.NRGBA {
		return specimen.Photograph(blank.Fill(specimen.NewPerson(n)), n, 540, 405)
	}
	want := []watermark.Submission{submit(t, s, file(t, card(50), "jpeg"), "customer 1", feb).ID, submit(t, s, file(t, card(50), "png"), "customer 2", feb).ID}
	others := long.Number(6, 9)
	for n := range uint64(others) {
		submit(t, s, file(t, card(51+n), "jpeg"), "", feb)
	}
	searching := untraced(cfg)
	page := imaging.Paste(imaging.New(780, 660, color.NRGBA{235, 240, 240, 255}), card(50), image.Pt(120, 90))
	v, err := newInvestigator(t, searching).File(t.Context(), "a page", file(t, page, "jpeg"))
	require.NoError(t, err)
	var same []watermark.Submission
	for _, m := range v.Matches {
		if m.Pixels == findings.PixelsSame {
			same = append(same, m.Submission)
		}
	}
	assert.ElementsMatch(t, want, same)
	assert.Less(t, len(v.Matches), others-1)
}

// A picture that is too long for local features ends no investigation.
func TestLongLeak(t *testing.T) {
	c := newCase(t)
	long := imaging.New(1<<16, 40, color.NRGBA{200, 10, 10, 255})
	got, err := c.investigator(t, noMark).File(t.Context(), "long.png", file(t, long, "png"))
	require.NoError(t, err)
	require.Equal(t, findings.FoundUnknown, got.Kind)
	require.Nil(t, got.Searched.Features, "they were not searched")
}

// What is erased between a search and a comparison is far off, and no failure of the registry.
func TestErasedMeanwhile(t *testing.T) {
	c := newCase(t)
	v := c.investigator(t, noMark)
	queries, _, err := phash.SumLeak(phash.Area, c.second)
	require.NoError(t, err)
	near, err := v.HashDistance(t.Context(), c.secondID, queries)
	require.NoError(t, err)
	require.Less(t, near, phash.MatchRadius)
	_, err = c.Registry.Erase(t.Context(), "customer 2", "", "")
	require.NoError(t, err)
	far, err := v.HashDistance(t.Context(), c.secondID, queries)
	require.NoError(t, err)
	require.Equal(t, 256, far)
}

// requireNear checks the corners of a region to twelve pixels.
func requireNear(t *testing.T, want image.Rectangle, got findings.Quad, name string) {
	t.Helper()
	for i, p := range [4]image.Point{want.Min, {X: want.Max.X, Y: want.Min.Y}, want.Max, {X: want.Min.X, Y: want.Max.Y}} {
		assert.InDelta(t, float64(p.X), got[i][0], 12, "%s: corner %d of %v", name, i, got)
		assert.InDelta(t, float64(p.Y), got[i][1], 12, "%s: corner %d of %v", name, i, got)
	}
}

// A registry that seals its hashes finds the same, in segments also if these were altered, but only with the sealing key.
// Its files hold no hash in the clear.
func TestSealedHashes(t *testing.T) {
	t.Parallel()
	cfg := leaktest.Config(t)
	path := filepath.Join(t.TempDir(), "r.db")
	r, err := registry.Create(t.Context(), sqlite.At(path), &registry.CreateOptions{SealHashes: true})
	require.NoError(t, err)
	t.Cleanup(func() { r.Close() })
	cfg.Registry = r
	upload := specimen.Photograph(specimen.Render(specimen.Passport, specimen.NewPerson(40), 375), 1, 540, 405)
	raw := file(t, upload, "jpeg")
	sub := submit(t, newIssuer(t, cfg), raw, "", feb)
	require.Empty(t, sub.Hash)
	look := func(name string, want bool, problem string) {
		t.Helper()
		c := investigating(cfg)
		if !want {
			c.SealKey = nil
		}
		c.Keys = nil
		v := newInvestigator(t, c)
		for _, leak := range long.Cases(1, imaging.Crop(upload, image.Rect(162, 108, 432, 310)), upload) {
			got, err := v.File(t.Context(), name, file(t, leak, "jpeg"))
			require.NoError(t, err)
			require.Equal(t, want, len(got.Matches) == 1, "%s: %s", name, got.Note)
			d, err := v.Weigh(t.Context(), []*findings.Finding{got})
			require.NoError(t, err)
			for _, s := range d.Record.Segments {
				require.Equal(t, problem == "", s.Problem == "", s.Problem)
				require.Contains(t, s.Problem, problem)
			}
		}
	}
	audited := func() []string {
		a, err := r.Ledger().Audit(t.Context(), registry.AuditOptions{SealKey: cfg.SealKey})
		require.NoError(t, err)
		return a.Problems
	}
	look("with the key", true, "")
	look("without", false, "")
	require.NoError(t, r.Engine().BuildSegments(t.Context(), nil))
	require.NoDirExists(t, path+".segments", "without the key none can be made")
	all := buildSegments(t, r, cfg.SealKey)
	require.Len(t, all, 1)
	require.NoError(t, all[0].Err)
	look("in a segment", true, "")
	look("in a segment, without", false, "")
	require.Empty(t, audited())
	segment := filepath.Join(path+".segments", all[0].File)
	whole, err := os.ReadFile(segment)
	require.NoError(t, err)
	damaged := map[string][]byte{"altered": append(bytes.Clone(whole[:len(whole)/2]), whole[:len(whole)-len(whole)/2]...), "cut": whole[:len(whole)-1], "empty": {}}
	for _, name := range long.Cases(1, "altered", "cut", "empty") {
		require.NoError(t, os.WriteFile(segment, damaged[name], 0o600))
		look(name, true, all[0].File)
		require.Contains(t, strings.Join(audited(), "\n"), all[0].File, name)
	}
	segment = filepath.Join(path+".segments", buildSegments(t, r, cfg.SealKey)[0].File)
	whole = readFile(t, segment)
	require.Empty(t, audited())
	pic, err := picture.Decode(raw, picture.Limits{})
	require.NoError(t, err)
	for _, kind := range []phash.Kind{phash.PDQ, phash.Area} {
		hash, _, err := phash.Sum(kind, picture.Flatten(pic.Image))
		require.NoError(t, err)
		bits, err := hex.DecodeString(hash.Hex())
		require.NoError(t, err)
		require.NotContains(t, fileBytes(t, path), hash.Hex()[:16], kind)
		require.NotContains(t, fileBytes(t, path), string(bits[:8]), kind)
		slices.Reverse(bits[:8]) // as segments in the clear have words
		require.NotContains(t, string(whole), string(bits[:8]), kind)
	}
	require.Contains(t, fileBytes(t, path), sub.Format, "the bytes looked at are those of the registry")
	_, err = r.EraseSubmissions(t.Context(), []watermark.Submission{sub.ID}, "desk", "letter 5")
	require.NoError(t, err)
	require.NoFileExists(t, segment)
	look("erased", false, "")
	require.Empty(t, audited())
}

// fileBytes are those of a SQLite registry and its write-ahead log.
func fileBytes(t *testing.T, path string) string {
	t.Helper()
	var all []byte
	for _, tail := range []string{"", "-wal"} {
		b, err := os.ReadFile(path + tail)
		require.NoError(t, err)
		all = append(all, b...)
	}
	return string(all)
}
