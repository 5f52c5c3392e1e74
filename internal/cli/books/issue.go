package books

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

type issueFlags struct {
	To                         []string
	Purpose, Request           string
	Out, Format                string
	AllowWeak, Force, KeepEXIF bool
	MaxSide                    int
	MaxBytes                   int64
	since                      string
	submissions                ui.IdList[watermark.Submission]
	all                        bool
	outage                     *outage
	void                       ui.IdList[watermark.CopyID]
	note                       string

	kept []string // files that no copy may take the place of
}

// NewIssue returns the verb "issue". Exit code 3: some copies were refused or failed. A full disk ends all.
func NewIssue(u *ui.UI) *cobra.Command {
	f := issueFlags{submissions: ui.SubmissionIDs(), void: ui.IdList[watermark.CopyID]{Parse: watermark.ParseCopyID}}
	cmd := &cobra.Command{
		Use:   "issue --to NAME... (--submission ID | --all | --since TIME) --out DIR",
		Short: "Hand marked copies of uploads to recipients",
		Long: `Mark a copy of each upload for each recipient and write it to a folder, named by
the submission; with several recipients, to a folder of each one's name in it, in which
capitals, slashes and the like are encoded. Each
copy is entered in the ledger before it is written, and again when it was. The same
command again makes no other copies: it goes on after an interruption, and writes
files that are missing with the same bytes. --request asks for further copies. A
picture whose mark would not be read back after a messenger is refused, unless
--allow-weak; so is an upload with such a page. A copy of several pages has them all,
each marked with the copy's ID, and is a TIFF, or of a PDF a PDF of pictures.

A copy stays reserved if its issue was killed before the second entry: "kycmark list
copies" names it. The same issue, run again, releases it. If it cannot be run again, and no
byte of the copy left the house, --void enters that. A void copy counts for no recipient. A
copy that was released cannot become void.

For what a recipient's upload form takes: --max-side shrinks, before marking;
--format jpeg, png or webp (opaque, of like quality to the original's) instead of the
original's; --max-bytes makes lossless copies JPEG, unless --format asks for them,
lowers the quality to 80, and then shrinks, until a copy fits.

` + ui.MetadataHelp,
		Example: `  kycmark issue --to vendor-a --all --out for-vendor-a/
  kycmark issue --to authority-b --submission 0123456789abcdef0123456789abcdef --purpose "request 2026/17" --out for-b/
  kycmark issue --to vendor-a --to vendor-b --since 2018-02 --format jpeg --max-side 1920 --max-bytes 1MB --out copies/
  kycmark issue --void 00000000000004d2 --note "the server died; its disk was never read again"`,
		Args: ui.Exactly(),
	}
	fs := cmd.Flags()
	fs.StringArrayVar(&f.To, "to", nil, "a recipient's `name` (required); may be repeated")
	fs.Var(&f.submissions, "submission", "`ID` of an upload, 32 hex digits; may be repeated")
	fs.BoolVar(&f.all, "all", false, "every upload")
	fs.StringVar(&f.since, "since", "", "every upload sent at or after this `time`: RFC 3339, or a day")
	fs.StringVar(&f.Purpose, "purpose", "", "the request that this answers, as the ledger keeps it")
	fs.StringVar(&f.Request, "request", "", "a `text` that names the request: another text asks for other copies")
	fs.StringVarP(&f.Out, "out", "o", "", "`folder` for the copies, made if need be (required)")
	fs.IntVar(&f.MaxSide, "max-side", 0, "shrink to this many `pixels` on the long side")
	fs.Var((*ui.ByteSize)(&f.MaxBytes), "max-bytes", "most `bytes` of a copy's file, such as 800000, 500KB or 1MB")
	fs.StringVar(&f.Format, "format", "", "jpeg, png or webp (default: like the original; copies of several pages are TIFF)")
	fs.Var((*ui.MetadataFlag)(&f.KeepEXIF), "metadata", "EXIF of uploads: drop, or keep what tells nothing of places and persons")
	fs.BoolVar(&f.AllowWeak, "allow-weak", false, "hand out pictures whose mark may not be read back, too")
	fs.BoolVar(&f.Force, "force", false, "overwrite files that exist")
	fs.Var(&f.void, "void", "`IDs` of reserved copies, if no byte of them left: enters that, and issues nothing")
	fs.StringVar(&f.note, "note", "", "with --void: how this is known")
	ui.Complete(cmd, "to")
	ui.Complete(cmd, "format", picture.Offered()...)
	ui.Complete(cmd, "metadata", "drop", "keep")
	cmd.MarkFlagsOneRequired("to", "void")
	cmd.MarkFlagsOneRequired("out", "void")
	cmd.MarkFlagsMutuallyExclusive("to", "void")
	cmd.MarkFlagsMutuallyExclusive("out", "void")
	cmd.MarkFlagsMutuallyExclusive("submission", "all", "since", "void")
	cmd.MarkFlagsOneRequired("submission", "all", "since", "void")
	cmd.MarkFlagsRequiredTogether("void", "note")
	return u.BookVerb(cmd, func(ctx context.Context, b *ui.Desk, _ []string) error {
		if len(f.void.IDs) > 0 {
			return voidAll(ctx, b, f)
		}
		return issueCopies(ctx, b, f)
	})
}

