package registry_test

import (
	"bytes"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/internal/engine"
	"github.com/kycmark/kycmark/verify/internal/sealing"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

func TestSealKeyText(t *testing.T) {
	k := registry.GenerateSealKey()
	back, err := registry.ParseSealKey("# sealing key\n\n  " + k.Secret() + "\n")
	require.NoError(t, err)
	require.Equal(t, k, back)
	require.NotEqual(t, k.ID(), registry.GenerateSealKey().ID())
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
		_, err := registry.ParseSealKey(bad)
		require.ErrorIs(t, err, sealing.ErrKey, name)
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
		_, err := registry.ParseSealKey(text[:i] + string(c) + text[i+1:])
		assert.ErrorIs(t, err, sealing.ErrKey, "character %d", i)
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
	require.ErrorIs(t, err, sealing.ErrKey)
}

// A dereferenced key, alone, in an exported and in an unexported field: fmt calls no methods of the last.
func TestCopiedSealKeysNeverShowTheirSecret(t *testing.T) {
	k := leaktest.SealKey()
	bare := *k
	type holder struct {
		Key registry.SealKey
		key registry.SealKey
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
	raw := rawSecret(t, k)
	for _, form := range []string{"%d", "%x", "%v", "%#v", "%s"} {
		text := fmt.Sprintf(form, raw)
		require.NotContains(t, out, strings.Trim(text, "[]"), form)
	}
	_, err := json.Marshal(bare)
	require.ErrorIs(t, err, sealing.ErrKey)
	cfg := leaktest.Config(t)
	cfg.SealKey = new(registry.SealKey)
	_, err = registry.NewIssuer(cfg)
	require.ErrorIs(t, err, registry.ErrInput, "the zero key")
}

// rawSecret returns the 32 bytes that no output may hold.
func rawSecret(t *testing.T, k *registry.SealKey) []byte {
	t.Helper()
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.TrimPrefix(k.Secret(), "KYCMARK-SEAL-KEY-1-"))
	require.NoError(t, err)
	return raw[:32]
}

func TestSealing(t *testing.T) {
	k, id, file := leaktest.SealKey(), watermark.Submission{1}, []byte("a picture")
	x, err := sealing.Seal(k, id, nil, nil, file)
	require.NoError(t, err)
	got, err := sealing.Open(k, id, x, sealing.Original)
	require.NoError(t, err)
	require.Equal(t, file, got)
	require.NotContains(t, string(x.Body), "picture")

	again, err := sealing.Seal(k, id, nil, nil, file)
	require.NoError(t, err)
	require.NotEqual(t, x, again, "another data key and nonce each time")

	for name, bad := range map[string]func(*records.Sealed){
		"body":          func(x *records.Sealed) { x.Body[len(x.Body)/2] ^= 1 },
		"nonce":         func(x *records.Sealed) { x.Body[0] ^= 1 },
		"cut":           func(x *records.Sealed) { x.Body = x.Body[:len(x.Body)-1] },
		"empty":         func(x *records.Sealed) { x.Body = nil },
		"data key":      func(x *records.Sealed) { x.Wrapped[20] ^= 1 },
		"no data key":   func(x *records.Sealed) { x.Wrapped = nil },
		"other's":       func(x *records.Sealed) { x.Wrapped = again.Wrapped },
		"other key's":   func(x *records.Sealed) { x.KeyID = "seal1-0000000000000000" },
		"swapped parts": func(x *records.Sealed) { x.Wrapped, x.Body = x.Body, x.Wrapped },
	} {
		y := records.Sealed{KeyID: x.KeyID, Wrapped: bytes.Clone(x.Wrapped), Body: bytes.Clone(x.Body)}
		bad(&y)
		_, err := sealing.Open(k, id, &y, sealing.Original)
		assert.ErrorIs(t, err, registry.ErrSealed, name)
	}
	_, err = sealing.Open(k, watermark.Submission{2}, x, sealing.Original)
	require.ErrorIs(t, err, registry.ErrSealed, "an original cannot be passed off as another's")
	_, err = sealing.Open(registry.GenerateSealKey(), id, x, sealing.Original)
	require.ErrorIs(t, err, registry.ErrSealed)
}

// A registry takes one sealing key: what another seals nobody would find.
func TestOneSealingKey(t *testing.T) {
	cfg := leaktest.Config(t)
	foreign := cfg
	foreign.SealKey = registry.GenerateSealKey()
	early := newIssuer(t, foreign) // there is nothing yet
	s := newIssuer(t, cfg)
	submit(t, early, passportFile(t, 1, "jpeg"), "", feb, &registry.SubmitOptions{HashOnly: true})
	first := submit(t, s, passportFile(t, 2, "jpeg"), "", feb)

	refused := func(err error) {
		t.Helper()
		require.ErrorIs(t, err, registry.ErrSealed)
		require.ErrorContains(t, err, fmt.Sprintf("submission %s was sealed under the key %s, which %s does not open",
			first.ID, cfg.SealKey.ID(), foreign.SealKey.ID()))
	}
	_, err := registry.NewIssuer(foreign)
	refused(err)
	refused(cfg.Registry.Engine().CheckSealKey(t.Context(), foreign.SealKey))
	_, _, err = early.Submit(t.Context(), bytes.NewReader(passportFile(t, 3, "jpeg")), "", feb, nil)
	refused(err)
	for _, err := range early.Import(t.Context(), slices.Values(manyUploads(t, 3)), nil) {
		refused(err)
	}
	submit(t, early, passportFile(t, 3, "jpeg"), "", feb, &registry.SubmitOptions{HashOnly: true})
	submit(t, newIssuer(t, cfg), passportFile(t, 4, "jpeg"), "", feb)
	require.ErrorIs(t, cfg.Registry.Engine().CheckSealKey(t.Context(), nil), registry.ErrInput)
	checkLedger(t, cfg.Registry)
}

// Original and features are apart, and neither passes for the other.
func TestSealedParts(t *testing.T) {
	k, id := leaktest.SealKey(), watermark.Submission{1}
	x, err := sealing.Seal(k, id, nil, []byte("its corners"), []byte("a picture"))
	require.NoError(t, err)
	for part, want := range map[sealing.Part]string{sealing.Original: "a picture", sealing.Features: "its corners"} {
		got, err := sealing.Open(k, id, x, part)
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
	x.Body, x.Features = x.Features, x.Body
	_, err = sealing.Open(k, id, x, sealing.Features)
	require.ErrorIs(t, err, registry.ErrSealed)
	_, err = sealing.Open(k, id, x, sealing.Original)
	require.ErrorIs(t, err, registry.ErrSealed)
}

// service stands for the client of a key management service.
type service struct {
	tink.AEAD
	wrapped, opened int
	context         []byte
	down            error
	shut            error // of Decrypt alone
	shutFor         int   // calls; 0: all
}

func (s *service) Encrypt(clear, context []byte) ([]byte, error) {
	if s.down != nil {
		return nil, s.down
	}
	s.wrapped++
	s.context = context
	return s.AEAD.Encrypt(clear, context)
}

func (s *service) Decrypt(sealed, context []byte) ([]byte, error) {
	if s.down != nil {
		return nil, s.down
	}
	if s.shut != nil {
		err := s.shut
		if s.shutFor--; s.shutFor == 0 {
			s.shut = nil
		}
		return nil, err
	}
	s.opened++
	return s.AEAD.Decrypt(sealed, context)
}

func newService(t *testing.T) *service {
	t.Helper()
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	require.NoError(t, err)
	master, err := aead.New(handle)
	require.NoError(t, err)
	return &service{AEAD: master}
}

// A service sees one data key an upload and no picture.
func TestSealingByAService(t *testing.T) {
	kms := newService(t)
	k, err := registry.NewSealKey("gcp-kms://projects/p/keys/k", kms)
	require.NoError(t, err)
	require.Empty(t, k.Secret())
	require.Equal(t, "gcp-kms://projects/p/keys/k", fmt.Sprint(k))
	require.NotContains(t, fmt.Sprintf("%+v %#v", k, struct{ k registry.SealKey }{*k}), "AEAD")

	cfg := leaktest.Config(t)
	cfg.SealKey = k
	s := newIssuer(t, cfg)
	s.SetMark(unmarkedMark)
	require.NoError(t, cfg.Registry.AddRecipient(t.Context(), books.Recipient{Name: "vendor A", Kind: books.KindVendor}))
	upload := passportFile(t, 1, "jpeg")
	sub := submit(t, s, upload, "", feb)
	require.Equal(t, 1, kms.wrapped)
	require.Contains(t, string(kms.context), string(sub.ID[:]))
	_, became, err := s.Submit(t.Context(), bytes.NewReader(upload), "", feb, nil)
	require.NoError(t, err)
	require.True(t, became.Duplicate)
	require.Equal(t, 1, kms.wrapped, "nothing new is sealed")
	_, err = s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(new(bytes.Buffer)), nil)
	require.NoError(t, err)
	require.Equal(t, 1, kms.opened)
	_, err = sealing.Open(k, watermark.Submission{2}, sealedOf(t, cfg, sub.ID), sealing.Original)
	require.ErrorIs(t, err, registry.ErrSealed, "another submission's")

	// A service that does not answer is no evidence that an original was altered.
	kms.down = errors.New("connection refused")
	_, err = s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(new(bytes.Buffer)), nil)
	require.ErrorIs(t, err, sealing.ErrKey)
	require.ErrorIs(t, err, kms.down)
	require.NotErrorIs(t, err, registry.ErrSealed)
	_, err = cfg.Registry.Engine().FoundBy(t.Context(), k, 0, math.MaxInt64, func(*engine.Found) error { return nil })
	require.ErrorIs(t, err, kms.down, "nobody searches half of what could be known")
	_, _, err = s.Submit(t.Context(), bytes.NewReader(passportFile(t, 2, "jpeg")), "", feb, nil)
	require.ErrorIs(t, err, kms.down)
}

