package books

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

func NewSubject(u *ui.UI) *cobra.Command {
	return ui.Only(&cobra.Command{Use: "subject", Short: "Enter or correct the subjects of uploads", Example: "  kycmark subject set --subject-from name uploads/"}, newSubjectSet(u))
}

type subjectFlags struct {
	manifest string
	from     subjectFrom
}

// newSubjectSet returns "subject set". Exit code 3: some lines or files failed, the rest is entered; 4: an unknown ID.
func newSubjectSet(u *ui.UI) *cobra.Command {
	var f subjectFlags
	cmd := &cobra.Command{
		Use:   "set SUBMISSION SUBJECT | set --manifest FILE.csv | set --subject-from HOW FILE|DIR|ARCHIVE...",
		Short: "Enter subjects of uploads that were submitted before",
		Long: `Enter to which customers uploads belong that were submitted without a subject, or
under a wrong one. SUBJECT is an opaque reference of the customer, never a name. Each
change is an entry of the ledger, which commits to the reference without telling it.

A manifest is a CSV file with the column subject and the column submission (an ID) or
file (the uploaded file; the manifest of "submit" fits). With --subject-from the uploaded files are
read again, and their subjects taken from their names: see "kycmark submit --help".`,
		Example: `  kycmark subject set 4f0c2d1e9a8b77665544332211000f1e customer-4711
  kycmark subject set --subject-from name uploads/`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case f.manifest != "":
				return ui.Exactly()(cmd, args)
			case f.from.how != "":
				return ui.Some("file or folder")(cmd, args)
			}
			return ui.Exactly("SUBMISSION", "SUBJECT")(cmd, args)
		},
	}
	cmd.Flags().StringVar(&f.manifest, "manifest", "", "CSV `file` with the columns submission or file, and subject")
	cmd.Flags().Var(&f.from, "subject-from", subjectFromUsage)
	cmd.MarkFlagsMutuallyExclusive("manifest", "subject-from")
	return u.BookVerb(cmd, func(ctx context.Context, b *ui.Desk, args []string) error { return setSubjects(ctx, b, f, args) })
}

const subjectFromUsage = "take each subject from the file: `HOW` is name (without its ending), folder (in which it lies) or a regular expression with a group, for its path"

// A subjectFrom is a flag that says how the subject of an upload follows from the file's path. It is a pflag.Value.
type subjectFrom struct {
	how     string         // as it was given; "": not at all
	pattern *regexp.Regexp // nil for "name" and "folder"
	group   int            // of the pattern, which the subject is
}

// Set takes "name", "folder" or a regular expression with a group: the one named "subject", else the first.
func (f *subjectFrom) Set(how string) (err error) {
	*f = subjectFrom{how: how}
	if how == "" || how == "name" || how == "folder" {
		return nil
	}
	if f.pattern, err = regexp.Compile(how); err != nil {
		return fmt.Errorf("want name, folder or a regular expression, got %q: %w", how, err)
	}
	if f.pattern.NumSubexp() == 0 {
		return fmt.Errorf(`want name, folder or a regular expression with a group such as '/([^/_]+)_', got %q`, how)
	}
	f.group = max(f.pattern.SubexpIndex("subject"), 1)
	return nil
}

func (f *subjectFrom) String() string { return f.how }
func (f *subjectFrom) Type() string   { return "HOW" }

// of returns the subject of the upload u. It is an error if the path does not tell a subject.
func (f *subjectFrom) of(u registry.Upload) (string, error) {
	file := filepath.ToSlash(cmp.Or(u.Path, u.Name)) // a "!" in a name is the customer's
	subject := ""
	switch {
	case f.how == "name":
		subject = strings.TrimSuffix(path.Base(file), path.Ext(file))
	case f.how == "folder":
		if subject = path.Base(path.Dir(file)); subject == "." || subject == ".." || subject == "/" {
			subject = ""
		}
	default:
		if m := f.pattern.FindStringSubmatch(file); m != nil {
			subject = m[f.group]
		}
	}
	if subject == "" {
		return "", fmt.Errorf("its path tells no subject by --subject-from %s", f.how)
	}
	return subject, nil
}

// subjectLine is the result of "subject set" as JSON. It has no reference, which is nothing for logs.
type subjectLine struct {
	File       string  `json:"file,omitempty"` // or the line of the manifest
	Submission *string `json:"submission"`     // null: it failed
	Changed    bool    `json:"changed"`
	Error      *string `json:"error"`
}

// A subjectOf says whose an upload is. An err says why that is not known.
type subjectOf struct {
	name       string // of the file or line
	submission watermark.Submission
	subject    string
	err        error
}

