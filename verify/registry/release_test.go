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
func to(b *bytes.Buffer) registry.Hand {
	return func(_ *books.Copy, file []byte) error {
		b.Reset()
		_, err := b.Write(file)
		return err
	}
}

// asked is a request with the purpose "p".
func asked(request string) *registry.IssueOptions {
	return &registry.IssueOptions{Purpose: "p", Request: request}
}

// A copy that was entered and not handed out, since the process was killed, is handed out by a second call with its
// ID, and entered once. The ID is refused for any other request.
func TestIssueAgain(t *testing.T) {
	_, cfg, sub := markShop(t, "jpeg")
	s := newIssuer(t, cfg)
	o := registry.IssueOptions{Purpose: "p", ID: watermark.NewCopyID()}
	var first, second bytes.Buffer
	a, err := s.Issue(t.Context(), sub.ID, "vendor A", to(&first), &o)
	require.NoError(t, err)
	b, err := newIssuer(t, cfg).Issue(t.Context(), sub.ID, "vendor A", to(&second), &o)
	require.NoError(t, err)
	require.Equal(t, first.Bytes(), second.Bytes())
	require.Equal(t, a.Seq, b.Seq)
	copies, err := cfg.Registry.Copies(t.Context(), sub.ID)
	require.NoError(t, err)
	require.Len(t, copies, 1)

	second.Reset()
	o.Purpose = "another purpose"
	_, err = s.Issue(t.Context(), sub.ID, "vendor A", to(&second), &o)
	require.ErrorIs(t, err, registry.ErrConflict)
	o.Purpose = "p"
	_, err = s.Issue(t.Context(), sub.ID, "vendor B", to(&second), &o)
	require.Error(t, err)
	require.Empty(t, second.Bytes())
}

