package sqldb_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/sqldb"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

// A history is a random series of operations. The same seed gives the same one.
type history struct {
	*rand.Rand
	now        time.Time
	sealHashes bool // every upload has sealed hashes
}

func newHistory(seed uint64) *history { return &history{Rand: rand.New(rand.NewPCG(seed, 6)), now: t0} }

func (h *history) sum() (b [32]byte) { return sha256.Sum256(fmt.Appendf(nil, "%d", h.Uint64())) }

// time goes on, and back at times.
func (h *history) time() time.Time {
	h.now = h.now.Add(time.Duration(h.Int64N(1e6)-2e5) * time.Millisecond)
	return h.now
}

func (h *history) blob() []byte {
	if h.IntN(3) == 0 {
		return nil
	}
	s := h.sum()
	return s[:h.IntN(33)]
}

// upload is one of few, so that uploads come again; n = 0 has another digest each time.
func (h *history) upload() records.Upload {
	n := h.IntN(60)
	s, x := submission(n)
	s.Submitted, s.Received, s.Subject = h.time(), h.time(), fmt.Sprintf("subject-%d", h.IntN(9))
	if n == 0 {
		s.SHA256 = h.sum()
	}
	x.Features, x.Hashes = h.blob(), h.blob()
	if h.sealHashes {
		x.Hashes = append(x.Hashes, 1)
	}
	if s.Kept = h.IntN(4) > 0; s.Kept {
		return records.Upload{Submission: s, Sealed: &x}
	}
	if x.Body = nil; h.IntN(2) == 0 || h.sealHashes {
		return records.Upload{Submission: s, Sealed: &x}
	}
	return records.Upload{Submission: s}
}

func (h *history) ids(most int) (ids []watermark.Submission) {
	for range h.IntN(most + 1) {
		s, _ := submission(h.IntN(66))
		ids = append(ids, s.ID)
	}
	return ids
}

// names are not in the order of any alphabet, which databases may disagree about.
var names = []string{"vendor A", "vendor B", "Älter", "zeta", "Zeta", "a-b", "ab", "a b", "顧客", "é", "e\u0301"}

func (h *history) name() string { return names[h.IntN(len(names))] }

// step is the next operation. It is to be applied to every store.
func (h *history) step() func(ctx context.Context, s records.Store) (any, error) {
	switch k := h.IntN(16); k {
	case 0, 1:
		r := recipient(h.name())
		r.Kind, r.Added = []string{"vendor", "partner"}[h.IntN(2)], h.time()
		return func(ctx context.Context, s records.Store) (any, error) { return s.AddRecipient(ctx, r) }
	case 2, 3, 4, 5:
		uploads := make([]records.Upload, 1+h.IntN(12))
		for i := range uploads {
			uploads[i] = h.upload()
		}
		if h.IntN(3) == 0 {
			pages := document(60+h.IntN(9), 2+h.IntN(3))
			for i := range pages {
				if h.sealHashes {
					pages[i].Sealed.Hashes = []byte{1}
				}
			}
			uploads = append(uploads, pages...)
		}
		return func(ctx context.Context, s records.Store) (any, error) { return s.AddSubmissions(ctx, uploads) }
	case 6, 7:
		copies := make([]books.Copy, 1+h.IntN(8))
		var key records.KeyEntry
		for i := range copies {
			s, _ := submission(h.IntN(60))
			copies[i], key = issued(watermark.CopyID(h.Uint64N(400)<<55|1), s.ID, h.name())
			copies[i].Margin, copies[i].PSNR, copies[i].SSIM = h.NormFloat64(), -h.Float64()*float64(h.IntN(2)), h.ExpFloat64()
			copies[i].Weak, copies[i].Issued = h.IntN(2) == 0, h.time()
		}
		return func(ctx context.Context, s records.Store) (any, error) {
			for i := range copies {
				if err := s.AddCopy(ctx, &copies[i], key); err != nil {
					return nil, err
				}
			}
			return nil, nil
		}
	case 8:
		e := records.Erasure{Submissions: h.ids(3), Note: "é", Entered: h.time(), Logged: books.Logged{Salt: h.sum()}}
		return func(ctx context.Context, s records.Store) (any, error) { return nil, s.Erase(ctx, e) }
	case 9:
		c := custody(h.name(), h.ids(4)...)
		c.From, c.To = h.time().AddDate(0, 0, -h.IntN(3)), h.time().AddDate(0, 0, h.IntN(3))
		return func(ctx context.Context, s records.Store) (any, error) { return nil, s.AddCustody(ctx, c) }
	default:
		return h.rare(k)
	}
}

func (h *history) rare(k int) func(ctx context.Context, s records.Store) (any, error) {
	switch k {
	case 10:
		r := receipt(watermark.CopyID(h.Uint64N(400)<<55 | 1))
		return func(ctx context.Context, s records.Store) (any, error) { return nil, s.AddReceipt(ctx, r) }
	case 11:
		st := keyState([]string{"active", "retired", "compromised", "lost"}[h.IntN(4)])
		if h.IntN(8) > 0 { // copies go on
			st.KeyID = fmt.Sprintf("v1-%d", h.IntN(5))
		}
		return func(ctx context.Context, s records.Store) (any, error) { return nil, s.AddKeyState(ctx, st) }
	case 15:
		s, _ := submission(h.IntN(60))
		r := release(watermark.CopyID(h.Uint64N(400)<<55|1), []string{books.CopyReleased, books.CopyVoid, books.CopyReserved}[h.IntN(3)])
		only := h.IntN(2) == 0
		return func(ctx context.Context, st records.Store) (any, error) {
			c, err := st.Copy(ctx, r.Copy)
			if r.Submission = s.ID; err == nil {
				r.Submission = c.Submission
			}
			return st.AddRelease(ctx, r, only)
		}
	case 14:
		c := change(h.IntN(60), fmt.Sprintf("subject-%d", h.IntN(9)))
		return func(ctx context.Context, s records.Store) (any, error) {
			return s.SetSubjects(ctx, []records.SubjectChange{c})
		}
	case 12:
		i := investigation(h.IntN(1000))
		return func(ctx context.Context, s records.Store) (any, error) { return s.AddInvestigation(ctx, i) }
	default:
		_, k := issued(1, [16]byte{}, "")
		k.ID, k.Commitment = fmt.Sprintf("v1-%d", h.IntN(5)), [32]byte{byte(h.IntN(2))}
		return func(ctx context.Context, s records.Store) (any, error) {
			size, root, err := s.Head(ctx)
			if err != nil || size%3 > 0 {
				return s.AddMarkKey(ctx, k)
			}
			return s.AddCheckpoint(ctx, books.Checkpoint{Size: size, Root: root, Made: t0})
		}
	}
}

