package tlog_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"github.com/kycmark/kycmark/internal/tlog"
)

func TestWitnessesOfBothKinds(t *testing.T) {
	private, public := newKey(t, origin, 1)
	timed, absent := newWitness("witness.example/timed", 2), newWitness("witness.example/absent", 4)
	plainPrivate, plainPublic := newKey(t, "witness.example/plain", 3)
	signer, err := note.NewSigner(plainPrivate)
	require.NoError(t, err)

	body, text := checkpoint.Body(), sign(t, checkpoint, private)
	plain, err := note.Sign(&note.Note{Text: body}, signer)
	require.NoError(t, err)
	text, err = tlog.AddSignatures(text, plain)
	require.NoError(t, err)
	text, err = tlog.AddSignatures(text, []byte(timed.line(body, 1679315147)))
	require.NoError(t, err)

	got, seen, err := tlog.OpenCheckpoint(text, public, absent.public(), timed.public(), plainPublic)
	require.NoError(t, err)
	assert.Equal(t, checkpoint, got)
	assert.Equal(t, []tlog.Cosignature{
		{Name: timed.name, Key: timed.public(), Time: time.Date(2023, 3, 20, 12, 25, 47, 0, time.UTC)},
		{Name: "witness.example/plain", Key: plainPublic},
	}, seen)

	_, seen, err = tlog.OpenCheckpoint(text, public)
	require.NoError(t, err, "unknown witnesses are ignored")
	assert.Empty(t, seen)
}

// A known witness's signature that does not hold spoils the checkpoint, wherever
// it stands, and an unknown one's does not.
func TestCosignaturesThatDoNotHold(t *testing.T) {
	private, public := newKey(t, origin, 1)
	w := newWitness("witness.example/w", 2)
	body, text := checkpoint.Body(), string(sign(t, checkpoint, private))
	good := w.line(body, 5)
	larger := checkpoint
	larger.Size++

	raw, err := base64.StdEncoding.DecodeString(strings.Fields(good)[2])
	require.NoError(t, err)
	line := func(edit func(raw []byte) []byte) string {
		return "— " + w.name + " " + base64.StdEncoding.EncodeToString(edit(bytes.Clone(raw))) + "\n"
	}
	for name, bad := range map[string]string{
		"of another checkpoint": w.line(larger.Body(), 5),
		"another time":          line(func(b []byte) []byte { b[11]++; return b }),
		"a time past 9999":      w.line(body, 253402300800),
		"a time past 2^63":      w.line(body, 1<<63),
		"a byte short":          line(func(b []byte) []byte { return b[:len(b)-1] }),
		"a byte more":           line(func(b []byte) []byte { return append(b, 0) }),
		"without its time":      line(func(b []byte) []byte { return append(b[:4], b[12:]...) }),
		"a byte":                line(func(b []byte) []byte { return b[:5] }),
	} {
		for _, lines := range []string{bad, good + bad, bad + good} {
			_, _, err := tlog.OpenCheckpoint([]byte(text+lines), public, w.public())
			assert.ErrorIs(t, err, tlog.ErrCheckpoint, name)
			_, _, err = tlog.OpenCheckpoint([]byte(text+lines), public)
			assert.NoError(t, err, name)
		}
	}
	_, seen, err := tlog.OpenCheckpoint([]byte(text+w.line(body, 253402300799)), public, w.public())
	require.NoError(t, err)
	assert.Equal(t, 9999, seen[0].Time.Year())
}

func TestWitnessKeys(t *testing.T) {
	private, public := newKey(t, origin, 1)
	text := sign(t, checkpoint, private)
	w := newWitness("witness.example/w", 2)
	parts := strings.SplitN(w.public(), "+", 3)
	typed := func(raw []byte) string { return base64.StdEncoding.EncodeToString(raw) }

	_, _, err := tlog.OpenCheckpoint(text, public, w.public())
	require.NoError(t, err)
	_, _, err = tlog.OpenCheckpoint(text, public, parts[0]+"+"+strings.ToUpper(parts[1])+"+"+parts[2])
	require.NoError(t, err)
	for name, key := range map[string]string{
		"empty":           "",
		"name alone":      parts[0],
		"no key":          parts[0] + "+" + parts[1],
		"another name":    "x" + w.public(),
		"no name":         newWitness("", 2).public(),
		"a space":         newWitness("a b", 2).public(),
		"a newline":       w.public() + "\n",
		"another ID":      parts[0] + "+00000000+" + parts[2],
		"a short ID":      parts[0] + "+" + parts[1][:6] + "+" + parts[2],
		"no base64":       parts[0] + "+" + parts[1] + "+*",
		"a short key":     parts[0] + "+" + parts[1] + "+" + typed(w.typed()[:32]),
		"a long key":      parts[0] + "+" + parts[1] + "+" + typed(append(w.typed(), 0)),
		"ML-DSA-44":       parts[0] + "+" + parts[1] + "+" + typed(append([]byte{6}, make([]byte, 1312)...)),
		"an unknown type": parts[0] + "+" + parts[1] + "+" + typed(append([]byte{5}, w.typed()[1:]...)),
	} {
		_, _, err := tlog.OpenCheckpoint(text, public, key)
		assert.ErrorIs(t, err, tlog.ErrKey, name)
	}
}

// Text of a witness is a cosigned checkpoint, or an error; its signatures follow those of a checkpoint, or are refused.
func FuzzCosigned(f *testing.F) {
	private, public := newKey(f, origin, 1)
	w := newWitness("witness.example/w", 2)
	text := sign(f, checkpoint, private)
	good := w.line(checkpoint.Body(), 1679315147)
	f.Add(append(bytes.Clone(text), good...), w.public())
	f.Add([]byte(good), w.public())
	f.Add([]byte(checkpoint.Body()+"\n"+good), public)
	f.Add([]byte(exampleNote), "witness.example/w+00000000+BA==")
	f.Fuzz(func(t *testing.T, answer []byte, witness string) {
		c, at, err := tlog.OpenCosigned(answer, witness)
		if err == nil {
			require.False(t, at.IsZero())
			require.True(t, bytes.HasPrefix(answer, []byte(c.Body()+"\n")))
		}
		if more, err := tlog.AddSignatures(text, answer); err == nil {
			require.True(t, bytes.HasPrefix(more, text), "what was there stays")
		}
	})
}
