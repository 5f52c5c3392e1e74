package registry_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/postgres"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
	"github.com/kycmark/kycmark/watermark"
)

var feb = time.Date(2018, 2, 14, 12, 0, 0, 0, time.UTC)

// file encodes a picture.
func file(t *testing.T, img image.Image, format string) []byte {
	t.Helper()
	var b bytes.Buffer
	if format == "png" { // in the fastest way
		require.NoError(t, (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, img))
		return b.Bytes()
	}
	require.NoError(t, picture.Encode(&b, img, format, 90))
	return b.Bytes()
}

// pageWidth is little more than marks need, thumbWidth too little for marking and reading, which take most of the time of a
// copy. Both are in pixels.
const pageWidth, thumbWidth = 360, 40

var blankPassport = sync.OnceValue(func() *specimen.Blank { return specimen.NewBlank(specimen.Passport, pageWidth) })

// drawn keeps what passport and thumb drew, and passportFile encoded.
var drawn sync.Map

// passport draws a person's passport page, pageWidth wide.
func passport(person uint64) *image.NRGBA {
	img, ok := drawn.Load(person)
	if !ok {
		img, _ = drawn.LoadOrStore(person, blankPassport().Fill(specimen.NewPerson(person)))
	}
	return imaging.Clone(img.(*image.NRGBA))
}

// thumb is a passport page that is thumbWidth wide.
func thumb(person uint64) *image.NRGBA {
	return imaging.Resize(passport(person), thumbWidth, 0, imaging.Box)
}

// passportFile is a file of a passport page.
func passportFile(t *testing.T, person uint64, format string) []byte {
	t.Helper()
	name := fmt.Sprint(person, format)
	data, ok := drawn.Load(name)
	if !ok {
		data, _ = drawn.LoadOrStore(name, file(t, passport(person), format))
	}
	return bytes.Clone(data.([]byte))
}

func newIssuer(t *testing.T, cfg registry.Config) *registry.Issuer {
	t.Helper()
	s, err := registry.NewIssuer(cfg)
	require.NoError(t, err)
	if cfg.Key != nil {
		_, err = cfg.Registry.Ledger().AddMarkKey(t.Context(), cfg.Key)
		require.NoError(t, err)
	}
	return s
}

func submit(t *testing.T, s *registry.Issuer, data []byte, subject string, at time.Time, opts ...*registry.SubmitOptions) *books.Submission {
	t.Helper()
	sub, became, err := s.Submit(t.Context(), bytes.NewReader(data), subject, at, append(opts, nil)[0])
	require.NoError(t, err)
	require.False(t, became.Duplicate)
	return sub
}

func checkLedger(t *testing.T, r *registry.Registry) int64 {
	t.Helper()
	size, head, err := r.Ledger().Check(t.Context())
	require.NoError(t, err)
	require.Len(t, head, 64)
	return size
}

func TestSubmit(t *testing.T) {
	cfg := leaktest.Config(t)
	now := time.Date(2026, 3, 1, 9, 0, 0, 123456789, time.FixedZone("", 3600))
	cfg.Registry.SetClock(func() time.Time { return now })
	s := newIssuer(t, cfg)
	data := passportFile(t, 1, "png")
	sub := submit(t, s, data, "customer 17", feb)
	sum := sha256.Sum256(data)
	require.Equal(t, watermark.Submission(sum[:16]), sub.ID)
	require.Equal(t, books.Digest(sum), sub.SHA256)
	require.Equal(t, "png", sub.Format)
	require.Equal(t, []int{360, 253}, []int{sub.Width, sub.Height})
	require.EqualValues(t, len(data), sub.Size)
	require.Equal(t, feb, sub.Submitted)
	require.Equal(t, now.UTC().Truncate(time.Microsecond), sub.Received)
	require.True(t, strings.HasPrefix(sub.Hash, "pdq:"))
	require.GreaterOrEqual(t, sub.Quality, 50)

	again, became, err := s.Submit(t.Context(), bytes.NewReader(data), "somebody else", time.Time{}, nil)
	require.NoError(t, err)
	require.True(t, became.Duplicate)
	require.Equal(t, sub, again, "the first entry stands")
	require.EqualValues(t, 3, checkLedger(t, cfg.Registry))

	byClock := submit(t, s, passportFile(t, 2, "jpeg"), "", time.Time{})
	require.Equal(t, byClock.Received, byClock.Submitted)
	got, err := cfg.Registry.Submission(t.Context(), byClock.ID)
	require.NoError(t, err)
	require.Equal(t, byClock, got)
}

