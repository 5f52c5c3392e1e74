package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/home"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/jobs"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// The kinds of jobs.
const (
	kindSubmit      = "submit"
	kindIssue       = "issue"
	kindInvestigate = "investigate"
	kindAudit       = "audit"
	kindErase       = "erase"
)

// newWork returns the verb "work", which does jobs that other commands queued, until it is interrupted.
func newWork(u *ui) *cobra.Command {
	var take []string
	var atOnce int
	cmd := &cobra.Command{
		Use:   "work",
		Short: "Do the jobs that other commands queued",
		Long: `Do jobs of a registry in PostgreSQL that commands with --queue wait for: submit, issue,
investigate, audit and erase. Any number of workers may run, on any machines
that see the same files under the same paths. A worker takes the jobs that its home has
the keys for. All need the sealing key, issue and investigate the mark key as well.
A home with investigate_only takes investigate and audit.

Ctrl-C ends a worker after the jobs that it has begun. If a worker dies, others do
its jobs again within seconds; if it freezes, after a minute: nothing is entered or
released twice.`,
		Example: `  kycmark work --home /srv/kyc
  kycmark work --take investigate --jobs 4`,
		Args: exactly(),
	}
	cmd.Flags().StringSliceVar(&take, "take", nil, "`kinds` of jobs to take (default: all that the home has the keys for)")
	cmd.Flags().IntVar(&atOnce, "jobs", runtime.GOMAXPROCS(0), "`number` of jobs at a time, each done on one processor")
	return u.bookVerb(cmd, func(ctx context.Context, b *desk, _ []string) error {
		if atOnce < 1 {
			return usagef("--jobs %d: want 1 or more", atOnce)
		}
		return doJobs(ctx, b, take, atOnce)
	})
}

