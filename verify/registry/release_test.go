package registry_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// to returns a function that hands copies out to b.
func to(b *bytes.Buffer) func(*books.Copy, []byte) error {
	return func(_ *books.Copy, file []byte) error {
		b.Reset()
		_, err := b.Write(file)
		return err
	}
}

// A copy that was entered and not handed out, since the process was killed, is handed out by a second call with its
// ID, and entered once. The ID is refused for any other request.
func TestIssueAsAgain(t *testing.T) {
	_, cfg, sub := markShop(t, "jpeg")
	p, err := newIssuer(t, cfg).Prepare(t.Context(), sub.ID)
	require.NoError(t, err)
	id := watermark.NewCopyID()
	var first, second bytes.Buffer
	a, err := p.IssueAs(t.Context(), id, "vendor A", "p", to(&first))
	require.NoError(t, err)
	again, err := newIssuer(t, cfg).Prepare(t.Context(), sub.ID)
	require.NoError(t, err)
	b, err := again.IssueAs(t.Context(), id, "vendor A", "p", to(&second))
	require.NoError(t, err)
	require.Equal(t, first.Bytes(), second.Bytes())
	require.Equal(t, a.Seq, b.Seq)
	copies, err := cfg.Registry.Copies(t.Context(), sub.ID)
	require.NoError(t, err)
	require.Len(t, copies, 1)

	second.Reset()
	_, err = p.IssueAs(t.Context(), id, "vendor A", "another purpose", to(&second))
	require.ErrorIs(t, err, registry.ErrConflict)
	_, err = p.IssueAs(t.Context(), id, "vendor B", "p", to(&second))
	require.Error(t, err)
	require.Empty(t, second.Bytes())
}

// Two commands issue one request at once. Both render the copy, and one enters it. If the other hands it out and is
// killed, the first cannot make it void, though it failed itself.
func TestIssueAtOnce(t *testing.T) {
	_, cfg, sub := markShop(t, "jpeg")
	s := newIssuer(t, cfg)
	first, err := s.Prepare(t.Context(), sub.ID)
	require.NoError(t, err)
	second, err := newIssuer(t, cfg).Prepare(t.Context(), sub.ID)
	require.NoError(t, err)
	id, _, err := s.CopyFor(t.Context(), sub.ID, "vendor A", "p", "")
	require.NoError(t, err)
	var left bytes.Buffer
	_, err = first.IssueAs(t.Context(), id, "vendor A", "p", func(*books.Copy, []byte) error {
		_, err := second.IssueAs(t.Context(), id, "vendor A", "p", func(c *books.Copy, file []byte) error {
			return errors.Join(to(&left)(c, file), errors.New("killed"))
		})
		require.ErrorContains(t, err, "may have been handed out")
		return fmt.Errorf("%w: no space left on device", registry.ErrNothingLeft)
	})
	require.ErrorContains(t, err, "another attempt may have handed it out")
	require.NotEmpty(t, left.Bytes())
	require.Equal(t, []string{books.CopyReserved}, states(t, cfg.Registry, sub.ID))
	_, c, err := s.CopyFor(t.Context(), sub.ID, "vendor A", "p", "")
	require.NoError(t, err)
	require.NotNil(t, c, "the same command goes on with it")
	_, err = first.IssueAs(t.Context(), id, "vendor A", "p", to(&left))
	require.NoError(t, err)
	require.Equal(t, []string{books.CopyReleased}, states(t, cfg.Registry, sub.ID))
	checkLedger(t, cfg.Registry)
}

// states are those of the copies of a submission, in the order of entry.
func states(t *testing.T, r *registry.Registry, of watermark.Submission) (out []string) {
	t.Helper()
	all, err := r.Copies(t.Context(), of)
	require.NoError(t, err)
	for _, c := range all {
		out = append(out, c.State)
	}
	return out
}