func TestSubmitRefusesWhatIsNoPicture(t *testing.T) {
	cfg := leaktest.Config(t)
	cfg.MaxBytes, cfg.MaxPixels = 200_000, 200_000
	s := newIssuer(t, cfg)
	jpeg := passportFile(t, 1, "jpeg")
	for name, c := range map[string]struct {
		data    []byte
		subject string
		want    error
	}{
		"nothing":      {nil, "", registry.ErrFormat},
		"text":         {[]byte("hello"), "", registry.ErrFormat},
		"cut":          {jpeg[:1000], "", registry.ErrFormat},
		"large file":   {make([]byte, 200_001), "", registry.ErrLimit},
		"many pixels":  {file(t, image.NewGray(image.Rect(0, 0, 500, 401)), "png"), "", registry.ErrLimit},
		"long subject": {jpeg, strings.Repeat("x", 201), registry.ErrInput},
		"two lines":    {jpeg, "a\nb", registry.ErrInput},
		"not UTF-8":    {jpeg, "\xff", registry.ErrInput},
	} {
		_, _, err := s.Submit(t.Context(), bytes.NewReader(c.data), c.subject, time.Time{}, nil)
		require.ErrorIs(t, err, c.want, name)
		assert.NotContains(t, err.Error(), "\n", name)
	}
	require.EqualValues(t, 2, checkLedger(t, cfg.Registry), "nothing was entered")
}

func TestNothingClearInTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kyc.db")
	r, err := registry.Create(t.Context(), sqlite.At(path), nil)
	require.NoError(t, err)
	s := newIssuer(t, registry.Config{Registry: r, SealKey: leaktest.SealKey()})
	data := passportFile(t, 1, "jpeg")
	submit(t, s, data, "customer 17", feb)
	require.NoError(t, r.Close())
	raw := readFile(t, path)
	require.NotContains(t, string(raw), string(data[1000:1032]), "the picture is sealed")
	require.NotContains(t, string(raw), leaktest.SealKey().Secret()[20:])
}

func TestRecipients(t *testing.T) {
	r := leaktest.NewRegistry(t)
	ctx := t.Context()
	for _, name := range []string{"vendor B", "vendor A"} {
		require.NoError(t, r.AddRecipient(ctx, books.Recipient{Name: name, Kind: books.KindVendor, Actor: "ops"}))
	}
	require.NoError(t, r.AddRecipient(ctx, books.Recipient{Name: "vendor A", Kind: books.KindVendor}), "again")
	require.ErrorIs(t, r.AddRecipient(ctx, books.Recipient{Name: "vendor A", Kind: books.KindStore}), registry.ErrConflict)
	require.ErrorIs(t, r.AddRecipient(ctx, books.Recipient{Name: "x", Kind: "friend"}), registry.ErrInput)
	require.ErrorIs(t, r.AddRecipient(ctx, books.Recipient{Kind: books.KindVendor}), registry.ErrInput)
	require.ErrorIs(t, r.AddRecipient(ctx, books.Recipient{Name: "a\x00", Kind: books.KindVendor}), registry.ErrInput)
	all, err := r.Recipients(ctx)
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Equal(t, "vendor A", all[0].Name)
	require.Equal(t, "ops", all[0].Actor)
	require.False(t, all[0].Added.IsZero())
}

