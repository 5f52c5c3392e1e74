//go:build study

package verify

import (
	"fmt"
	"image"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/capture"
	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/phash/parts"
	"github.com/kycmark/kycmark/verify/internal/conclude"
	"github.com/kycmark/kycmark/verify/internal/examine"
	"github.com/kycmark/kycmark/verify/internal/tuning"
)

// TestSameDocumentStudy counts, for captures of invented persons' documents, how many pairs of one
// document and of two persons' documents [conclude.SameDocument] takes for one:
//
//	go test -tags study -timeout 1h -v -run SameDocumentStudy ./verify
func TestSameDocumentStudy(t *testing.T) {
	type upload struct {
		person int
		img    *image.NRGBA
	}
	for _, template := range []specimen.Template{specimen.Passport, specimen.IDCard, specimen.Licence, specimen.Residence, specimen.Bill} {
		blank := specimen.NewBlank(template, 1200)
		var ups []upload
		var index parts.Index
		for person := range 4 {
			doc := blank.Fill(specimen.NewPerson(uint64(person + 70)))
			for k := range 2 {
				ups = append(ups, upload{person, specimen.Photograph(doc, uint64(10*person+k+3), 1400, 1050)})
			}
		}
		for i, u := range ups {
			f, err := parts.Extract(u.img)
			require.NoError(t, err)
			require.NoError(t, index.Add(int64(i), f))
		}
		same, pairs, wrong, others, first := 0, 0, 0, 0, 0
		for i, u := range ups {
			q, err := parts.Examine(u.img)
			require.NoError(t, err)
			matches, err := index.Search(t.Context(), q, nil)
			require.NoError(t, err)
			rank := 0
			for _, m := range matches {
				o := ups[m.Ref]
				if int(m.Ref) == i || m.LogNFA > tuning.MaxDocumentNFA {
					continue
				}
				if rank++; rank > 2 {
					break
				}
				yes := false
				for _, way := range [][2]*image.NRGBA{{o.img, u.img}, {u.img, o.img}} {
					s, err := capture.New(dsp.LazyLuma(way[0])).Lay(t.Context(), capture.NewLeak(dsp.LazyLuma(way[1])), nil)
					require.NoError(t, err)
					_, word, score, err := examine.DocumentPixels(s)
					require.NoError(t, err)
					yes = yes || conclude.SameDocument(word, score)
				}
				if o.person != u.person {
					if others++; yes {
						wrong++
					}
					continue
				}
				if pairs++; yes {
					same++
				}
				if rank == 1 {
					first++
				}
			}
		}
		fmt.Printf("%v: one document %d of %d taken for one, %d of them most similar; two persons' %d of %d\n", template, same, pairs, first, wrong, others)
	}
}