// Two commands issue one request at once. Both render the copy, and one enters it. If the other hands it out and is
// killed, the first cannot make it void, though it failed itself.
func TestIssueAtOnce(t *testing.T) {
	_, cfg, sub := markShop(t, "jpeg")
	first, second := newIssuer(t, cfg), newIssuer(t, cfg)
	var left bytes.Buffer
	_, err := first.Issue(t.Context(), sub.ID, "vendor A", func(*books.Copy, []byte) error {
		_, err := second.Issue(t.Context(), sub.ID, "vendor A", func(c *books.Copy, file []byte) error {
			return errors.Join(to(&left)(c, file), errors.New("killed"))
		}, asked(""))
		require.ErrorContains(t, err, "may have been handed out")
		return fmt.Errorf("%w: no space left on device", registry.ErrNothingLeft)
	}, asked(""))
	require.ErrorContains(t, err, "another attempt may have handed it out")
	require.NotEmpty(t, left.Bytes())
	require.Equal(t, []string{books.CopyReserved}, states(t, cfg.Registry, sub.ID))
	_, err = first.Copy(t.Context(), sub.ID, "vendor A", asked(""))
	require.NoError(t, err, "the same command goes on with it")
	_, err = first.Issue(t.Context(), sub.ID, "vendor A", to(&left), asked(""))
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
	var opened registry.Opened
	full := errors.New("no space left on device")
	var size int
	places := long.Number(10, 50)
	for _, sure := range []bool{true, false} {
		for n := range places {
			o := asked(fmt.Sprint(sure, n))
			o.Opened = &opened
			_, err := s.Copy(t.Context(), sub.ID, "vendor A", o)
			require.ErrorIs(t, err, registry.ErrNotFound)
			path := filepath.Join(t.TempDir(), "copy")
			var id watermark.CopyID
			_, err = s.Issue(t.Context(), sub.ID, "vendor A", func(c *books.Copy, file []byte) error {
				id, size = c.ID, len(file)
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
			}, o)
			got, lost := cfg.Registry.Copy(t.Context(), id)
			require.NoError(t, lost)
			there, lost := s.Copy(t.Context(), sub.ID, "vendor A", o)
			switch {
			case n == places-1:
				require.NoError(t, err)
				require.Equal(t, books.CopyReleased, got.State)
				require.Equal(t, got, there)
				continue
			case sure:
				require.ErrorContains(t, err, "was not handed out, and is void: verify: no byte left: no space left")
				require.Equal(t, books.CopyVoid, got.State)
				require.ErrorIs(t, lost, registry.ErrNotFound)
				require.ErrorIs(t, err, full)
				void := *o
				void.ID = id
				_, err = s.Issue(t.Context(), sub.ID, "vendor A", to(new(bytes.Buffer)), &void)
				require.ErrorIs(t, err, registry.ErrConflict, "a void copy is not handed out")
			default:
				require.ErrorContains(t, err, "is logged, and may have been handed out: no space left")
				require.Equal(t, books.CopyReserved, got.State)
				require.ErrorIs(t, err, full)
				require.Equal(t, id, there.ID)
			}
			c, err := s.Issue(t.Context(), sub.ID, "vendor A", to(new(bytes.Buffer)), o)
			require.NoError(t, err)
			require.Equal(t, books.CopyReleased, c.State)
			require.Equal(t, sure, c.ID != id)
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
	for _, err := range []error{io.ErrUnexpectedEOF, registry.ErrNothingLeft} {
		_, got := s.Issue(t.Context(), sub.ID, "vendor A", func(*books.Copy, []byte) error { return err }, asked(""))
		require.ErrorIs(t, got, err)
		require.Equal(t, []string{books.CopyReserved}, states(t, cfg.Registry, sub.ID))
	}
}

// What became of a copy is stated with a note; that it was released is never taken back.
func TestAddRelease(t *testing.T) {
	s, cfg, sub := shop(t, "jpeg")
	ledger := cfg.Registry.Ledger()
	c, err := s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(io.Discard), &registry.IssueOptions{Purpose: "p"})
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

	_, err = s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(failing{}), asked("2"))
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
func TestIDsOfRequests(t *testing.T) {
	s, cfg, sub := shop(t, "jpeg")
	require.NoError(t, cfg.Registry.AddRecipient(t.Context(), books.Recipient{Name: "vendor B", Kind: books.KindVendor}))
	ids := make(map[watermark.CopyID]string)
	of := func(s *registry.Issuer, what string, of watermark.Submission, to string, o registry.IssueOptions) {
		id := s.RequestedID(t.Context(), of, to, o)
		require.Equal(t, id, s.RequestedID(t.Context(), of, to, o))
		require.Empty(t, ids[id], what)
		ids[id] = what
	}
	p := registry.IssueOptions{Purpose: "p"}
	of(s, "plain", sub.ID, "vendor A", p)
	of(s, "upload", watermark.Submission{1}, "vendor A", p)
	of(s, "recipient", sub.ID, "vendor B", p)
	of(s, "purpose", sub.ID, "vendor A", registry.IssueOptions{Purpose: "q"})
	of(s, "request", sub.ID, "vendor A", *asked("2"))
	of(s, "request in the purpose", sub.ID, "vendor A", registry.IssueOptions{Purpose: "p2"})
	of(s, "side", sub.ID, "vendor A", registry.IssueOptions{Purpose: "p", MaxSide: 640})
	of(s, "bytes", sub.ID, "vendor A", registry.IssueOptions{Purpose: "p", MaxBytes: 640})
	of(s, "format", sub.ID, "vendor A", registry.IssueOptions{Purpose: "p", Format: "png"})
	of(s, "EXIF", sub.ID, "vendor A", registry.IssueOptions{Purpose: "p", KeepEXIF: true})
	cfg.Key = watermark.GenerateKey()
	of(newIssuer(t, cfg), "key", sub.ID, "vendor A", p)
	require.Equal(t, "plain", ids[s.RequestedID(t.Context(), sub.ID, "vendor A", registry.IssueOptions{Purpose: "p", AllowWeak: true, Actor: "another"})], "these change no byte")
}

// A signed receipt shows that a copy was released.
func TestReceiptReleases(t *testing.T) {
	s, cfg, sub := shop(t, "jpeg")
	_, err := s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(failing{}), &registry.IssueOptions{Purpose: "p"})
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
		o := &registry.IssueOptions{Purpose: "p", ID: id}
		var entered []byte
		_, err := way.Issue(t.Context(), sub.ID, "vendor A", func(_ *books.Copy, file []byte) error {
			entered = file
			return crashed
		}, o)
		require.ErrorIs(t, err, crashed)
		var again bytes.Buffer
		c, err := newIssuer(t, cfg).Issue(t.Context(), sub.ID, "vendor A", to(&again), o)
		require.NoError(t, err)
		require.True(t, bytes.Equal(entered, again.Bytes()))
		require.Equal(t, books.CopyReleased, c.State)
		img, err := picture.Decode(entered, picture.Limits{})
		require.NoError(t, err)
		require.Equal(t, image.Pt(c.Width, c.Height), img.Image.Rect.Size())
		leaktest.RequireCopy(t, leaktest.Key(), id, entered)
	}
}
