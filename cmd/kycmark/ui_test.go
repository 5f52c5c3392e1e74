package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/cli"
	"github.com/kycmark/kycmark/internal/cli/judge"
	"github.com/kycmark/kycmark/internal/cli/pictures"
	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/test/skip"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/odds"
	"github.com/kycmark/kycmark/watermark"
)

func TestWorse(t *testing.T) {
	order := []int{ui.ExitDone, ui.ExitNo, ui.ExitSome, ui.ExitUsage, ui.ExitFatal} // 4 > 2 > 3 > 1 > 0
	for i, a := range order {
		for j, b := range order {
			assert.Equal(t, order[max(i, j)], ui.Worse(a, b), "%d and %d", a, b)
		}
	}
}

// An interrupted verb says so, unless it knows what that cut off.
func TestInterrupted(t *testing.T) {
	for says, err := range map[string]error{
		"interrupted": fmt.Errorf("read: %w", context.Canceled),
		"requests were cut off: context deadline exceeded": fmt.Errorf("requests were cut off: %w", context.DeadlineExceeded),
	} {
		var out bytes.Buffer
		u, cmd := ui.NewUI(io.Discard, &out), new(cobra.Command)
		require.NoError(t, u.Verb(func(*cobra.Command, []string) error { return nil })(cmd, nil))
		ctx, interrupt := context.WithCancel(t.Context())
		interrupt()
		require.Equal(t, ui.ExitFatal, ui.Finish(ctx, u, cmd, err))
		require.Equal(t, "kycmark: "+says+"\n", out.String())
	}
}

func TestEachKeepsOrder(t *testing.T) {
	var inputs, got []string
	for i := range 100 {
		inputs = append(inputs, fmt.Sprint(i))
	}
	err := ui.Each(t.Context(), inputs, func(_ context.Context, in string) string {
		time.Sleep(time.Duration(len(in)*int(in[0])%7) * time.Millisecond / 4)
		return in + "!"
	}, func(in, out string) error {
		require.Equal(t, in+"!", out)
		got = append(got, in)
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, inputs, got)
}

func TestEachEnds(t *testing.T) {
	boom := errors.New("boom")
	inputs := make([]string, 1000)
	err := ui.Each(t.Context(), inputs, func(context.Context, string) int { return 0 }, func(string, int) error { return boom })
	require.ErrorIs(t, err, boom)

	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	err = ui.Each(ctx, inputs, func(ctx context.Context, _ string) int { return 0 }, func(string, int) error {
		n++
		cancel()
		return nil
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 1, n, "nothing is emitted after the end of the context")
	require.NoError(t, ui.Each(t.Context(), nil, func(context.Context, string) int { return 0 }, nil))
}

func TestInterrupt(t *testing.T) {
	key := filepath.Join(t.TempDir(), "mark.key")
	require.Equal(t, ui.ExitDone, cli.Run(t.Context(), []string{"keygen", "--out", key}, nil, &bytes.Buffer{}, &bytes.Buffer{}))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	require.Equal(t, ui.ExitFatal, cli.Run(ctx, []string{"detect", "--key", key, key}, nil, &out, &errs))
	require.Equal(t, "kycmark: interrupted\n", errs.String())
	require.Empty(t, out.String())
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestLostOutputIsFatal(t *testing.T) {
	for _, args := range [][]string{{"--version"}, {}, {"--help"}, {"mark", "--help"}, {"help", "mark"}} {
		var errs bytes.Buffer
		assert.Equal(t, ui.ExitFatal, cli.Run(t.Context(), args, nil, fullDisk{}, &errs), "%q", args)
		assert.Contains(t, errs.String(), "kycmark: standard output: no space left\n", "%q", args)
	}
}

func TestParseTime(t *testing.T) {
	for _, c := range []struct {
		text string
		last bool
		want string
	}{
		{"2018-02", false, "2018-02-01T00:00:00Z"},
		{"2018-02", true, "2018-02-28T23:59:59.999999Z"},
		{"2020-02", true, "2020-02-29T23:59:59.999999Z"},
		{"2018-12", true, "2018-12-31T23:59:59.999999Z"},
		{"2018-02-14", false, "2018-02-14T00:00:00Z"},
		{"2018-02-14", true, "2018-02-14T23:59:59.999999Z"},
		{"2018-02-14T10:00:00+02:00", true, "2018-02-14T08:00:00Z"},
	} {
		got, err := ui.ParseTime(c.text, c.last)
		if assert.NoError(t, err, c.text) {
			assert.Equal(t, c.want, got.UTC().Format(time.RFC3339Nano), "%s, last %t", c.text, c.last)
		}
	}
	for _, text := range []string{"", "2018", "14.2.2018", "2018-13", "2018-02-30", "now"} {
		_, err := ui.ParseTime(text, false)
		var usage *ui.UsageError
		assert.ErrorAs(t, err, &usage, text)
	}
}

func TestListFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.jpg", "a/z.jpg", "a/.hidden", ".git/config", "c.txt"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, nil, 0o600))
	}
	missing := filepath.Join(dir, "missing")
	want := []string{missing, filepath.Join(dir, "a", "z.jpg"), filepath.Join(dir, "b.jpg"), filepath.Join(dir, "c.txt")}
	require.Equal(t, want, ui.ListFiles([]string{missing, dir}))

	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		skip.Test(t, "no symbolic links here: %v", err)
	}
	want = []string{filepath.Join(link, "a", "z.jpg"), filepath.Join(link, "b.jpg"), filepath.Join(link, "c.txt")}
	require.Equal(t, want, ui.ListFiles([]string{link}), "a link to a folder, as it is named")
}

