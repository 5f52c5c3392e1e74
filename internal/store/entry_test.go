package store_test

import (
	"encoding/hex"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/store"
	"github.com/kycmark/kycmark/internal/tlog"
)

var t0 = time.Date(2018, 2, 3, 4, 5, 6, 789000, time.UTC)

func TestEntryHasOneForm(t *testing.T) {
	e := store.Entry{Commitment: [32]byte{0xab}, Kind: store.KindIssue, Seq: 7, Time: t0}
	require.Equal(t, `{"commitment":"ab00000000000000000000000000000000000000000000000000000000000000",`+
		`"kind":"issue","seq":7,"time":"2018-02-03T04:05:06.000789Z","v":1}`, string(e.Encode()))
	back, err := store.ParseEntry(e.Encode())
	require.NoError(t, err)
	require.Equal(t, e, back)
}

// samples are rows of every kind with something in every field.
func samples(t *testing.T) []store.Row {
	t.Helper()
	rows := []store.Row{store.Info{}, store.Recipient{}, store.MarkKey{}, store.KeyState{}, store.Submission{},
		store.Copy{}, store.Receipt{}, store.Custody{}, store.Erasure{}, store.Investigation{}}
	for i, row := range rows {
		filled := reflect.New(reflect.TypeOf(row)).Elem()
		for f := range filled.NumField() {
			for range 1 + i + f {
				edit(t, filled.Field(f))
			}
		}
		rows[i] = filled.Interface().(store.Row)
	}
	return rows
}

// The formats of entries and commitments are kept forever: registries written by this
// version are checked by later ones.
func TestLedgerVector(t *testing.T) {
	for schema, want := range map[int]string{
		1: "1bb4e5ef78994e01a4053d1d4e79541f31caf49e1b336c0ff6960f7e03a9abfe", // no renditions
		2: "9b4fab71cd798e17065a7a5c83f8330978115f37d348594095f368d8a3fbd2cf",
	} {
		tree, err := tlog.NewTree(0, nil)
		require.NoError(t, err)
		for i, row := range samples(t) {
			if s, ok := row.(store.Submission); ok {
				s.Rendition = [32]byte{}
				s.Rendition[7] = byte(schema - 1)
				row = s
			}
			e := row.Entry()
			e.Seq = int64(i + 1)
			tree.Append(tlog.LeafHash(e.Encode()))
		}
		root := tree.Root()
		require.Equal(t, want, hex.EncodeToString(root[:]), "schema %d", schema)
	}
}

// Whatever is kept in a row is bound by its commitment, so that an edit shows.
func TestEveryFieldIsCommitted(t *testing.T) {
	for _, row := range samples(t) {
		want := row.Entry().Commitment
		typ := reflect.TypeOf(row)
		for i := range typ.NumField() {
			edited := reflect.New(typ).Elem()
			edited.Set(reflect.ValueOf(row))
			edit(t, edited.Field(i))
			got := edited.Interface().(store.Row).Entry().Commitment
			if name := typ.Field(i).Name; name == "Seq" || name == "Erased" {
				require.Equal(t, want, got, "%s.%s is assigned by the store", typ, name)
			} else {
				require.NotEqual(t, want, got, "%s.%s", typ, name)
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
	case uint64:
		f.SetUint(x + 1)
	case float64:
		f.SetFloat(math.Nextafter(x, 1e9))
	case bool:
		f.SetBool(!x)
	case time.Time:
		f.Set(reflect.ValueOf(x.Add(time.Microsecond)))
	case [][16]byte:
		f.Set(reflect.ValueOf(append(x[:len(x):len(x)], [16]byte{1})))
	default:
		require.Equal(t, reflect.Array, f.Kind(), "an unknown type of field: %s", f.Type())
		last := f.Index(f.Len() - 1)
		last.SetUint(last.Uint() ^ 1)
	}
}

func TestFieldsDoNotRunTogether(t *testing.T) {
	a, b := store.Recipient{Name: "vendor", Kind: "partner"}, store.Recipient{Name: "vendorp", Kind: "artner"}
	require.NotEqual(t, a.Entry().Commitment, b.Entry().Commitment)
}

func FuzzParseEntry(f *testing.F) {
	f.Add(store.Entry{Commitment: [32]byte{1}, Kind: store.KindRegistry, Seq: 1, Time: t0}.Encode())
	f.Add([]byte(`{"commitment":"","kind":"issue","seq":-1,"time":"2018-02-03T04:05:06.000789Z","v":1}`))
	f.Add([]byte(`{"v":2}`))
	f.Add([]byte("null"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := store.ParseEntry(b)
		if err != nil {
			require.ErrorIs(t, err, store.ErrEntry)
			return
		}
		require.Equal(t, string(b), string(e.Encode()))
	})
}