// The registry itself refuses names that lie: of recipients, purposes and subjects.
func TestNames(t *testing.T) {
	cfg := leaktest.Config(t)
	ctx, r := t.Context(), cfg.Registry
	add := func(name string) error {
		return r.AddRecipient(ctx, books.Recipient{Name: name, Kind: books.KindVendor})
	}
	for _, name := range []string{"vendor-z", "Vendor A", "A/S", "Toys “R” Us", "نرم\u200cافزار", "Газпром"} {
		require.NoError(t, add(name))
		require.NoError(t, add(name), "again")
	}
	for _, name := range []string{"vendor-\u202ez", " vendor", "..", "<b>vendor</b>", "nobody: all pictures are of vendor-z"} {
		require.ErrorIs(t, add(name), registry.ErrInput, name)
	}
	for _, name := range []string{"vendor-Z", "vendor А", "VENDOR A", "Tоys \"R\" Us", "Газпрoм"} {
		err := add(name)
		require.Error(t, err, name)
		require.True(t, errors.Is(err, registry.ErrConflict) || errors.Is(err, registry.ErrInput), name)
	}
	err := add("vеndоr-z") // two Cyrillic letters
	require.ErrorContains(t, err, `recipient: got "v\u0435nd\u043er-z", want words of one alphabet`)
	err = add("VENDOR-Z")
	require.ErrorContains(t, err, `recipient "VENDOR-Z" looks like recipient "vendor-z", want another name`)

	s := newIssuer(t, cfg)
	sub := submit(t, s, passportFile(t, 1, "jpeg"), "", feb)
	_, err = s.Issue(ctx, sub.ID, "vendor-z", registry.WriteTo(io.Discard), &registry.IssueOptions{Purpose: "request\u202e 7"})
	require.ErrorIs(t, err, registry.ErrInput)
	require.ErrorContains(t, err, "purpose: got U+202E, want visible characters")
	_, _, err = s.Submit(ctx, bytes.NewReader(passportFile(t, 2, "jpeg")), " customer", feb, nil)
	require.ErrorIs(t, err, registry.ErrInput)
	_, err = r.SetSubjects(ctx, map[watermark.Submission]string{sub.ID: "<customer>"}, "")
	require.ErrorIs(t, err, registry.ErrInput)
}

func TestCustody(t *testing.T) {
	cfg := leaktest.Config(t)
	ctx, r := t.Context(), cfg.Registry
	s := newIssuer(t, cfg)
	in := submit(t, s, passportFile(t, 1, "jpeg"), "", feb)
	out := submit(t, s, passportFile(t, 2, "jpeg"), "", feb.AddDate(0, 1, 0))
	require.NoError(t, r.AddRecipient(ctx, books.Recipient{Name: "vendor A", Kind: books.KindVendor}))
	month := books.Custody{Recipient: "vendor A", From: feb.AddDate(0, 0, -14), To: feb.AddDate(0, 0, 14), Note: "contract 12", Actor: "legal"}
	require.NoError(t, r.AddCustody(ctx, month))
	listed := books.Custody{Recipient: "vendor A", From: feb.AddDate(-1, 0, 0), To: feb.AddDate(1, 0, 0), Submissions: []watermark.Submission{out.ID, out.ID}}
	require.NoError(t, r.AddCustody(ctx, listed))

	got, err := r.Custody(ctx, registry.CustodyFilter{Submission: in.ID})
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.Equal(t, "contract 12", got[0].Note)
	require.WithinDuration(t, time.Now(), got[0].Entered, time.Minute)
	got, err = r.Custody(ctx, registry.CustodyFilter{Submission: out.ID})
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.Equal(t, []watermark.Submission{out.ID}, got[0].Submissions)
	all, err := r.Custody(ctx, registry.CustodyFilter{})
	require.NoError(t, err)
	require.Len(t, all, 2)

	// What vendor A held unmarked, as far as it is meant, is what sub B got through it.
	require.NoError(t, r.AddRecipient(ctx, books.Recipient{Name: "sub B", Kind: books.KindPartner}))
	through := books.Custody{Recipient: "sub B", Through: "vendor A", From: feb, To: feb.AddDate(0, 0, 20), Note: "letter"}
	held, err := registry.HeldThrough(ctx, r, through, math.MaxInt64)
	require.NoError(t, err)
	require.Equal(t, []books.Custody{
		{Recipient: "sub B", From: feb, To: month.To, Note: "through vendor A: letter"},
		{Recipient: "sub B", From: feb, To: through.To, Submissions: []watermark.Submission{out.ID}, Note: "through vendor A: letter"},
	}, held)
	require.NoError(t, r.AddCustody(ctx, append(held, through)...))
	through.Submissions = []watermark.Submission{in.ID}
	held, err = registry.HeldThrough(ctx, r, through, math.MaxInt64)
	require.NoError(t, err)
	require.Len(t, held, 1, "the listed fact is of another upload")
	require.Equal(t, through.Submissions, held[0].Submissions)
	through.From, through.To, through.Submissions = feb.AddDate(0, 2, 0), feb.AddDate(0, 3, 0), nil
	held, err = registry.HeldThrough(ctx, r, through, math.MaxInt64)
	require.NoError(t, err)
	require.Len(t, held, 1, "the month is over")
	got, err = r.Custody(ctx, registry.CustodyFilter{Submission: in.ID})
	require.NoError(t, err)
	require.Len(t, got, 2, "copies of another are no unmarked uploads")
	through.Through = "nobody"
	_, err = registry.HeldThrough(ctx, r, through, math.MaxInt64)
	require.ErrorIs(t, err, registry.ErrNotFound)
	require.ErrorIs(t, r.AddCustody(ctx, through), registry.ErrNotFound)
	through.Through = "sub B"
	require.ErrorIs(t, r.AddCustody(ctx, through), registry.ErrInput)

	backwards := month
	backwards.From, backwards.To = month.To, month.From
	require.ErrorIs(t, r.AddCustody(ctx, backwards), registry.ErrInput)
	require.ErrorIs(t, r.AddCustody(ctx, books.Custody{Recipient: "nobody", From: feb, To: feb}), registry.ErrNotFound)
	require.ErrorIs(t, r.AddCustody(ctx, books.Custody{Recipient: "vendor A", From: feb, To: feb, Submissions: []watermark.Submission{{9}}}), registry.ErrNotFound)
	checkLedger(t, r)
}

