package verify_test

import (
	"bytes"
	"errors"
	"github.com/kycmark/kycmark/verify/odds"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/recheck"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// issuedWith issues a copy of the second passport to vendor A whose release fails with an error, and returns the
// copy and its picture.
func (c *caseFile) issuedWith(t *testing.T, failure error) (*books.Copy, []byte) {
	t.Helper()
	var kept []byte
	id := watermark.NewCopyID()
	_, err := newIssuer(t, c.issuing).Issue(t.Context(), c.secondID, "vendor A", func(_ *books.Copy, file []byte) error {
		kept = bytes.Clone(file)
		return failure
	}, &registry.IssueOptions{ID: id, Purpose: "request 8"})
	require.ErrorIs(t, err, failure)
	row, err := c.Registry.Copy(t.Context(), id)
	require.NoError(t, err)
	return row, kept
}

// said examines the file and weighs it alone.
func said(t *testing.T, v *verify.Investigation, leak []byte) (*findings.Finding, *findings.Verdict) {
	t.Helper()
	l, err := v.File(t.Context(), "leak.jpg", leak)
	require.NoError(t, err)
	d, err := v.Weigh(t.Context(), []*findings.Finding{l})
	require.NoError(t, err)
	requireCarefulWords(t, "note", l.Note)
	for _, s := range d.Sentences() {
		requireCarefulWords(t, "sentence", s)
	}
	var out bytes.Buffer
	require.NoError(t, v.WriteFindings(t.Context(), &out, d, false))
	f, err := recheck.Read(&out)
	require.NoError(t, err)
	require.NoError(t, recheck.CheckLeaks(f))
	require.NoError(t, recheck.CheckVerdict(f))
	return l, d
}

// issuedTo counts the copies that findings show of vendor A, and the uploads that the odds have it hold as copies.
func issuedTo(d *findings.Verdict) (shown, held int) {
	for _, x := range d.History.Recipients[0].Issued {
		shown += x.N
	}
	for _, n := range d.Case.Holders[0].Copies {
		held += n
	}
	return shown, held
}

// A void copy is not held: neither the odds nor the history counts it, and an unmarked leak of its upload has no
// copy that speaks for its recipient. Its mark in a leak is an alarm, and names nobody.
func TestVoidCopy(t *testing.T) {
	t.Parallel()
	c := newCase(t)
	unmarked := file(t, c.second, "jpeg")
	_, before := said(t, c.investigator(t, noMark), unmarked)
	void, leak := c.issuedWith(t, registry.ErrNothingLeft)
	require.Equal(t, books.CopyVoid, void.State)
	l, d := said(t, c.investigator(t, noMark), unmarked)
	require.Equal(t, findings.FoundUnmarked, l.Kind)
	require.Empty(t, d.Case.Leaks[0].Copies)
	require.Equal(t, before.Case.Leaks, d.Case.Leaks)
	require.Equal(t, before.Odds.Recipients, d.Odds.Recipients)
	shown, held := issuedTo(d)
	require.Equal(t, []int{1, 1}, []int{shown, held}, "of the first passport alone")

	for name, detect := range map[string]detectFunc{"read": reads(void.ID), "traced": noMark} {
		if name == "traced" && !long.On {
			continue
		}
		v := c.investigator(t, detect)
		l, d = said(t, v, leak)
		requireState(t, v, d, [2]string{`"state": "void"`, `"state": "reserved"`}, [2]string{`"void": true`, `"void": false`})
		require.Equal(t, "copy (unconfirmed)", l.Label(), name)
		require.True(t, l.Void)
		require.Equal(t, void.ID, l.Copy())
		require.Empty(t, l.MayName())
		require.Empty(t, confirmed(l))
		require.Contains(t, l.Note, "copy "+void.ID.String()+" is void: no byte was handed out. That record is wrong, or the picture left the issuer in another way.")
		require.Contains(t, textOf(d.Sentences()), "1 picture carries the mark of a copy that is void in the ledger")
		require.NotContains(t, textOf(d.Sentences()), "could not be confirmed to show")
		require.NotContains(t, l.Note+d.Headline+textOf(d.Strength)+textOf(d.Weakens), "vendor A")
		require.Empty(t, d.Named)
		for _, h := range d.Odds.Recipients {
			require.LessOrEqual(t, h.LogE, 0.0, h.Name)
		}
	}

	// The entry was wrong. If that is said after the find, it accuses nobody.
	found := time.Now()
	_, err := c.Registry.Ledger().AddRelease(t.Context(), books.Release{Copy: void.ID, State: books.CopyReleased, Note: "vendor A has it"})
	require.NoError(t, err)
	c.Found = found
	l, d = said(t, c.investigator(t, reads(void.ID)), leak)
	require.True(t, l.Void)
	require.Empty(t, d.Named)
	c.Found = time.Time{}
	l, d = said(t, c.investigator(t, reads(void.ID)), leak)
	require.True(t, l.Void, "the file was examined before")
	require.Empty(t, d.Named)
	l, d = said(t, c.investigator(t, reads(void.ID)), append(bytes.Clone(leak), 0))
	require.Equal(t, "copy", l.Label())
	require.Equal(t, "vendor A", l.MayName())
	require.Len(t, d.Case.Leaks[0].Copies, 1)
	_, held = issuedTo(d)
	require.Equal(t, 2, held)
}

// A copy whose release is not confirmed may have been handed out: it counts, and its state is said.
func TestReservedCopy(t *testing.T) {
	t.Parallel()
	c := newCase(t)
	reserved, leak := c.issuedWith(t, errors.New("the connection was lost"))
	require.Equal(t, books.CopyReserved, reserved.State)
	v := c.investigator(t, reads(reserved.ID))
	l, d := said(t, v, leak)
	requireState(t, v, d, [2]string{`"state": "reserved"`, `"state": "void"`}, [2]string{`"state": "reserved"`, `"state": "released"`})
	require.Equal(t, "copy", l.Label())
	require.Equal(t, "vendor A", l.MayName())
	require.Contains(t, l.Note, "The ledger has copy "+reserved.ID.String()+" as reserved: that it was handed out to the recipient is not confirmed.")
	require.Len(t, d.Case.Leaks[0].Copies, 1)
	_, held := issuedTo(d)
	require.Equal(t, 2, held)

	c.Found = time.Now()
	_, err := c.Registry.Ledger().AddRelease(t.Context(), books.Release{Copy: reserved.ID, State: books.CopyReleased})
	require.NoError(t, err)
	l, _ = said(t, c.investigator(t, reads(reserved.ID)), leak)
	require.Contains(t, l.Note, "reserved", "it was entered as released after the find")
	for _, c.Found = range []time.Time{{}, time.Now()} {
		l, _ = said(t, c.investigator(t, reads(reserved.ID)), leak)
		require.Contains(t, l.Note, "reserved", "it was entered as released after the file was examined")
	}
	c.Found = time.Time{}
	v = c.investigator(t, reads(reserved.ID))
	l, d = said(t, v, append(bytes.Clone(leak), 0))
	requireState(t, v, d, [2]string{`"state": "released"`, `"state": "reserved"`})
	require.NotContains(t, l.Note, "reserved")
}

// What is entered as void after the find stays with its recipient: it takes away neither the accused nor a rival.
func TestVoidAfterTheFind(t *testing.T) {
	t.Parallel()
	c := newCase(t)
	reserved, leak := c.issuedWith(t, errors.New("the connection was lost"))
	examined := append(bytes.Clone(leak), 0)
	said(t, c.investigator(t, reads(reserved.ID)), examined)
	c.Found = time.Now()
	_, before := said(t, c.investigator(t, noMark), file(t, c.second, "jpeg"))
	_, err := c.Registry.Ledger().AddRelease(t.Context(), books.Release{Copy: reserved.ID, State: books.CopyVoid, Note: "it never left"})
	require.NoError(t, err)
	l, d := said(t, c.investigator(t, reads(reserved.ID)), leak)
	require.False(t, l.Void)
	require.Equal(t, "vendor A", l.MayName())
	_, held := issuedTo(d)
	require.Equal(t, 2, held)
	_, after := said(t, c.investigator(t, noMark), file(t, c.second, "jpeg"))
	require.Equal(t, before.Case.Leaks, after.Case.Leaks)
	require.Equal(t, before.History.Recipients, after.History.Recipients)
	c.Found = time.Now()
	l, _ = said(t, c.investigator(t, reads(reserved.ID)), examined)
	require.False(t, l.Void, "the file was examined before")
	require.Equal(t, "vendor A", l.MayName())

	// So it counts, also beside a new leak of its upload.
	c.Found = time.Time{}
	v := c.investigator(t, reads(reserved.ID))
	first, err := v.File(t.Context(), "new.jpg", append(bytes.Clone(leak), 0, 0))
	require.NoError(t, err)
	second, err := v.File(t.Context(), "old.jpg", examined)
	require.NoError(t, err)
	d = standsUp(t, v, first, second)
	require.True(t, first.Void)
	require.True(t, slices.ContainsFunc(d.Case.Leaks[1].Copies, func(x odds.Copy) bool { return x.ID == reserved.ID.String() && x.Confirmed }))
}

// requireState requires that no state which a reader of findings puts in place of another is taken.
func requireState(t *testing.T, v *verify.Investigation, d *findings.Verdict, edits ...[2]string) {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, v.WriteFindings(t.Context(), &out, d, false))
	for _, e := range edits {
		require.Contains(t, out.String(), e[0])
		f, err := recheck.Read(strings.NewReader(strings.Replace(out.String(), e[0], e[1], 1)))
		if err == nil {
			err = errors.Join(recheck.CheckLeaks(f), recheck.CheckVerdict(f))
		}
		require.ErrorIs(t, err, findings.ErrUnsound, "%s made %s", e[0], e[1])
	}
}
