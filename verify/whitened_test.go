package verify_test

import (
	"image"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/watermark"
)

// Opponent's story: a copy of another customer's licence, photographed in the same place and light, gets the mark of our
// copy, to the grey level, and is then whitened as scanner applications do. Our copy is not accused. Our own copy,
// whitened, is: each channel was divided by its own light.
func TestWhitenedCopies(t *testing.T) {
	t.Parallel()
	scanners := attack.Scanner()
	whiten := scanners[slices.IndexFunc(scanners, func(a attack.Attack) bool { return a.Name == "whiten" })]
	shot := func(person uint64, template int) *image.NRGBA {
		return specimen.Photograph(specimen.NewBlank(specimen.Templates()[template], 590).Fill(specimen.NewPerson(person)), 51, 640, 480)
	}
	templates := []int{4}
	if long.On {
		templates = []int{0, 1, 2, 3, 4}
	}
	for _, template := range templates {
		cfg := leaktest.Config(t)
		s := newIssuer(t, cfg)
		vendors(t, cfg.Registry, "vendor A")
		upload, other := shot(601, template), shot(602, template)
		_, copied, id := issued(t, s, submit(t, s, file(t, upload, "png"), "one", feb).ID, "vendor A")
		v := newInvestigator(t, investigating(cfg))
		v.SetDetect(noMark) // which takes seconds: the mark is traced

		got := examine(t, v, whiten.Apply(copied, 1))
		assert.Equal(t, findings.FoundCopy, got.Kind, "template %d: %s", template, got.Note)
		assert.Equal(t, []watermark.CopyID{id}, got.Copies)

		for i, u := range upload.Pix {
			other.Pix[i] = attack.Clamp8(float64(other.Pix[i]) + float64(copied.Pix[i]) - float64(u))
		}
		for name, leak := range map[string]*image.NRGBA{"as it is": other, "whitened": whiten.Apply(other, 1)} {
			got := examine(t, v, leak)
			assert.Empty(t, got.MayNames(), "template %d, %s: %s", template, name, got.Note)
			assert.NotEqual(t, findings.FoundCopy, got.Kind, "template %d, %s: %s", template, name, got.Note)
			t.Logf("template %d, %s: %s: %s", template, name, got.Kind, got.Note)
		}
	}
}
