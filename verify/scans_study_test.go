//go:build study

package verify_test

import (
	"bytes"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/fromfile"
	"github.com/kycmark/kycmark/internal/test/pages"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
)

// TestScansStudy investigates marked documents after what scanner applications do. Twenty documents (tuned) fixed the
// rules, twenty others (held) did not.
//
//	KYCMARK_SHARED=... go test -tags study -timeout 3h -v -run 'ScansStudy/held' ./verify
func TestScansStudy(t *testing.T) {
	for half, name := range []string{"tuned", "held"} {
		t.Run(name, func(t *testing.T) { scansStudy(t, half) })
	}
}

func scansStudy(t *testing.T, half int) {
	cfg := leaktest.Config(t)
	s := newIssuer(t, cfg)
	require.NoError(t, cfg.Registry.AddRecipient(t.Context(), books.Recipient{Name: "vendor A", Kind: books.KindVendor}))
	counts := make(map[string]map[string]int)
	docs := scanned(t, half)
	type issued struct {
		name string
		img  *image.NRGBA
		copy *books.Copy
	}
	var all []issued
	for _, d := range docs {
		if only := os.Getenv("DOCS"); only != "" && !regexp.MustCompile(only).MatchString(d.name) {
			continue
		}
		sub := submit(t, s, file(t, d.img, "jpeg"), d.name, feb)
		var out bytes.Buffer
		c, err := s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(&out), &registry.IssueOptions{Purpose: "checks"})
		if err != nil {
			t.Logf("NOT ISSUED %s: %v", d.name, err)
			continue
		}
		p, err := picture.Decode(out.Bytes(), picture.Limits{})
		require.NoError(t, err)
		all = append(all, issued{d.name, picture.Flatten(p.Image), c})
	}
	v := newInvestigator(t, investigating(cfg))
	quick := quiet(newInvestigator(t, investigating(cfg)))
	for _, a := range attack.Scanner() {
		if only := os.Getenv("SCANS"); only != "" && !strings.Contains(only, a.Name) {
			continue
		}
		counts[a.Name] = make(map[string]int)
		for _, x := range all {
			v := v
			if strings.HasPrefix(a.About, "black") { // no mark is read in black and white
				v = quick
			}
			got, err := v.File(t.Context(), "leak.png", file(t, a.Apply(x.img, 1), "png"))
			require.NoError(t, err)
			label := got.Label()
			if got.Copy() != 0 && got.Copy() != x.copy.ID || got.Submission != x.copy.Submission && got.Kind != findings.FoundUnknown {
				label = "WRONG " + label
			}
			counts[a.Name][label]++
			pixels, bits := "-", -1
			for _, m := range got.Matches {
				if m.Submission == x.copy.Submission {
					pixels, bits = m.Pixels, m.Distance
				}
			}
			t.Logf("%s %s: %s, %s, %d bits, read %v, traced %v: %.200s", a.Name, x.name, label, pixels, bits, got.BlindLogP != nil, got.TraceLogP != nil, got.Note)
		}
	}
	for _, a := range attack.Scanner() {
		t.Logf("%s: %v of %d", a.Name, counts[a.Name], len(all))
	}
}

type scannedDocument struct {
	name string
	img  *image.NRGBA
}

// scanned returns twenty documents: shared pictures, drawn documents that were photographed or scanned, and rendered pages.
func scanned(t *testing.T, half int) (all []scannedDocument) {
	paths, err := filepath.Glob(filepath.Join(os.Getenv("KYCMARK_SHARED"), "pictures", "documents", "*"))
	require.NoError(t, err)
	paths = slices.DeleteFunc(paths, func(p string) bool { return strings.HasSuffix(p, ".tif") })
	require.NotEmpty(t, paths, "KYCMARK_SHARED names no pictures")
	for i, path := range paths {
		if i%2 == half {
			p, err := fromfile.Picture(path, picture.Limits{})
			require.NoError(t, err)
			all = append(all, scannedDocument{filepath.Base(path), picture.Fit(picture.Flatten(p.Image), 1600)})
		}
	}
	b, err := pages.NewBrowser(t.Context())
	require.NoError(t, err)
	for i := range 4 {
		name := pages.Names()[2*i+half]
		img, err := b.Render(pages.Fill(name, uint64(41+half), 0))
		require.NoError(t, err)
		all = append(all, scannedDocument{"page " + name, img})
	}
	for i := uint64(0); len(all) < 20; i++ {
		all = append(all, scannedDocument{fmt.Sprint("drawn ", i), captured(i, uint64(600+half), uint64(50+half), 1200)})
	}
	return all
}

// captured is a person's document of template i, photographed or scanned at a seed, as wide as given.
func captured(i, person, seed uint64, w int) *image.NRGBA {
	page := specimen.NewBlank(specimen.Templates()[i%5], w*11/12).Fill(specimen.NewPerson(person))
	h := w * 3 / 4
	if page.Rect.Dy() > page.Rect.Dx() {
		h = w * 3 / 2
	}
	if (i+seed)%2 == 0 {
		return specimen.Photograph(page, seed, w, h)
	}
	return specimen.Scan(page, seed, w, h)
}
