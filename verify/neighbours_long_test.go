//go:build long

package verify_test

import (
	"image"
	"strings"
	"testing"
	"time"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/watermark"
)

// TestNeighbours tells stories that mix those of TestStories, of small drawn pictures.
func TestNeighbours(t *testing.T) {
	small := telling{name: "small", side: 560, upload: "jpeg 88", ways: []string{"jpeg75"}, leak: "jpeg 85",
		pictures: func(_ *testing.T, n int) *image.NRGBA {
			seed := uint64(900 + n)
			return specimen.Photograph(specimen.Render(specimen.Templates()[n%4], specimen.NewPerson(seed), 1000), seed, 1120, 840)
		}}
	for name, tell := range map[string]func(*stage){
		"erased and returned": (*stage).erasedAndReturned, "two keys": (*stage).lostKeyAndAnother, "two customers": (*stage).onePictureOfTwoCustomers,
		"stolen identity": (*stage).stolenIdentity, "published and drill": (*stage).publishedAfterDrill, "larger beside copy": (*stage).largerBesideCopy, "sheet of lost key": (*stage).sheetOfLostKey,
	} {
		t.Run(name, func(t *testing.T) {
			x := &stage{telling: small, Config: leaktest.Config(t), t: t}
			x.issuer = newIssuer(t, x.Config)
			vendors(t, x.Registry, "vendor-a", "vendor-b")
			tell(x)
		})
	}
}

func (x *stage) without(edit func(*setup)) *verify.Investigation {
	with := investigating(x.Config)
	if with.References = 0; edit != nil {
		edit(&with)
	}
	return newInvestigator(x.t, with)
}

// A copy of vendor-a comes back under another subject, and vendor-b receives a copy of that upload. The first person is erased.
// Then vendor-b's copies leak, and in a second dump sheets of both.
func (x *stage) erasedAndReturned() {
	var alone, sheets [][]byte
	var ofB []watermark.CopyID
	for n := range 2 {
		data, a, _ := x.copied(n, "vendor-a")
		second := submit(x.t, x.issuer, savedAnew(x.t, decoded(x.t, data), "jpeg", 86), []string{"alias 0", "alias 1"}[n], feb.AddDate(0, 1, 0))
		_, b, id := issued(x.t, x.issuer, second.ID, "vendor-b")
		_, err := x.Registry.Erase(x.t.Context(), []string{"person 0", "person 1"}[n], "desk", "letter")
		require.NoError(x.t, err)
		alone, sheets, ofB = append(alone, x.worn(n, b)), append(sheets, x.file(tiled(a, b), x.leak)), append(ofB, id)
	}
	v := x.without(nil)
	found := x.examine(v, alone...)
	for n, l := range found {
		assert.Equal(x.t, ofB[n:n+1], confirmed(l))
	}
	assert.Equal(x.t, []string{"vendor-b"}, x.judge(v, found, "vendor-b").Named)
	v = x.without(nil)
	x.judge(v, x.examine(v, sheets...), "vendor-a", "vendor-b")
}

// The first key is lost, and copies of vendor-b are made under a second. A forger lays vendor-a's marks onto vendor-b's copies
// under the lost key, and onto unmarked uploads.
func (x *stage) lostKeyAndAnother() {
	var leaks [][]byte
	var ofB []watermark.CopyID
	second := x.Config
	second.Key = watermark.GenerateKey()
	issuer := newIssuer(x.t, second)
	var forged [][]byte
	for n := range 2 {
		of := x.enter(n, x.picture(n), 0)
		_, _, idA := issued(x.t, x.issuer, of.ID, "vendor-a")
		_, b, idB := issued(x.t, issuer, of.ID, "vendor-b")
		for k, img := range []*image.NRGBA{b, decoded(x.t, x.file(x.picture(n), x.upload))} {
			o, err := watermark.Prepare(leaktest.Key(), img, &watermark.Options{Submission: of.ID})
			require.NoError(x.t, err)
			if k == 0 {
				leaks = append(leaks, x.worn(n, o.Embed(idA)))
			} else {
				forged = append(forged, x.worn(n, o.Embed(idA)))
			}
		}
		ofB = append(ofB, idB)
	}
	require.NoError(x.t, x.Registry.Ledger().SetKeyState(x.t.Context(), books.KeyState{KeyID: leaktest.Key().ID(), State: books.KeyCompromised, Since: time.Now().UTC()}))
	both := func(c *setup) { c.Keys = append(c.Keys, second.Key) }
	v := x.without(both)
	found := x.examine(v, leaks...)
	for n, l := range found {
		assert.Subset(x.t, ofB[n:n+1], confirmed(l))
	}
	d := x.judge(v, found, "vendor-b")
	assert.NotContains(x.t, d.Named, "vendor-a")
	v = x.without(both)
	d = x.judge(v, x.examine(v, forged...))
	assert.Empty(x.t, d.Named)
}

