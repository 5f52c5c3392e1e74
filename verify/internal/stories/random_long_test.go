//go:build long

package stories_test

import (
	"fmt"
	"image"
	"image/color"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/stories"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/watermark"
)

// A source is an upload as it is (holder "") or one recipient's copy of it.
type source struct {
	upload int
	holder string
}

// A world is a registry of uploads with a copy for each recipient, and the pictures of all.
type world struct {
	setup  stories.Setup
	months []int // of each upload
	images map[source]*image.NRGBA
	of     map[watermark.CopyID]source
}

var holders = []string{"", "vendor A", "vendor B", "authority C"}

// newWorld makes four uploads of 760 pixels and four smaller ones, each of another customer, in two months by turns.
func newWorld(t *testing.T, seed uint64) *world {
	cfg := leaktest.Config(t)
	stories.Vendors(t, cfg.Registry, "vendor A", "vendor B")
	require.NoError(t, cfg.Registry.AddRecipient(t.Context(), books.Recipient{Name: "authority C", Kind: books.KindAuthority}))
	s := stories.NewIssuer(t, cfg)
	w := &world{setup: stories.Investigating(cfg), images: map[source]*image.NRGBA{}, of: map[watermark.CopyID]source{}}
	for i := range 8 {
		wide := 760
		if i >= 4 {
			wide = 320 + 30*i
		}
		p := stories.Photo(seed*50+uint64(i), wide, wide*3/4)
		if i%3 == 1 {
			p = imaging.Rotate90(p)
		}
		file := stories.File(t, p, "jpeg")
		sub := stories.Submit(t, s, file, fmt.Sprint("customer ", i), stories.Feb.AddDate(0, i%2, 0))
		w.months, w.images[source{i, ""}] = append(w.months, i%2), stories.Decoded(t, file)
		for _, to := range holders[1:] {
			_, img, id := stories.Issued(t, s, sub.ID, to)
			w.images[source{i, to}], w.of[id] = img, source{i, to}
		}
	}
	return w
}

// A scene is a picture made of sources. Those of surely take up an eighth of it or more.
type scene struct {
	img         *image.NRGBA
	who         *image.NRGBA // of each pixel the index in all, as its red
	all, surely []source
	words       string
}

// of adds a source, and returns its picture in the number of the source.
func (s *scene) of(x source, img *image.NRGBA, how string) *image.NRGBA {
	who := imaging.Clone(img)
	for i := 0; i < len(who.Pix); i += 4 {
		who.Pix[i] = uint8(len(s.all))
	}
	s.all = append(s.all, x)
	s.words += fmt.Sprintf(" %s(%d %s)", how, x.upload, x.holder)
	return who
}

func (s *scene) both(change func(to *image.NRGBA) *image.NRGBA) {
	s.img, s.who = change(s.img), change(s.who)
}

