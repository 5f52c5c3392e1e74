package tlog_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"github.com/kycmark/kycmark/internal/tlog"
)

const origin = "kyc.example/ledger"

var checkpoint = tlog.Checkpoint{Origin: origin, Size: 3, Root: mth(entries(3))}

// newKey makes keys from a seed, so that fuzz seeds stay good.
func newKey(t testing.TB, name string, seed byte) (private, public string) {
	t.Helper()
	private, public, err := note.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{seed}, 64)), name)
	require.NoError(t, err)
	return private, public
}

func sign(t testing.TB, c tlog.Checkpoint, private string) []byte {
	t.Helper()
	text, err := c.Sign(private)
	require.NoError(t, err)
	return text
}

// A witness signs cosignatures, as C2SP tlog-cosignature describes them.
type witness struct {
	name    string
	private ed25519.PrivateKey
}

func newWitness(name string, seed byte) witness {
	return witness{name, ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, 32))}
}

func (w witness) typed() []byte { return append([]byte{4}, w.private.Public().(ed25519.PublicKey)...) }

func (w witness) id() []byte {
	sum := sha256.Sum256(append([]byte(w.name+"\n"), w.typed()...))
	return sum[:4]
}

func (w witness) public() string {
	return fmt.Sprintf("%s+%x+%s", w.name, w.id(), base64.StdEncoding.EncodeToString(w.typed()))
}

// line cosigns a body at a time in seconds.
func (w witness) line(body string, at uint64) string {
	sig := ed25519.Sign(w.private, fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", at, body))
	raw := append(binary.BigEndian.AppendUint64(w.id(), at), sig...)
	return "— " + w.name + " " + base64.StdEncoding.EncodeToString(raw) + "\n"
}

func TestKeys(t *testing.T) {
	private, public, err := tlog.GenerateKey(origin)
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(private, "PRIVATE+KEY+"+origin+"+"))
	assert.True(t, strings.HasPrefix(public, origin+"+"))
	other, _, err := tlog.GenerateKey(origin)
	require.NoError(t, err)
	assert.NotEqual(t, private, other)

	got, seen, err := tlog.OpenCheckpoint(sign(t, checkpoint, private), public)
	require.NoError(t, err)
	assert.Equal(t, checkpoint, got)
	assert.Empty(t, seen)

	for _, name := range []string{"", "a b", "a+b", "a\nb", "a\x01b", "a\u00a0b", "a\xffb"} {
		_, _, err := tlog.GenerateKey(name)
		assert.ErrorIs(t, err, tlog.ErrKey, "%q", name)
	}
}

func TestSignRefuses(t *testing.T) {
	private, public := newKey(t, origin, 1)
	elsewhere, _ := newKey(t, "another.example", 1)
	for name, key := range map[string]string{"none": "", "public": public, "cut": private[:len(private)-4], "another's": elsewhere} {
		_, err := checkpoint.Sign(key)
		assert.ErrorIs(t, err, tlog.ErrKey, name)
		if key != "" {
			assert.NotContains(t, err.Error(), key[len(key)-20:], name)
		}
	}
	for name, c := range map[string]tlog.Checkpoint{
		"a root without leaves":   {Origin: origin, Root: checkpoint.Root},
		"leaves beyond the limit": {Origin: origin, Size: tlog.MaxSize + 1, Root: checkpoint.Root},
	} {
		_, err := c.Sign(private)
		assert.ErrorIs(t, err, tlog.ErrCheckpoint, name)
	}
	for _, n := range []int{64 << 10, 64<<10 - 100} { // too long, and too long once signed
		name := strings.Repeat("x", n)
		private, _ := newKey(t, name, 1)
		_, err := tlog.Checkpoint{Origin: name, Size: 3}.Sign(private)
		assert.ErrorIs(t, err, tlog.ErrCheckpoint, n)
	}
}

