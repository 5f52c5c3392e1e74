// Package stories has what tests tell stories of leaks with: pictures, a registry with vendors, and an investigation whose
// findings must hold for those who check them. Its tests are such stories, told as users live them: marks are read.
package stories

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/disintegration/imaging"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/sentencecheck"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/odds"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// Feb is when uploads are submitted.
var Feb = time.Date(2018, 2, 14, 12, 0, 0, 0, time.UTC)

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// blanks are the *specimen.Blank of passports, by width.
var blanks sync.Map

// Photo is a photograph of a person's passport.
func Photo(person uint64, w, h int) *image.NRGBA {
	blank, had := blanks.Load(w)
	if !had {
		blank, _ = blanks.LoadOrStore(w, specimen.NewBlank(specimen.Passport, w))
	}
	return specimen.Photograph(blank.(*specimen.Blank).Fill(specimen.NewPerson(person)), person, w, h)
}

// Below pastes pictures below each other onto grey.
func Below(w int, pictures ...image.Image) *image.NRGBA {
	h := 0
	for _, p := range pictures {
		h += p.Bounds().Dy()
	}
	sheet, y := imaging.New(w, h, color.Gray{Y: 250}), 0
	for _, p := range pictures {
		sheet, y = imaging.Paste(sheet, p, image.Pt(0, y)), y+p.Bounds().Dy()
	}
	return sheet
}

// File encodes a picture, a PNG in the fastest way.
func File(t *testing.T, img image.Image, format string) []byte {
	t.Helper()
	if format != "png" {
		return Saved(t, img, format, 90)
	}
	var b bytes.Buffer
	ok(t, (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, img))
	return b.Bytes()
}

// Saved encodes a picture with a quality, 1 to 100.
func Saved(t *testing.T, img image.Image, format string, quality int) []byte {
	t.Helper()
	var b bytes.Buffer
	ok(t, picture.Encode(&b, img, format, quality))
	return b.Bytes()
}

// Decoded is the picture in a file.
func Decoded(t *testing.T, data []byte) *image.NRGBA {
	t.Helper()
	pic, err := picture.Decode(data, picture.Limits{})
	ok(t, err)
	return pic.Image
}

// Vendors adds vendors to a registry.
func Vendors(t *testing.T, r *registry.Registry, names ...string) {
	t.Helper()
	for _, name := range names {
		ok(t, r.AddRecipient(t.Context(), books.Recipient{Name: name, Kind: books.KindVendor}))
	}
}

// NewIssuer returns an issuer whose mark key is in the ledger.
func NewIssuer(t *testing.T, cfg registry.Config) *registry.Issuer {
	t.Helper()
	s, err := registry.NewIssuer(cfg)
	ok(t, err)
	if cfg.Key != nil {
		_, err = cfg.Registry.Ledger().AddMarkKey(t.Context(), cfg.Key)
		ok(t, err)
	}
	return s
}

// Submit enters an upload that is not there yet.
func Submit(t *testing.T, s *registry.Issuer, data []byte, subject string, at time.Time, opts ...*registry.SubmitOptions) *books.Submission {
	t.Helper()
	sub, became, err := s.Submit(t.Context(), bytes.NewReader(data), subject, at, append(opts, nil)[0])
	ok(t, err)
	if became.Duplicate {
		t.Fatalf("upload %s is there already", sub.ID)
	}
	return sub
}

// Issued makes a copy of a submission for a recipient, also if an older mark of the upload is read before its own. It
// returns the file, its picture, and the copy's ID.
func Issued(t *testing.T, s *registry.Issuer, of watermark.Submission, to string) (data []byte, img *image.NRGBA, id watermark.CopyID) {
	t.Helper()
	var out bytes.Buffer
	c, err := s.Issue(t.Context(), of, to, registry.WriteTo(&out), &registry.IssueOptions{Purpose: "request 7", AllowWeak: true})
	ok(t, err)
	return out.Bytes(), Decoded(t, out.Bytes()), c.ID
}

// A Setup is what one investigation works with.
type Setup struct {
	verify.Config
	verify.Options
}

// Investigating is how an investigator works with what was issued so, without controls, which compare a leak with other
// uploads.
func Investigating(cfg registry.Config) Setup {
	return Setup{verify.Config{Registry: cfg.Registry, Keys: []*watermark.Key{cfg.Key}, SealKey: cfg.SealKey}, verify.Options{Actor: "leaktest", References: -1}}
}

// Begin begins an investigation of its own.
func (c Setup) Begin() (*verify.Investigation, error) {
	v, err := verify.NewInvestigator(c.Config)
	if err != nil {
		return nil, err
	}
	return v.Begin(&c.Options)
}

// Investigation is [Setup.Begin] without an error.
func Investigation(t *testing.T, cfg Setup) *verify.Investigation {
	t.Helper()
	v, err := cfg.Begin()
	ok(t, err)
	return v
}

// TwoVendors makes a registry with vendor A and vendor B.
func TwoVendors(t *testing.T) (registry.Config, *registry.Issuer, *verify.Investigation) {
	t.Helper()
	cfg := leaktest.Config(t)
	Vendors(t, cfg.Registry, "vendor A", "vendor B")
	return cfg, NewIssuer(t, cfg), Investigation(t, Investigating(cfg))
}

// Examine examines a picture, saved as a JPEG.
func Examine(t *testing.T, v *verify.Investigation, img image.Image) *findings.Finding {
	t.Helper()
	return ExamineFile(t, v, File(t, img, "jpeg"))
}

// ExamineFile examines the bytes of a file.
func ExamineFile(t *testing.T, v *verify.Investigation, data []byte) *findings.Finding {
	t.Helper()
	got, err := v.File(t.Context(), "leak.jpg", data)
	ok(t, err)
	return got
}

// Confirmed are the copies that a leak accuses.
func Confirmed(v *findings.Finding) []watermark.CopyID {
	if v.Kind != findings.FoundCopy {
		return nil
	}
	return v.Copies
}

// StandsUp returns the verdict on findings. It fails the test if the findings file does not hold for those who check it,
// or says what is not true.
func StandsUp(t *testing.T, v *verify.Investigation, got ...*findings.Finding) *findings.Verdict {
	t.Helper()
	d, err := v.Weigh(t.Context(), got)
	ok(t, err)
	var text bytes.Buffer
	var f *findings.File
	var ends [2]*books.Conclusion // of redacted findings and of these
	for i := range ends {
		text.Reset()
		ok(t, v.WriteFindings(t.Context(), &text, d, i == 1))
		f, err = verify.ReadFindings(bytes.NewReader(text.Bytes()))
		ok(t, err)
		ends[i], err = verify.ConclusionOf(f)
		ok(t, err)
	}
	if ends[0] == nil || !reflect.DeepEqual(ends[0], ends[1]) {
		t.Fatalf("the ledger proves these findings, %+v, and redacted ones, %+v, otherwise", ends[1], ends[0])
	}
	ok(t, verify.CheckLeaks(f))
	ok(t, verify.CheckVerdict(f))
	wrong, err := sentencecheck.Check(text.Bytes())
	if ok(t, err); len(wrong) > 0 {
		t.Fatal(wrong)
	}
	return d
}

// HasRival reports whether the findings do not tell a recipient from another party; "": one without a name.
func HasRival(d *findings.Verdict, name, other string) bool {
	return slices.ContainsFunc(d.Odds.Rivals, func(r odds.Rival) bool {
		return r.Name == name && r.Other == other && (r.Why == odds.RivalHad) == (other != "")
	})
}