// A full disk at 50 offsets of the file: whatever was handed out is released in the ledger, and what was not is
// void. A writer that may have handed something out leaves the copy reserved, until the same request is
// repeated, and no second copy is entered for it.
func TestWriterFails(t *testing.T) {
	s, cfg, sub := shop(t, "jpeg")
	p, err := s.Prepare(t.Context(), sub.ID)
	require.NoError(t, err)
	full := errors.New("no space left on device")
	var size int
	places := long.Number(10, 50)
	for _, sure := range []bool{true, false} {
		for n := range places {
			request := fmt.Sprint(sure, n)
			id, c, err := s.CopyFor(t.Context(), sub.ID, "vendor A", "p", request)
			require.NoError(t, err)
			require.Nil(t, c)
			path := filepath.Join(t.TempDir(), "copy")
			_, err = p.IssueAs(t.Context(), id, "vendor A", "p", func(c *books.Copy, file []byte) error {
				size = len(file)
				at := n * size / (places - 1) // the last offset is behind the file
				require.NoError(t, os.WriteFile(path, file[:at], 0o600))
				got, err := cfg.Registry.Copy(t.Context(), c.ID)
				require.NoError(t, err, "entered before its first byte")
				require.Equal(t, books.CopyReserved, got.State)
				switch {
				case at == size:
					return nil
				case sure:
					return errors.Join(os.Remove(path), fmt.Errorf("%w: %w", registry.ErrNothingLeft, full))
				}
				return full
			})
			got, lost := cfg.Registry.Copy(t.Context(), id)
			require.NoError(t, lost)
			next, there, lost := s.CopyFor(t.Context(), sub.ID, "vendor A", "p", request)
			require.NoError(t, lost)
			switch {
			case n == places-1:
				require.NoError(t, err)
				require.Equal(t, books.CopyReleased, got.State)
				require.Equal(t, got, there)
				continue
			case sure:
				require.ErrorContains(t, err, "was not handed out, and is void: verify: no byte left: no space left")
				require.Equal(t, books.CopyVoid, got.State)
				require.NotEqual(t, id, next)
				require.Nil(t, there)
				require.ErrorIs(t, err, full)
				_, err = p.IssueAs(t.Context(), id, "vendor A", "p", to(new(bytes.Buffer)))
				require.ErrorIs(t, err, registry.ErrConflict, "a void copy is not handed out")
			default:
				require.ErrorContains(t, err, "is logged, and may have been handed out: no space left")
				require.Equal(t, books.CopyReserved, got.State)
				require.ErrorIs(t, err, full)
				require.Equal(t, id, next)
			}
			c, err = p.IssueAs(t.Context(), next, "vendor A", "p", to(new(bytes.Buffer)))
			require.NoError(t, err)
			require.Equal(t, books.CopyReleased, c.State)
		}
	}
	count := make(map[string]int)
	for _, state := range states(t, cfg.Registry, sub.ID) {
		count[state]++
	}
	require.Equal(t, map[string]int{books.CopyReleased: 2 * places, books.CopyVoid: places - 1}, count)
	checkLedger(t, cfg.Registry)
}

// A second attempt that fails does not make void what the first one may have handed out.
func TestSecondAttemptFails(t *testing.T) {
	s, cfg, sub := shop(t, "jpeg")
	p, err := s.Prepare(t.Context(), sub.ID)
	require.NoError(t, err)
	id := watermark.NewCopyID()
	for _, err := range []error{io.ErrUnexpectedEOF, registry.ErrNothingLeft} {
		_, got := p.IssueAs(t.Context(), id, "vendor A", "p", func(*books.Copy, []byte) error { return err })
		require.ErrorIs(t, got, err)
		require.Equal(t, []string{books.CopyReserved}, states(t, cfg.Registry, sub.ID))
	}
}

