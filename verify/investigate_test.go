package verify_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"image"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
	"github.com/kycmark/kycmark/watermark"
)

// A leakRow is a leak of the case file and what is to be found of it.
type leakRow struct {
	leak       image.Image
	detect     detectFunc
	want       findings.Kind
	submission watermark.Submission
}

func leakRows(t *testing.T, c *caseFile) map[string]leakRow {
	id := c.copy.ID
	stranger := picture.Flatten(specimen.Render(specimen.Residence, specimen.NewPerson(9), 500))
	rows := map[string]leakRow{
		"messenger":        {leaked(t, c.marked, "telegram"), reads(id), findings.FoundCopy, c.firstID},
		"only traced":      {leaked(t, c.marked, "jpeg50"), noMark, findings.FoundCopy, c.firstID},
		"half of the copy": {imaging.Crop(c.marked, image.Rect(90, 40, 440, 290)), readsCrop(id, c.firstID, c.first.Rect, geometry.Point{X: 90, Y: 40}), findings.FoundCopy, c.firstID},
		"ID alone":         {leaked(t, c.first, "telegram"), reads(id), findings.FoundTransplanted, c.firstID},
		"cropped to half":  {imaging.Crop(c.first, image.Rect(90, 40, 440, 290)), readsCrop(id, c.firstID, c.first.Rect, geometry.Point{X: 90, Y: 40}), findings.FoundUnconfirmed, c.firstID},
		"cropped stranger": {imaging.Crop(largePassport().Fill(specimen.NewPerson(9)), image.Rect(90, 40, 440, 290)), readsCrop(id, c.firstID, c.first.Rect, geometry.Point{X: 90, Y: 40}), findings.FoundUnconfirmed, c.firstID},
		"unmarked":         {leaked(t, c.first, "jpeg50"), noMark, findings.FoundUnmarked, c.firstID},
		"none issued":      {leaked(t, c.bill, "jpeg50"), noMark, findings.FoundUnmarked, c.billID},
		"unread bill":      {leaked(t, c.bill, "thumb160"), noMark, findings.FoundLookalike, c.billID},
		"unread":           {leaked(t, c.second, "thumb160"), noMark, findings.FoundUnreadable, c.secondID},
		"transplanted":     {c.second, reads(id), findings.FoundTransplanted, c.secondID},
		"on a stranger":    {stranger, reads(id), findings.FoundUnconfirmed, c.firstID},
		"unissued":         {stranger, reads(id + 1), findings.FoundUnissued, watermark.Submission{}},
		"unissued, upload": {c.second, reads(id + 1), findings.FoundUnissued, c.secondID},
		"stranger":         {stranger, noMark, findings.FoundUnknown, watermark.Submission{}},
		"blank":            {imaging.New(300, 200, image.White), noMark, findings.FoundUnknown, watermark.Submission{}},
		"tiny":             {imaging.New(2, 2, image.White), noMark, findings.FoundUnknown, watermark.Submission{}},
	}
	if long.On { // register's TestFindsTheMap has mirrors and turns, "half of the copy" is cropped more
		rows["mirrored"] = leakRow{imaging.FlipH(c.marked), reads(id), findings.FoundCopy, c.firstID}
		rows["turned"] = leakRow{imaging.Rotate90(c.marked), reads(id), findings.FoundCopy, c.firstID}
		rows["cropped"] = leakRow{imaging.Crop(c.marked, image.Rect(30, 20, 560, 400)), readsCrop(id, c.firstID, c.first.Rect, geometry.Point{X: 30, Y: 20}), findings.FoundCopy, c.firstID}
	}
	return rows
}

// withControls reports whether a leak of leakRows is held against other uploads. TestReferences looks at these leaks.
func withControls(name string) bool {
	return slices.Contains(long.Cases(3, "messenger", "unmarked", "stranger", "only traced", "half of the copy"), name)
}

// judged are the leaks of leakRows, each examined once for all tests.
var judged struct {
	sync.Once
	rows     map[string]leakRow
	verdicts map[string]findings.Finding
}