// scene draws a picture: a source, with others laid over it, beside it or into it, and then edited.
func (w *world) scene(r *rand.Rand, pick func() string) *scene {
	at := source{r.IntN(4), pick()}
	s := &scene{img: imaging.Clone(w.images[at])}
	s.who = s.of(at, s.img, "")
	for range r.IntN(3) {
		width, height := s.img.Rect.Dx(), s.img.Rect.Dy()
		of := source{r.IntN(8), pick()}
		img := w.images[of]
		switch r.IntN(5) {
		case 0, 1: // a smaller picture anywhere, also over the edge
			side := 200 + r.IntN(260)
			in := imaging.Fit(img, side, side, imaging.Lanczos)
			if r.IntN(3) == 0 {
				in = imaging.Rotate(in, float64(r.IntN(30)-15), color.Transparent)
			}
			p := image.Pt(r.IntN(width-side/2)-side/4, r.IntN(height-side/2)-side/4)
			who := s.of(of, in, fmt.Sprint("inset ", in.Rect.Size(), p))
			s.img, s.who = imaging.Overlay(s.img, in, p, 1), imaging.Overlay(s.who, who, p, 1)
		case 2, 3: // beside it
			in := imaging.Resize(img, 0, height*(40+r.IntN(61))/100, imaging.Lanczos)
			gap, shade, y := r.IntN(2)*r.IntN(40), color.NRGBA{0xff, uint8(r.IntN(256)), 0x80, 0xff}, r.IntN(height-in.Rect.Dy()+1)
			who := s.of(of, in, fmt.Sprint("beside ", in.Rect.Size()))
			page := imaging.New(width+gap+in.Rect.Dx(), height, shade)
			s.both(func(to *image.NRGBA) *image.NRGBA { return imaging.Paste(page, to, image.Point{}) })
			s.img, s.who = imaging.Paste(s.img, in, image.Pt(width+gap, y)), imaging.Paste(s.who, who, image.Pt(width+gap, y))
		case 4: // a strip of another copy of the same upload
			of.upload = at.upload
			if img = w.images[of]; img.Rect != s.img.Rect {
				continue
			}
			part := width * (25 + r.IntN(30)) / 100
			x := r.IntN(width - part)
			strip := imaging.Crop(img, image.Rect(x, 0, x+part, height))
			who := s.of(of, strip, fmt.Sprint("strip ", part))
			s.img, s.who = imaging.Paste(s.img, strip, image.Pt(x, 0)), imaging.Paste(s.who, who, image.Pt(x, 0))
		}
	}
	if b := s.img.Rect; r.IntN(2) == 0 {
		cut := func(n int) int { return r.IntN(n/12 + 1) }
		kept := image.Rect(cut(b.Dx()), cut(b.Dy()), b.Dx()-cut(b.Dx()), b.Dy()-cut(b.Dy()))
		s.both(func(to *image.NRGBA) *image.NRGBA { return imaging.Crop(to, kept) })
		s.words += " crop"
	}
	seen := make([]int, 256)
	for i := 0; i < len(s.who.Pix); i += 4 {
		seen[s.who.Pix[i]]++
	}
	for k, of := range s.all {
		if 8*seen[k] >= len(s.who.Pix)/4 {
			s.surely = append(s.surely, of)
		}
	}
	all := slices.DeleteFunc(attack.All(), func(a attack.Attack) bool { return slices.Contains(tooMuch, a.Name) })
	for range r.IntN(3) {
		a := all[r.IntN(len(all))]
		s.img = a.Apply(picture.Flatten(s.img), r.Uint64())
		s.words += " +" + a.Name
	}
	return s
}

// tooMuch are attacks that may leave nothing of a source.
var tooMuch = strings.Fields("crop50 crop25 crop10 crop05 thumb320 thumb160 jpeg10 resize25 blur4 noise25 redact30 redact50 telegram_low")

// faults says what is wrong in the findings on scenes. What is in looks may be right, and a person should look at it.
func (w *world) faults(scenes []*scene, leaks []*findings.Finding, d *findings.Verdict) (wrong, looks []string) {
	all, surely, months := map[string]bool{}, map[string]bool{}, map[int]bool{}
	for i, s := range scenes {
		own := map[source]bool{}
		for _, of := range s.all {
			all[of.holder], own[of] = true, true
		}
		for _, of := range s.surely {
			surely[of.holder], months[w.months[of.upload]] = true, true
		}
		for _, id := range stories.Confirmed(leaks[i]) {
			if !own[w.of[id]] {
				wrong = append(wrong, fmt.Sprint("confirmed ", w.of[id]))
			}
		}
		if leaks[i].Kind == findings.FoundTransplanted || leaks[i].Kind == findings.FoundUnmarked && slices.ContainsFunc(s.surely, func(of source) bool { return of.holder != "" }) {
			looks = append(looks, leaks[i].Label())
		}
	}
	for _, name := range d.Named {
		if !all[name] {
			wrong = append(wrong, "named "+name)
		}
	}
	public := strings.Join(d.Public, "\n")
	marked := surely["vendor A"] || surely["vendor B"] || surely["authority C"]
	if marked && strings.Contains(public, "our watermark”: supported") {
		wrong = append(wrong, "no watermark: supported")
	}
	if (surely[""] || surely["authority C"]) && strings.Contains(public, "from a vendor”: supported") {
		wrong = append(wrong, "vendor: supported")
	}
	if (surely["vendor A"] || surely["vendor B"]) && strings.Contains(public, "from a vendor”: refuted") {
		looks = append(looks, "vendor: refuted")
	}
	if len(months) == 2 && strings.Contains(public, "of one month”: supported") {
		wrong = append(wrong, "month: supported")
	}
	if len(months) > 0 && strings.Contains(public, "not ours”: supported") {
		wrong = append(wrong, "not ours: supported")
	}
	if len(d.Named) == 1 && len(d.Odds.Rivals) == 0 && len(surely) > 1 {
		if surely[""] && len(surely) == 2 {
			open := false
			for _, l := range leaks {
				open = open || len(l.Beside) > 0 || l.Kind != findings.FoundCopy
			}
			if !open {
				looks = append(looks, "alone, with a plain upload")
			}
		} else {
			wrong = append(wrong, "alone without a rival")
		}
	}
	return wrong, looks
}

