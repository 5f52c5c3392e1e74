package verify_test

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/watermark"
)

// What the erased person's upload left nowhere in the file and beside it.
func TestEraseLeavesNoBytes(t *testing.T) {
	t.Run("clear hashes", func(t *testing.T) { eraseLeavesNoBytes(t, false) })
	t.Run("sealed hashes", func(t *testing.T) { eraseLeavesNoBytes(t, true) })
}

func eraseLeavesNoBytes(t *testing.T, sealHashes bool) {
	path := filepath.Join(t.TempDir(), "kyc.db")
	r, err := verify.Create(t.Context(), "file:"+path, &verify.CreateOptions{SealHashes: sealHashes})
	require.NoError(t, err)
	defer r.Close()
	s := newIssuer(t, verify.Config{Registry: r, SealKey: leaktest.SealKey()})
	ctx := t.Context()
	const subject = "customer-4711"
	var traces []trace
	for p := range uint64(6) {
		subjects := map[bool]string{true: subject, false: "customer-1"}
		sub := submit(t, s, file(t, passport(p+1), "jpeg"), subjects[p%2 == 0], feb)
		if p%2 == 0 {
			traces = append(traces, tracesOf(t, r, sub)...)
		}
	}
	traces = append(traces, trace{"subject reference", []byte(subject)})
	files := func() string {
		var all strings.Builder
		for _, tail := range []string{"", "-wal", "-shm"} {
			data, err := os.ReadFile(path + tail)
			if !os.IsNotExist(err) {
				require.NoError(t, err)
			}
			all.Write(data)
		}
		return all.String()
	}
	before := files()
	for _, x := range traces {
		require.Contains(t, before, string(x.bytes), "%s is looked for as it is written", x.what)
	}
	ids, err := r.Erase(ctx, subject, "privacy desk", "request 44")
	require.NoError(t, err)
	require.Len(t, ids, 3)
	after := files()
	for _, x := range traces {
		assert.NotContains(t, after, string(x.bytes), x.what)
	}
	checkLedger(t, r)
	_, err = r.Erase(ctx, subject, "", "")
	require.ErrorIs(t, err, verify.ErrNotFound)
	require.NoError(t, r.Close())
	closed := files()
	for _, x := range traces {
		assert.NotContains(t, closed, string(x.bytes), "%s, closed", x.what)
	}
}

type trace struct {
	what  string
	bytes []byte
}

func tracesOf(t *testing.T, r *verify.Registry, sub *verify.Submission) []trace {
	t.Helper()
	row, err := r.Inner().Submission(t.Context(), sub.ID)
	require.NoError(t, err)
	x, err := r.Inner().Sealed(t.Context(), sub.ID)
	require.NoError(t, err)
	require.Greater(t, len(x.Body), 20_000)
	digest, err := hex.DecodeString(sub.SHA256)
	require.NoError(t, err)
	out := []trace{
		{"hash", []byte(row.Hash)}, {"area hash", []byte(row.Area)}, {"sealed hashes", x.Hashes},
		{"digest", digest}, {"salt", row.Salt[:]}, {"data key", x.Wrapped}, {"features", x.Features[:32]}, {"features' end", x.Features[len(x.Features)-32:]},
	}
	out = slices.DeleteFunc(out, func(x trace) bool { return len(x.bytes) == 0 }) // hashes are clear or sealed
	for at := 0; at+24 < len(x.Body); at += 5000 {
		out = append(out, trace{"sealed original", x.Body[at : at+24]})
	}
	return out
}

