package verify_test

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/recheck"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// A run that was cut short goes on where it was; what was examined, or occurs twice, is
// not examined again, and the verdict is the same as of one run.
func TestStateOfARun(t *testing.T) {
	t.Parallel()
	c := newCase(t)
	dir := t.TempDir()
	for name, img := range map[string]image.Image{"1.jpg": c.marked, "2.jpg": stranger(), "3.jpg": c.marked, "4.jpg": residence()} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), file(t, img, "jpeg"), 0o600))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "5.jpg"), []byte("nothing"), 0o600))
	var read atomic.Int32
	counting := func(ctx context.Context, k *watermark.Key, img image.Image) (*watermark.Detection, error) {
		read.Add(1)
		return &watermark.Detection{}, nil
	}
	run := func(state string, most int) (leaks []*findings.Finding, d *findings.Verdict, err error) {
		c.Workers = 1
		if state != "" {
			c.State = verify.StateFile(state)
		}
		v := c.investigator(t, counting)
		for l, err := range v.Files(t.Context(), dir) {
			if err != nil {
				return nil, nil, err
			}
			if leaks = append(leaks, l); len(leaks) == most {
				return leaks, nil, nil
			}
		}
		d, err = v.Weigh(t.Context(), leaks)
		return leaks, d, err
	}
	want, whole, err := run("", -1)
	require.NoError(t, err)
	require.EqualValues(t, 3, read.Load(), "the third is the first again")

	state := filepath.Join(t.TempDir(), "state")
	_, _, err = run(state, 2)
	require.NoError(t, err)
	f, err := os.OpenFile(state, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(`{"file":"cut sh`) // by a crash
	require.NoError(t, err)
	require.NoError(t, f.Close())
	read.Store(0)
	got, again, err := run(state, -1)
	require.NoError(t, err)
	require.EqualValues(t, 1, read.Load(), "the fourth")
	require.Equal(t, len(want), len(got))
	for i := range want {
		require.Equal(t, want[i].File, got[i].File)
		require.Equal(t, want[i].Kind, got[i].Kind)
		require.Equal(t, want[i].LogP, got[i].LogP)
	}
	require.Equal(t, whole.Headline, again.Headline)
	require.Equal(t, whole.Odds.Recipients, again.Odds.Recipients)
	require.Len(t, again.Record.Logged, 1, "the run that was cut short and its rest are one examination")
	require.Len(t, again.Earlier, 1, "the whole run alone")
	require.Contains(t, reportOf(t, again, false), "data:image/png", "thumbnails are made again")

	read.Store(0)
	_, again, err = run(state, -1)
	require.NoError(t, err)
	require.Zero(t, read.Load())
	require.Len(t, again.Earlier, 2, "what was concluded is an examination of its own")
	c.Config.SealKey = nil
	_, _, err = run(state, -1)
	require.ErrorIs(t, err, registry.ErrInput)
	require.ErrorContains(t, err, "belongs to another investigation")
	text, err := os.ReadFile(state)
	require.NoError(t, err)
	require.NotContains(t, string(text), "customer")
	require.Equal(t, 5, strings.Count(string(text), "\n"), "a head and four different files")
}

// What the registry may no longer say is not taken from a state file, after any entry that findings can depend on. Opponent's
// story: the copy that leaked was found, and then uploads were imported that had come in with its mark.
func TestStateFollowsTheRegistry(t *testing.T) {
	t.Parallel()
	c := newCase(t)
	dir := t.TempDir()
	for name, img := range map[string]image.Image{"1.jpg": c.marked, "2.jpg": residence()} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), file(t, img, "jpeg"), 0o600))
	}
	c.State, c.Workers = verify.StateFile(filepath.Join(t.TempDir(), "state")), 1
	run := func() (findings []string, read int) {
		v := c.investigator(t, func(ctx context.Context, k *watermark.Key, img image.Image) (*watermark.Detection, error) {
			read++
			return &watermark.Detection{}, nil
		})
		for l, err := range v.Files(t.Context(), dir) {
			require.NoError(t, err)
			findings = append(findings, l.Label())
		}
		return findings, read
	}
	findings, read := run()
	require.Equal(t, []string{"copy", "unknown"}, findings)
	require.Equal(t, 2, read)
	_, read = run()
	require.Zero(t, read)
	c.Found = time.Now()
	_, read = run()
	require.Equal(t, 1, read, "the state of a copy is that of the find")

	submit(t, newIssuer(t, c.issuing), file(t, residence(), "png"), "customer 9", feb)
	findings, read = run()
	require.Equal(t, []string{"copy", "unmarked"}, findings)
	require.Equal(t, 2, read, "the copy also")
	_, read = run()
	require.Zero(t, read)
	for what, enter := range []func() error{
		func() error {
			return c.Registry.AddCustody(t.Context(), books.Custody{Recipient: "vendor A", From: feb, To: feb.AddDate(0, 0, 1), Note: "app"})
		},
		func() error {
			_, err := newIssuer(t, c.issuing).Issue(t.Context(), c.firstID, "vendor A", registry.WriteTo(new(bytes.Buffer)), &registry.IssueOptions{Purpose: "request 8"})
			return err
		},
	} {
		require.NoError(t, enter())
		_, read = run()
		require.Equal(t, 2, read, what)
	}

	kept := c.State
	c.State, c.Once = verify.StateFile(filepath.Join(t.TempDir(), "state")), [32]byte{1} // a worker begins its run anew, though uploads come in all the time
	_, read = run()
	require.Equal(t, 2, read, "another run")
	submit(t, newIssuer(t, c.issuing), file(t, residence(), "jpeg"), "customer 10", feb)
	_, read = run()
	require.Zero(t, read, "the same run")
	c.State, c.Once = kept, [32]byte{}

	require.NoError(t, c.Registry.Ledger().SetKeyState(t.Context(), books.KeyState{
		KeyID: leaktest.Key().ID(), State: books.KeyCompromised, Since: c.copy.Issued}))
	findings, read = run()
	require.Equal(t, []string{"copy (unconfirmed)", "unmarked"}, findings)
	require.Equal(t, 2, read)
}