// A year that JSON cannot write would spoil every list that it stands in, for good.
func TestDatesThatCannotBeWritten(t *testing.T) {
	r := leaktest.NewRegistry(t)
	ctx := t.Context()
	key := watermark.GenerateKey()
	_, err := r.Ledger().AddMarkKey(ctx, key)
	require.NoError(t, err)
	require.NoError(t, r.AddRecipient(ctx, books.Recipient{Name: "vendor A", Kind: books.KindVendor}))
	east, west := time.FixedZone("", 5*3600), time.FixedZone("", -5*3600)
	early, late := time.Date(0, 1, 1, 0, 0, 0, 0, east), time.Date(9999, 12, 31, 23, 0, 0, 0, west)
	for _, c := range []books.Custody{
		{Recipient: "vendor A", From: early, To: feb},
		{Recipient: "vendor A", From: feb, To: late},
		{Recipient: "vendor A", From: feb, To: feb.AddDate(300_000, 0, 0)},
	} {
		assert.ErrorIs(t, r.AddCustody(ctx, c), registry.ErrInput, "%s to %s", c.From, c.To)
	}
	require.ErrorIs(t, r.Ledger().SetKeyState(ctx, books.KeyState{KeyID: key.ID(), State: books.KeyCompromised, Since: early}), registry.ErrInput)
	require.NoError(t, r.AddCustody(ctx, books.Custody{Recipient: "vendor A", To: time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)}))
	facts, err := r.Custody(ctx, registry.CustodyFilter{})
	require.NoError(t, err)
	keys, err := r.Ledger().MarkKeys(ctx)
	require.NoError(t, err)
	_, err = json.Marshal([]any{facts, keys})
	require.NoError(t, err)
}

func TestLimitsAsLargeAsCanBe(t *testing.T) {
	cfg := leaktest.Config(t)
	cfg.MaxBytes = math.MaxInt64
	s := newIssuer(t, cfg)
	in := submit(t, s, passportFile(t, 1, "jpeg"), "", feb)
	path := filepath.Join(t.TempDir(), "2.jpg")
	require.NoError(t, os.WriteFile(path, passportFile(t, 2, "jpeg"), 0o600))
	for got, err := range s.Import(t.Context(), registry.Uploads(path), &registry.SubmitOptions{Workers: math.MaxInt}) {
		require.NoError(t, err)
		require.NoError(t, got.Err)
		require.NotEqual(t, in.ID, got.Submission)
	}
}

