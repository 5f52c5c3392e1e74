package verify_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/store"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/watermark"
)

func TestSealKeyText(t *testing.T) {
	k := verify.GenerateSealKey()
	back, err := verify.ParseSealKey("# sealing key\n\n  " + k.Secret() + "\n")
	require.NoError(t, err)
	require.Equal(t, k, back)
	require.NotEqual(t, k.ID(), verify.GenerateSealKey().ID())
	require.Regexp(t, `^seal1-[0-9a-f]{16}$`, k.ID())
}

func TestDamagedSealKeys(t *testing.T) {
	text := leaktest.SealKey().Secret()
	for name, bad := range map[string]string{
		"empty":     "# nothing\n",
		"two":       text + "\n" + text,
		"mark key":  watermark.GenerateKey().Secret(),
		"other":     "hunter2",
		"later":     strings.Replace(text, "KEY-1-", "KEY-2-", 1),
		"cut":       text[:len(text)-1],
		"long":      text + "A",
		"lower":     strings.ToLower(text),
		"typo":      text[:30] + "A" + text[31:],
		"long line": strings.Repeat("x", 1<<17),
	} {
		_, err := verify.ParseSealKey(bad)
		require.ErrorIs(t, err, verify.ErrSealKey, name)
		assert.NotContains(t, err.Error(), text[25:40], name)
		assert.NotContains(t, err.Error(), "\n", name)
	}
}

func TestEveryCharacterOfASealKeyCounts(t *testing.T) {
	text := leaktest.SealKey().Secret()
	for i := range text {
		c := byte('B')
		if text[i] == c {
			c = 'C'
		}
		_, err := verify.ParseSealKey(text[:i] + string(c) + text[i+1:])
		assert.ErrorIs(t, err, verify.ErrSealKey, "character %d", i)
	}
}

func TestSealKeysNeverShowTheirSecret(t *testing.T) {
	k := leaktest.SealKey()
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "key", k)
	out := fmt.Sprintf("%v %+v %#v %s %q %x %d", k, k, k, k, k, k, k) + log.String()
	require.NotContains(t, out, k.Secret()[20:])
	require.Contains(t, out, k.ID())
	_, err := json.Marshal(k)
	require.ErrorIs(t, err, verify.ErrSealKey)
}

// A dereferenced key, alone, in an exported and in an unexported field: fmt calls
// no methods of the last.
func TestCopiedSealKeysNeverShowTheirSecret(t *testing.T) {
	k := leaktest.SealKey()
	bare := *k
	type holder struct {
		Key verify.SealKey
		key verify.SealKey
	}
	h := holder{bare, bare}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", bare, "holder", h)
	out := log.String()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		require.Contains(t, fmt.Sprintf(verb, bare), k.ID(), verb)
		out += fmt.Sprintf(verb+verb, bare, h)
	}
	require.NotContains(t, out, k.Secret()[20:])
	raw := k.RawSecret()
	for _, form := range []string{"%d", "%x", "%v", "%#v", "%s"} {
		text := fmt.Sprintf(form, raw)
		require.NotContains(t, out, strings.Trim(text, "[]"), form)
	}
	_, err := json.Marshal(bare)
	require.ErrorIs(t, err, verify.ErrSealKey)
	cfg := leaktest.Config(t)
	cfg.SealKey = new(verify.SealKey)
	_, err = verify.NewInvestigator(cfg)
	require.ErrorIs(t, err, verify.ErrInput, "the zero key")
}

func TestSealing(t *testing.T) {
	k, id, file := leaktest.SealKey(), watermark.Submission{1}, []byte("a picture")
	x, err := k.Seal(id, file)
	require.NoError(t, err)
	got, err := k.Open(id, &x)
	require.NoError(t, err)
	require.Equal(t, file, got)
	require.NotContains(t, string(x.Body), "picture")

	again, err := k.Seal(id, file)
	require.NoError(t, err)
	require.NotEqual(t, x, again, "another data key and nonce each time")

	for name, bad := range map[string]func(*store.Sealed){
		"body":          func(x *store.Sealed) { x.Body[len(x.Body)/2] ^= 1 },
		"nonce":         func(x *store.Sealed) { x.Body[0] ^= 1 },
		"cut":           func(x *store.Sealed) { x.Body = x.Body[:len(x.Body)-1] },
		"empty":         func(x *store.Sealed) { x.Body = nil },
		"data key":      func(x *store.Sealed) { x.Wrapped[20] ^= 1 },
		"no data key":   func(x *store.Sealed) { x.Wrapped = nil },
		"other's":       func(x *store.Sealed) { x.Wrapped = again.Wrapped },
		"other key's":   func(x *store.Sealed) { x.KeyID = "seal1-0000000000000000" },
		"swapped parts": func(x *store.Sealed) { x.Wrapped, x.Body = x.Body, x.Wrapped },
	} {
		y := store.Sealed{KeyID: x.KeyID, Wrapped: bytes.Clone(x.Wrapped), Body: bytes.Clone(x.Body)}
		bad(&y)
		_, err := k.Open(id, &y)
		assert.ErrorIs(t, err, verify.ErrSealed, name)
	}
	_, err = k.Open(watermark.Submission{2}, &x)
	require.ErrorIs(t, err, verify.ErrSealed, "an original cannot be passed off as another's")
	_, err = verify.GenerateSealKey().Open(id, &x)
	require.ErrorIs(t, err, verify.ErrSealed)
}

func FuzzParseSealKey(f *testing.F) {
	f.Add(leaktest.SealKey().Secret())
	f.Add("# comment\n" + leaktest.SealKey().Secret() + "\r\n")
	f.Add("KYCMARK-SEAL-KEY-1-")
	f.Add("KYCMARK-SEAL-KEY-1-ÄÖ")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		k, err := verify.ParseSealKey(text)
		if err != nil {
			require.ErrorIs(t, err, verify.ErrSealKey)
			return
		}
		require.Contains(t, text, k.Secret(), "a key has one spelling")
	})
}