// setSubjects enters the subject of one upload, of the lines of a manifest, or of files by their paths. What is wrong
// with a line or file is reported, and the rest is entered.
func setSubjects(ctx context.Context, b *ui.Desk, f subjectFlags, args []string) error {
	if f.manifest == "" && f.from.how == "" {
		id, err := watermark.ParseSubmission(args[0])
		if err != nil {
			return ui.Usagef("%q is no submission ID: 32 hex digits", args[0])
		}
		if _, err := b.Registry.Submission(ctx, id); err != nil {
			return err
		}
		n, err := enterSubjects(ctx, b, []subjectOf{{submission: id, subject: args[1]}})
		if err == nil {
			b.Printf("%s: %s\n", id, map[int]string{0: "had this subject already", 1: "subject changed"}[n])
		}
		return err
	}
	all := uploadSubjects(f.from, registry.Uploads(args...))
	if f.manifest != "" {
		m, err := ui.OpenCSV(f.manifest, 1, "subject", "submission", "file", "at")
		if err != nil {
			return err
		}
		defer m.Close()
		all = manifestSubjects(f.manifest, m)
	}
	n, changed, batch := 0, 0, []subjectOf(nil)
	said := make(map[watermark.Submission]string)
	flush := func() error {
		k, err := enterSubjects(ctx, b, batch)
		changed, batch = changed+k, nil
		return err
	}
	for x := range all {
		if n++; x.err == nil {
			x.err = intake.CheckName("subject reference", x.subject, intake.MaxName)
		}
		if before := said[x.submission]; x.err == nil && before != "" && before != x.subject {
			x.err = errors.New("the same upload was given another subject before")
		}
		if x.err == nil {
			said[x.submission] = x.subject
			_, x.err = b.Registry.Submission(ctx, x.submission)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if batch = append(batch, x); len(batch) >= 1000 {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	if n == 0 {
		return ui.Usagef("no files in %s", strings.Join(append(args, f.manifest), ""))
	}
	b.Printf("%s changed\n", ui.Plural(changed, "subject"))
	return nil
}

// enterSubjects enters whose uploads are, in one transaction, and reports the failed ones. It returns how many changed.
func enterSubjects(ctx context.Context, b *ui.Desk, of []subjectOf) (n int, err error) {
	subjects := make(map[watermark.Submission]string)
	for _, x := range of {
		if x.err == nil {
			subjects[x.submission] = x.subject
		}
	}
	ids, err := b.Registry.SetSubjects(ctx, subjects, ui.Actor())
	if err != nil {
		return 0, err
	}
	changed := each.Map(ids, func(id watermark.Submission) (watermark.Submission, bool) { return id, true })
	for _, x := range of {
		line := subjectLine{File: x.name, Changed: changed[x.submission], Error: ui.ReasonText(x.err)}
		if x.err != nil {
			b.Fail(x.name, x.err)
		} else {
			line.Submission = ui.Text(x.submission.String())
		}
		if err := b.Line(line); err != nil {
			return 0, err
		}
	}
	return len(ids), nil
}

func uploadSubjects(from subjectFrom, uploads iter.Seq[registry.Upload]) iter.Seq[subjectOf] {
	return ui.Mapped(uploads, func(u registry.Upload) subjectOf {
		x := subjectOf{name: u.Name, err: u.Err}
		if x.err == nil {
			x.subject, x.err = from.of(u)
		}
		if x.err == nil {
			x.submission, x.err = submissionOf(u)
		}
		return x
	})
}

func submissionOf(u registry.Upload) (id watermark.Submission, err error) {
	f, err := u.Open()
	if err != nil {
		return id, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return id, err
	}
	return watermark.SubmissionOf([32]byte(h.Sum(nil))), nil
}

// manifestSubjects yields what the lines of a manifest at path say. Files are looked for from its folder.
func manifestSubjects(path string, m *ui.CsvFile) iter.Seq[subjectOf] {
	return ui.Mapped(m.Rows, func(row ui.CsvRow) subjectOf {
		x := subjectOf{name: fmt.Sprintf("%s:%d", path, row.Line), err: row.Err}
		if x.err == nil {
			if x.subject = row.Cell("subject"); x.subject == "" {
				x.err = errors.New("no subject")
			}
		}
		if x.err == nil {
			var u registry.Upload
			if id := row.Cell("submission"); id != "" {
				x.submission, x.err = watermark.ParseSubmission(id)
			} else if u, x.err = manifestUpload(filepath.Dir(path), row); x.err == nil {
				x.submission, x.err = submissionOf(u)
			}
		}
		return x
	})
}