// issueCopies marks all chosen uploads for all recipients, several at a time. Flags, keys, recipients and folders are
// checked before the first entry in the ledger. A failed copy is reported; the others follow unless they would fail.
func issueCopies(ctx context.Context, b *ui.Desk, f issueFlags) error {
	if f.MaxSide < 0 {
		return ui.Usagef("--max-side cannot be negative")
	}
	if f.Format != "" && !slices.Contains(picture.Offered(), f.Format) {
		return ui.Usagef("--format: the format of copies is %s, not %q", picture.Choice(picture.Offered()), f.Format)
	}
	f.kept, f.outage = b.Home.Files(), new(outage)
	var err error
	for i, to := range f.To {
		if slices.Contains(f.To[:i], to) {
			return ui.Usagef("--to %s: got it twice, want it once", ui.Name(to))
		}
	}
	var issuer *registry.Issuer
	var ids []watermark.Submission
	err = f.outage.wait(ctx, func() error {
		if issuer, err = b.Issuer(false); err != nil {
			return err
		}
		for _, to := range f.To {
			if _, err := b.Registry.Recipient(ctx, to); err != nil {
				return ui.NotFound(err)
			}
		}
		ids, err = chosenUploads(ctx, b, f)
		return err
	})
	if err != nil {
		return err
	}
	if err := f.makeFolders(); err != nil {
		return err
	}
	step, done := b.Progress(ctx, "marking", len(ids))
	defer done()
	issued := 0
	going, end := context.WithCancel(ctx)
	defer end()
	emit := func(_ watermark.Submission, lines []issueLine) (err error) {
		for i, line := range lines {
			if i == 0 || len(lines[i-1].Carries) == 0 {
				warnCarried(b, line.Submission, line.Carries)
			}
			switch {
			case errors.Is(line.cause, context.Canceled):
				continue // another copy's error ends all
			case line.ends:
				err = ui.WithHint(fmt.Errorf("%s: %w", line.Submission, line.err), "when that is mended, run the same command again: it goes on from here")
			case line.err != nil:
				b.Fail(line.Submission, line.err)
			default:
				issued++
			}
			b.WarnPages(line.Submission, line.leftOut+1, "handed out")
			b.WarnLacks(line.Submission, line.Lacks, "handed out")
			if line.Weak {
				b.Warnf("%s: weak: the mark may not be read back after a messenger", *line.File)
			}
			if err := cmp.Or(b.Line(line), err); err != nil {
				end()
				return err
			}
		}
		return nil
	}
	err = ui.Each(ctx, ids, func(_ context.Context, id watermark.Submission) []issueLine {
		defer step()
		lines := issueAll(going, b, issuer, id, f)
		if n := len(lines); n > 0 && lines[n-1].ends {
			end()
		}
		return lines
	}, emit)
	b.Printf("%s for %s in %s\n", ui.Plural(issued, "copy"), ui.Name(strings.Join(f.To, ", ")), ui.Name(f.Out))
	return err
}

// voidAll enters the copies of --void as void. Copies that are unknown or released are reported, the rest is entered.
func voidAll(ctx context.Context, b *ui.Desk, f issueFlags) error {
	for _, id := range f.void.IDs {
		_, err := b.Registry.Ledger().AddRelease(ctx, books.Release{Copy: id, State: books.CopyVoid, Note: f.note, Actor: ui.Actor()})
		if ended := ctx.Err(); ended != nil {
			return ended
		}
		line := voidLine{Copy: id.String(), State: ui.Text(books.CopyVoid)}
		if err != nil {
			b.Fail(line.Copy, err)
			line.State, line.Error = nil, ui.ReasonText(err)
		} else {
			b.Printf("copy %s: %s\n", line.Copy, books.CopyVoid)
		}
		if err := b.Line(line); err != nil {
			return err
		}
	}
	return nil
}

type voidLine struct {
	Copy  string  `json:"copy"`
	State *string `json:"state"` // null: it is as it was
	Error *string `json:"error"`
}

// folder returns the folder for the copies of the recipient called to: --out itself if there is one
// recipient, else the folder [intake.FolderName] of the recipient in it.
func (f issueFlags) folder(to string) string {
	if len(f.To) == 1 {
		return f.Out
	}
	return filepath.Join(f.Out, intake.FolderName(to))
}

// makeFolders makes the recipients' folders. A folder that cannot be written to is an error before any copy is entered.
func (f issueFlags) makeFolders() error {
	for _, to := range f.To {
		if err := os.MkdirAll(f.folder(to), ui.FolderPerm); err != nil {
			return err
		}
		if err := ui.CheckFolder(filepath.Join(f.folder(to), "copy")); err != nil {
			return err
		}
	}
	return nil
}

// chosenUploads returns the IDs that --submission names, unchecked, or the IDs of all uploads sent at or after --since.
func chosenUploads(ctx context.Context, b *ui.Desk, f issueFlags) ([]watermark.Submission, error) {
	ids := f.submissions.IDs
	if len(ids) > 0 {
		return ids, nil
	}
	since, err := ui.ParseOptionalTime(f.since)
	if err != nil {
		return nil, err
	}
	for s, err := range b.Registry.Submissions(ctx, since) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, s.ID)
	}
	return ids, nil
}