// What became of a copy is stated with a note; that it was released is never taken back.
func TestAddRelease(t *testing.T) {
	s, cfg, sub := shop(t, "jpeg")
	ledger := cfg.Registry.Ledger()
	c, err := s.Issue(t.Context(), io.Discard, sub.ID, "vendor A", "p")
	require.NoError(t, err)
	require.Equal(t, books.CopyReleased, c.State)
	void := books.Release{Copy: c.ID, State: books.CopyVoid, Note: "lost"}
	_, err = ledger.AddRelease(t.Context(), void)
	require.ErrorIs(t, err, registry.ErrConflict)
	for _, x := range []books.Release{{Copy: c.ID, State: books.CopyVoid}, {Copy: c.ID, State: books.CopyReserved, Note: "lost"}, {Copy: c.ID, State: books.CopyReleased, Note: "a\nb"}} {
		_, err = ledger.AddRelease(t.Context(), x)
		require.ErrorIs(t, err, registry.ErrInput)
	}
	_, err = ledger.AddRelease(t.Context(), books.Release{Copy: 4711, State: books.CopyReleased})
	require.ErrorIs(t, err, registry.ErrNotFound)

	_, err = s.Issue(t.Context(), failing{}, sub.ID, "vendor A", "p")
	require.ErrorIs(t, err, io.ErrClosedPipe)
	all, err := cfg.Registry.Copies(t.Context(), sub.ID)
	require.NoError(t, err)
	void.Copy = all[1].ID
	for _, want := range []bool{true, false} {
		added, err := ledger.AddRelease(t.Context(), void)
		require.NoError(t, err)
		require.Equal(t, want, added)
	}
	require.Equal(t, []string{books.CopyReleased, books.CopyVoid}, states(t, cfg.Registry, sub.ID))
	added, err := ledger.AddRelease(t.Context(), books.Release{Copy: all[1].ID, State: books.CopyReleased, Note: "its recipient showed it"})
	require.NoError(t, err)
	require.True(t, added)
	require.Equal(t, []string{books.CopyReleased, books.CopyReleased}, states(t, cfg.Registry, sub.ID))
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// A request has one copy, of an ID that depends on all that makes its bytes and on nothing else: also in a copy of
// the registry from before it was issued.
func TestCopyFor(t *testing.T) {
	s, cfg, sub := shop(t, "jpeg")
	ids := make(map[watermark.CopyID]string)
	of := func(s *registry.Issuer, what string, of watermark.Submission, to, purpose, request string) {
		id, c, err := s.CopyFor(t.Context(), of, to, purpose, request)
		require.NoError(t, err)
		require.Nil(t, c)
		again, _, err := s.CopyFor(t.Context(), of, to, purpose, request)
		require.NoError(t, err)
		require.Equal(t, id, again)
		require.Empty(t, ids[id], what)
		ids[id] = what
	}
	of(s, "plain", sub.ID, "vendor A", "p", "")
	of(s, "upload", watermark.Submission{1}, "vendor A", "p", "")
	of(s, "recipient", sub.ID, "vendor B", "p", "")
	of(s, "purpose", sub.ID, "vendor A", "q", "")
	of(s, "request", sub.ID, "vendor A", "p", "2")
	of(s, "request in the purpose", sub.ID, "vendor A", "p2", "")
	for what, change := range map[string]func(*registry.Config){
		"side":   func(c *registry.Config) { c.MaxSide = 640 },
		"bytes":  func(c *registry.Config) { c.MaxCopyBytes = 640 },
		"format": func(c *registry.Config) { c.Format = "png" },
		"EXIF":   func(c *registry.Config) { c.KeepEXIF = true },
		"key":    func(c *registry.Config) { c.Key = watermark.GenerateKey() },
	} {
		other := cfg
		change(&other)
		of(newIssuer(t, other), what, sub.ID, "vendor A", "p", "")
	}
	cfg.AllowWeak, cfg.Actor = true, "another"
	id, _, err := newIssuer(t, cfg).CopyFor(t.Context(), sub.ID, "vendor A", "p", "")
	require.NoError(t, err)
	require.Equal(t, "plain", ids[id], "these change no byte")
}

// A signed receipt shows that a copy was released.
func TestReceiptReleases(t *testing.T) {
	s, cfg, sub := shop(t, "jpeg")
	_, err := s.Issue(t.Context(), failing{}, sub.ID, "vendor A", "p")
	require.Error(t, err)
	all, err := cfg.Registry.Copies(t.Context(), sub.ID)
	require.NoError(t, err)
	_, err = cfg.Registry.Ledger().AddReceipt(t.Context(), receiptOf(t, &all[0]))
	require.NoError(t, err)
	require.Equal(t, []string{books.CopyReleased}, states(t, cfg.Registry, sub.ID))
}

// A copy whose release failed is handed out again with the bytes that were entered.
func TestReleasesAgain(t *testing.T) {
	for _, format := range []string{"jpeg", "png"} {
		_, cfg, sub := markShop(t, format)
		releasesAgain(t, cfg, sub, newIssuer(t, cfg))
	}
}

// releasesAgain lets issuers crash while they hand copies out; another hands the same bytes out, which differ by issuer.
func releasesAgain(t *testing.T, cfg registry.Config, sub *books.Submission, issuers ...*registry.Issuer) {
	t.Helper()
	crashed := errors.New("crashed")
	for id, way := range issuers {
		id := watermark.CopyID(id + 77)
		p, err := way.Prepare(t.Context(), sub.ID)
		require.NoError(t, err)
		var entered []byte
		_, err = p.IssueAs(t.Context(), id, "vendor A", "p", func(_ *books.Copy, file []byte) error {
			entered = file
			return crashed
		})
		require.ErrorIs(t, err, crashed)
		p, err = newIssuer(t, cfg).Prepare(t.Context(), sub.ID)
		require.NoError(t, err)
		var again bytes.Buffer
		c, err := p.IssueAs(t.Context(), id, "vendor A", "p", to(&again))
		require.NoError(t, err)
		require.True(t, bytes.Equal(entered, again.Bytes()))
		require.Equal(t, books.CopyReleased, c.State)
		img, err := picture.Decode(entered, picture.Limits{})
		require.NoError(t, err)
		require.Equal(t, image.Pt(c.Width, c.Height), img.Image.Rect.Size())
		leaktest.RequireCopy(t, leaktest.Key(), id, img.Image)
	}
}
