// Package judge has the verbs that say whose copy leaked, and that check what was said.
package judge

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/dump"
	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/home"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

type investigateFlags struct {
	report, found string
	evidence      string
	examiner      string
	state         string
	against       ui.IdList[watermark.Submission]
	claimed       int
	reveal        bool
	published     bool
	queue         bool
	bundleFlags
}

// NewInvestigate returns the verb "investigate". Exit code 3: some files could not be examined.
func NewInvestigate(u *ui.UI) *cobra.Command {
	f := investigateFlags{against: ui.SubmissionIDs()}
	cmd := &cobra.Command{
		Use:   "investigate DUMP...",
		Short: "Examine leaked pictures, and say whose copies they are",
		Long: `Examine leaked pictures: files, folders, archives (.zip, .7z, .rar, .tar,
.gz, .bz2, .xz, .zst; also up to four deep in each other), the pictures in office
documents, and the pages of TIFFs and PDFs. Any other file is searched for pictures, PDFs and
archives to its last byte: databases (SQLite, dumps as SQL, JSON or CSV), e-mails, web pages,
caches, disk images. It finds them as they are, in base64, hexadecimal, escapes and lists of
numbers. @FILE stands for the names in
that file, one a line, and - for those on stdin. Each picture is matched against the
registry and its mark is read; then the findings are weighed together. The report is
one HTML file that needs nothing else. It is redacted (no subject references, mosaics
for thumbnails, numbers for recipients that no finding concerns) unless --reveal. That
the investigation begins is entered in the ledger first ("kycmark list
investigations").

Each leak that resembles an upload is also traced against its sealed original, which
finds marks that can no longer be read alone, and says how likely one would have been
found.

Findings:
` + meanings() + `

If no picture can be examined, nothing is entered or written.`,
		Example: `  kycmark investigate leaks/ --report report.html
  kycmark investigate dump.zip scans.pdf --found 2026-11-20 --json
  kycmark investigate leaks/ --bundle for-the-vendor.zip
  find leaks -newer last -print0 | kycmark investigate -`,
		Args: ui.Some("file, folder, archive or PDF"),
	}
	cmd.Flags().StringVar(&f.examiner, "examiner", "", "`name` of the person who examines, for the report, and the number of the case: \"A. Muster, case 17/26\"")
	cmd.Flags().StringVar(&f.found, "found", "", "`when` the pictures were found: RFC 3339, or a day, which is its beginning (UTC); custody entered later counts against no holder. The ledger keeps it: each later examination of the same files shows it")
	cmd.Flags().StringVar(&f.evidence, "found-evidence", "", "`how` it is known when the pictures were found: an address, a text, or a file that shows it, whose name and SHA-256 are entered")
	cmd.Flags().BoolVar(&f.published, "published", false, "these files were public then, where --found-evidence says: copies in them name no recipient anew in other files that are found later, elsewhere")
	cmd.Flags().Var(&f.against, "against", "`submissions` to compare with and trace against; nothing else is searched, so that nothing follows on when or from where pictures were taken")
	cmd.Flags().StringVar(&f.state, "state", "", "`file` that keeps what was examined: a run that was cut short goes on where it was")
	cmd.Flags().IntVar(&f.claimed, "claimed", 0, "`number` of pictures that the leaker claims to have")
	cmd.Flags().BoolVar(&f.queue, "queue", false, "have \"kycmark work\" do it, and wait; on other machines also, if the registry is in PostgreSQL")
	cmd.MarkFlagsMutuallyExclusive("queue", "state")
	cmd.Flags().StringVar(&f.report, "report", "", "write the HTML report to this `file`")
	cmd.Flags().BoolVar(&f.reveal, "reveal", false, "put subject references and recognisable thumbnails into the report")
	cmd.Flags().StringVar(&f.findings, "findings", "", "write all findings to this `file`, as JSON")
	cmd.Flags().StringVar(&f.bundle, "bundle", "", "write report, findings and proofs, signed, to this new `folder` or .zip")
	ui.TsaFlag(cmd, &f.authority)
	return u.HomeVerb(cmd, (*home.Home).Investigation, func(ctx context.Context, b *ui.Desk, args []string) error {
		paths, err := dump.Expand(args, cmd.InOrStdin())
		if err != nil {
			return err
		}
		if len(paths) == 0 {
			return ui.Usagef("no files in %s", strings.Join(args, ", "))
		}
		return investigateDump(ctx, b, f, paths)
	})
}

func meanings() string {
	lines := each.Of(findings.Meanings(), func(m findings.Meaning) string { return "  " + Wrap(m.Kind.Label()+": "+m.Says, "    ") })
	return strings.Join(lines, "\n")
}