// doJobs does jobs of the kinds in take until ctx ends, and prints a line after each attempt.
func doJobs(ctx context.Context, b *desk, take []string, atOnce int) error {
	if !home.IsServer(b.home.Address()) {
		return usagef("a registry in a file has no queue: commands do their work themselves, want a registry in PostgreSQL")
	}
	w, err := b.asWorker()
	if err != nil {
		return err
	}
	if err := b.registry.Engine().CheckSealKey(ctx, w.worker.seal); err != nil {
		return err
	}
	if len(w.worker.mark) > 0 {
		if err := knownKeys(ctx, b, w.worker.mark); err != nil {
			return err
		}
	}
	kinds := kinds(w)
	for _, kind := range take {
		if kinds[kind] == nil {
			return usagef("--take %s: this home has the keys and the rights for %s", kind, strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
		}
	}
	maps.DeleteFunc(kinds, func(kind string, _ jobs.Func) bool { return len(take) > 0 && !slices.Contains(take, kind) })
	q, err := jobs.Open(ctx, b.home.Address(), b.registry.ID(), w.worker.seal)
	if err != nil {
		return err
	}
	defer q.Close()
	b.say("", "takes %s; Ctrl-C ends it after the jobs that it has begun", strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
	return q.Work(ctx, atOnce, kinds, func(d jobs.Done) {
		if d.Err != nil {
			b.errorf("job %d: %s: %s", d.ID, d.Kind, reason(d.Err))
		} else {
			b.printf("job %d: %s, %.1f s\n", d.ID, d.Kind, d.Took.Seconds())
		}
		_ = b.line(workLine{d.ID, d.Kind, d.Took.Seconds(), reasonText(d.Err)}) // finish reports a stdout that fails
	})
}

// workLine is an attempt at a job as JSON.
type workLine struct {
	Job     int64   `json:"job"`
	Kind    string  `json:"kind"`
	Seconds float64 `json:"seconds"`
	Error   *string `json:"error"`
}

// asWorker returns the books as a worker has them: with the keys that the home has. The sealing key must be there.
func (b *desk) asWorker() (*desk, error) {
	w := *b
	half := b.maxMemory() / 2 // for investigations, and as much for other jobs
	w.worker = new(keyring)
	var err error
	if w.worker.mark, w.worker.seal, err = b.home.Keys(); errors.Is(err, fs.ErrNotExist) && w.worker.mark == nil {
		w.worker.seal, err = b.home.SealKey()
	}
	if err == nil {
		w.worker.found, err = b.newInvestigator(w.worker.mark, w.worker.seal, half)
	}
	if err == nil && !b.home.InvestigateOnly {
		w.worker.issuer, err = b.newIssuer(w.worker.mark, w.worker.seal, half)
	}
	return &w, err
}

// as returns the books of a worker that does a job for actor.
func (b *desk) as(actor string) *desk {
	w := *b
	ring := *b.worker
	ring.actor = actor
	w.worker = &ring
	return &w
}

// kinds returns the functions for the jobs that the worker has the keys for.
func kinds(b *desk) map[string]jobs.Func {
	all := map[string]jobs.Func{
		kindSubmit: doing(b, doSubmit), kindIssue: doing(b, doIssue), kindInvestigate: doing(b, doInvestigate),
		kindAudit: doing(b, doAudit), kindErase: doing(b, doErase),
	}
	maps.DeleteFunc(all, func(kind string, _ jobs.Func) bool {
		marks := kind == kindInvestigate || kind == kindIssue
		return !b.may(kind) || len(b.worker.mark) == 0 && marks
	})
	return all
}

// may reports whether the home has the right to do jobs of a kind, or to have them done.
func (b *desk) may(kind string) bool {
	return !b.home.InvestigateOnly || kind == kindInvestigate || kind == kindAudit
}

// doing makes a [jobs.Func] of a function with parameters and a result of its own. Parameters that it does not
// know are an error: a command of a later version asks for more than this worker can do.
func doing[In, Out any](b *desk, do func(context.Context, *desk, In) (Out, error)) jobs.Func {
	return func(ctx context.Context, text []byte) (any, error) {
		var in In
		parameters := json.NewDecoder(bytes.NewReader(text))
		parameters.DisallowUnknownFields()
		if err := parameters.Decode(&in); err != nil {
			return nil, fmt.Errorf("a command of another version than this worker's asks for it: %w", err)
		}
		return do(ctx, b, in)
	}
}

// A submitJob enters uploads.
type submitJob struct {
	Actor    string
	HashOnly bool
	Files    []submitFile
}

// A submitFile is an upload of a [submitJob]. The file is at Path on every machine.
type submitFile struct {
	Name, Path, Subject string
	At                  time.Time
	Size                int64
	SHA256              books.Digest
	Err                 string // why it cannot be read
}

// newSubmitFile reads the upload u for its digest.
func newSubmitFile(u registry.Upload) submitFile {
	f := submitFile{Name: u.Name, Subject: u.Subject, At: u.At, Size: u.Size}
	if f.At.IsZero() {
		f.At = time.Now() // not when a worker comes to it
	}
	var err error
	if f.Path, err = filepath.Abs(u.Name); err == nil && u.Err == nil {
		_, err = os.Stat(f.Path)
		if errors.Is(err, fs.ErrNotExist) {
			err = errors.New("workers do not read archives: unpack it, or leave out --queue")
		}
	}
	if err = errors.Join(u.Err, err); err == nil && u.Size <= picture.DefaultMaxBytes {
		var data []byte
		data, err = intake.ReadFile(f.Path, picture.DefaultMaxBytes)
		f.SHA256 = sha256.Sum256(data)
	}
	if err != nil {
		f.Err = reason(err)
	}
	return f
}

// upload returns the upload as a worker reads it. It refuses a file that was altered after it was queued.
func (f submitFile) upload() registry.Upload {
	u := registry.Upload{Name: f.Name, Subject: f.Subject, At: f.At, Size: f.Size}
	if f.Err != "" {
		u.Err = errors.New(f.Err)
	}
	u.Open = func() (io.ReadCloser, error) {
		data, err := intake.ReadFile(f.Path, picture.DefaultMaxBytes)
		if err != nil {
			return nil, err
		}
		if got := books.Digest(sha256.Sum256(data)); got != f.SHA256 {
			return nil, fmt.Errorf("the file was altered after it was queued: SHA-256 %s, want %s", got, f.SHA256)
		}
		return io.NopCloser(bytes.NewReader(data)), nil
	}
	return u
}

// A submitResult is what became of an upload, as JSON.
type submitResult struct {
	registry.Imported
	Err, Doubt string
}

// imported is the inverse.
func (r submitResult) imported() registry.Imported {
	x := r.Imported
	if r.Err != "" {
		x.Err = errors.New(r.Err)
	}
	if r.Doubt != "" {
		x.Doubt = errors.New(r.Doubt)
	}
	return x
}

// doSubmit enters the uploads of a job. Uploads that an earlier attempt entered are left as they are.
func doSubmit(ctx context.Context, b *desk, job submitJob) (out []submitResult, err error) {
	o := &registry.SubmitOptions{Actor: job.Actor, HashOnly: job.HashOnly, Workers: 1} // a worker does several jobs at a time
	for r, err := range b.worker.issuer.Import(ctx, mapped(slices.Values(job.Files), submitFile.upload), o) {
		if err != nil {
			return nil, err
		}
		x := submitResult{Imported: r}
		if r.Err != nil {
			x.Err = reason(r.Err)
		}
		if r.Doubt != nil {
			x.Doubt = reason(r.Doubt)
		}
		out = append(out, x)
	}
	return out, nil
}

// An issueJob issues copies of an upload.
type issueJob struct {
	issueRequest
	Actor, Dir string // Dir: the folder in which the command was called
	Submission watermark.Submission
	Stem       string // name of the copies' files; "": the submission's ID
}

// newIssueJob returns the job for the upload of. The same request that is not done yet is the same job.
func newIssueJob(f issueFlags, of watermark.Submission, dir, actor string) jobs.Job {
	x := issueJob{issueRequest: f.issueRequest, Dir: dir, Submission: of, Stem: f.names[of]}
	once, _ := json.Marshal(x) // of texts and numbers: no error
	x.Actor = actor
	return jobs.Job{Kind: kindIssue, Do: x, Once: string(once)}
}

// flags returns the flags of the command, for a worker.
func (x issueJob) flags(b *desk) issueFlags {
	f := issueFlags{issueRequest: x.issueRequest, kept: b.home.Files(), outage: new(outage)}
	if !filepath.IsAbs(f.Out) {
		f.Out = filepath.Join(x.Dir, f.Out)
	}
	if x.Stem != "" {
		f.names = map[watermark.Submission]string{x.Submission: x.Stem}
	}
	return f
}

// An issueResult is what came of an [issueJob].
type issueResult struct {
	Lines   []issueLine
	LeftOut []int // pages, of each line
	Ends    bool  // the last line's error would meet other copies, too
}

// lines returns the lines as the command prints them, with its own paths.
func (r issueResult) lines(f issueFlags) []issueLine {
	for i := range r.Lines {
		l := &r.Lines[i]
		l.leftOut, l.ends = r.LeftOut[i], r.Ends && i == len(r.Lines)-1
		if l.Error != nil {
			l.err = errors.New(*l.Error)
		} else {
			path := filepath.Join(f.folder(l.Recipient), filepath.Base(*l.File))
			l.File = &path
		}
	}
	return r.Lines
}

// doIssue issues the copies of a job.
func doIssue(ctx context.Context, b *desk, job issueJob) (out issueResult, err error) {
	out.Lines = issueAll(ctx, b.as(job.Actor), b.worker.issuer, job.Submission, job.flags(b))
	for _, l := range out.Lines {
		if jobs.Passing(l.cause) {
			return out, l.cause
		}
		out.LeftOut, out.Ends = append(out.LeftOut, l.leftOut), l.ends
	}
	return out, nil
}

// An investigateJob examines a part of a dump.
type investigateJob struct {
	Actor, Dir    string
	Command, Dump []string
	Sums          map[string]books.Digest // of files that are there when the job is queued
	Part          verify.Part
	Once          [32]byte // random: a second attempt is the same investigation
	Against       []watermark.Submission
	References    int
	Reveal        bool
	Circumstances findings.Circumstances
}

// summedFiles is the number of leaks up to which a job has their digests: 3 MB. Chosen.
const summedFiles = 20_000

// sum fills in the digests of the files of the dump. Files that cannot be read, and files in archives, have none.
func (x *investigateJob) sum(ctx context.Context, files []string) error {
	if len(files) > summedFiles {
		return nil
	}
	x.Sums = make(map[string]books.Digest, len(files))
	for _, path := range files {
		if data, err := intake.ReadFile(path, picture.DefaultMaxBytes); err == nil {
			x.Sums[path] = sha256.Sum256(data)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// part returns the job for part k of n.
func (x investigateJob) part(k, n int) jobs.Job {
	x.Part = verify.Part{Number: k, Of: n}
	rand.Read(x.Once[:])
	return jobs.Job{Kind: kindInvestigate, Do: x}
}

// doInvestigate examines a part of a dump and returns what [verify.Investigation.WritePart] writes.
func doInvestigate(ctx context.Context, b *desk, job investigateJob) ([]byte, error) {
	inv, err := b.worker.found.Begin(&verify.Options{
		Actor: job.Actor, Command: job.Command, Dir: job.Dir, Sums: job.Sums, Part: job.Part, Once: job.Once, Against: job.Against,
		References: job.References, Circumstances: job.Circumstances, Workers: 1,
	})
	if err != nil {
		return nil, err
	}
	var verdicts []*findings.Finding
	for v, err := range inv.Files(ctx, job.Dump...) {
		if err != nil {
			return nil, err
		}
		verdicts = append(verdicts, v)
	}
	var out bytes.Buffer
	err = inv.WritePart(ctx, &out, verdicts, job.Reveal)
	return out.Bytes(), err
}

// doAudit checks the ledger. The keys of readers and originals are the worker's.
func doAudit(ctx context.Context, b *desk, job auditJob) (*registry.Audit, error) {
	o := registry.AuditOptions{Keys: job.Keys, Witnesses: job.Witnesses, Checkpoints: job.Checkpoints, Readers: b.readers()}
	if job.Originals {
		o.SealKey = b.worker.seal
	}
	return b.registry.Ledger().Audit(ctx, o)
}

// An auditJob is what to check: see [registry.AuditOptions].
type auditJob struct {
	Keys, Witnesses, Checkpoints []string
	Originals                    bool
}

// An eraseJob erases uploads: of a subject, or with IDs. A subject's IDs are the uploads that were there when
// the job was queued.
type eraseJob struct {
	Actor, Subject, Note string
	IDs                  []watermark.Submission
}

// doErase erases the uploads of a job and returns their IDs. If all are erased, an earlier attempt did it, and later
// uploads of the subject stay.
func doErase(ctx context.Context, b *desk, job eraseJob) ([]watermark.Submission, error) {
	there, err := notErased(ctx, b, job.IDs)
	if err != nil {
		return nil, err
	}
	if len(there) == 0 {
		return job.IDs, nil
	}
	if job.Subject == "" {
		_, err = b.registry.EraseSubmissions(ctx, there, job.Actor, job.Note)
	} else {
		var more []watermark.Submission
		more, err = b.registry.Erase(ctx, job.Subject, job.Actor, job.Note)
		job.IDs = append(job.IDs, slices.DeleteFunc(more, func(id watermark.Submission) bool { return slices.Contains(job.IDs, id) })...)
	}
	if errors.Is(err, registry.ErrNotFound) || errors.Is(err, registry.ErrErased) { // by another attempt, meanwhile
		if areErased(ctx, b, job.IDs) {
			err = nil
		}
	}
	return job.IDs, err
}

// notErased returns the uploads that are not erased.
func notErased(ctx context.Context, b *desk, ids []watermark.Submission) (there []watermark.Submission, err error) {
	for _, x := range ids {
		switch _, err := b.registry.Submission(ctx, x); {
		case err == nil:
			there = append(there, x)
		case !errors.Is(err, registry.ErrErased):
			return nil, err
		}
	}
	return there, nil
}