// examined returns the rows, and a verdict of the test's own on each.
func examined(t *testing.T) (map[string]leakRow, map[string]*findings.Finding) {
	t.Helper()
	judged.Do(func() {
		c := newLargeCase(t)
		alone, rows, verdicts := c.investigator(t, noMark), leakRows(t, c), make(map[string]findings.Finding)
		c.References = 0
		beside := c.investigator(t, noMark) // for what TestReferences looks at
		for name, row := range rows {
			v := alone
			if withControls(name) {
				v = beside
			}
			v.SetDetect(row.detect)
			got, err := v.File(t.Context(), name+".jpg", file(t, row.leak, "jpeg"))
			require.NoError(t, err)
			verdicts[name] = *got
		}
		judged.rows, judged.verdicts = rows, verdicts
	})
	require.NotEmpty(t, judged.verdicts, "the leaks could not be examined")
	out := make(map[string]*findings.Finding)
	for name, v := range judged.verdicts {
		out[name] = &v
	}
	return judged.rows, out
}

func TestFindings(t *testing.T) {
	t.Parallel()
	c := newLargeCase(t)
	id := c.copy.ID
	rows, verdicts := examined(t)
	for name, row := range rows {
		v := verdicts[name]
		assert.Equal(t, row.want, v.Kind, "%s: %s", name, v.Note)
		assert.NoError(t, verify.Recheck(v, true), name)
		assert.Equal(t, row.submission, v.Submission, name)
		if row.want == findings.FoundUnmarked && assert.NotNil(t, v.Power, name) {
			assert.GreaterOrEqual(t, *v.Power, 0.999, name)
		}
		confirmed := v.Kind == findings.FoundCopy
		if name == "cropped to half" {
			assert.Contains(t, v.Note, "too little of it is there to tell it from another document")
		}
		if confirmed || v.Kind == findings.FoundUnconfirmed || v.Kind == findings.FoundTransplanted {
			assert.Equal(t, id, v.Copy(), name)
			assert.Equal(t, name == "only traced", v.BlindLogP == nil, name)
			assert.LessOrEqual(t, *v.LogP, -9.0, name)
			assert.Equal(t, confirmed, v.TraceLogP != nil && *v.TraceLogP < -9, name)
			assert.Equal(t, "vendor A", verify.Marked(v), name)
		} else {
			assert.Zero(t, v.Copy(), name)
		}
		if v.Kind == findings.FoundUnreadable || v.Kind == findings.FoundUnmarked {
			require.Len(t, v.Custody, 1, name)
			assert.Equal(t, "contract 12", v.Custody[0].Note)
			assert.False(t, v.Custody[0].Entered.IsZero())
		}
		if confirmed {
			assert.Equal(t, []books.Copy{*c.copy}, v.Issued, name)
			assert.Equal(t, "vendor A", v.MayName(), name)
			continue
		}
		assert.Empty(t, v.MayName(), name)
		v.Custody = nil // a table of its own, which names holders
		raw, err := json.Marshal(v)
		require.NoError(t, err)
		assert.NotContains(t, string(raw), "vendor A", "%s: named beside a read that confirms nothing", name)
		assert.NotContains(t, string(raw), "request 7", name)
	}
}

// Another person's document of the same template is never taken for an upload.
func TestLookalikes(t *testing.T) {
	t.Parallel()
	c := newTwinCase(t)
	untraced := c.setup
	untraced.Keys = nil
	found, inv := 0, newInvestigator(t, untraced)
	for p := uint64(20); p < 20+uint64(long.Number(2, 4)); p++ {
		v := examine(t, inv, passport(p))
		assert.Equal(t, findings.FoundUnknown, v.Kind, "person %d: %s", p, v.Note)
		if len(v.Matches) > 0 {
			found++
			assert.Equal(t, findings.PixelsTemplate, v.Matches[0].Pixels)
			assert.Contains(t, v.Note, "It has the layout of upload")
			assert.Contains(t, []watermark.Submission{c.firstID, c.secondID}, v.Matches[0].Submission)
		}
	}
	require.NotZero(t, found, "none came near enough to have the layout")
	v := c.examine(t, passport(20), reads(c.copy.ID))
	assert.Equal(t, "copy (unconfirmed)", v.Label(), "the mark of a copy on it confirms nothing: %s", v.Note)
}