// Dumps of two random scenes each, made of uploads and copies, are judged as they are. Nothing wrong is said of them. KYCMARK_SCENES is
// the number of dumps, KYCMARK_SEED chooses them. KYCMARK_KEEP is a folder for the pictures of those to look at.
//
//	KYCMARK_SCENES=300 KYCMARK_SEED=7 go test -tags long -timeout 3h -run RandomScenes -v ./verify/internal/stories
func TestRandomScenes(t *testing.T) {
	t.Parallel()
	number := 20
	if n, err := strconv.Atoi(os.Getenv("KYCMARK_SCENES")); err == nil {
		number = n
	}
	seed, _ := strconv.ParseUint(os.Getenv("KYCMARK_SEED"), 10, 64)
	w := newWorld(t, seed)
	for n := range number {
		r := rand.New(rand.NewPCG(seed, uint64(n)))
		thief := holders[r.IntN(len(holders))]
		pick := func() string {
			if r.IntN(3) > 0 {
				return thief
			}
			return holders[r.IntN(len(holders))]
		}
		v := stories.Investigation(t, w.setup)
		var scenes []*scene
		var leaks []*findings.Finding
		for range 2 {
			s := w.scene(r, pick)
			leaks = append(leaks, stories.ExamineFile(t, v, stories.File(t, s.img, []string{"jpeg", "png"}[r.IntN(2)])))
			scenes = append(scenes, s)
		}
		d := stories.StandsUp(t, v, leaks...)
		wrong, looks := w.faults(scenes, leaks, d)
		t.Logf("seed %d, dump %d:%s |%s => %s, %s; named %v %v", seed, n, scenes[0].words, scenes[1].words, leaks[0].Label(), leaks[1].Label(), d.Named, looks)
		assert.Empty(t, wrong)
		for i, l := range leaks {
			if len(wrong)+len(looks) == 0 {
				continue
			}
			t.Log("    ", l.Note)
			for _, m := range l.Matches {
				t.Logf("        %s %s region %v inset %v plain %v", m.Submission, m.Pixels, m.Region, m.Inset, m.Plain)
			}
			if dir := os.Getenv("KYCMARK_KEEP"); dir != "" {
				require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d-%d-%d.png", seed, n, i)), stories.File(t, scenes[i].img, "png"), 0o600))
			}
		}
	}
}

// Opponent's story: vendor B's copy lies over a plain upload in a screenshot. It was "transplanted". TestMarkReadInASmallPicture has
// that without this tag, for a mark that the test says is read.
func TestPictureInAScreenshot(t *testing.T) {
	t.Parallel()
	_, s, v := stories.TwoVendors(t)
	small := stories.Submit(t, s, stories.File(t, stories.Photo(54, 560, 420), "jpeg"), "one", stories.Feb)
	_, inset, id := stories.Issued(t, s, small.ID, "vendor B")
	plain := stories.Photo(51, 1000, 750)
	large := stories.Submit(t, s, stories.File(t, plain, "jpeg"), "two", stories.Feb)
	shot := imaging.Paste(plain, imaging.Resize(inset, 304, 0, imaging.Lanczos), image.Pt(600, 400))
	got := stories.ExamineFile(t, v, leaktest.Leak(t, stories.File(t, shot, "png"), "screenshot"))
	require.Equal(t, []watermark.CopyID{id}, stories.Confirmed(got), got.Note)
	require.Len(t, got.Beside, 1, got.Note)
	assert.Equal(t, large.ID, got.Beside[0].Submission)
	stories.StandsUp(t, v, got)
}
