//go:build study

package compare_test

import (
	"flag"
	"image"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/internal/compare"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/specimen"
	"github.com/kycmark/kycmark/phash"
)

var study = flag.String("study", "", "folder of pictures, or \"specimens\": count the answers over all attacks (minutes)")

// nearEnough is the distance in bits up to which verify compares pixels.
const nearEnough = 64

// TestStudy counts what the limits of the answers were set by.
//
//	go test -tags study ./internal/compare -run Study -v -timeout 2h -study ../../../shared/pictures/documents
func TestStudy(t *testing.T) {
	switch *study {
	case "":
		t.Fatal("-study says what to count on: a folder, or \"specimens\"")
	case "specimens":
		studySpecimens(t)
	default:
		studyFolder(t, *study)
	}
}

func studyFolder(t *testing.T, folder string) {
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	require.NoError(t, err)
	answers := make(map[compare.Answer]int)
	for _, f := range files {
		p, err := picture.Load(f, picture.Limits{})
		if err != nil {
			continue
		}
		orig := picture.Fit(picture.Flatten(p.Image), 1400)
		for _, a := range attack.All() {
			if ans, ok := studyPair(orig, a.Apply(orig, 5)); ok {
				answers[ans]++
				if ans == compare.Different || ans == compare.Unrelated {
					t.Logf("%s, %s: answer %d", filepath.Base(f), a.Name, ans)
				}
			}
		}
	}
	t.Logf("same capture within %d bits: same %d, undecided %d, different %d, unrelated %d", nearEnough,
		answers[compare.Same], answers[compare.Undecided], answers[compare.Different], answers[compare.Unrelated])
}

func studySpecimens(t *testing.T) {
	same, other := make(map[compare.Answer]int), make(map[compare.Answer]int)
	for _, tpl := range specimen.Templates() {
		b := specimen.NewBlank(tpl, 1000)
		orig := document(b, 1)
		for p := uint64(1); p <= 11; p++ {
			pic := document(b, p)
			for _, name := range []string{"none", "telegram", "whatsapp_twice", "thumb320", "thumb160", "blur4", "jpeg10", "noise25", "nlm", "median5", "resize25", "sharpen"} {
				ans, ok := studyPair(orig, attacked(t, pic, name))
				switch {
				case !ok:
				case p == 1:
					same[ans]++
				default:
					other[ans]++
					require.NotEqual(t, compare.Same, ans, "%s, person %d, %s", tpl, p, name)
				}
			}
		}
	}
	for what, n := range map[string]map[compare.Answer]int{"same": same, "another person's": other} {
		t.Logf("%s document within %d bits: same %d, undecided %d, different %d, unrelated %d", what, nearEnough,
			n[compare.Same], n[compare.Undecided], n[compare.Different], n[compare.Unrelated])
	}
}

func studyPair(orig, leak *image.NRGBA) (compare.Answer, bool) {
	h, _, err := phash.Sum(phash.PDQ, orig)
	if err != nil {
		return 0, false
	}
	g, _, err := phash.Sum(phash.PDQ, leak)
	if err != nil || g.Distance(h) > nearEnough {
		return 0, false
	}
	return pair(orig, leak).Answer(), true
}