// What documents of a template share confirms nothing: parts of another person's
// bill with the print of every bill in view, under the mark of a copy of a bill.
func TestTemplatePartsConfirmNothing(t *testing.T) {
	t.Parallel()
	c := leaktest.Config(t)
	require.NoError(t, c.Registry.AddRecipient(t.Context(), books.Recipient{Name: "vendor A", Kind: books.KindVendor}))
	s := newIssuer(t, c)
	blank := specimen.NewBlank(specimen.Bill, 520)
	mine, other := blank.Fill(specimen.NewPerson(1)), blank.Fill(specimen.NewPerson(2))
	sub := submit(t, s, file(t, mine, "png"), "customer 1", feb)
	issued, err := s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(new(bytes.Buffer)), &registry.IssueOptions{Purpose: "request 8"})
	require.NoError(t, err)
	h, inv := mine.Rect.Dy(), newInvestigator(t, investigating(c))
	for _, row := range long.Cases(1, [][2]int{{35, 65}, {20, 50}, {80, 100}}...) { // percent of the height
		part := image.Rect(0, row[0]*h/100, mine.Rect.Dx(), row[1]*h/100)
		inv.SetDetect(readsCrop(issued.ID, sub.ID, mine.Rect, geometry.Point{Y: float64(part.Min.Y)}))
		v := examine(t, inv, imaging.Crop(other, part))
		assert.Equal(t, "copy (unconfirmed)", v.Label(), "%v: %s", row, v.Note)
		assert.Contains(t, v.Note, "was laid onto another picture is not excluded", "%v", row)
		assert.Empty(t, confirmed(v), "%v", row)
	}
}

func TestAllCandidatesAreListed(t *testing.T) {
	t.Parallel()
	c := newCase(t)
	c.Keys = nil
	s := newIssuer(t, c.issuing)
	near := submit(t, s, file(t, leaked(t, c.first, "jpeg50"), "png"), "", feb)
	v := c.examine(t, c.first, noMark)
	require.Equal(t, c.firstID, v.Submission)
	require.GreaterOrEqual(t, len(v.Matches), 2)
	assert.Equal(t, near.ID, v.Matches[1].Submission)
	assert.LessOrEqual(t, v.Matches[0].Distance, v.Matches[1].Distance)
	for _, m := range v.Matches[:2] {
		assert.Equal(t, findings.PixelsSame, m.Pixels)
		assert.Greater(t, *m.Score, 0.95)
		assert.Equal(t, feb, m.Submitted)
	}
}

func TestWithoutOriginalsNothingIsConfirmed(t *testing.T) {
	c := newCase(t)
	c.SealKey = nil
	v := c.examine(t, c.first, reads(c.copy.ID))
	assert.Equal(t, "copy (unconfirmed)", v.Label())
	assert.Empty(t, confirmed(v))
	assert.Equal(t, findings.PixelsUnknown, v.Matches[0].Pixels)
	assert.Equal(t, findings.FoundUnreadable, c.examine(t, c.second, noMark).Kind)
	assert.Equal(t, findings.FoundTransplanted, c.examine(t, c.second, reads(c.copy.ID)).Kind)
}

// With a key that opens nothing every leak would seem to be none of ours.
func TestAnotherSealingKeyIsRefused(t *testing.T) {
	c := newCase(t)
	c.SealKey = registry.GenerateSealKey()
	_, err := newInvestigator(t, c.setup).File(t.Context(), "leak.jpg", file(t, c.first, "jpeg"))
	require.ErrorIs(t, err, registry.ErrSealed)
	require.ErrorContains(t, err, c.SealKey.ID())
	require.ErrorContains(t, err, "was not begun")
}

func TestCopyIDUnderAnotherKeyIsNotThatCopy(t *testing.T) {
	t.Parallel()
	c := newCase(t)
	c.Keys = []*watermark.Key{watermark.GenerateKey()}
	_, err := c.Registry.Ledger().AddMarkKey(t.Context(), c.Keys[0])
	require.NoError(t, err)
	v := c.examine(t, c.first, reads(c.copy.ID))
	require.Equal(t, findings.FoundUnissued, v.Kind)
	require.Zero(t, v.Copy())
	require.Contains(t, v.Note, "does not list under that key")
}