// Opponent's story: the results of an investigation could not be kept after its conclusion was entered. Each further try was an
// investigation of its own, and an earlier examination of the same files.
func TestRunThatWasConcluded(t *testing.T) {
	t.Parallel()
	c := newCase(t)
	for _, once := range [][32]byte{{7}, {}} {
		c.Once = once
		before, err := c.Registry.Ledger().Investigations(t.Context())
		require.NoError(t, err)
		for range 2 {
			v := c.investigator(t, noMark)
			l, err := v.File(t.Context(), "leak.jpg", file(t, c.marked, "jpeg"))
			require.NoError(t, err)
			d, err := v.Weigh(t.Context(), []*findings.Finding{l})
			require.NoError(t, err)
			if once != ([32]byte{}) {
				require.Empty(t, d.Earlier)
			}
		}
		all, err := c.Registry.Ledger().Investigations(t.Context())
		require.NoError(t, err)
		want := 2
		if once != ([32]byte{}) {
			want = 1
		}
		require.Len(t, all, len(before)+want, "%v", once)
	}
}

// Opponent's story: a run had too little memory for a copy. It goes on with more, and says that there is nothing to examine.
func TestStateKeepsNoFileThatMayBeReadNow(t *testing.T) {
	t.Parallel()
	c := newCase(t)
	dir := t.TempDir()
	for name, img := range map[string]image.Image{"1.jpg": c.marked, "2.jpg": imaging.New(30, 30, color.White)} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), file(t, img, "jpeg"), 0o600))
	}
	c.State = verify.StateFile(filepath.Join(t.TempDir(), "state"))
	for _, x := range []struct {
		pixels int64
		want   findings.Kind
	}{{1000, findings.FoundUnsupported}, {0, findings.FoundCopy}} {
		c.MaxPixels = x.pixels
		var got []findings.Kind
		for l, err := range c.investigator(t, noMark).Files(t.Context(), dir) {
			require.NoError(t, err)
			got = append(got, l.Kind)
		}
		require.Equal(t, []findings.Kind{x.want, findings.FoundUnknown}, got)
	}
}

// A file that is no state file is left as it is.
func TestStateSparesOtherFiles(t *testing.T) {
	c := newCase(t)
	for _, text := range []string{`{"case":1}`, "x", `{"kycmark_statements":1}`, "{}\n"} {
		path := filepath.Join(t.TempDir(), "notes.json")
		c.State = verify.StateFile(path)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		for _, err := range c.investigator(t, noMark).FS(t.Context(), fstest.MapFS{"a.jpg": {Data: file(t, c.bill, "jpeg")}}) {
			require.ErrorIs(t, err, registry.ErrInput)
		}
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, text, string(got))
	}
}

// Leaks are held against what was named, and nothing else.
func TestAgainst(t *testing.T) {
	t.Parallel()
	c := newCase(t)
	c.Against = []watermark.Submission{c.secondID, c.firstID}
	v := c.examine(t, c.marked, noMark)
	require.Equal(t, findings.FoundCopy, v.Kind, v.Note)
	require.Equal(t, c.firstID, v.Submission)
	require.Len(t, v.Matches, 2, "what does not fit is listed too")
	require.Len(t, v.Traces, 2)
	c.Against = []watermark.Submission{c.secondID}
	v = c.examine(t, c.marked, noMark)
	require.NotEqual(t, findings.FoundCopy, v.Kind)
	inv := c.investigator(t, noMark)
	stranger, err := inv.File(t.Context(), "stranger.jpg", file(t, specimen.Landscape(3, 400, 300), "jpeg"))
	require.NoError(t, err)
	d, err := inv.Weigh(t.Context(), []*findings.Finding{stranger})
	require.NoError(t, err)
	require.Contains(t, d.Headline, "Inconclusive: only the upload that was named was searched. No upload of the registry was matched by the 1 leaked picture examined.")
	require.NotContains(t, stranger.Note, "Its hash lies near")
	var text bytes.Buffer
	require.NoError(t, inv.WriteFindings(t.Context(), &text, d, false))
	f, err := recheck.Read(&text)
	require.NoError(t, err)
	require.NoError(t, recheck.CheckVerdict(f))
	c.Against = []watermark.Submission{{9, 9}}
	_, err = c.investigator(t, noMark).File(t.Context(), "x", file(t, c.marked, "jpeg"))
	require.ErrorIs(t, err, registry.ErrNotFound)
}
