package store_test

import (
	"encoding/hex"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/store"
)

func TestEntryHasOneForm(t *testing.T) {
	e := store.Entry{Commitment: [32]byte{0xab}, Kind: store.KindIssue, Seq: 7, Time: t0}
	require.Equal(t, `{"commitment":"ab00000000000000000000000000000000000000000000000000000000000000",`+
		`"kind":"issue","seq":7,"time":"2018-02-03T04:05:06.000789Z","v":1}`, string(e.Encode()))
	back, err := store.ParseEntry(e.Encode())
	require.NoError(t, err)
	require.Equal(t, e, back)
}

// The formats of entries, commitments and the chain are kept forever: registries
// written by this version are checked by later ones.
func TestLedgerVector(t *testing.T) {
	sub, _ := submission(1)
	c, k := issued(1, sub.ID, "vendor A")
	var head [32]byte
	for i, row := range []store.Row{info(), recipient("vendor A"), sub, k, c, custody("vendor A", sub.ID)} {
		e := row.Entry()
		e.Seq = int64(i + 1)
		head = store.Chain(head, e.Encode())
	}
	require.Equal(t, "d8e4b3f9ae5f9a9dcbe79c36476a9c1f28e498676d9793d119d3b442f259f56c", hex.EncodeToString(head[:]))
}

// Whatever is kept in a row is bound by its commitment, so that an edit shows.
func TestEveryFieldIsCommitted(t *testing.T) {
	sub, _ := submission(1)
	c, k := issued(1, sub.ID, "vendor A")
	for _, row := range []store.Row{info(), recipient("vendor A"), sub, k, c, custody("vendor A", sub.ID)} {
		want := row.Entry().Commitment
		typ := reflect.TypeOf(row)
		for i := range typ.NumField() {
			edited := reflect.New(typ).Elem()
			edited.Set(reflect.ValueOf(row))
			edit(t, edited.Field(i))
			got := edited.Interface().(store.Row).Entry().Commitment
			if name := typ.Field(i).Name; name == "Seq" || name == "Ref" {
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
	a, b := recipient("vendor A"), recipient("vendor A")
	a.Name, a.Kind = "vendor", "partner"
	b.Name, b.Kind = "vendorp", "artner"
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