func TestErase(t *testing.T) {
	c := newCase(t)
	ctx := t.Context()
	s := newIssuer(t, c.Config)
	v := c.investigator(t, noMark)
	leak := file(t, leaked(t, c.marked, "telegram"), "jpeg")
	examine := func(v *verify.Investigator) *verify.Verdict {
		got, err := v.Investigate(ctx, "leak.jpg", leak)
		require.NoError(t, err)
		return got
	}
	require.Equal(t, "copy", examine(v).Label(), "traced")
	marked := c.investigator(t, reads(c.copy.ID))
	require.Equal(t, "copy", examine(marked).Label(), "the original is in memory")

	_, err := c.Registry.Erase(ctx, "", "", "")
	require.ErrorIs(t, err, verify.ErrInput)
	_, err = c.Registry.Erase(ctx, "nobody", "", "")
	require.ErrorIs(t, err, verify.ErrNotFound)
	subs, err := c.Registry.SubmissionsOf(ctx, "customer 1")
	require.NoError(t, err)
	require.Len(t, subs, 2)
	ids, err := c.Registry.Erase(ctx, "customer 1", "privacy desk", "request 44")
	require.NoError(t, err)
	require.Equal(t, []watermark.Submission{c.firstID, c.billID}, ids)
	checkLedger(t, c.Registry)

	got := examine(v)
	require.Equal(t, verify.FoundLookalike, got.Finding, "the other person's passport is all that is left: %s", got.Note)
	for _, m := range got.Matches {
		require.Equal(t, c.secondID, m.Submission)
	}
	got = examine(marked)
	require.Equal(t, "copy (unconfirmed)", got.Label())
	require.Equal(t, c.copy.ID, got.Copy)
	require.Contains(t, got.Note, "whose upload was erased")
	require.Empty(t, got.Custody)
	still, err := c.Registry.Copy(ctx, c.copy.ID)
	require.NoError(t, err)
	require.Equal(t, c.copy, still, "recipient and time are still known")
	d, err := marked.Weigh(ctx, []*verify.Verdict{got})
	require.NoError(t, err)
	var report bytes.Buffer
	require.NoError(t, marked.WriteReport(ctx, &report, d, true))
	require.NotContains(t, report.String(), "customer 1")

	sub, err := c.Registry.Submission(ctx, c.firstID)
	require.ErrorIs(t, err, verify.ErrErased)
	require.True(t, sub.Erased)
	require.Empty(t, sub.Subject+sub.Hash)
	for sub := range c.Registry.Submissions(ctx, feb) {
		require.Equal(t, c.secondID, sub.ID, "walks pass it over")
	}
	_, _, err = s.Submit(ctx, bytes.NewReader(file(t, c.first, "jpeg")), "customer 1", feb)
	require.ErrorIs(t, err, verify.ErrErased, "it does not come back unnoticed")
	_, err = s.Issue(ctx, &report, c.firstID, "vendor A", "")
	require.Error(t, err)
	require.Equal(t, "unmarked", func() string {
		got, err := v.Investigate(ctx, "leak.jpg", file(t, c.second, "jpeg"))
		require.NoError(t, err)
		return got.Label()
	}(), "others are found as before")
}

// An erasure by another process is followed before the next search.
func TestErasuresOfOthersAreFollowed(t *testing.T) {
	dsn := "file:" + filepath.Join(t.TempDir(), "kyc.db")
	cfg := leaktest.Config(t)
	var err error
	cfg.Registry, err = verify.Create(t.Context(), dsn, nil)
	require.NoError(t, err)
	defer cfg.Registry.Close()
	img := passport(1)
	submit(t, newIssuer(t, cfg), file(t, img, "jpeg"), "customer 1", feb)
	v, err := verify.NewInvestigator(cfg)
	require.NoError(t, err)
	v.SetDetect(noMark)
	finding := func() verify.Finding {
		got, err := v.Investigate(t.Context(), "leak.jpg", file(t, img, "jpeg"))
		require.NoError(t, err)
		return got.Finding
	}
	require.Equal(t, verify.FoundUnmarked, finding())
	other, err := verify.Open(t.Context(), dsn)
	require.NoError(t, err)
	defer other.Close()
	_, err = other.Erase(t.Context(), "customer 1", "", "")
	require.NoError(t, err)
	require.Equal(t, verify.FoundUnknown, finding())
}

// However many erase at once, each upload is erased once and the ledger holds.
func TestErasingAtOnce(t *testing.T) {
	cfg := leaktest.Config(t)
	s := newIssuer(t, cfg)
	for p := range uint64(4) {
		submit(t, s, file(t, passport(p+1), "jpeg"), "customer 1", feb)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	total := 0
	for range 8 {
		wg.Go(func() {
			ids, err := cfg.Registry.Erase(t.Context(), "customer 1", "", "")
			mu.Lock()
			defer mu.Unlock()
			if len(ids) == 0 {
				assert.ErrorIs(t, err, verify.ErrNotFound)
			} else {
				assert.NoError(t, err)
			}
			total += len(ids)
		})
	}
	wg.Wait()
	require.Equal(t, 4, total)
	checkLedger(t, cfg.Registry)
}