// A note signed here opens with x/mod's package, and the other way round.
func TestInteroperates(t *testing.T) {
	private, public := newKey(t, origin, 1)
	verifier, err := note.NewVerifier(public)
	require.NoError(t, err)
	opened, err := note.Open(sign(t, checkpoint, private), note.VerifierList(verifier))
	require.NoError(t, err)
	assert.Equal(t, checkpoint.Body(), opened.Text)
	assert.Len(t, opened.Sigs, 1)
	assert.Empty(t, opened.UnverifiedSigs)

	signer, err := note.NewSigner(private)
	require.NoError(t, err)
	text, err := note.Sign(&note.Note{Text: checkpoint.Body()}, signer)
	require.NoError(t, err)
	assert.Equal(t, string(sign(t, checkpoint, private)), string(text))
	got, _, err := tlog.OpenCheckpoint(text, public)
	require.NoError(t, err)
	assert.Equal(t, checkpoint, got)
}

func TestOpenRefusesEveryFlip(t *testing.T) {
	private, public := newKey(t, origin, 1)
	w := newWitness("witness.example/w", 2)
	text := append(sign(t, checkpoint, private), w.line(checkpoint.Body(), 1679315147)...)
	_, seen, err := tlog.OpenCheckpoint(text, public, w.public())
	require.NoError(t, err)
	require.Len(t, seen, 1)
	for bit := range 8 * len(text) {
		bad := bytes.Clone(text)
		bad[bit/8] ^= 1 << (bit % 8)
		got, seen, err := tlog.OpenCheckpoint(bad, public, w.public())
		if err == nil { // the witness's name or key ID changed: an unknown signature
			assert.Empty(t, seen, "bit %d of %q", bit, bad)
			assert.Equal(t, checkpoint, got, "bit %d of %q", bit, bad)
			assert.Greater(t, bit/8, bytes.LastIndex(text, []byte("witness"))-1)
			continue
		}
		assert.ErrorIs(t, err, tlog.ErrCheckpoint, "bit %d", bit)
		assert.Zero(t, got)
		assert.Empty(t, seen)
	}
	for n := range text {
		_, seen, err := tlog.OpenCheckpoint(text[:n], public, w.public())
		assert.True(t, err != nil || len(seen) == 0, "cut to %d", n)
	}
}

func TestOpenRefuses(t *testing.T) {
	private, public := newKey(t, origin, 1)
	_, another := newKey(t, origin, 9)
	_, elsewhere := newKey(t, "another.example", 1)
	w, same := newWitness("witness.example/w", 2), newWitness("witness.example/same", 2)
	text := sign(t, checkpoint, private)
	foreign, _ := newKey(t, "another.example", 1)
	renamed := checkpoint
	renamed.Origin = "another.example"

	for name, c := range map[string]struct {
		text      []byte
		public    string
		witnesses []string
		want      error
	}{
		"nothing":                      {nil, public, nil, tlog.ErrCheckpoint},
		"body alone":                   {[]byte(checkpoint.Body()), public, nil, tlog.ErrCheckpoint},
		"no signature lines":           {[]byte(checkpoint.Body() + "\n"), public, nil, tlog.ErrCheckpoint},
		"a key nobody signed with":     {text, another, nil, tlog.ErrCheckpoint},
		"the same key, another name":   {text, elsewhere, nil, tlog.ErrCheckpoint},
		"another log's":                {sign(t, renamed, foreign), public, nil, tlog.ErrCheckpoint},
		"a witness alone":              {[]byte(checkpoint.Body() + "\n" + w.line(checkpoint.Body(), 1)), public, []string{w.public()}, tlog.ErrCheckpoint},
		"a note that is no checkpoint": {[]byte("hello\n\n— x AAAAAAAA\n"), public, nil, tlog.ErrCheckpoint},
		"the example, without its key": {[]byte(exampleNote), public, nil, tlog.ErrCheckpoint},
		"too long":                     {append(bytes.Clone(text), strings.Repeat("— x AAAAAAAA\n", 5000)...), public, nil, tlog.ErrCheckpoint},
		"101 signatures":               {append(bytes.Clone(text), strings.Repeat("— x AAAAAAAA\n", 100)...), public, nil, tlog.ErrCheckpoint},
		"a private key":                {text, private, nil, tlog.ErrKey},
		"no key":                       {text, "", nil, tlog.ErrKey},
		"a witness's key for the log":  {text, w.public(), nil, tlog.ErrKey},
		"a bad witness key":            {text, public, []string{"x+00000000+AAAA"}, tlog.ErrKey},
		"a witness twice":              {text, public, []string{w.public(), w.public()}, tlog.ErrKey},
		"a witness under two names":    {text, public, []string{w.public(), same.public()}, tlog.ErrKey},
		"the log as its own witness":   {text, public, []string{public}, tlog.ErrKey},
	} {
		got, seen, err := tlog.OpenCheckpoint(c.text, c.public, c.witnesses...)
		assert.ErrorIs(t, err, c.want, name)
		assert.Zero(t, got, name)
		assert.Empty(t, seen, name)
		if err != nil {
			assert.NotContains(t, err.Error(), private[len(private)-20:], name)
		}
	}
}

