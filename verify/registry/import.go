package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

// An Upload is a file to be entered.
type Upload struct {
	Name     string    // what results call it; nothing is opened by it
	Path     string    // of a file in an archive: ARCHIVE/NAME; else ""
	Subject  string    // opaque reference of the customer, never a name
	At       time.Time // when the customer submitted it; the zero time: now
	Modified time.Time // as its file system or archive says; the zero time: not known
	Size     int64     // bytes, as announced and not relied on; 0: not known
	Err      error     // why it cannot be read; nil where Open is set

	// Open is called once, before the next upload is asked for.
	Open func() (io.ReadCloser, error)
}

// Imported is what became of an upload.
type Imported struct {
	Name       string
	Submission watermark.Submission // zero where there is an error
	Duplicate  bool                 // it was there already, and was left as it is
	Restored   bool                 // a duplicate whose original was lost: it is there again
	Subject    string               // to which the upload belongs, of a duplicate its earlier subject; "": none
	Others     bool                 // a duplicate that stands under another subject than the one given, or under none
	First      time.Time            // of a duplicate that is sent a day or more later or earlier: when it was submitted; custody by time covers that time alone
	Pages      int                  // that are entered
	LeftOut    int                  // further pages or frames of the file, which are not entered
	Lacks      string               // what its file lacks, such as "the last 24 of 480 rows are missing"; "": nothing
	Doubt      error                // why copies of it may be refused by [Issuer.Issue], as far as that is seen without marking: ErrTooSmall of package watermark, [ErrWeak], [ErrSealed]
	Carries    []books.Copy         // copies whose marks it carries, if [Config] has uploads read when they are entered
	Err        error                // unreadable, too large, erased before
}

// A batch is committed when it has so many uploads or bytes, or is so old. After a crash the next run does it again.
const (
	batchUploads = 128
	batchBytes   = 32 << 20
	batchTime    = time.Second
)