// Two customers send the same photograph, each twice so that there are two persons. Vendor-a has copies of the one's uploads and vendor-b of the
// other's. Vendor-a's leak, and in a second dump unmarked uploads.
func (x *stage) onePictureOfTwoCustomers() {
	var leaks, plain [][]byte
	var ids []watermark.CopyID
	for n := range 2 {
		_, a, id := x.copied(n, "vendor-a")
		other := submit(x.t, x.issuer, x.file(imaging.Resize(x.picture(n), 500, 0, imaging.Lanczos), "jpeg 90"), []string{"other 0", "other 1"}[n], feb.AddDate(0, 0, 9))
		issued(x.t, x.issuer, other.ID, "vendor-b")
		leaks, ids = append(leaks, x.file(imaging.Resize(a, 500, 0, imaging.Box), "jpeg 80")), append(ids, id)
		plain = append(plain, x.file(x.picture(n), "jpeg 80"))
	}
	v := x.without(nil)
	found := x.examine(v, leaks...)
	for n, l := range found {
		assert.Equal(x.t, ids[n:n+1], confirmed(l))
	}
	assert.Equal(x.t, []string{"vendor-a"}, x.judge(v, found, "vendor-a").Named)
	v = x.without(nil)
	for n, data := range plain {
		got, err := v.File(x.t.Context(), "plain", data)
		require.NoError(x.t, err)
		x.t.Logf("plain %d: %s, accused %v: %s", n, got.Label(), confirmed(got), got.Note)
		assert.Empty(x.t, confirmed(got))
	}
}

// A fraud enters vendor-a's leaked copies of others as their own pictures, cropped. Vendor-b receives copies of these, and leaks them.
func (x *stage) stolenIdentity() {
	var leaks [][]byte
	var ids []watermark.CopyID
	for n := range 3 {
		_, a, _ := x.copied(n, "vendor-a")
		stolen := submit(x.t, x.issuer, x.file(imaging.Crop(a, a.Rect.Inset(14)), "jpeg 80"), []string{"fraud 0", "fraud 1", "fraud 2"}[n], feb.AddDate(0, 2, 0))
		_, b, id := issued(x.t, x.issuer, stolen.ID, "vendor-b")
		leaks, ids = append(leaks, x.worn(n, b)), append(ids, id)
	}
	v := x.without(nil)
	found := x.examine(v, leaks...)
	for n, l := range found {
		assert.Equal(x.t, ids[n:n+1], confirmed(l))
	}
	assert.Equal(x.t, []string{"vendor-b"}, x.judge(v, found, "vendor-b").Named)
}