func TestNotRegularIsNamed(t *testing.T) {
	_, err := ui.ReadSmall(os.DevNull)
	require.ErrorContains(t, err, os.DevNull+": not a regular file")
}

func TestReasonIsOneLine(t *testing.T) {
	err := errors.Join(errors.New("one"), errors.New("two"))
	require.Equal(t, "one; two", ui.Reason(err))
	require.Equal(t, "copy: open a: file does not exist", ui.Reason(fmt.Errorf("copy: %w", &fs.PathError{Op: "open", Path: "a", Err: fs.ErrNotExist})))
	require.Equal(t, "file does not exist", ui.Reason(&fs.PathError{Op: "open", Path: "secret/place", Err: fs.ErrNotExist}))
}

func TestWrap(t *testing.T) {
	long := strings.Repeat("word ", 60)
	for _, line := range strings.Split(judge.Wrap(long, "  "), "\n") {
		assert.LessOrEqual(t, len(line), 78)
	}
	require.Equal(t, strings.Fields(long), strings.Fields(judge.Wrap(long, "  ")))
	require.Empty(t, judge.Wrap("", "  "))
}

func TestPlural(t *testing.T) {
	for want, got := range map[string]string{
		"1 copy": ui.Plural(1, "copy"), "0 copies": ui.Plural(0, "copy"), "2 uploads": ui.Plural(2, "upload"),
	} {
		assert.Equal(t, want, got)
	}
}

// A long list is printed in blocks, under one line of headings; a list that cannot be read has none.
func TestPrintList(t *testing.T) {
	cells := func(n *int) (any, []string) {
		if *n%2 == 1 {
			return nil, nil
		}
		return n, []string{fmt.Sprint(*n), "even"}
	}
	numbers := make([]int, 5*ui.BlockRows)
	for i := range numbers {
		numbers[i] = i
	}
	var out bytes.Buffer
	u := ui.NewUI(&out, &bytes.Buffer{})
	require.NoError(t, ui.PrintList(u, "N\tKIND", ui.Listed(numbers, nil), cells))
	lines := strings.Split(out.String(), "\n")
	require.Len(t, lines, 1+len(numbers)/2+1)
	assert.Equal(t, "N     KIND", lines[0], "as wide as the first block")
	assert.Equal(t, "4998  even", lines[len(lines)-2])
	out.Reset()
	require.ErrorIs(t, ui.PrintList(u, "N\tKIND", ui.Listed[int](nil, fs.ErrInvalid), cells), fs.ErrInvalid)
	require.Empty(t, out.String())
	require.NoError(t, ui.PrintList(u, "N\tKIND", ui.Listed[int](nil, nil), cells))
	require.Equal(t, "N  KIND\n", out.String())
	out.Reset()
	u.Json = true
	require.NoError(t, ui.PrintList(u, "N\tKIND", ui.Listed(numbers[:3], nil), cells))
	require.Equal(t, "0\n2\n", out.String())
}

// TestEveryVerbTeaches keeps --help useful: an example that names the verb.
func TestEveryVerbTeaches(t *testing.T) {
	root := cli.NewRoot(ui.NewUI(&bytes.Buffer{}, &bytes.Buffer{}))
	for _, cmd := range root.Commands() {
		for _, c := range append(cmd.Commands(), cmd) {
			assert.Contains(t, c.Example, c.CommandPath(), "example of %s", c.CommandPath())
			assert.NotEmpty(t, c.Short, c.CommandPath())
			assert.NotRegexp(t, `\.$`, c.Short, c.CommandPath())
		}
	}
}

func TestDetectWords(t *testing.T) {
	require.Equal(t, "no mark found", (&pictures.DetectLine{}).Words())
	line := pictures.NewDetectLine("leak.jpg", &watermark.Reading{Marks: []*watermark.Detection{
		{Copy: 1, KeyID: "v1-a", LogPFA: -9.6, Mirrored: true},
		{Copy: 2, KeyID: "v1-b", LogPFA: -9.3},
	}}, nil)
	require.Equal(t, -9.6, *line.LogP, "the strongest is repeated")
	require.Equal(t, "copy 0000000000000001 (key v1-a, log10 p -9.6, mirrored); and copy 0000000000000002 (key v1-b, log10 p -9.3)", line.Words())
}

// The sentences of a verdict name files of the dump and recipients.
func TestVerdictTellsTerminalsNothing(t *testing.T) {
	const evil = "(a\x1b[2J\u202e\u009bm.jpg)"
	var out bytes.Buffer
	d := findings.Verdict{Odds: &odds.Verdict{Recipients: []odds.Recipient{{Name: evil}}}}
	d.Headline, d.Weakens, d.ShowsNot = evil, []string{evil}, []string{evil}
	judge.SayVerdict(ui.NewUI(&out, &bytes.Buffer{}), &d)
	require.Equal(t, 4, strings.Count(out.String(), `(a\x1b[2J\u202e\u009bm.jpg)`), "%q", out.String())
}

func TestHostileNamesWriteNoLines(t *testing.T) {
	evil := filepath.Join(t.TempDir(), "a\nkycmark: all is well\x1b[2J\u202ejpg")
	require.NoError(t, os.WriteFile(evil, []byte("text"), 0o600))
	var out, errs bytes.Buffer
	require.Equal(t, ui.ExitSome, cli.Run(t.Context(), []string{"hash", evil}, nil, &out, &errs))
	require.Equal(t, 1, strings.Count(errs.String(), "\n"), errs.String())
	require.NotContains(t, errs.String(), "\x1b")
	require.NotContains(t, errs.String(), "\u202e")
}