func TestImportCustody(t *testing.T) {
	cfg := leaktest.Config(t)
	ctx, r := t.Context(), cfg.Registry
	sub := submit(t, newIssuer(t, cfg), passportFile(t, 1, "jpeg"), "", feb)
	for _, name := range []string{"vendor A", "vendor B"} {
		require.NoError(t, r.AddRecipient(ctx, books.Recipient{Name: name, Kind: books.KindVendor}))
	}
	month := books.Custody{Recipient: "vendor A", From: feb, To: feb.AddDate(0, 1, 0), Note: "contract 12"}
	listed := books.Custody{Recipient: "vendor B", From: feb, To: feb, Submissions: []watermark.Submission{sub.ID}}
	size := checkLedger(t, r)
	bad := []books.Custody{month, {Recipient: "nobody"}, listed, {Recipient: "vendor A", From: feb}}
	added, wrong, err := r.ImportCustody(ctx, bad)
	require.NoError(t, err)
	require.Zero(t, added)
	require.Len(t, wrong, 4)
	require.NoError(t, wrong[0])
	require.ErrorIs(t, wrong[1], registry.ErrNotFound)
	require.NoError(t, wrong[2])
	require.ErrorIs(t, wrong[3], registry.ErrInput)
	require.Equal(t, size, checkLedger(t, r), "all or nothing")

	for _, want := range []int{2, 0} {
		added, wrong, err := r.ImportCustody(ctx, []books.Custody{month, listed, month})
		require.NoError(t, err)
		require.Empty(t, wrong)
		require.Equal(t, want, added, "the same fact is entered once")
	}
	require.Equal(t, size+2, checkLedger(t, r))
	by, err := r.Custody(ctx, registry.CustodyFilter{Recipient: "vendor B"})
	require.NoError(t, err)
	require.Len(t, by, 1)
	require.Equal(t, listed.Submissions, by[0].Submissions)
	_, err = r.Custody(ctx, registry.CustodyFilter{Recipient: "nobody"})
	require.ErrorIs(t, err, registry.ErrNotFound)
	of, err := r.Custody(ctx, registry.CustodyFilter{Submission: sub.ID})
	require.NoError(t, err)
	require.Len(t, of, 2)
}

func TestSubmissionsWalk(t *testing.T) {
	cfg := leaktest.Config(t)
	ctx := t.Context()
	s := newIssuer(t, cfg)
	for p := range 4 {
		submit(t, s, file(t, specimen.Render(specimen.IDCard, specimen.NewPerson(uint64(p)), 200), "png"), "", feb.AddDate(0, p, 0))
	}
	n := 0
	for sub, err := range cfg.Registry.Submissions(ctx, feb.AddDate(0, 2, 0)) {
		require.NoError(t, err)
		require.False(t, sub.Submitted.Before(feb.AddDate(0, 2, 0)))
		// in memory there is one connection: a walk must not hold it
		require.NoError(t, cfg.Registry.AddRecipient(ctx, books.Recipient{Name: sub.ID.String(), Kind: books.KindStore}))
		n++
	}
	require.Equal(t, 2, n)
	for range cfg.Registry.Submissions(ctx, time.Time{}) {
		break
	}
}

func TestOpenAndCreate(t *testing.T) {
	ctx := t.Context()
	dsn := sqlite.At(filepath.Join(t.TempDir(), "kyc.db"))
	_, err := registry.Open(ctx, dsn)
	require.ErrorIs(t, err, fs.ErrNotExist)
	r, err := registry.Create(ctx, dsn, nil)
	require.NoError(t, err)
	require.NoError(t, r.AddRecipient(ctx, books.Recipient{Name: "a", Kind: books.KindStore}))
	size := checkLedger(t, r)
	require.NoError(t, r.Close())
	_, err = registry.Create(ctx, dsn, nil)
	require.ErrorIs(t, err, fs.ErrExist)
	r, err = registry.Open(ctx, dsn)
	require.NoError(t, err)
	require.Equal(t, size, checkLedger(t, r))
	require.NoError(t, r.Close())
	for name, bad := range map[string]registry.Driver{
		"no path": sqlite.At(""), "parameters": sqlite.At("x?mode=ro"),
		"no server": postgres.At("postgres:kyc"), "no port": postgres.At("postgres://u@h:x/db"), "a file": postgres.At("kyc.db"),
	} {
		_, err := registry.Open(ctx, bad)
		assert.ErrorIs(t, err, registry.ErrRefused, name)
		_, err = registry.Create(ctx, bad, nil)
		assert.ErrorIs(t, err, registry.ErrRefused, name)
	}
}

func TestMissing(t *testing.T) {
	r := leaktest.NewRegistry(t)
	_, err := r.Submission(t.Context(), watermark.Submission{1})
	require.ErrorIs(t, err, registry.ErrNotFound)
	require.ErrorContains(t, err, "01000000000000000000000000000000")
	_, err = r.Copy(t.Context(), 7)
	require.ErrorIs(t, err, registry.ErrNotFound)
	require.ErrorContains(t, err, "0000000000000007")
}

// requireSame compares what users see of two rows.
func requireSame(t *testing.T, want, got any, what ...any) {
	t.Helper()
	a, err := json.Marshal(want)
	require.NoError(t, err)
	b, err := json.Marshal(got)
	require.NoError(t, err)
	require.Equal(t, string(a), string(b), what...)
}