// The exchange examines its folder of vendor-a's copies as a drill, which others later publish in part: vendor-a is weakened by the
// published files only. Vendor-b's copies of the same uploads, examined with a time long ago, are not.
func (x *stage) publishedAfterDrill() {
	var ofA, ofB [][]byte
	for n := range 3 {
		of := x.enter(n, x.picture(n), 0)
		_, a, _ := issued(x.t, x.issuer, of.ID, "vendor-a")
		_, b, _ := issued(x.t, x.issuer, of.ID, "vendor-b")
		ofA, ofB = append(ofA, x.worn(n, a)), append(ofB, x.worn(n, b))
	}
	now := time.Now().UTC()
	v := x.without(nil)
	x.judge(v, x.examine(v, append(ofA, ofB...)...), "vendor-a", "vendor-b")
	v = x.without(func(c *setup) {
		c.Published, c.Found, c.Evidence = true, now, "https://example.org/post/9"
	})
	x.judge(v, x.examine(v, ofA[0]), "vendor-a")
	v = x.without(func(c *setup) { c.Found = now.Add(time.Hour) })
	d := x.judge(v, x.examine(v, ofB...), "vendor-b")
	assert.Equal(x.t, []string{"vendor-b"}, d.Named)
	assert.NotContains(x.t, strings.Join(d.Sentences(), " "), "public before")
	v = x.without(func(c *setup) { c.Found = now.Add(time.Hour) })
	d = x.judge(v, x.examine(v, ofA...), "vendor-a")
	x.t.Log(d.Headline)
}

// The larger files of another service lie beside vendor-a's copies on sheets, and alone.
func (x *stage) largerBesideCopy() {
	var sheets, larger [][]byte
	var ids []watermark.CopyID
	for n := range 2 {
		_, a, id := x.copied(n, "vendor-a")
		full := x.pictures(x.t, n)
		sheet := imaging.Paste(imaging.New(full.Rect.Dx()+a.Rect.Dx()+36, full.Rect.Dy()+24, image.Black), full, image.Pt(12, 12))
		sheets, ids = append(sheets, x.file(imaging.Paste(sheet, a, image.Pt(full.Rect.Dx()+24, 12)), "jpeg 90")), append(ids, id)
		larger = append(larger, x.file(full, "jpeg 85"))
	}
	v := x.without(nil)
	found := x.examine(v, sheets...)
	for n, l := range found {
		assert.Equal(x.t, ids[n:n+1], confirmed(l))
	}
	assert.Equal(x.t, []string{"vendor-a"}, x.judge(v, found, "vendor-a").Named)
	v = x.without(nil)
	found = x.examine(v, larger...)
	for _, l := range found {
		assert.Contains(x.t, []findings.Kind{findings.FoundLookalike, findings.FoundUnreadable}, l.Kind)
	}
	assert.Empty(x.t, x.judge(v, found).Named)
}

// The key is lost. A forger shows forged copies of vendor-a beside true copies of vendor-b under a second key.
func (x *stage) sheetOfLostKey() {
	second := x.Config
	second.Key = watermark.GenerateKey()
	issuer := newIssuer(x.t, second)
	var leaks [][]byte
	var ofB []watermark.CopyID
	for n := range 2 {
		of := x.enter(2*n, x.picture(2*n), 0)
		_, _, idA := issued(x.t, x.issuer, of.ID, "vendor-a")
		o, err := watermark.Prepare(leaktest.Key(), decoded(x.t, x.file(x.picture(2*n), x.upload)), &watermark.Options{Submission: of.ID})
		require.NoError(x.t, err)
		_, b, idB := issued(x.t, issuer, x.enter(2*n+1, x.picture(2*n+1), 0).ID, "vendor-b")
		leaks, ofB = append(leaks, x.file(tiled(o.Embed(idA), b), x.leak)), append(ofB, idB)
	}
	require.NoError(x.t, x.Registry.Ledger().SetKeyState(x.t.Context(), books.KeyState{KeyID: leaktest.Key().ID(), State: books.KeyCompromised, Since: time.Now().UTC()}))
	v := x.without(func(c *setup) { c.Keys = append(c.Keys, second.Key) })
	found := x.examine(v, leaks...)
	for n, l := range found {
		assert.Equal(x.t, ofB[n:n+1], confirmed(l))
	}
	assert.Equal(x.t, []string{"vendor-b"}, x.judge(v, found, "vendor-b").Named)
}
