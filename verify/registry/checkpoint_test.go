package registry_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
	"github.com/kycmark/kycmark/watermark"
)

// A witness makes C2SP cosignatures, written out here from the specifications.
type witness struct {
	name, key string
	private   ed25519.PrivateKey
	id        []byte
}

func newWitness(t *testing.T, name string) *witness {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	typed := append([]byte{4}, public...)
	sum := sha256.Sum256(append([]byte(name+"\n"), typed...))
	return &witness{name, fmt.Sprintf("%s+%x+%s", name, sum[:4], base64.StdEncoding.EncodeToString(typed)), private, sum[:4]}
}

// cosign adds a signature of a time to a checkpoint.
func (w *witness) cosign(text string, at int64) string {
	body, _, _ := strings.Cut(text, "\n\n")
	sig := ed25519.Sign(w.private, fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s\n", at, body))
	raw := append(binary.BigEndian.AppendUint64(bytes.Clone(w.id), uint64(at)), sig...)
	return text + "— " + w.name + " " + base64.StdEncoding.EncodeToString(raw) + "\n"
}

// redated changes the time in a line of a cosignature.
func redated(t *testing.T, line string) string {
	t.Helper()
	f := strings.Fields(line)
	raw, err := base64.StdEncoding.DecodeString(f[2])
	require.NoError(t, err)
	raw[4]++ // after the key's hash
	return f[0] + " " + f[1] + " " + base64.StdEncoding.EncodeToString(raw) + "\n"
}

// signed is a registry with a ledger key.
type signed struct {
	*registry.Registry
	private, public string
}

func withLedgerKey(t *testing.T, r *registry.Registry) *signed {
	t.Helper()
	private, public, err := r.Ledger().GenerateKey(t.Context())
	require.NoError(t, err)
	return &signed{r, private, public}
}

func (s *signed) sign(t *testing.T) *books.Checkpoint {
	t.Helper()
	c, err := s.Ledger().Sign(t.Context(), s.private)
	require.NoError(t, err)
	return c
}

// grow enters recipients.
func (s *signed) grow(t *testing.T, names ...string) {
	t.Helper()
	for _, n := range names {
		require.NoError(t, s.AddRecipient(t.Context(), books.Recipient{Name: n, Kind: books.KindVendor}))
	}
}

func (s *signed) audit(t *testing.T, o registry.AuditOptions) *registry.Audit {
	t.Helper()
	o.Keys = append(o.Keys, s.public)
	a, err := s.Ledger().Audit(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, len(a.Problems) == 0, a.Holds)
	return a
}

func TestSignCheckpoint(t *testing.T) {
	s := withLedgerKey(t, leaktest.NewRegistry(t))
	ctx := t.Context()
	first := s.sign(t)
	require.EqualValues(t, 1, first.Size)
	require.True(t, strings.HasPrefix(first.Text, first.Origin+"\n1\n"))
	require.Equal(t, []string{first.Origin}, first.Signers)
	require.Equal(t, first, s.sign(t), "not signed twice")

	s.grow(t, "a", "b")
	second := s.sign(t)
	require.EqualValues(t, 3, second.Size)
	_, head, err := s.Ledger().Check(ctx)
	require.NoError(t, err)
	require.Equal(t, head, second.Root.String())
	all, err := s.Ledger().Checkpoints(ctx)
	require.NoError(t, err)
	require.Equal(t, []books.Checkpoint{*first, *second}, all)

	_, other, err := leaktest.NewRegistry(t).Ledger().GenerateKey(ctx)
	require.NoError(t, err)
	s.grow(t, "c")
	for _, bad := range []string{"", "x", s.public, other} {
		_, err := s.Ledger().Sign(ctx, bad)
		assert.ErrorIs(t, err, registry.ErrLedgerKey)
	}
}

// A scheduler has each state dated, and the timestamp is an entry. What rests on the last entry can be proved, and the
// scheduler dates nothing again.
func TestSignLast(t *testing.T) {
	s, ctx := withLedgerKey(t, leaktest.NewRegistry(t)), t.Context()
	dated := s.sign(t)
	_, err := s.Ledger().AddStamp(ctx, dated.Size, []byte("stamp"), time.Now())
	require.NoError(t, err)
	_, err = s.Ledger().ProveCopies(ctx, []watermark.Submission{{1}}, s.public, nil)
	require.ErrorIs(t, err, registry.ErrProof)
	for range 2 {
		require.Equal(t, dated.Size, s.sign(t).Size)
		c, err := registry.SignLast(ctx, s.Ledger(), s.private)
		require.NoError(t, err)
		require.Equal(t, dated.Size+1, c.Size)
	}
	_, err = s.Ledger().ProveCopies(ctx, []watermark.Submission{{1}}, s.public, nil)
	require.NoError(t, err)
}

func TestCosignatures(t *testing.T) {
	s := withLedgerKey(t, leaktest.NewRegistry(t))
	ctx := t.Context()
	a, b, stranger := newWitness(t, "witness.example/a"), newWitness(t, "witness.example/b"), newWitness(t, "else.example")
	c := s.sign(t)
	at := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

	got, err := s.Ledger().AddCosignatures(ctx, []byte(stranger.cosign(a.cosign(c.Text, at.Unix()), 5)), s.public, a.key)
	require.NoError(t, err)
	require.Equal(t, []books.Witness{{Name: a.name, Key: a.key, Time: at}}, got.Witnesses)
	require.Equal(t, []string{c.Origin, a.name}, got.Signers, "strangers are left out")
	got, err = s.Ledger().AddCosignatures(ctx, []byte(b.cosign(c.Text, at.Unix()+1)), s.public, b.key)
	require.NoError(t, err)
	require.Equal(t, []string{c.Origin, a.name, b.name}, got.Signers, "none is lost")
	again, err := s.Ledger().AddCosignatures(ctx, []byte(b.cosign(c.Text, at.Unix()+1)), s.public, b.key)
	require.NoError(t, err)
	require.Equal(t, got, again)
	require.Equal(t, got.Text, s.sign(t).Text)

	audit := s.audit(t, registry.AuditOptions{Witnesses: []string{a.key, b.key}})
	require.True(t, audit.Holds, audit.Problems)
	require.Len(t, audit.Checkpoints[0].Witnesses, 2)

	for name, text := range map[string]string{
		"by nobody":      c.Text,
		"by another":     b.cosign(c.Text, 1),
		"of another":     strings.Replace(a.cosign(c.Text, 1), "\n1\n", "\n2\n", 1),
		"time edited":    c.Text + redated(t, a.cosign(c.Text, 1)[len(c.Text):]),
		"no checkpoint":  "hello",
		"log's line cut": c.Text[:strings.Index(c.Text, "\n\n")+2] + a.cosign("", 1),
	} {
		_, err := s.Ledger().AddCosignatures(ctx, []byte(text), s.public, a.key)
		assert.ErrorIs(t, err, registry.ErrCheckpoint, name)
	}
	_, err = s.Ledger().AddCosignatures(ctx, []byte(c.Text), s.public)
	require.ErrorIs(t, err, registry.ErrInput)
	_, err = s.Ledger().AddCosignatures(ctx, []byte(c.Text), s.public, "x")
	require.ErrorIs(t, err, registry.ErrLedgerKey)

	// Signed with the same key, but of a state that this registry never signed.
	other := withLedgerKey(t, leaktest.NewRegistry(t))
	other.grow(t, "x")
	elsewhere := other.sign(t)
	_, err = s.Ledger().AddCosignatures(ctx, []byte(a.cosign(elsewhere.Text, 1)), other.public, a.key)
	require.ErrorIs(t, err, registry.ErrNotFound)
}

// Two hosts have each state witnessed. The slower one asks for a state before the witness's last.
func TestWitnessedMeanwhile(t *testing.T) {
	s, ctx := withLedgerKey(t, leaktest.NewRegistry(t)), t.Context()
	c := s.sign(t)
	s.grow(t, "a")
	_, err := s.Ledger().WitnessRequest(ctx, c, c.Size+1)
	require.ErrorIs(t, err, registry.ErrConflict)
	require.NotErrorIs(t, err, registry.ErrTampered)
	_, err = s.Ledger().WitnessRequest(ctx, c, c.Size+2)
	require.ErrorIs(t, err, registry.ErrTampered)
}

// Witnesses' signatures and a timestamp that come in at once, by several processes, are all kept.
func TestCosignaturesAtOnce(t *testing.T) {
	dsn := sqlite.At(filepath.Join(t.TempDir(), "r.db"))
	r, err := registry.Create(t.Context(), dsn, nil)
	require.NoError(t, err)
	t.Cleanup(func() { r.Close() })
	other, err := registry.Open(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(func() { other.Close() })
	s := withLedgerKey(t, r)
	c := s.sign(t)
	names := []string{c.Origin}
	var wg sync.WaitGroup
	for n := range 12 {
		w := newWitness(t, fmt.Sprintf("witness.example/%02d", n))
		names = append(names, w.name)
		in := []*registry.Registry{r, other}[n%2]
		wg.Go(func() {
			_, err := in.Ledger().AddCosignatures(t.Context(), []byte(w.cosign(c.Text, 1)), s.public, w.key)
			assert.NoError(t, err)
		})
		wg.Go(func() {
			_, err := in.Ledger().Sign(t.Context(), s.private)
			assert.NoError(t, err)
		})
	}
	wg.Go(func() {
		_, err := other.Ledger().AddStamp(t.Context(), c.Size, []byte("stamp"), time.Now())
		assert.NoError(t, err)
	})
	wg.Wait()
	kept, err := r.Ledger().Checkpoints(t.Context())
	require.NoError(t, err)
	require.Len(t, kept, 1)
	require.ElementsMatch(t, names, kept[0].Signers)
	require.Equal(t, []byte("stamp"), kept[0].Stamp)
}

// Whoever rewrites a registry as a whole has the key and makes a ledger that holds:
// only a checkpoint that somebody else kept finds it out.
func TestAuditFindsRewrittenRegistry(t *testing.T) {
	s := withLedgerKey(t, leaktest.NewRegistry(t))
	s.grow(t, "honest")
	outside := s.sign(t)
	s.grow(t, "later")
	s.sign(t)
	a := s.audit(t, registry.AuditOptions{Checkpoints: []string{outside.Text}})
	require.True(t, a.Holds, a.Problems)
	require.Len(t, a.Checkpoints, 2)
	require.Len(t, a.Outside, 1)

	for name, names := range map[string][]string{
		"other entries": {"forged", "later", "more"},
		"fewer entries": {},
	} {
		forged := s.rewritten(t)
		forged.grow(t, names...)
		forged.sign(t)
		require.True(t, forged.audit(t, registry.AuditOptions{}).Holds, "alone it holds")
		a := forged.audit(t, registry.AuditOptions{Checkpoints: []string{outside.Text}})
		assert.False(t, a.Holds, name)
		assert.Len(t, a.Problems, 1, name)
		assert.Contains(t, a.Problems[0], "checkpoint 1 that was handed in", name)
	}
}

// rewritten is an empty registry with the same ID and key.
func (s *signed) rewritten(t *testing.T) *signed {
	t.Helper()
	info, err := s.Inner().Info(t.Context())
	require.NoError(t, err)
	r, err := registry.CreateAs(t.Context(), info.ID)
	require.NoError(t, err)
	t.Cleanup(func() { r.Close() })
	return &signed{r, s.private, s.public}
}

func TestAuditOfOthersCheckpoints(t *testing.T) {
	s := withLedgerKey(t, leaktest.NewRegistry(t))
	ctx := t.Context()
	c := s.sign(t)
	other := withLedgerKey(t, leaktest.NewRegistry(t))
	foreign := other.sign(t)
	for name, text := range map[string]string{
		"of another registry": foreign.Text,
		"edited":              strings.Replace(c.Text, "\n1\n", "\n2\n", 1),
		"empty":               "",
	} {
		a := s.audit(t, registry.AuditOptions{Checkpoints: []string{text}, Keys: []string{other.public}})
		assert.False(t, a.Holds, name)
		assert.Len(t, a.Checkpoints, 1, name)
	}
	a := s.audit(t, registry.AuditOptions{Checkpoints: []string{foreign.Text}})
	require.False(t, a.Holds, "signed with another key")

	_, err := s.Ledger().Audit(ctx, registry.AuditOptions{})
	require.ErrorIs(t, err, registry.ErrInput, "signatures are never passed over")
	_, err = s.Ledger().Audit(ctx, registry.AuditOptions{Keys: []string{"x"}})
	require.ErrorIs(t, err, registry.ErrLedgerKey)
	a, err = s.Ledger().Audit(ctx, registry.AuditOptions{Keys: []string{other.public, s.public}})
	require.NoError(t, err)
	require.True(t, a.Holds, "any of the keys may have signed")
	empty, err := leaktest.NewRegistry(t).Ledger().Audit(ctx, registry.AuditOptions{})
	require.NoError(t, err)
	require.True(t, empty.Holds)
}
