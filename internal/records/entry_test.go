package records_test

import (
	"encoding/hex"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/tlog"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

var t0 = time.Date(2018, 2, 3, 4, 5, 6, 789000, time.UTC)

func TestEntryHasOneForm(t *testing.T) {
	e := records.Entry{Commitment: [32]byte{0xab}, Kind: records.EntryIssue, Seq: 7, Time: t0}
	require.Equal(t, `{"commitment":"ab00000000000000000000000000000000000000000000000000000000000000",`+
		`"kind":"issue","lists":"","seq":7,"time":"2018-02-03T04:05:06.000789Z","v":1}`, string(e.Encode()))
	back, err := records.ParseEntry(e.Encode())
	require.NoError(t, err)
	require.Equal(t, e, back)
}

// samples are rows of every kind with something in every field.
func samples(t *testing.T) []records.Row {
	t.Helper()
	rows := []records.Row{records.Info{}, books.Recipient{}, records.KeyEntry{}, books.KeyState{}, books.Submission{},
		books.Copy{}, books.Receipt{}, books.Custody{}, records.Erasure{}, books.Investigation{}, records.SubjectChange{}}
	for i, row := range rows {
		filled := reflect.New(reflect.TypeOf(row)).Elem()
		for f, name := range strings.Fields(fields[i]) {
			for range 1 + i + f {
				edit(t, filled.FieldByName(name))
			}
		}
		rows[i] = filled.Interface().(records.Row)
	}
	return rows
}

// fields are those of the samples, in the order in which the vector was made.
var fields = []string{
	"ID Created SealHashes Salt Seq",
	"Name Kind Ref Of Digest Actor Added Salt Seq",
	"ID Commitment Added Salt Seq",
	"KeyID State Since Note Entered Actor Salt Seq",
	"ID SHA256 Size Format Decoder Width Height Submitted Received Subject Hash Area Chain Quality AreaQuality Kept Salt Seq ErasedBy Rendition",
	"ID Submission Recipient Reviewer Purpose KeyID Strength Margin Weak PSNR SSIM Format Width Height SHA256 Size Issued Actor Salt Seq",
	"Copy PublicKey Signature Entered Actor Salt Seq",
	"Recipient Reviewer From To Submissions Note Entered Actor Salt Seq",
	"Reviewer Submissions Left Note Entered Actor Salt Seq",
	"Started Actor Command Input Files Salt Entry",
	"Submission Subject Blind Digest Entered Actor Salt Seq",
}

// The formats of entries and commitments are kept forever: registries written by this
// version are checked by later ones.
func TestLedgerVector(t *testing.T) {
	tree, err := tlog.NewTree(0, nil)
	require.NoError(t, err)
	for i, row := range samples(t) {
		e := records.EntryOf(row)
		e.Seq = int64(i + 1)
		e.Lists[0] = byte(i)
		tree.Append(tlog.LeafHash(e.Encode()))
	}
	root := tree.Root()
	require.Equal(t, "7104ab03c23a4527d7dd65ac9a7b0373f087ca00e3a7c6622a805c297d182648", hex.EncodeToString(root[:]))
}

// Whatever is kept in a row is bound by its commitment, so that an edit shows.
func TestEveryFieldIsCommitted(t *testing.T) {
	for _, row := range append(samples(t), books.Recipient{Name: "a"}, books.Custody{Recipient: "a", Through: "b"}, books.Conclusion{Named: []string{"a"}}, books.Release{}, books.Return{}, records.Cosigned{}) {
		want := records.EntryOf(row).Commitment
		typ := reflect.TypeOf(row)
		all := reflect.VisibleFields(typ)
		if signed, has := typ.FieldByName("Signed"); has {
			for _, field := range reflect.VisibleFields(signed.Type) {
				field.Index = append(slices.Clone(signed.Index), field.Index...)
				all = append(all, field)
			}
		}
		for _, field := range all {
			if field.Anonymous || field.Name == "Signed" {
				continue // its fields follow
			}
			edited := reflect.New(typ).Elem()
			edited.Set(reflect.ValueOf(row))
			edit(t, edited.FieldByIndex(field.Index))
			got := records.EntryOf(edited.Interface().(records.Row)).Commitment
			switch field.Name {
			case "Seq", "Entry", "Erased", "ErasedBy", "First", "Changes", "Originals", "Unsummed", "After", "Proven", "Unproven":
				require.Equal(t, want, got, "%s.%s is assigned by the store", typ, field.Name)
			case "State":
				require.Equal(t, typ == reflect.TypeFor[books.Copy](), want == got, "%s.%s", typ, field.Name)
			case "Digests", "Whose":
				continue // bound by Pictures; not kept
			case "Blind":
				require.Equal(t, want, got, "%s.%s is bound by Digest", typ, field.Name)
			case "Name":
				require.Equal(t, row.(books.Recipient).Ref != "", want == got, "a reviewer's name is bound by Digest")
			case "Subject":
				require.Equal(t, typ == reflect.TypeFor[records.SubjectChange](), want == got, "%s.%s", typ, field.Name)
			default:
				require.NotEqual(t, want, got, "%s.%s", typ, field.Name)
			}
		}
	}
}

func edit(t *testing.T, f reflect.Value) {
	t.Helper()
	switch x := f.Interface().(type) {
	case string:
		f.SetString(x + "x")
	case int, int64:
		f.SetInt(f.Int() + 1)
	case watermark.CopyID:
		f.SetUint(uint64(x) + 1)
	case float64:
		f.SetFloat(math.Nextafter(x, 1e9))
	case bool:
		f.SetBool(!x)
	case time.Time:
		f.Set(reflect.ValueOf(x.Add(time.Microsecond)))
	case []byte:
		f.SetBytes(append(x[:len(x):len(x)], 1))
	case []string:
		f.Set(reflect.ValueOf(append(x[:len(x):len(x)], "x")))
	case []int64:
		f.Set(reflect.ValueOf(append(x[:len(x):len(x)], 1)))
	case []watermark.CopyID:
		f.Set(reflect.ValueOf(append(x[:len(x):len(x)], 1)))
	case []watermark.Submission:
		f.Set(reflect.ValueOf(append(x[:len(x):len(x)], watermark.Submission{1})))
	default:
		require.Equal(t, reflect.Array, f.Kind(), "an unknown type of field: %s", f.Type())
		last := f.Index(f.Len() - 1)
		last.SetUint(last.Uint() ^ 1)
	}
}

func TestFieldsDoNotRunTogether(t *testing.T) {
	a, b := books.Recipient{Name: "vendor", Kind: "partner"}, books.Recipient{Name: "vendorp", Kind: "artner"}
	require.NotEqual(t, records.EntryOf(a).Commitment, records.EntryOf(b).Commitment)
}

func FuzzParseEntry(f *testing.F) {
	f.Add(records.Entry{Commitment: [32]byte{1}, Kind: records.EntryRegistry, Seq: 1, Time: t0}.Encode())
	f.Add([]byte(`{"commitment":"","kind":"issue","seq":-1,"time":"2018-02-03T04:05:06.000789Z","v":1}`))
	f.Add([]byte(`{"v":2}`))
	f.Add([]byte("null"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := records.ParseEntry(b)
		if err != nil {
			require.ErrorIs(t, err, records.ErrEntry)
			return
		}
		require.Equal(t, string(b), string(e.Encode()))
	})
}
