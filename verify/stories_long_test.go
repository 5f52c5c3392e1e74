//go:build long

package verify_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/fromfile"
	"github.com/kycmark/kycmark/internal/test/pages"
	"github.com/kycmark/kycmark/internal/test/sentencecheck"
	"github.com/kycmark/kycmark/internal/test/skip"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/recheck"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/odds"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// A telling is one variant of a story: whose pictures it is told of, in which files, and what the leaks go through.
type telling struct {
	name     string
	pictures func(t *testing.T, n int) *image.NRGBA // of person n, as large as it is
	side     int                                    // the longest side of an upload, pixels
	upload   string                                 // format and quality of uploads
	ways     []string                               // attacks: the leak of person n goes through attack n, modulo their number
	leak     string                                 // format and quality of leaks
	pages    []string                               // templates of rendered pages
}

// Browsers write WebP, and render pages.
var browser = sync.OnceValues(func() (*pages.Browser, error) { return pages.NewBrowser(context.Background()) })

// sharedPictures are real pictures of the folder in KYCMARK_SHARED.
func sharedPictures(names ...string) func(*testing.T, int) *image.NRGBA {
	return func(t *testing.T, n int) *image.NRGBA {
		p, err := fromfile.Picture(filepath.Join(os.Getenv("KYCMARK_SHARED"), "pictures", names[n%len(names)]), picture.Limits{})
		require.NoError(t, err)
		return picture.Flatten(p.Image)
	}
}

// drawnPictures are photographs of drawn documents.
func drawnPictures(_ *testing.T, n int) *image.NRGBA {
	seed := uint64(700 + n)
	return specimen.Photograph(specimen.Render(specimen.Templates()[n%4], specimen.NewPerson(seed), 1400), seed, 1600, 1200)
}

var tellings = []telling{
	{"photographs", sharedPictures("photos/selfie_daylight_20mp.jpg", "photos/night_flash_man_7mp.jpg", "photos/phone_man_dark_skin_12mp.jpg", "photos/indoor_dim_man_8mp.jpg",
		"photos/portrait_official_dark_skin.jpg", "photos/phone_two_men_8mp.jpg", "photos/selfie_overcast_20mp.jpg"),
		900, "webp 85", []string{"telegram", "whatsapp_twice", "jpeg50"}, "jpeg 80", []string{"insurance", "tax_notice"}},
	{"documents", sharedPictures("documents/licence_colorado_sample_2mp.jpg", "documents/passport_specimen_bundesdruckerei.jpg", "documents/letter_on_desk_phone_8mp.jpg", "documents/receipt_phone_8mp.jpg",
		"documents/passport_aus_phone_photo.png", "documents/passport_russia_specimen_scan.jpg", "documents/payslip_gray_a4.jpg"),
		800, "jpeg 85", []string{"screenshot", "crop75", "rot5"}, "png", []string{"registration", "app_transfer"}},
	{"drawn", drawnPictures, 700, "png", []string{"resize75", "rot90", "jpeg75"}, "webp 80", []string{"bill_energy", "app_profile"}},
}