// Files that are no readable pictures are told apart, and leave no entry in the ledger.
func TestFilesThatCannotBeExamined(t *testing.T) {
	c := newCase(t)
	c.MaxBytes, c.MaxPixels = 500_000, 400_000
	v := c.investigator(t, noMark)
	whole := file(t, c.first, "jpeg")
	ftyp := func(brand string) []byte { return []byte("\x00\x00\x00\x14ftyp" + brand + "\x00\x00\x00\x00" + brand) }
	for name, x := range map[string]struct {
		data []byte
		want findings.Kind
	}{
		"empty": {nil, findings.FoundDamaged}, "empty.jpg": {nil, findings.FoundDamaged}, "empty.log": {nil, findings.FoundNoPicture},
		"cut": {whole[:1000], findings.FoundDamaged}, "before.jpg": {append([]byte("xx\x00"), whole...), findings.FoundDamaged},
		"random.jpg": {[]byte("\x01\x02\x03\x04"), findings.FoundDamaged}, "random": {[]byte("\x01\x02\x03\x04"), findings.FoundDamaged},
		"random.sys": {[]byte("\x01\x02\x03\x04"), findings.FoundNoPicture},
		"large":      {make([]byte, 500_001), findings.FoundUnopened}, "many pixels": {file(t, imaging.New(800, 501, image.White), "png"), findings.FoundUnsupported},
		"a.heic": {ftyp("heic"), findings.FoundUnsupported}, "a.jpg": {ftyp("avif"), findings.FoundUnsupported}, "a.jxl": {[]byte("\xff\x0a1234"), findings.FoundUnsupported},
		"p.ppm": {[]byte("P6\n2 2\n255\n"), findings.FoundUnsupported}, "a.svg": {[]byte("<svg/>"), findings.FoundUnsupported}, "a.pdf": {[]byte("%PDF-1.4"), findings.FoundUnsupported},
		"readme.txt": {[]byte("hello"), findings.FoundNoPicture}, "text.jpg": {[]byte("hello"), findings.FoundNoPicture}, "a.exe": {[]byte("MZ\x90\x00"), findings.FoundNoPicture},
		"a.docx": {append([]byte("PK\x03\x04"), append(make([]byte, 26), "[Content_Types].xml"...)...), findings.FoundNoPicture},
		"a.doc":  {[]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), findings.FoundUnsupported}, "a.mp4": {ftyp("isom"), findings.FoundUnsupported},
		"a.7z": {[]byte("7z\xbc\xaf\x27\x1c"), findings.FoundUnopened}, "zip.jpg": {append([]byte("PK\x03\x04"), make([]byte, 40)...), findings.FoundUnopened},
	} {
		got, err := v.File(t.Context(), name, x.data)
		require.NoError(t, err, name)
		assert.Equal(t, x.want, got.Kind, name)
		assert.False(t, got.Examined(), name)
		assert.False(t, got.Weighed(), name)
		assert.NotEmpty(t, got.Error, name)
		assert.NotEmpty(t, got.Note, name)
		assert.NotContains(t, got.Error, "\n", name)
		assert.Len(t, got.SHA256, 64, name)
	}
	all, err := c.Registry.Ledger().Investigations(t.Context())
	require.NoError(t, err)
	assert.Empty(t, all)
}

// Where nothing can be examined, nothing is entered or written, and it is said what is there.
func TestNothingToExamine(t *testing.T) {
	t.Parallel()
	c := newCase(t)
	c.Keys = nil
	v := c.investigator(t, noMark)
	cut := file(t, c.first, "jpeg")[:1000]
	for name, x := range map[string]struct {
		files fstest.MapFS
		want  []findings.Kind
	}{
		"empty":       {fstest.MapFS{}, nil},
		"no pictures": {fstest.MapFS{"a.txt": {Data: []byte("hello")}}, []findings.Kind{findings.FoundNoPicture}},
		"damaged":     {fstest.MapFS{"a.jpg": {Data: cut}, "b.zip": {Data: []byte("PK")}}, []findings.Kind{findings.FoundDamaged, findings.FoundUnopened}},
	} {
		n := 0
		for verdict, err := range v.FS(t.Context(), x.files) {
			n++
			require.Nil(t, verdict, name)
			var nothing *verify.NothingError
			require.ErrorAs(t, err, &nothing, name)
			var got []findings.Kind
			for _, l := range nothing.Files {
				got = append(got, l.Kind)
			}
			require.Equal(t, x.want, got, name)
			d, err := v.Weigh(t.Context(), nothing.Files)
			require.NoError(t, err)
			var b bytes.Buffer
			require.ErrorAs(t, v.WriteFindings(t.Context(), &b, d, false), &nothing, name)
			require.ErrorAs(t, v.WriteReport(t.Context(), &b, d, false), &nothing, name)
			require.Zero(t, b.Len())
		}
		require.Equal(t, 1, n, name)
	}
	all, err := c.Registry.Ledger().Investigations(t.Context())
	require.NoError(t, err)
	assert.Empty(t, all)
	for verdict, err := range v.FS(t.Context(), fstest.MapFS{"a.txt": {Data: []byte("hello")}, "b.jpg": {Data: file(t, c.bill, "jpeg")}}) {
		require.NoError(t, err, verdict)
	}
	all, err = c.Registry.Ledger().Investigations(t.Context())
	require.NoError(t, err)
	assert.Len(t, all, 1)
}