// Nor is one that wraps and does not open, for lack of a permission or for a moment.
func TestAServiceThatOpensNothing(t *testing.T) {
	kms := newService(t)
	k, err := registry.NewSealKey("gcp-kms://projects/p/keys/k", kms)
	require.NoError(t, err)
	id := watermark.Submission{1}
	x, err := sealing.Seal(k, id, nil, nil, []byte("a picture"))
	require.NoError(t, err)

	kms.shut = errors.New("permission denied")
	_, err = sealing.Open(k, id, x, sealing.Original)
	require.ErrorIs(t, err, sealing.ErrKey)
	require.ErrorIs(t, err, kms.shut)
	require.NotErrorIs(t, err, registry.ErrSealed)

	kms.shut, kms.shutFor = errors.New("deadline exceeded"), 1
	got, err := sealing.Open(k, id, x, sealing.Original)
	require.NoError(t, err)
	require.Equal(t, "a picture", string(got))

	x.Wrapped[20] ^= 1
	_, err = sealing.Open(k, id, x, sealing.Original)
	require.ErrorIs(t, err, registry.ErrSealed, "it opens what was not altered")
}

func sealedOf(t *testing.T, cfg registry.Config, id watermark.Submission) *records.Sealed {
	t.Helper()
	x, err := cfg.Registry.Inner().Sealed(t.Context(), id, true)
	require.NoError(t, err)
	return x
}

