//go:build study

package watermark_test

import (
	"flag"
	"fmt"
	"image"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/internal/specimen"
	"github.com/kycmark/kycmark/watermark"
)

var pairs = flag.Int("pairs", 10000, "same-template pairs of the study")

// studyAttacks are what leaks of the study went through, in turn.
var studyAttacks = []string{"none", "telegram", "whatsapp_twice", "jpeg30", "thumb320", "blur2", "noise15", "crop50", "rot5", "screen_photo", "persp3", "redact30", "stamp"}

// TestSameTemplateStudy traces documents of other persons against originals of the same
// template, rendered, photographed and scanned, and in the same run unmarked leaks of the
// right ones, and counts what passes for the original. It fails if more than 3 in 10,000
// do, or if any copy is accused.
//
//	go test -tags study -timeout 9h -v -run SameTemplateStudy ./watermark -pairs 10000
func TestSameTemplateStudy(t *testing.T) {
	var mu sync.Mutex
	wrong, right := map[string]int{}, map[string]int{}
	jobs := make(chan int)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range jobs {
				w, r := studyPair(t, i)
				mu.Lock()
				wrong[w]++
				right[r]++
				if w == passes {
					fmt.Printf("pair %d, %s: another person's passes\n", i, studyAttacks[i%len(studyAttacks)])
				}
				mu.Unlock()
			}
		})
	}
	for i := range *pairs {
		jobs <- i
	}
	close(jobs)
	wg.Wait()
	fmt.Printf("%d pairs; another person's: %v; the original's: %v\n", *pairs, wrong, right)
	require.LessOrEqual(t, wrong[passes], max(3**pairs/10000, 0))
}

// studyPair returns the verdicts on another person's document and on the right one.
func studyPair(t *testing.T, i int) (wrong, right string) {
	templates := specimen.Templates()
	template := templates[i%len(templates)]
	seed := uint64(50000 + 2*i)
	taken := func(person uint64, capture uint64) *image.NRGBA {
		page := specimen.Render(template, specimen.NewPerson(person), 1100)
		switch i / len(templates) % 3 {
		case 1:
			return specimen.Photograph(page, capture, 1280, 960)
		case 2:
			return specimen.Scan(page, capture, 1200, 900)
		}
		return page
	}
	a, err := attack.Find(studyAttacks[i%len(studyAttacks)])
	require.NoError(t, err)
	upload := taken(seed, seed)
	tr, err := watermark.NewTracer(upload, issued(1000), nil)
	require.NoError(t, err)
	verdict := func(leak *image.NRGBA) string {
		r, err := tr.Trace(t.Context(), a.Apply(leak, seed))
		require.NoError(t, err)
		require.Empty(t, r.Accused)
		if r.Registered {
			return passes
		}
		return "refused"
	}
	return verdict(taken(seed+1, seed+1)), verdict(upload)
}

// passes is for the original.
const passes = "passes"