// TestStories tells each story of issue 48 in three ways. It needs the shared pictures and Chromium:
//
//	KYCMARK_SHARED=/work/shared go test -tags long -timeout 3h -run 'TestStories' -v ./verify
//
// -run 'TestStories/^3b$' tells one of them.
func TestStories(t *testing.T) {
	if _, err := os.Stat(filepath.Join(os.Getenv("KYCMARK_SHARED"), "pictures")); err != nil || os.Getenv("KYCMARK_SHARED") == "" {
		skip.Test(t, "no shared pictures: set KYCMARK_SHARED")
	}
	if _, err := pages.Program(); err != nil {
		skip.Test(t, "Chromium writes WebP: %v", err)
	}
	for _, story := range []struct {
		name string
		tell func(*stage)
	}{
		{"1", (*stage).uploadsThatCameInMarked}, {"2", (*stage).lostKeys}, {"3", (*stage).erasedAndSentAgain}, {"3b", (*stage).sentAgainCropped},
		{"4", (*stage).pagesOfStrangers}, {"5", (*stage).sharperLeaks}, {"6", (*stage).drills}, {"7", (*stage).theIssuersFolder},
		{"8", (*stage).contactSheets}, {"8b", (*stage).framingSheets}, {"8c", (*stage).enteredTwice}, {"9", (*stage).namesThatLie},
	} {
		t.Run(story.name, func(t *testing.T) {
			for n, how := range tellings {
				t.Run(how.name, func(t *testing.T) {
					x := &stage{telling: how, Config: leaktest.Config(t), t: t, n: n}
					x.issuer = newIssuer(t, x.Config)
					vendors(t, x.Registry, "vendor-a", "vendor-b", "vendor-g", "vendor-h")
					story.tell(x)
				})
			}
		})
	}
}

// A stage is a registry of four vendors, on which a story is told.
type stage struct {
	telling
	registry.Config
	t      *testing.T
	n      int // number of the telling
	issuer *registry.Issuer
}

// file encodes a picture in a format and quality, such as "webp 80".
func (x *stage) file(img image.Image, format string) []byte {
	x.t.Helper()
	quality := 0
	fmt.Sscanf(format, "%s %d", &format, &quality)
	if format != "webp" {
		return savedAnew(x.t, imaging.Clone(img), format, quality)
	}
	b, err := browser()
	require.NoError(x.t, err)
	data, err := b.WebP(img, float64(quality)/100)
	require.NoError(x.t, err)
	return data
}

// picture is the picture of person n, of the size of an upload.
func (x *stage) picture(n int) *image.NRGBA {
	return imaging.Fit(x.pictures(x.t, n), x.side, x.side, imaging.Box)
}

// enter enters a picture of person n.
func (x *stage) enter(n int, img image.Image, day int) *books.Submission {
	x.t.Helper()
	return submit(x.t, x.issuer, x.file(img, x.upload), fmt.Sprint("person ", n), feb.AddDate(0, 0, day))
}

// copied enters the picture of person n and returns the copy of a recipient.
func (x *stage) copied(n int, to string) (data []byte, img *image.NRGBA, id watermark.CopyID) {
	x.t.Helper()
	return issued(x.t, x.issuer, x.enter(n, x.picture(n), 0).ID, to)
}

// worn is a leak, as it looks after the attack of person n.
func (x *stage) worn(n int, img image.Image) []byte {
	x.t.Helper()
	return x.file(leaked(x.t, img, x.ways[n%len(x.ways)]), x.leak)
}

// tiled lays pictures side by side, two in a row, with a margin of 12 pixels.
func tiled(of ...image.Image) *image.NRGBA {
	out := imaging.New(12+2*712, 12+(len(of)+1)/2*712, color.Gray{Y: 60})
	for i, img := range of {
		out = imaging.Paste(out, imaging.Fit(img, 700, 700, imaging.Lanczos), image.Pt(12+i%2*712, 12+i/2*712))
	}
	return out
}

// examine examines leaks. No leak may be called unmarked or transplanted.
func (x *stage) examine(v *verify.Investigation, leaks ...[]byte) (out []*findings.Finding) {
	x.t.Helper()
	for i, data := range leaks {
		got, err := v.File(x.t.Context(), fmt.Sprint("leak ", i), data)
		require.NoError(x.t, err)
		x.t.Logf("leak %d: %s, accused %v: %s", i, got.Label(), confirmed(got), got.Note)
		assert.NotEqual(x.t, findings.FoundUnmarked, got.Kind)
		assert.NotEqual(x.t, findings.FoundTransplanted, got.Kind)
		out = append(out, got)
	}
	return out
}

