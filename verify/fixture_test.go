package verify_test

import (
	"bytes"
	"context"
	"image"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"testing"
	"time"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/mark/code"
	"github.com/kycmark/kycmark/internal/mark/pattern"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/pgtest"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/stories"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
	"github.com/kycmark/kycmark/watermark"
)

// TestMain collects garbage less often than programs do: that took a tenth of the processor time.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	code := m.Run()
	server.Stop()
	os.Exit(code)
}

// server is started by the first test that needs it.
var server pgtest.Server

var feb = time.Date(2018, 2, 14, 12, 0, 0, 0, time.UTC)

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return b
}

var (
	blankLicence  = sync.OnceValue(func() *specimen.Blank { return specimen.NewBlank(specimen.Licence, 400) })
	blankPassport = sync.OnceValue(func() *specimen.Blank { return specimen.NewBlank(specimen.Passport, 360) })
	largeLicence  = sync.OnceValue(func() *specimen.Blank { return specimen.NewBlank(specimen.Licence, 500) })
	largePassport = sync.OnceValue(func() *specimen.Blank { return specimen.NewBlank(specimen.Passport, 500) })
)

// What the stories are told with.
var (
	photo, below, file, decoded, savedAnew    = stories.Photo, stories.Below, stories.File, stories.Decoded, stories.Saved
	vendors, newIssuer, submit, issued        = stories.Vendors, stories.NewIssuer, stories.Submit, stories.Issued
	investigating, newInvestigator            = stories.Investigating, stories.Investigation
	examine, examineFile, confirmed, standsUp = stories.Examine, stories.ExamineFile, stories.Confirmed, stories.StandsUp
	hasRival                                  = stories.HasRival
)

type setup = stories.Setup

// passport draws a person's passport page, 360 pixels wide.
func passport(person uint64) *image.NRGBA {
	return blankPassport().Fill(specimen.NewPerson(person))
}

// licence draws a person's licence, 400 pixels wide: the smallest that is marked.
func licence(person uint64) *image.NRGBA {
	return blankLicence().Fill(specimen.NewPerson(person))
}

// stranger is no document: it resembles no upload. A stranger's document of an upload's template is compared with the
// upload, which takes a second: TestLookalikes.
var stranger = sync.OnceValue(func() *image.NRGBA { return specimen.Landscape(9, 360, 270) })

// residence is a document of a template that no upload has.
var residence = sync.OnceValue(func() *image.NRGBA { return specimen.Render(specimen.Residence, specimen.NewPerson(9), 400) })

func checkLedger(t *testing.T, r *registry.Registry) int64 {
	t.Helper()
	size, _, err := r.Ledger().Check(t.Context())
	require.NoError(t, err)
	return size
}

// untraced is investigating without mark keys: a trace takes half a second, and others test what it finds.
func untraced(cfg registry.Config) setup {
	c := investigating(cfg)
	c.Keys = nil
	return c
}

type detectFunc = func(context.Context, *watermark.Key, image.Image) (*watermark.Detection, error)

// noMark reads nothing: a search that finds nothing takes seconds.
func noMark(context.Context, *watermark.Key, image.Image) (*watermark.Detection, error) {
	return &watermark.Detection{}, nil
}

// reads returns a reader that finds a copy's mark, upright and at its place.
func reads(id watermark.CopyID) detectFunc {
	return func(_ context.Context, k *watermark.Key, _ image.Image) (*watermark.Detection, error) {
		return &watermark.Detection{Found: true, Copy: id, KeyID: k.ID(), LogPFA: -9.1, Debug: watermark.Debug{Transform: [9]float64{1, 0, 0, 0, 1, 0, 0, 0, 1}}}, nil
	}
}

// readsCrop is reads for a leak that was cut out of the copy at a point.
func readsCrop(id watermark.CopyID, of watermark.Submission, whole image.Rectangle, at geometry.Point) detectFunc {
	read := reads(id)
	return func(ctx context.Context, k *watermark.Key, img image.Image) (*watermark.Detection, error) {
		d, err := read(ctx, k, img)
		if err != nil {
			return nil, err
		}
		secret, err := code.ParseSecret(k.Secret())
		if err != nil {
			return nil, err
		}
		toMark := pattern.NewKeys(&secret).PixelPlacement(of, whole.Dx(), whole.Dy())
		d.Debug.Transform = geometry.Translation(1024, -1024).Mul(toMark).Mul(geometry.Translation(at.X, at.Y)) // the mark repeats
		return d, nil
	}
}