// investigateDump examines the leaks at the paths in dump, weighs the findings together, and writes the files that the
// flags name. Outputs are checked before any work.
func investigateDump(ctx context.Context, b *ui.Desk, f investigateFlags, dump []string) error {
	found, err := ui.ParseOptionalTime(f.found)
	if err != nil {
		return fmt.Errorf("--found: %w", err)
	}
	if found.After(time.Now().Add(ui.ClockError)) {
		return ui.Usagef("--found: the leaks cannot have been found in the future, on %s", ui.Moment(found))
	}
	if found.IsZero() && f.evidence != "" {
		return ui.Usagef("--found-evidence says how the time of the find is known: --found is missing")
	}
	if f.published && (found.IsZero() || f.evidence == "") {
		return ui.Usagef("--published says that the files were public: --found and --found-evidence say when and where")
	}
	shown, err := f.shows()
	if err != nil {
		return err
	}
	if err := f.checkOutputs(b, dump); err != nil {
		return err
	}
	for _, id := range f.against.IDs {
		if _, err := b.Registry.Submission(ctx, id); err != nil && !errors.Is(err, registry.ErrErased) {
			return ui.NotFound(err)
		}
	}
	if found.IsZero() {
	} else if first, _, err := b.Registry.Engine().Span(ctx); err != nil {
		b.Warnf("--found %s is not compared with the first upload: %v", f.found, err)
	} else if found.Before(first) {
		b.Warnf("--found %s is before the first upload, %s; uploads entered without --at have the time of their entry", f.found, ui.Moment(first))
	}
	circumstances := findings.Circumstances{Found: found, Evidence: f.evidence, EvidenceSHA256: shown, Published: f.published, Claimed: f.claimed, UploadsPerSubject: b.Home.UploadsPerSubject}
	circumstances.Examiner, circumstances.Case, _ = strings.Cut(f.examiner, ", case ")
	o := verify.Options{Against: f.against.IDs, References: b.Home.References, Circumstances: circumstances}
	if f.state != "" {
		o.State = verify.StateFile(f.state)
	}
	doing, parts := "examining", [][]byte(nil)
	if f.queue {
		doing = "joining"
		job := InvestigateJob{Dump: dump, Against: o.Against, References: o.References, Circumstances: circumstances, Reveal: f.reveal}
		if parts, err = examineQueued(ctx, b, &job); err != nil {
			return err
		}
		o.Sums = job.Sums // the results must be of these files
	}
	inv, done, err := investigation(ctx, b, o, doing)
	if err != nil {
		return err
	}
	defer done()
	leaks := inv.Files(ctx, dump...)
	if f.queue {
		leaks = joined(ctx, inv, parts)
	}
	verdicts, err := examineAll(b, leaks, f.claimed)
	if nothing := (*verify.NothingError)(nil); errors.As(err, &nothing) {
		done()
		return foundNothing(b, dump, nothing.Files)
	}
	if err != nil {
		return err
	}
	return weighAll(ctx, b, f, inv, done, verdicts)
}

// shows returns the SHA-256 of the file that --found-evidence names, and puts the name into f.evidence; zero: a text.
func (f *investigateFlags) shows() (sum books.Digest, err error) {
	if _, err := os.Stat(f.evidence); err != nil {
		return sum, nil
	}
	data, err := ui.ReadSmall(f.evidence)
	if err != nil {
		return sum, err
	}
	f.evidence = filepath.Base(f.evidence)
	return sha256.Sum256(data), nil
}

// investigation begins an investigation with the keys and readers of the command. Circumstances, search and the rest
// of o are the caller's. The caller must call done, which ends the progress line, once or more.
func investigation(ctx context.Context, b *ui.Desk, o verify.Options, doing string) (inv *verify.Investigation, done func(), err error) {
	keys, seal, err := b.Keys()
	if err == nil {
		err = KnownKeys(ctx, b, keys)
	}
	if err != nil {
		return nil, nil, err
	}
	found, err := b.NewInvestigator(keys, seal, b.MaxMemory())
	if err != nil {
		return nil, nil, err
	}
	show, done := b.ProgressOf(ctx, doing)
	o.Actor, o.Command, o.Progress = ui.Actor(), b.Command(), show
	if inv, err = found.Begin(&o); err != nil {
		done()
	}
	return inv, done, err
}

// weighAll weighs the findings, prints what follows and writes the files that the flags name.
func weighAll(ctx context.Context, b *ui.Desk, f investigateFlags, inv *verify.Investigation, done func(), verdicts []*findings.Finding) error {
	done()
	d, err := inv.Weigh(ctx, verdicts)
	if err != nil {
		return err
	}
	for _, s := range d.Record.Segments {
		if s.Problem != "" {
			b.Warnf("%s; its uploads were read from the database (the next kycmark submit makes it again)", s.Problem)
		}
	}
	for _, s := range verify.NotSearched(d) {
		b.Warnf("%s", s)
	}
	if verify.SearchDamaged(d) || len(d.Record.Altered) > 0 {
		b.Code = ui.Worse(b.Code, ui.ExitSome) // "unknown" may be false
	}
	SayVerdict(b.UI, d) // before the files are written: what fails there takes no findings along
	if err := b.Line(map[string]*findings.Verdict{"verdict": d}); err != nil {
		return err
	}
	return f.writeAll(ctx, b, inv, d)
}