// judge weighs leaks. Findings and sentences must be true, and nobody may be named alone but the guilty. A recipient that
// is named beside others must have one of the guilty as a rival; the issuer is "".
func (x *stage) judge(v *verify.Investigation, leaks []*findings.Finding, guilty ...string) *findings.Verdict {
	x.t.Helper()
	d, err := v.Weigh(x.t.Context(), leaks)
	require.NoError(x.t, err)
	x.t.Logf("named %v, rivals %+v: %s", d.Named, d.Odds.Rivals, d.Headline)
	for _, name := range d.Named {
		beside := slices.ContainsFunc(d.Odds.Rivals, func(r odds.Rival) bool { return r.Name == name && slices.Contains(guilty, r.Other) })
		assert.True(x.t, slices.Contains(guilty, name) || beside, "%s is innocent", name)
	}
	var text bytes.Buffer
	require.NoError(x.t, v.WriteFindings(x.t.Context(), &text, d, true))
	f := readFindings(x.t, text.String())
	require.NoError(x.t, recheck.CheckLeaks(f))
	require.NoError(x.t, recheck.CheckVerdict(f))
	untrue, err := sentencecheck.Check(text.Bytes())
	require.NoError(x.t, err)
	assert.Empty(x.t, untrue)
	return d
}

func (x *stage) investigator() *verify.Investigation {
	return newInvestigator(x.t, investigating(x.Config))
}

// Customers send the copies of vendor-a, which they got back. The store has these uploads, and leaks them.
func (x *stage) uploadsThatCameInMarked() {
	require.NoError(x.t, x.Registry.AddRecipient(x.t.Context(), books.Recipient{Name: "store", Kind: books.KindStore}))
	require.NoError(x.t, x.Registry.AddCustody(x.t.Context(), books.Custody{Recipient: "store", From: feb.AddDate(0, 0, 20), To: feb.AddDate(0, 2, 0), Note: "backup"}))
	var leaks [][]byte
	for n := range 3 {
		data, img, _ := x.copied(n, "vendor-a")
		if n > 0 { // the first comes back as it was issued
			data = x.worn(n, img)
		}
		submit(x.t, x.issuer, data, fmt.Sprint("person ", n), feb.AddDate(0, 1, 0))
		leaks = append(leaks, data)
	}
	v := x.investigator()
	found := x.examine(v, leaks...)
	for _, l := range found {
		assert.Contains(x.t, l.Note, "came in with this mark")
	}
	d := x.judge(v, found, "store", "")
	assert.Contains(x.t, d.Headline, "store")
}

// A forger has the lost key, the IDs of vendor-a's copies, and the uploads.
func (x *stage) lostKeys() {
	var leaks [][]byte
	for n := range 3 {
		upload := x.file(x.picture(n), x.upload)
		of := submit(x.t, x.issuer, upload, fmt.Sprint("person ", n), feb)
		_, _, id := issued(x.t, x.issuer, of.ID, "vendor-a")
		o, err := watermark.Prepare(leaktest.Key(), decoded(x.t, upload), &watermark.Options{Submission: of.ID})
		require.NoError(x.t, err)
		leaks = append(leaks, x.worn(n, o.Embed(id)))
	}
	lost := time.Now().UTC()
	require.NoError(x.t, x.Registry.Ledger().SetKeyState(x.t.Context(), books.KeyState{KeyID: leaktest.Key().ID(), State: books.KeyCompromised, Since: lost}))
	with := investigating(x.Config)
	if x.n > 0 {
		with.Found = lost.Add(time.Second)
	}
	v := newInvestigator(x.t, with)
	found := x.examine(v, leaks...)
	for _, l := range found {
		assert.Contains(x.t, []string{"copy (unconfirmed)", "unreadable"}, l.Label())
		assert.Empty(x.t, confirmed(l))
	}
	assert.Empty(x.t, x.judge(v, found).Named)
}