// refusal is the kind of an error; what the databases themselves refuse is one.
func refusal(err error) string {
	for _, kind := range []error{records.ErrConflict, records.ErrErased, records.ErrMarkKey, records.ErrNotFound, records.ErrTampered} {
		if errors.Is(err, kind) {
			return kind.Error()
		}
	}
	if err != nil {
		return "refused"
	}
	return ""
}

// answers are those of every method that reads.
func answers(t *testing.T, d *sqldb.DB) map[string]any {
	t.Helper()
	ctx := t.Context()
	out := make(map[string]any)
	note := func(what string, answer any, err error) {
		if err != nil {
			answer = refusal(err)
		}
		out[what] = answer
	}
	size, root, err := d.Check(ctx)
	require.NoError(t, err)
	note("check", fmt.Sprint(size, root), nil)
	size, root, err = d.Head(ctx)
	note("head", fmt.Sprint(size, root), err)
	first, last, err := d.Span(ctx)
	note("span", []time.Time{first, last}, err)
	i, err := d.Info(ctx)
	require.NoError(t, err)
	i.Originals = "" // where they are kept changes no answer
	note("info", i, nil)
	collect(note, "recipients", func() (any, error) { return d.Recipients(ctx) })
	collect(note, "mark keys", func() (any, error) { return d.MarkKeys(ctx) })
	collect(note, "key states", func() (any, error) { return d.KeyStates(ctx) })
	collect(note, "custody", func() (any, error) { return d.Custody(ctx) })
	collect(note, "investigations", func() (any, error) { return d.Investigations(ctx) })
	collect(note, "checkpoints", func() (any, error) { return d.Checkpoints(ctx) })
	collect(note, "entries", func() (any, error) { return d.Entries(ctx, 0, 1e6) })
	for _, after := range []int64{0, size / 2, size} {
		at := fmt.Sprint(" after ", after)
		collect(note, "submissions"+at, func() (any, error) { return d.SubmissionsAfter(ctx, after, 40) })
		collect(note, "searched"+at, func() (any, error) { return d.SearchedAfter(ctx, after, 40, true) })
		collect(note, "erased"+at, func() (any, error) { return d.ErasedAfter(ctx, after) })
		collect(note, "number"+at, func() (any, error) { return d.SubmissionBySeq(ctx, after) })
	}
	for _, name := range names {
		collect(note, "custody by "+name, func() (any, error) { return d.CustodyBy(ctx, name) })
	}
	for n := range 10 {
		subject := fmt.Sprintf("subject-%d", n)
		collect(note, "of "+subject, func() (any, error) { return d.SubmissionsOf(ctx, subject) })
	}
	collect(note, "copies", func() (any, error) { return d.CopiesAfter(ctx, 7, 20) })
	for n := range 66 {
		s, _ := submission(n)
		at := fmt.Sprint(" ", n)
		collect(note, "submission"+at, func() (any, error) { return d.Submission(ctx, s.ID) })
		collect(note, "sealed"+at, func() (any, error) { return d.Sealed(ctx, s.ID, true) })
		collect(note, "custody of"+at, func() (any, error) { return d.CustodyOf(ctx, s.ID) })
		collect(note, "copies of"+at, func() (any, error) { return d.Copies(ctx, s.ID) })
	}
	for n := range watermark.CopyID(400) {
		collect(note, fmt.Sprint("copy ", n), func() (any, error) { return d.Copy(ctx, n<<55|1) })
		collect(note, fmt.Sprint("receipts ", n), func() (any, error) { return d.Receipts(ctx, n<<55|1) })
	}
	return out
}

func collect(note func(string, any, error), what string, ask func() (any, error)) {
	answer, err := ask()
	note(what, answer, err)
}

// One history gives the same answers and the same ledger on every store.
func TestStoresAgree(t *testing.T) {
	steps := long.Number(80, 150)
	for _, sealHashes := range []bool{false, true} {
		i := info()
		i.SealHashes = sealHashes
		one, other := kinds["file"](t, i), kinds["postgres"](t, i)
		h := newHistory(2018)
		h.sealHashes = sealHashes
		done := 0
		for n := range steps {
			op := h.step()
			a, errA := op(t.Context(), one)
			b, errB := op(t.Context(), other)
			require.Equal(t, a, b, "step %d", n)
			require.Equal(t, refusal(errA), refusal(errB), "step %d: %v, %v", n, errA, errB)
			if errA == nil {
				done++
			}
		}
		require.Greater(t, done, steps/3, "most of a history should happen")
		want := answers(t, one)
		for what, answer := range answers(t, other) {
			require.Equal(t, want[what], answer, what)
		}
	}
}