// KnownKeys returns an error, with a hint, if the registry does not know a mark key of the home. It warns of keys that the
// home does not have.
func KnownKeys(ctx context.Context, b *ui.Desk, keys []*watermark.Key) error {
	absent, err := verify.AbsentKeys(ctx, b.Registry, keys)
	if errors.Is(err, registry.ErrTampered) {
		return nil // the verdict says it
	}
	if err != nil {
		return ui.HintFor(err, registry.ErrMarkKey, "name the files of the registry's keys alone in keys.mark of %s",
			filepath.Join(b.Home.Dir(), "kycmark.toml"))
	}
	for _, id := range absent {
		b.Warnf("marks under the key %s of the registry are not looked for: keys.mark does not name it", id)
	}
	return nil
}

// foundNothing reports a dump without a picture that can be examined. If all files are missing, or no pictures, the paths
// are a mistake: a ui.UsageError. Else the findings are printed and the exit code becomes 3.
func foundNothing(b *ui.Desk, paths []string, files []*findings.Finding) error {
	counts := make(map[findings.Kind]int)
	for _, v := range files {
		counts[v.Kind]++
	}
	if len(files) == counts[findings.FoundMissing]+counts[findings.FoundNoPicture] {
		where, there := strings.Join(paths, ", "), "no files there"
		switch {
		case counts[findings.FoundNoPicture] > 0:
			there = ui.Plural(counts[findings.FoundNoPicture], "file") + " of other kinds there"
		case len(files) > 0:
			there = "no such file or folder"
		}
		return ui.WithHint(ui.Usagef("no picture in %s: %s", where, there), "name the files, folders or archives with the leaked pictures; nothing was entered or written")
	}
	for _, v := range files {
		b.Fail(v.File, errors.New(v.Error))
		if err := b.Line(newLeakLine(v)); err != nil {
			return err
		}
	}
	sayLeaks(b.UI, files)
	b.Hintf("no picture could be examined: unpack archives, convert formats, and investigate again; nothing was entered or written")
	return nil
}

// examineAll prints each finding as it comes, and returns all in the same order. A file that could not be examined is
// reported; a file that is no picture is only returned. As soon as more leaks count than claimed, it returns a
// ui.UsageError, since nothing can be weighed then.
func examineAll(b *ui.Desk, found iter.Seq2[*findings.Finding, error], claimed int) ([]*findings.Finding, error) {
	var verdicts []*findings.Finding
	weighed := 0
	for v, err := range found {
		if err != nil {
			return nil, err
		}
		if !v.Examined() && v.Kind != findings.FoundNoPicture {
			b.Fail(v.File, errors.New(v.Error))
		}
		if v.Closed > 0 || v.Kind == findings.FoundIncomplete {
			b.Fail(v.File, errors.New("an upload that it may show could not be compared: "+cmp.Or(v.Error, "its original or records cannot be read (kycmark audit --originals), or it needs more memory (--max-memory)")))
		}
		b.FailPages(v.File, v.Pages)
		b.WarnLacks(v.File, v.Lacks, "examined")
		if err := b.Line(newLeakLine(v)); err != nil {
			return nil, err
		}
		verdicts = append(verdicts, v)
		if v.Weighed() {
			weighed++
		}
		if claimed > 0 && weighed > claimed {
			return nil, ui.Usagef("--claimed %d is too low: the dump has more pictures (%s is number %d)", claimed, ui.Name(v.File), weighed)
		}
	}
	return verdicts, nil
}

// leakLine is one leak's finding as JSON, with every field of the contract: null where there is nothing to say.
type leakLine struct {
	*findings.Finding
	Submission *watermark.Submission `json:"submission"`
	Copies     []watermark.CopyID    `json:"copies"`
	Recipients []string              `json:"recipients"`
	Matches    []findings.Match      `json:"matches"`
	Edits      []findings.Edit       `json:"edits"`
	Traces     []findings.Tracing    `json:"traces"`
	Error      *string               `json:"error"`
}

// newLeakLine returns the JSON line of a finding. Recipients are only the names that may be published: see
// [findings.Finding.MayNames].
func newLeakLine(v *findings.Finding) leakLine {
	line := leakLine{
		Finding:    v,
		Copies:     ui.NonNil(v.Copies),
		Recipients: ui.NonNil(v.MayNames()),
		Matches:    ui.NonNil(v.Matches),
		Edits:      ui.NonNil(v.Edits),
		Traces:     ui.NonNil(v.Traces),
		Error:      ui.Text(v.Error),
	}
	if v.Submission != (watermark.Submission{}) {
		line.Submission = &v.Submission
	}
	return line
}