// Customers are erased, and send the same pictures again, saved anew. Old copies of vendor-a leak.
func (x *stage) erasedAndSentAgain() {
	var leaks [][]byte
	for n := range 3 {
		_, img, _ := x.copied(n, "vendor-a")
		_, err := x.Registry.Erase(x.t.Context(), fmt.Sprint("person ", n), "desk", "letter")
		require.NoError(x.t, err)
		submit(x.t, x.issuer, x.file(x.picture(n), "jpeg 84"), fmt.Sprint("person ", n), feb.AddDate(0, 1, 0))
		leaks = append(leaks, x.worn(n, img))
	}
	v := x.investigator()
	found := x.examine(v, leaks...)
	for _, l := range found {
		if assert.Contains(x.t, []string{"copy (unconfirmed)", "unreadable"}, l.Label()) && l.Kind == findings.FoundUnconfirmed {
			assert.Contains(x.t, l.Note, "issued to vendor-a")
		}
	}
	assert.True(x.t, slices.ContainsFunc(found, func(l *findings.Finding) bool { return l.Kind == findings.FoundUnconfirmed }))
	x.judge(v, found, "vendor-a")
}

// Customers send the same pictures again, cropped. Copies of the first leak, cropped alike and smaller.
func (x *stage) sentAgainCropped() {
	var leaks [][]byte
	var ids []watermark.CopyID
	for n := range 3 {
		_, img, id := x.copied(n, "vendor-a")
		dx, dy := img.Rect.Dx(), img.Rect.Dy()
		crop := image.Rect(dx*(4+n)/100, dy*5/100, dx*(97-n)/100, dy*94/100)
		x.enter(n, imaging.Crop(x.picture(n), crop), 30)
		side := []int{dx * 9 / 10, 480, 400}[n]
		leaks = append(leaks, x.file(imaging.Fit(imaging.Crop(img, crop), side, side, imaging.Box), []string{x.leak, "jpeg 75", "jpeg 80"}[n]))
		ids = append(ids, id)
	}
	v := x.investigator()
	found := x.examine(v, leaks...)
	for n, l := range found {
		assert.Equal(x.t, ids[n:n+1], confirmed(l))
	}
	assert.Equal(x.t, []string{"vendor-a"}, x.judge(v, found, "vendor-a").Named)
}

// The registry has one customer's pages, and the dump those of strangers, and that customer's copy.
func (x *stage) pagesOfStrangers() {
	b, err := browser()
	require.NoError(x.t, err)
	render := func(name string, n int) *image.NRGBA {
		img, err := b.Render(pages.Fill(name, uint64(3000+100*x.n+n), x.n))
		require.NoError(x.t, err)
		return img
	}
	var leaks [][]byte
	var own watermark.CopyID
	for k, name := range x.pages {
		of := x.enter(0, render(name, 0), k)
		if k == 0 {
			_, img, id := issued(x.t, x.issuer, of.ID, "vendor-a")
			leaks, own = append(leaks, x.worn(2, img)), id
		}
		for n := range 5 {
			leaks = append(leaks, x.worn(n, render(name, 1+n)))
		}
	}
	v := x.investigator()
	found := x.examine(v, leaks...)
	assert.Equal(x.t, []watermark.CopyID{own}, confirmed(found[0]))
	for _, l := range found[1:] {
		assert.Contains(x.t, []findings.Kind{findings.FoundLookalike, findings.FoundUnknown}, l.Kind, l.Note)
	}
	x.judge(v, found, "vendor-a")
}