// A case file: a passport, another person's document and a bill are submitted, a copy of the passport is issued.
type caseFile struct {
	setup
	base                      *verify.Investigator // what all investigators of the case share
	issuing                   registry.Config
	path                      string // of the registry
	first, second, bill       *image.NRGBA
	marked                    *image.NRGBA // the copy of the first
	firstID, secondID, billID watermark.Submission
	copy                      *books.Copy
}

// A madeCase is a case that tests share, and the file of its registry: marking takes a second.
type madeCase struct {
	sync.Once
	caseFile
	file          []byte
	first, second func() *specimen.Blank
}

var (
	made      = madeCase{first: blankPassport, second: blankLicence}
	madeTwins = madeCase{first: blankPassport, second: blankPassport}
	madeLarge = madeCase{first: largePassport, second: largeLicence}
)

func (made *madeCase) make(t *testing.T) {
	c := &made.caseFile
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "made.db")
	r, err := registry.Create(ctx, sqlite.At(path), nil)
	require.NoError(t, err)
	require.NoError(t, r.AddRecipient(ctx, books.Recipient{Name: "vendor A", Kind: books.KindVendor}))
	s := newIssuer(t, registry.Config{Registry: r, Key: leaktest.Key(), SealKey: leaktest.SealKey()})
	enter := func(img *image.NRGBA, subject string) watermark.Submission {
		return submit(t, s, file(t, img, "jpeg"), subject, feb).ID
	}
	c.first, c.second = made.first().Fill(specimen.NewPerson(1)), made.second().Fill(specimen.NewPerson(2))
	c.bill = billOf(1)
	c.firstID, c.secondID, c.billID = enter(c.first, "customer 1"), enter(c.second, "customer 2"), enter(c.bill, "customer 1")
	require.NoError(t, r.AddCustody(ctx, books.Custody{Recipient: "vendor A", From: feb, To: feb, Note: "contract 12"}))
	var out bytes.Buffer
	const id = 0x0123456789abcdef // the same marks in each run
	c.copy, err = s.Issue(ctx, c.firstID, "vendor A", registry.WriteTo(&out), &registry.IssueOptions{ID: id, Purpose: "request 7"})
	require.NoError(t, err)
	copied, err := picture.Decode(out.Bytes(), picture.Limits{})
	require.NoError(t, err)
	c.marked = copied.Image
	require.NoError(t, r.Close())
	made.file = readFile(t, path)
}

// newCase is a case file of the test's own. The other person's document is a licence: an upload of the same
// template is compared with the passport in each investigation, which takes half a second.
func newCase(t *testing.T) *caseFile { return made.copied(t) }

// newTwinCase is one where the other person's document is a passport too.
func newTwinCase(t *testing.T) *caseFile { return madeTwins.copied(t) }

// newLargeCase is one with larger documents, which tell more of what was edited, cut off or filtered. On a passport of
// 440 pixels the edited field of TestAlteredCopyIsConfirmed is too small to be told.
func newLargeCase(t *testing.T) *caseFile { return madeLarge.copied(t) }

func (made *madeCase) copied(t *testing.T) *caseFile {
	t.Helper()
	made.Do(func() { made.make(t) })
	require.NotEmpty(t, made.file, "the case file could not be made")
	c := made.caseFile
	c.path = filepath.Join(t.TempDir(), "case.db")
	require.NoError(t, os.WriteFile(c.path, made.file, 0o600))
	r, err := registry.Open(t.Context(), sqlite.At(c.path))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	c.issuing = registry.Config{Registry: r, Key: leaktest.Key(), SealKey: leaktest.SealKey()}
	c.setup = investigating(c.issuing)
	c.base, err = verify.NewInvestigator(c.Config)
	require.NoError(t, err)
	return &c
}

// investigator is an investigator of the configuration. Those with the sealing key share what they read of the
// registry, as in a process that serves.
func (c *caseFile) investigator(t *testing.T, detect detectFunc) *verify.Investigation {
	t.Helper()
	v, err := c.base.Begin(&c.Options)
	if c.SealKey == nil || len(c.Keys) != 1 || c.Keys[0].ID() != leaktest.Key().ID() || max(c.MaxBytes, c.MaxPixels, c.MaxMemory, int64(c.MaxFiles)) > 0 { // another configuration than that of base
		v, err = c.Begin()
	}
	require.NoError(t, err)
	v.SetDetect(detect)
	return v
}

func (c *caseFile) examine(t *testing.T, img image.Image, detect detectFunc) *findings.Finding {
	t.Helper()
	return examine(t, c.investigator(t, detect), img)
}

func leaked(t *testing.T, img image.Image, name string) *image.NRGBA {
	t.Helper()
	a, err := attack.Find(name)
	require.NoError(t, err)
	return a.Apply(picture.Flatten(imaging.Clone(img)), 1)
}