// Import enters many uploads, each as [Issuer.Submit] does, several at a time; opts may be nil. It yields the result of
// each upload in order, after the commit of its batch. An upload that is already there is recognised by its digest and
// not decoded again. Another run over the same files therefore resumes an interrupted run. What is wrong with a file is
// in Err of its result, and Import goes on. An error of the registry, or the end of ctx, ends it with a zero result.
func (i *Issuer) Import(ctx context.Context, uploads iter.Seq[Upload], opts *SubmitOptions) iter.Seq2[Imported, error] {
	return func(yield func(Imported, error) bool) {
		s, err := i.submitting(opts)
		if err != nil {
			yield(Imported{}, err)
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		queue := make(chan *importJob, 2*s.Workers)
		var wg sync.WaitGroup
		wg.Go(func() { s.readUploads(ctx, uploads, queue) })
		defer func() {
			cancel()
			for range queue { // closed by its writer
			}
			wg.Wait()
		}()
		b := batch{issuer: s, yield: yield}
		for job := range queue {
			<-job.done
			if err := ctx.Err(); err != nil {
				yield(Imported{}, err)
				return
			}
			if job.fatal != nil {
				yield(Imported{}, job.fatal)
				return
			}
			b.add(job)
			full := len(b.jobs) >= batchUploads || b.bytes >= batchBytes || time.Since(b.since) >= batchTime
			if full && !b.flush(ctx) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(Imported{}, err)
			return
		}
		if !b.flush(ctx) {
			return
		}
		if err := s.cfg.Registry.Engine().BuildSegments(ctx, s.cfg.SealKey); err != nil {
			yield(Imported{}, fmt.Errorf("all uploads are entered, but the segments for searches are not made: %w", err))
		}
	}
}

// An importJob is one upload on its way.
type importJob struct {
	Imported
	data  []byte
	of    string           // subject that is given
	at    time.Time        // of submission, as given; zero: now
	up    []records.Upload // a page each; nil where there is nothing to enter
	fatal error            // of the registry
	done  chan struct{}    // closed when the rest is set
}

// readUploads reads the files one after another, as archives require. It hands each file to the workers and, in
// order, to queue, which it closes at the end. A job's results are set when its channel done is closed. After the end
// of ctx jobs in queue may lack results.
func (s *submitting) readUploads(ctx context.Context, uploads iter.Seq[Upload], queue chan<- *importJob) {
	defer close(queue)
	var workers errgroup.Group
	workers.SetLimit(s.Workers)
	defer workers.Wait() // no job returns an error
	for u := range uploads {
		job := &importJob{Imported: Imported{Name: u.Name}, of: u.Subject, at: u.At, done: make(chan struct{})}
		job.data, job.Err = s.readUpload(&u)
		select {
		case queue <- job:
		case <-ctx.Done():
			return
		}
		workers.Go(func() error {
			defer close(job.done)
			if job.Err == nil && ctx.Err() == nil {
				s.prepareUpload(ctx, job, &u)
			}
			return nil
		})
	}
}

// readUpload opens an upload and returns its bytes, up to MaxBytes of [Config].
func (s *submitting) readUpload(u *Upload) ([]byte, error) {
	if u.Err != nil {
		return nil, intake.WithoutPath(u.Err)
	}
	if u.Size > s.cfg.MaxBytes {
		return nil, &picture.LimitError{What: "bytes", Got: u.Size, Max: s.cfg.MaxBytes}
	}
	if err := records.CheckName("subject reference", u.Subject, intake.MaxName); err != nil {
		return nil, err
	}
	f, err := u.Open()
	if err != nil {
		return nil, intake.WithoutPath(err)
	}
	defer f.Close()
	return intake.ReadAll(f, u.Size, s.cfg.MaxBytes)
}

// prepareUpload examines job.data, the file of the upload u, and sets what became of it in job. An error that is the
// file's fault goes into Err, any other error into fatal.
func (s *submitting) prepareUpload(ctx context.Context, job *importJob, u *Upload) {
	x, err := s.examine(ctx, job.data, u.Subject, u.At)
	switch {
	case err == nil:
		job.up = x.up
		job.saw(&x, s.HashOnly)
	case errors.Is(err, ErrRefused), errors.Is(err, ErrSealed):
		job.Err = err
	default:
		job.fatal = fmt.Errorf("%s: %w", u.Name, err)
	}
	job.data = nil
}

// saw sets what became of the file that was examined.
func (j *importJob) saw(x *examined, hashOnly bool) {
	j.Submission, j.Pages, j.LeftOut, j.Lacks, j.Restored = x.id, len(x.up), x.leftOut, x.lacks, x.again
	if j.there(x.old); !hashOnly {
		j.Doubt = x.doubt()
	}
}

// doubt returns why copies of an upload may be refused, or nil if there is no such sign. The error is that of
// [watermark.CheckSize], or wraps [ErrWeak] if the quality of the hash (0 to 100, a measure of detail) is below
// [phash.MinQuality]. It wraps [ErrSealed] if no original is kept. doubt marks nothing, so Issue may still refuse.
func (x *examined) doubt() error {
	if x.old != nil {
		return doubt(x.old)
	}
	for i := range x.up {
		if err := doubt(&x.up[i].Submission); err != nil {
			return err
		}
	}
	return nil
}

// doubt is [examined.doubt] of one page.
func doubt(s *books.Submission) (err error) {
	if !s.Kept {
		return fmt.Errorf("%w: only its hash was entered, and no original is kept", ErrSealed)
	}
	if err = watermark.CheckSize(s.Width, s.Height); err == nil && s.Quality < phash.MinQuality {
		err = fmt.Errorf("%w: the picture is plain (quality %d of 100, %d wanted)", ErrWeak, s.Quality, phash.MinQuality)
	}
	if err != nil && s.Page > 0 {
		err = fmt.Errorf("page %d: %w", s.Page, err)
	}
	return err
}

// there sets Subject, Duplicate, Others and First by the upload old that was entered before, or nil.
func (j *importJob) there(old *books.Submission) {
	if j.Subject, j.Duplicate = j.of, old != nil; j.Duplicate {
		j.Subject, j.Pages, j.Others = old.Subject, max(old.Pages, 1), j.of != "" && old.Subject != j.of
		if at := cmp.Or(j.at, time.Now()); at.Sub(old.Submitted).Abs() >= 24*time.Hour {
			j.First = old.Submitted
		}
	}
}

// A batch is what is committed together.
type batch struct {
	issuer *submitting
	yield  func(Imported, error) bool
	jobs   []*importJob
	bytes  int
	since  time.Time
}

// add puts a finished job into the batch.
func (b *batch) add(job *importJob) {
	if len(b.jobs) == 0 {
		b.since = time.Now()
	}
	b.jobs = append(b.jobs, job)
	for _, u := range job.up {
		if u.Sealed != nil {
			b.bytes += len(u.Sealed.Body)
		}
	}
}

// flush commits the batch, yields the results in order, and empties the batch. It reports whether to go on.
func (b *batch) flush(ctx context.Context) bool {
	if err := b.commit(ctx, b.jobs); err != nil {
		b.yield(Imported{}, fmt.Errorf("uploads: %w", err))
		return false
	}
	for _, job := range b.jobs {
		if job.Err == nil && b.issuer.readsAtSubmit() {
			var err error
			if job.Carries, err = b.issuer.cfg.Registry.Carried(ctx, job.Submission); err != nil {
				b.yield(Imported{}, err)
				return false
			}
		}
		if !b.yield(job.Imported, nil) {
			return false
		}
	}
	b.jobs, b.bytes = b.jobs[:0], 0
	return true
}

// commit enters the uploads of jobs in one transaction. If an upload was erased since it was examined, or its ID was
// taken, it enters each by itself, and sets Err of that job.
func (b *batch) commit(ctx context.Context, jobs []*importJob) error {
	var rows []records.Upload
	var of []*importJob
	for _, job := range jobs {
		if job.up != nil {
			rows, of = append(rows, job.up...), append(of, job)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	added, err := b.issuer.cfg.Registry.store.AddSubmissions(ctx, rows)
	if errors.Is(err, ErrErased) || errors.Is(err, ErrConflict) {
		if len(of) == 1 {
			of[0].Err, of[0].Submission = err, watermark.Submission{}
			return nil
		}
		for _, job := range of {
			if err := b.commit(ctx, []*importJob{job}); err != nil {
				return err
			}
		}
		return nil
	}
	if err != nil {
		return noEntry(err)
	}
	return b.overtaken(ctx, of, added)
}

// overtaken marks the jobs whose upload was entered since it was examined as duplicates; as a rule an earlier file of
// the same batch was the same. added says of each row whether it was new.
func (b *batch) overtaken(ctx context.Context, jobs []*importJob, added []bool) error {
	for _, job := range jobs {
		first := added[0]
		if added = added[len(job.up):]; first {
			continue
		}
		old, err := b.issuer.cfg.Registry.store.Submission(ctx, job.Submission)
		if err != nil {
			return err
		}
		job.there(old)
	}
	return nil
}