// The exchange's app shrank the uploads, which old-vendor held unmarked. The dump has the larger files of another service. Uploads
// of JPEG 75, the last two, may keep too little detail to tell.
func (x *stage) sharperLeaks() {
	vendors(x.t, x.Registry, "old-vendor")
	require.NoError(x.t, x.Registry.AddCustody(x.t.Context(), books.Custody{Recipient: "old-vendor", From: feb, To: feb, Note: "contract"}))
	var leaks [][]byte
	for n := range 5 {
		if n == 3 {
			x.upload = "jpeg 75"
		}
		x.enter(n, x.picture(n), 0)
		leaks = append(leaks, x.file(imaging.Fit(x.pictures(x.t, n), 2*x.side, 2*x.side, imaging.Box), []string{"jpeg 90", "jpeg 75", x.leak}[n%3]))
	}
	v := x.investigator()
	found := x.examine(v, leaks...)
	for n, l := range found {
		if n < 3 || l.Kind != findings.FoundUnreadable {
			assert.Equal(x.t, findings.FoundLookalike, l.Kind)
		}
	}
	d := x.judge(v, found)
	assert.NotContains(x.t, d.Headline+strings.Join(d.Sentences(), " "), "old-vendor")
}

// The exchange examined its own folder of copies: as a drill, as a drill with a time, or file by file. Later they leak.
func (x *stage) drills() {
	var copies, leaks [][]byte
	for n := range 3 {
		data, img, _ := x.copied(n, "vendor-a")
		copies, leaks = append(copies, data), append(leaks, data, x.worn(n, img))
	}
	with := investigating(x.Config)
	with.Found = time.Now().UTC()
	before := []setup{investigating(x.Config), with, investigating(x.Config)}[x.n]
	drills := [][][]byte{copies}
	if x.n == 2 {
		drills = [][][]byte{copies[:1], copies[1:2], copies[:3]}
	}
	for _, files := range drills {
		v := newInvestigator(x.t, before)
		x.judge(v, x.examine(v, files...), "vendor-a")
	}
	with.Found = time.Now().UTC().Add(time.Second)
	v := newInvestigator(x.t, with)
	d := x.judge(v, x.examine(v, leaks...), "vendor-a")
	assert.Equal(x.t, []string{"vendor-a"}, d.Odds.Alone())
	assert.NotContains(x.t, d.Headline, "Inconclusive")
}

// All copies of four vendors lie in the issuer's folder, which is stolen.
func (x *stage) theIssuersFolder() {
	var leaks [][]byte
	for n := range 2 {
		of := x.enter(n, x.picture(n), 0)
		for k, name := range []string{"vendor-a", "vendor-b", "vendor-g", "vendor-h"} {
			data, img, _ := issued(x.t, x.issuer, of.ID, name)
			if k > x.n {
				data = x.worn(k, img)
			}
			leaks = append(leaks, data)
		}
	}
	v := x.investigator()
	d := x.judge(v, x.examine(v, leaks...), "", "vendor-a", "vendor-b", "vendor-g", "vendor-h")
	assert.Contains(x.t, strings.Join(d.Weakens, " "), "The issuer had all copies.")
	assert.Empty(x.t, d.Odds.Alone())
}

// Each sheet has three copies of vendor-g and the clearest of vendor-h: five persons of vendor-g, two of vendor-h.
func (x *stage) contactSheets() { x.sheets([2]int{5, 6}, "vendor-g", "vendor-h") }

// Vendor-g lays one circulating copy of vendor-h beside its own.
func (x *stage) framingSheets() { x.sheets([2]int{5, 5}, "vendor-g") }

// sheets tells of two sheets of the copies of persons 0, 1, 2 and of 2, 3, 4 of vendor-g, each with a copy of vendor-h.
func (x *stage) sheets(ofH [2]int, guilty ...string) {
	var copies []image.Image
	var ids []watermark.CopyID
	for n := range 7 {
		_, img, id := x.copied(n, []string{"vendor-g", "vendor-h"}[n/5])
		copies, ids = append(copies, img), append(ids, id)
	}
	v := x.investigator()
	var leaks [][]byte
	for k, h := range ofH {
		leaks = append(leaks, x.file(tiled(copies[2*k], copies[2*k+1], imaging.Sharpen(copies[h], 0.4), copies[2*k+2]), []string{x.leak, "jpeg 85"}[k]))
	}
	found := x.examine(v, leaks...)
	for k, h := range ofH {
		assert.ElementsMatch(x.t, append(slices.Clone(ids[2*k:2*k+3]), ids[h]), confirmed(found[k]))
	}
	d := x.judge(v, found, guilty...)
	assert.Equal(x.t, guilty, d.Named)
}

