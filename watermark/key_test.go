package watermark_test

import (
	"encoding/base32"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"testing/quick"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/watermark"
)

const secret = "KYCMARK-SECRET-KEY-1-"

func TestKeyRoundTrip(t *testing.T) {
	k := watermark.GenerateKey()
	text := k.Secret()
	require.True(t, strings.HasPrefix(text, secret))
	got, err := watermark.ParseKey("# made for a test\r\n\n  " + text + "\n")
	require.NoError(t, err)
	assert.Equal(t, k.ID(), got.ID())
	assert.Equal(t, text, got.Secret())
	assert.Regexp(t, `^v1-[0-9a-f]{16}$`, k.ID())
	assert.NotEqual(t, k.ID(), watermark.GenerateKey().ID())
}

func TestDamagedKeysSaySo(t *testing.T) {
	text := watermark.GenerateKey().Secret()
	for i := len(secret); i < len(text); i++ {
		c := byte('A')
		if text[i] == c {
			c = 'B'
		}
		_, err := watermark.ParseKey(text[:i] + string(c) + text[i+1:])
		require.ErrorIs(t, err, watermark.ErrKey, "character %d", i)
		require.ErrorContains(t, err, "damaged")
		require.NotContains(t, err.Error(), text[len(secret):len(secret)+6])
	}
	for in, want := range map[string]string{
		"":                                     "empty",
		"# only a comment":                     "empty",
		"hello":                                "does not begin",
		strings.Replace(text, "-1-", "-2-", 1): "later version",
		text[:40]:                              "damaged",
		text + "\n" + text:                     "more than one",
		strings.Repeat("x", 1<<20):             "no key text",
	} {
		_, err := watermark.ParseKey(in)
		assert.ErrorIs(t, err, watermark.ErrKey)
		assert.ErrorContains(t, err, want)
	}
}

func TestKeysDoNotLeak(t *testing.T) {
	k := watermark.GenerateKey()
	body := strings.TrimPrefix(k.Secret(), secret)
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", k)
	for _, s := range []string{
		fmt.Sprint(k), fmt.Sprintf("%v %+v %#v %s %q %x %d", k, k, k, k, k, k, k),
		fmt.Sprintf("%+v", struct{ K *watermark.Key }{k}), log.String(),
	} {
		assert.Contains(t, s, k.ID())
		assert.NotContains(t, s, body[:8])
	}
	_, err := json.Marshal(k)
	assert.ErrorIs(t, err, watermark.ErrKey)

	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(body)
	require.NoError(t, err)
	held := reflect.New(reflect.StructOf([]reflect.StructField{{Name: "K", Type: reflect.TypeFor[watermark.Key]()}}))
	held.Elem().Field(0).Set(reflect.ValueOf(k).Elem()) // a struct that holds a key itself, where no method is called
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
		s := fmt.Sprintf(verb, held.Interface())
		for _, bytes := range []string{fmt.Sprintf(verb, raw[:4]), fmt.Sprintf(verb, [4]byte(raw))} {
			assert.NotContains(t, s, strings.Trim(strings.TrimPrefix(bytes, "[]byte"), "[]{}"), verb)
		}
	}
}

func TestIdentifiersRoundTrip(t *testing.T) {
	f := func(id uint64, sub [16]byte) bool {
		c, err1 := watermark.ParseCopyID(watermark.CopyID(id).String())
		s, err2 := watermark.ParseSubmission(watermark.Submission(sub).String())
		return err1 == nil && err2 == nil && uint64(c) == id && s == sub
	}
	require.NoError(t, quick.Check(f, nil))
	for _, bad := range []string{"", "0", "g123456789abcdef", "0123456789abcdef0", " 123456789abcdef"} {
		_, err := watermark.ParseCopyID(bad)
		assert.ErrorIs(t, err, watermark.ErrID)
		_, err = watermark.ParseSubmission(bad)
		assert.ErrorIs(t, err, watermark.ErrID)
	}
	var v struct {
		C watermark.CopyID
		S watermark.Submission
	}
	v.C, v.S[0] = 0xab, 0xcd
	text, err := json.Marshal(v)
	require.NoError(t, err)
	assert.Equal(t, `{"C":"00000000000000ab","S":"cd000000000000000000000000000000"}`, string(text))
	w := v
	w.C, w.S = 0, watermark.Submission{}
	require.NoError(t, json.Unmarshal(text, &w))
	assert.Equal(t, v, w)
	assert.NotEqual(t, watermark.NewCopyID(), watermark.NewCopyID())
}

func FuzzParseKey(f *testing.F) {
	f.Add(secret)
	f.Add(watermark.GenerateKey().Secret())
	f.Add("# comment\n" + secret + strings.Repeat("A", 58))
	f.Fuzz(func(t *testing.T, s string) {
		k, err := watermark.ParseKey(s)
		if err != nil {
			require.ErrorIs(t, err, watermark.ErrKey)
			return
		}
		again, err := watermark.ParseKey(k.Secret())
		require.NoError(t, err)
		require.Equal(t, k.ID(), again.ID())
	})
}
