//go:build study

package capture

import (
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/pages"
)

// TestInkStudy compares pages that a computer made, in black and white, with an upload of their form: the upload itself,
// the upload with one other number, and pages of other people. The limits were set on the templates of
// [pages.Tuned] alone.
//
//	go test -tags study -timeout 3h -v -run InkStudy ./internal/capture
func TestInkStudy(t *testing.T) {
	b, err := pages.NewBrowser(t.Context())
	require.NoError(t, err)
	counts := make(map[string]map[string]int)
	defer func() {
		for kind, n := range counts {
			t.Logf("%s: %v", kind, n)
		}
	}()
	for k, name := range pages.Names() {
		if only := os.Getenv("PAGES"); only != "" && !strings.Contains(only, name) {
			continue
		}
		half := "held"
		if slices.Contains(pages.Tuned, name) {
			half = "tuned"
		}
		look := func(kind string, o *Original, p pages.Page) {
			img, err := b.Render(p)
			require.NoError(t, err)
			for _, a := range attack.Scanner() {
				if !strings.HasPrefix(a.About, "black") {
					continue
				}
				got := shownAs(t, o, a.Apply(img, 1))
				key := fmt.Sprintf("%s, %s, %s", half, kind, a.Name)
				if counts[key] == nil {
					counts[key] = make(map[string]int)
				}
				counts[key][got]++
				if kind != "own" && slices.Contains([]string{"same", "altered", "edges", "alike"}, got) {
					t.Logf("TAKEN FOR OURS: %s, %s, %s", name, kind, a.Name)
				}
			}
		}
		for size := range 3 {
			own := pages.Fill(name, 8601, size)
			img, err := b.Render(own)
			require.NoError(t, err)
			o := New(dsp.LazyLuma(img))
			look("own", o, own)
			for i := range uint64(3) {
				look("one number", o, otherNumber(own, i))
			}
			if size == k%3 {
				for i := range uint64(28) {
					look("stranger", o, pages.Fill(name, 8602+i, size))
				}
			}
		}
	}
}

var number = regexp.MustCompile(`>[^<>]*[0-9][0-9 .,-]{4,}[0-9][^<>]*<`)

// otherNumber changes each digit of one text of the page that has a number, an amount or a date of six characters or more.
func otherNumber(p pages.Page, seed uint64) pages.Page {
	r := rand.New(rand.NewPCG(seed, 86))
	at := strings.Index(p.HTML, "</style>")
	all := number.FindAllStringIndex(p.HTML[at:], -1)
	text := all[r.IntN(len(all))]
	out := []byte(p.HTML)
	for i := at + text[0]; i < at+text[1]; i++ {
		if c := out[i]; c >= '0' && c <= '9' {
			out[i] = '0' + (c-'0'+1+byte(r.IntN(9)))%10
		}
	}
	p.HTML = string(out)
	return p
}