// Photographs are entered twice: vendor-a has copies of the first, vendor-b of the second. They average them.
func (x *stage) enteredTwice() {
	var leaks [][]byte
	var ids [][]watermark.CopyID
	for n := range 2 {
		_, a, idA := x.copied(n, "vendor-a")
		again := submit(x.t, x.issuer, x.file(x.picture(n), []string{"jpeg 90", "png", "jpeg 84"}[x.n]), fmt.Sprint("person ", n), feb.AddDate(0, 0, 3))
		_, b, idB := issued(x.t, x.issuer, again.ID, "vendor-b")
		leaks = append(leaks, x.file(imaging.Overlay(b, a, image.Point{}, 0.6), []string{x.leak, "jpeg 75"}[n]))
		ids = append(ids, []watermark.CopyID{idA, idB})
	}
	v := x.investigator()
	found := x.examine(v, leaks...)
	for n, l := range found {
		assert.ElementsMatch(x.t, ids[n], confirmed(l))
		assert.NotContains(x.t, l.Note, "marked again")
	}
	x.judge(v, found, "vendor-a", "vendor-b")
}

// Names lie: those of recipients, purposes and subjects are refused, and those of leaks are shown isolated.
func (x *stage) namesThatLie() {
	hostile := [][]string{
		{"vendor\u202e-a", " vendor-c", "v\u0435ndor-a", "vendor-\u200ba", "a\u0308b\u2066c", "vendor\u00a0c", "\u2060vendor-c"},
		{"vendor-c\u00a0", "VENDOR-A", "vend\u043er-b", "vendor-c\ufeff", "\u0007bell", "vendor-c\u200f", "vendor\u2028c"},
		{"vendor-\U0001d41a", "vendor\u2010a", "c\u0327\u034f", "vendor-c\t", "x\u2069y", "vendor-\uff41", "vendor\u00adc"},
	}[x.n]
	for _, name := range hostile {
		err := x.Registry.AddRecipient(x.t.Context(), books.Recipient{Name: name, Kind: books.KindVendor})
		assert.Error(x.t, err, "%q", name)
	}
	lie := []string{"person\u202e1", "per\u200bson", "person\u20661"}[x.n]
	_, _, err := x.issuer.Submit(x.t.Context(), bytes.NewReader(x.file(x.picture(1), x.upload)), lie, feb, nil)
	assert.Error(x.t, err, "%q", lie)
	good := []string{"A/S", "Ålesund & Søn", "نامه\u200cای"}[x.n]
	vendors(x.t, x.Registry, good)
	of := x.enter(0, x.picture(0), 0)
	_, err = x.issuer.Issue(x.t.Context(), of.ID, good, registry.WriteTo(new(bytes.Buffer)), &registry.IssueOptions{Purpose: lie})
	assert.Error(x.t, err, "%q", lie)
	data, _, _ := issued(x.t, x.issuer, of.ID, good)
	v := x.investigator()
	got, err := v.File(x.t.Context(), []string{"a\u202egpj.exe", "nobody: all pictures are of vendor-z", "<script>\u2066.jpg"}[x.n], data)
	require.NoError(x.t, err)
	assert.Equal(x.t, good, got.MayName())
	d := x.judge(v, []*findings.Finding{got}, good)
	var page bytes.Buffer
	require.NoError(x.t, v.WriteReport(x.t.Context(), &page, d, true))
	assert.Contains(x.t, page.String(), []string{`<bdi>“a\u202egpj.exe”</bdi>`, "<bdi>nobody: all pictures are of vendor-z</bdi>", `<bdi>“&lt;script&gt;\u2066.jpg”</bdi>`}[x.n])
	assert.False(x.t, strings.ContainsAny(page.String(), "\u202e\u2066\u200b"))
}
