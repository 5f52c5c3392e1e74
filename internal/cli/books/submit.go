package books

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/registry"
)

type submitFlags struct {
	subject, at, manifest string
	from                  subjectFrom
	hashOnly              bool
}

// NewSubmit returns the verb "submit". Exit code 3: some files failed, the rest is entered.
func NewSubmit(u *ui.UI) *cobra.Command {
	var f submitFlags
	cmd := &cobra.Command{
		Use:   "submit FILE|DIR|ARCHIVE... | submit - | submit --manifest FILE.csv",
		Short: "Enter uploads into the registry",
		Long: `Enter uploads as they were received: digest, perceptual hashes, features by which
parts are found, and the original, sealed under a key of its own. Files are taken
from folders (hidden files and folders are left out) and from archives (.zip, .tar,
.tar.gz, .tgz), those within archives apart. With - one upload is read from standard input. A file that is there already is left as it is, with its subject: an import that
was cut short is resumed by the same command.

A picture that "issue" may refuse to copy (below 320 x 240 pixels, or too plain) is entered
with a warning: ask the customer for a better picture while there is time. A TIFF or
PDF of up to 200 pages is one upload, and each page is found again. A page of a PDF
that is no scan is rendered, at 200 dots an inch or more. An animation has its first
frame, and a HEIC its primary picture. Of a JPEG that is cut off the rows that are there
are entered, with a warning.

Give each upload a subject. A recipient is named only for copies of two customers, and
all uploads without a subject count as one customer's. --subject is for all files of
the command. --subject-from takes each subject from the file's path: name (the file's
name without its ending, if each file is another customer's), folder (the folder in
which it lies) or a regular expression with a group. A file whose path gives no subject
is not entered. "kycmark subject set" gives subjects to uploads that were entered before.

A manifest is a CSV file. Its first line names the columns: file, and if the manifest has
them, subject and at. Names of files are relative to the manifest's folder.

With --hash-only no originals and no features are kept. Such uploads are found again as
whole pictures. No copies of them can be issued, and leaks of them are lookalikes.`,
		Example: `  kycmark submit upload.jpg --subject customer-4711
  kycmark submit --subject-from name uploads/                    # uploads/customer-4711.jpg
  kycmark submit --subject-from folder --at mtime 2018.tar.gz    # 2018/customer-4711/passport.jpg
  kycmark submit --subject-from '/([^/_]+)_' uploads/            # uploads/customer-4711_selfie.jpg
  kycmark submit --manifest uploads/customers.csv`,
		Args: func(cmd *cobra.Command, args []string) error {
			if slices.Contains(args, "-") && len(args) > 1 {
				return ui.Usagef("- is standard input: no other file beside it")
			}
			if f.manifest == "" {
				return ui.Some("file or folder")(cmd, args)
			}
			if len(args) > 0 {
				return ui.Usagef("--manifest names the files: no others beside it")
			}
			return nil
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&f.subject, "subject", "", "opaque `reference` of the customer, never a name")
	fs.Var(&f.from, "subject-from", subjectFromUsage)
	fs.StringVar(&f.at, "at", "", "`when` the customer sent it: RFC 3339, or a day, or mtime, when the file was changed (default: now)")
	fs.StringVar(&f.manifest, "manifest", "", "CSV `file` with the columns file, subject, at")
	fs.BoolVar(&f.hashOnly, "hash-only", false, "keep the hashes alone, no originals")
	cmd.MarkFlagsMutuallyExclusive("subject", "subject-from")
	cmd.MarkFlagsMutuallyExclusive("manifest", "subject-from")
	return u.BookVerb(cmd, func(ctx context.Context, b *ui.Desk, args []string) error {
		return submitUploads(ctx, b, f, args, cmd.InOrStdin())
	})
}

// changeTime is the --at that takes the time of each file.
const changeTime = "mtime"

// dated yields uploads with subject and time filled in, as the flags say; at is the time of --at. Values that an upload
// has, as from a manifest, stay. A path without a subject, or a file without a time, is an error of that upload.
func (f submitFlags) dated(uploads iter.Seq[registry.Upload], at time.Time) iter.Seq[registry.Upload] {
	return ui.Mapped(uploads, func(u registry.Upload) registry.Upload {
		u.Subject = cmp.Or(u.Subject, f.subject)
		if f.from.how != "" && u.Err == nil {
			u.Subject, u.Err = f.from.of(u)
		}
		switch {
		case !u.At.IsZero():
		case f.at != changeTime:
			u.At = at
		default:
			if u.At = u.Modified; u.At.IsZero() && u.Err == nil {
				u.Err = errors.New("nothing says when it was changed; state --at")
			}
		}
		return u
	})
}

// parseSent is [ui.ParseOptionalTime] for when an upload was sent: "" gives the zero time, which means now.
func parseSent(s string) (time.Time, error) {
	t, err := ui.ParseOptionalTime(s)
	switch {
	case err != nil || s == "":
		return t, err
	case !t.After(time.Time{}):
		return t, ui.Usagef("%q is no time at which a picture was sent", s)
	case t.After(time.Now().Add(ui.ClockError)):
		return t, ui.Usagef("%q lies in the future", s)
	}
	return t, nil
}

type submitLine struct {
	File       string  `json:"file"`
	Submission *string `json:"submission"` // null when it failed
	Duplicate  bool    `json:"duplicate"`
	Error      *string `json:"error"`
	Restored   bool    `json:"restored,omitempty"` // a duplicate whose original was lost
	Pages      int     `json:"pages,omitempty"`    // that were entered; left out: one
	Lacks      string  `json:"lacks,omitempty"`    // what its file lacks
	Warning    *string `json:"warning,omitempty"`  // why copies of it may be refused

	Carries []carried `json:"carries,omitempty"` // copies whose marks it carries
}

// A carried copy is a copy whose mark an upload carries.
type carried struct {
	Copy      string    `json:"copy"`
	Recipient string    `json:"recipient"`
	Issued    time.Time `json:"issued"`
}

func carriedBy(copies []books.Copy) []carried {
	return each.Of(copies, func(c books.Copy) carried { return carried{c.ID.String(), c.Recipient, c.Issued} })
}

func warnCarried(b *ui.Desk, what string, copies []carried) {
	for _, c := range copies {
		b.Warnf("%s: this upload carries the mark of copy %s, issued to %s on %s: that copy came back", what, c.Copy, ui.Name(c.Recipient), ui.Day(c.Issued))
	}
}

// submitUploads enters the uploads in the files, folders and archives in args, in the manifest if f names one, or for "-" the
// upload in stdin. A bad file is reported and the rest is entered. An error ends it; uploads entered before stay.
func submitUploads(ctx context.Context, b *ui.Desk, f submitFlags, args []string, stdin io.Reader) error {
	var when time.Time
	var err error
	if f.at != changeTime {
		if when, err = parseSent(f.at); err != nil {
			return fmt.Errorf("--at: %w", err)
		}
	}
	uploads := registry.Uploads(args...)
	if slices.Contains(args, "-") {
		uploads = slices.Values([]registry.Upload{{Name: "standard input", Open: func() (io.ReadCloser, error) { return io.NopCloser(stdin), nil }}})
	}
	if f.manifest != "" {
		named, closeManifest, err := ManifestUploads(f.manifest)
		if err != nil {
			return err
		}
		defer closeManifest()
		uploads = named
	}
	issuer, err := b.Issuer(f.hashOnly)
	if err != nil {
		return err
	}
	results := issuer.Import(ctx, f.dated(uploads, when), &registry.SubmitOptions{Actor: ui.Actor(), HashOnly: f.hashOnly})
	show, done := b.ProgressOf(ctx, "submitting")
	defer done()
	total, n := countUploads(b, f, args), 0
	var whose subjectCount
	for r, err := range results {
		if err != nil {
			return err
		}
		n++
		show(n, max(n, total))
		whose.add(r)
		if err := saySubmitted(b, r); err != nil {
			return err
		}
	}
	done()
	sayWhose(b, f, &whose, args)
	if n == 0 {
		return ui.Usagef("no files in %s", cmp.Or(f.manifest, strings.Join(args, ", ")))
	}
	return nil
}

// A subjectCount counts the uploads of an import that are in the registry.
type subjectCount struct {
	nameless, named int             // uploads without and with a subject
	subjects        map[string]bool // of the named ones, up to maxSubjects
}

// maxSubjects is how many subjects of an import are counted: the count is to show a wrong pattern.
const maxSubjects = 100_000

func (c *subjectCount) add(r registry.Imported) {
	switch {
	case r.Err != nil:
	case r.Subject == "":
		c.nameless++
	default:
		if c.named++; c.subjects == nil {
			c.subjects = make(map[string]bool)
		}
		if len(c.subjects) < maxSubjects {
			c.subjects[r.Subject] = true
		}
	}
}

// sayWhose says on stderr how many subjects --subject-from found, and what uploads without a subject cost.
func sayWhose(b *ui.Desk, f submitFlags, whose *subjectCount, args []string) {
	if n := len(whose.subjects); f.from.how != "" && n < maxSubjects {
		b.Say("", "%s of %s", ui.Plural(whose.named, "upload"), ui.Plural(n, "subject"))
	}
	if whose.nameless == 0 {
		return
	}
	b.Warnf("%s without a subject: such uploads count as one person's together, and to name a recipient takes two persons", ui.Plural(whose.nameless, "upload"))
	if f.manifest != "" {
		b.Hintf("say whose they are: kycmark subject set --manifest %s", f.manifest)
		return
	}
	b.Hintf("say whose they are: kycmark subject set --subject-from %s %s", cmp.Or(f.from.how, "name|folder|REGEXP"), strings.Join(args, " "))
}

// countUploads counts the uploads in args for the progress bar; 0 if no bar is shown, and for a manifest. Compressed
// archives are left out, because they would have to be unpacked; the bar's total then rises as it goes.
func countUploads(b *ui.Desk, f submitFlags, args []string) (n int) {
	if !b.Err.Terminal || f.manifest != "" {
		return 0
	}
	for _, path := range args {
		if low := strings.ToLower(path); strings.HasSuffix(low, ".gz") || strings.HasSuffix(low, ".tgz") {
			continue
		}
		for range registry.Uploads(path) {
			n++
		}
	}
	return n
}

// saySubmitted prints what became of one upload. The result is an error of writing only.
func saySubmitted(b *ui.Desk, r registry.Imported) error {
	line := submitLine{File: r.Name, Duplicate: r.Duplicate, Error: ui.ReasonText(r.Err)}
	if r.Err != nil {
		b.Fail(r.Name, r.Err)
		return b.Line(line)
	}
	b.WarnPages(r.Name, r.LeftOut+1, "entered: a leak of another page cannot be found; submit each page as a file")
	line.Lacks = r.Lacks
	b.WarnLacks(r.Name, r.Lacks, "entered")
	if line.Warning = ui.ReasonText(r.Doubt); r.Doubt != nil {
		b.Warnf("%s: entered, but copies of it may be refused: %s", ui.Name(r.Name), ui.Reason(r.Doubt))
	}
	line.Submission = ui.Text(r.Submission.String())
	line.Carries = carriedBy(r.Carries)
	warnCarried(b, ui.Name(r.Name), line.Carries)
	was := ""
	if r.Pages > 1 {
		line.Pages, was = r.Pages, ", "+ui.Plural(r.Pages, "page")
	}
	if r.Others { // their subject references are nothing for logs
		b.Warnf("%s: was there already as %s, under another subject or none, which stays; \"kycmark subject set\" changes it", ui.Name(r.Name), *line.Submission)
	}
	if !r.First.IsZero() {
		b.Warnf("%s: was there already as %s, submitted on %s; custody by time covers that time alone, so enter who had it now with \"kycmark custody add NAME --list FILE\"", ui.Name(r.Name), *line.Submission, r.First.Format(time.DateOnly))
	}
	if r.Duplicate {
		was += ", was there already"
	}
	if line.Restored = r.Restored; r.Restored {
		was += ": its original was lost, and is restored"
	}
	b.Printf("%s: submission %s%s\n", ui.Name(r.Name), *line.Submission, was)
	return b.Line(line)
}

// ManifestUploads opens the manifest at path, a CSV file that says whose uploads files are and when they were sent. A
// wrong line gives an upload with an error and the name "FILE:LINE". They can be walked once. Call done then.
func ManifestUploads(path string) (uploads iter.Seq[registry.Upload], done func() error, err error) {
	m, err := ui.OpenCSV(path, 1, "file", "subject", "at")
	if errors.Is(err, intake.ErrNotRegular) {
		err = ui.Usagef("%w", err)
	}
	if err != nil {
		return nil, nil, err
	}
	return ui.Mapped(m.Rows, func(row ui.CsvRow) registry.Upload {
		u, err := registry.Upload{}, row.Err
		if err == nil {
			u, err = manifestUpload(filepath.Dir(path), row)
		}
		if err != nil {
			u = registry.Upload{Name: fmt.Sprintf("%s:%d", path, row.Line), Err: err}
		}
		return u
	}), m.Close, nil
}

// manifestUpload returns the upload that a line of a manifest names. dir is the manifest's folder, where relative
// paths begin. The file must exist and be no folder, but it is opened only by the upload's Open.
func manifestUpload(dir string, row ui.CsvRow) (u registry.Upload, err error) {
	path := row.Cell("file")
	if path == "" {
		return u, errors.New("no file")
	}
	if path = filepath.FromSlash(path); !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	at, err := parseSent(row.Cell("at"))
	if err != nil {
		return u, err
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return u, fmt.Errorf("%s: %s", path, ui.Reason(err))
	case info.IsDir():
		return u, fmt.Errorf("%s: is a folder", path)
	}
	return registry.Upload{Name: path, Subject: row.Cell("subject"), At: at, Modified: info.ModTime(), Size: info.Size(),
		Open: func() (io.ReadCloser, error) { return intake.OpenRegular(path) }}, nil
}