func TestUnusableServices(t *testing.T) {
	kms := newService(t)
	for _, id := range []string{"", "seal1-0000000000000000", "a\nb", strings.Repeat("x", 1000)} {
		_, err := registry.NewSealKey(id, kms)
		assert.ErrorIs(t, err, sealing.ErrKey, "%q", id)
	}
	_, err := registry.NewSealKey("kms", nil)
	assert.ErrorIs(t, err, sealing.ErrKey)
}

func FuzzParseSealKey(f *testing.F) {
	f.Add(leaktest.SealKey().Secret())
	f.Add("# comment\n" + leaktest.SealKey().Secret() + "\r\n")
	f.Add("KYCMARK-SEAL-KEY-1-")
	f.Add("KYCMARK-SEAL-KEY-1-ÄÖ")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		k, err := registry.ParseSealKey(text)
		if err != nil {
			require.ErrorIs(t, err, sealing.ErrKey)
			return
		}
		require.Contains(t, text, k.Secret(), "a key has one spelling")
	})
}

// Sealing must not be what limits an import.
func BenchmarkSeal(b *testing.B) {
	k, id := leaktest.SealKey(), watermark.Submission{1}
	for _, size := range []int{4 << 10, 5 << 20} {
		file := make([]byte, size)
		sealed, err := sealing.Seal(k, id, nil, nil, file)
		require.NoError(b, err)
		b.Run(fmt.Sprintf("seal/%dKB", size>>10), func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				if _, err := sealing.Seal(k, id, nil, nil, file); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("open/%dKB", size>>10), func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				if _, err := sealing.Open(k, id, sealed, sealing.Original); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