func TestAddSignatures(t *testing.T) {
	private, public := newKey(t, origin, 1)
	w, v := newWitness("witness.example/w", 2), newWitness("witness.example/v", 3)
	body, text := checkpoint.Body(), sign(t, checkpoint, private)
	early, late, other := w.line(body, 100), w.line(body, 200), v.line(body, 300)

	merged, err := tlog.AddSignatures(text, append(bytes.Clone(text), late...))
	require.NoError(t, err)
	merged, err = tlog.AddSignatures(merged, []byte(body+"\n"+other))
	require.NoError(t, err)
	merged, err = tlog.AddSignatures(merged, []byte(early+late)) // lines alone
	require.NoError(t, err)
	assert.Equal(t, string(text)+late+other+early, string(merged))
	again, err := tlog.AddSignatures(merged, merged)
	require.NoError(t, err)
	assert.Equal(t, string(merged), string(again))

	_, seen, err := tlog.OpenCheckpoint(merged, public, v.public(), w.public())
	require.NoError(t, err)
	assert.Equal(t, []tlog.Cosignature{
		{Name: v.name, Key: v.public(), Time: time.Unix(300, 0).UTC()},
		{Name: w.name, Key: w.public(), Time: time.Unix(100, 0).UTC()},
	}, seen)

	larger := checkpoint
	larger.Size++
	for name, bad := range map[string]string{
		"nothing":             "",
		"another checkpoint":  string(sign(t, larger, private)),
		"no signature":        body,
		"a malformed line":    "— x !!!\n",
		"a line without end":  strings.TrimSuffix(early, "\n"),
		"too long":            strings.Repeat(early, 1000),
		"too many signatures": manyLines(100),
	} {
		_, err := tlog.AddSignatures(text, []byte(bad))
		assert.ErrorIs(t, err, tlog.ErrCheckpoint, name)
	}
	_, err = tlog.AddSignatures(text, []byte(manyLines(99)))
	assert.NoError(t, err)
}

// manyLines returns n different signatures by nobody.
func manyLines(n int) string {
	var lines strings.Builder
	for i := range n {
		fmt.Fprintf(&lines, "— x %s\n", base64.StdEncoding.EncodeToString([]byte{0, 0, 0, 0, byte(i)}))
	}
	return lines.String()
}

// An opened checkpoint is the beginning of the text, and merging keeps what it
// says. Nothing opens but what the two keys signed.
func FuzzOpenCheckpoint(f *testing.F) {
	private, public := newKey(f, origin, 1)
	w := newWitness("witness.example/w", 2)
	text := sign(f, checkpoint, private)
	f.Add(text)
	f.Add(append(bytes.Clone(text), w.line(checkpoint.Body(), 1679315147)...))
	f.Add(append(bytes.Clone(text), "— x AAAAAAAA\n"...))
	f.Add([]byte(exampleNote))
	f.Add([]byte(exampleBody))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, seen, err := tlog.OpenCheckpoint(text, public, w.public())
		if err != nil {
			require.ErrorIs(t, err, tlog.ErrCheckpoint)
			return
		}
		require.Equal(t, origin, c.Origin)
		require.True(t, bytes.HasPrefix(text, []byte(c.Body()+"\n— ")))
		again, err := tlog.ParseCheckpoint(c.Body())
		require.NoError(t, err)
		require.Equal(t, c, again)
		require.Equal(t, checkpoint.Body(), c.Body(), "a forgery")

		merged, err := tlog.AddSignatures(text, text)
		require.NoError(t, err)
		same, stillSeen, err := tlog.OpenCheckpoint(merged, public, w.public())
		require.NoError(t, err)
		require.Equal(t, c, same)
		require.Equal(t, seen, stillSeen)
	})
}