func TestFailuresOfTheRegistryAreErrors(t *testing.T) {
	c := newCase(t)
	db, err := sql.Open("sqlite", c.path)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), "ALTER TABLE erasure_submission RENAME TO gone; ALTER TABLE investigation RENAME TO lost")
	require.NoError(t, err)
	require.NoError(t, db.Close())
	_, err = c.investigator(t, noMark).File(t.Context(), "x.jpg", file(t, c.first, "jpeg"))
	require.Error(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = newCase(t).investigator(t, noMark).File(ctx, "x.jpg", file(t, c.first, "jpeg"))
	require.ErrorIs(t, err, context.Canceled)
}

func TestVerdictJSON(t *testing.T) {
	_, verdicts := examined(t)
	v := verdicts["messenger"]
	raw, err := json.Marshal(v)
	require.NoError(t, err)
	require.NotContains(t, string(raw), "customer", "no subject references")
	var m map[string]any
	require.NoError(t, json.Unmarshal(raw, &m))
	for _, key := range []string{"file", "finding", "submission", "copies", "recipients", "distance", "log10_p", "power", "matches", "note"} {
		require.Contains(t, m, key)
	}
	require.Equal(t, []any{v.Copy().String()}, m["copies"])
	var back findings.Finding
	require.NoError(t, json.Unmarshal(raw, &back))
	again, err := json.Marshal(back)
	require.NoError(t, err)
	require.JSONEq(t, string(raw), string(again))
}

func TestIndexFollowsTheRegistry(t *testing.T) {
	t.Parallel()
	c := newCase(t)
	c.Keys = nil
	v := c.investigator(t, noMark)
	late := passport(5)
	got, err := v.File(t.Context(), "x", file(t, late, "jpeg"))
	require.NoError(t, err)
	require.NotEqual(t, findings.FoundUnreadable, got.Kind)
	sub := submit(t, newIssuer(t, c.issuing), file(t, late, "png"), "", time.Time{})
	got, err = v.File(t.Context(), "x", file(t, late, "jpeg"))
	require.NoError(t, err)
	require.Equal(t, findings.FoundUnreadable, got.Kind)
	require.Equal(t, sub.ID, got.Submission)
}

// A person sends a picture, and later a smaller version of it. A leak of the first picture's copy may show
// the second only, by its pixels: then the originals say whether the mark was laid onto it.
func TestSmallerVersionOfAnUpload(t *testing.T) {
	t.Parallel()
	r, err := registry.Create(t.Context(), sqlite.At(filepath.Join(t.TempDir(), "r.db")), nil)
	require.NoError(t, err)
	t.Cleanup(func() { r.Close() })
	cfg := registry.Config{Registry: r, Key: leaktest.Key(), SealKey: leaktest.SealKey()}
	s := newIssuer(t, cfg)
	large := largePassport().Fill(specimen.NewPerson(1))
	of := submit(t, s, file(t, large, "jpeg"), "person-1", feb).ID
	v := newInvestigator(t, investigating(cfg))
	for name, row := range map[string]struct {
		img  image.Image
		same bool
	}{
		"smaller":        {imaging.Resize(large, 360, 0, imaging.Lanczos), true},
		"another person": {largePassport().Fill(specimen.NewPerson(2)), false},
	} {
		shown := submit(t, s, file(t, row.img, "jpeg"), name, feb).ID
		word, err := v.Rival(t.Context(), of, shown)
		require.NoError(t, err)
		assert.Equal(t, row.same, word == findings.PixelsSame, "%s: %s", name, word)
		assert.NotContains(t, []string{"", findings.PixelsUnknown}, word, name)
	}
}
