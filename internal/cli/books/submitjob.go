package books

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/jobs"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/registry"
)

// submitFiles is how many files a job of submit has: they are committed together. Chosen.
const submitFiles = 16

// submitQueued has workers enter the uploads. What cannot be read by its path is an error of that upload.
func submitQueued(ctx context.Context, b *ui.Desk, f submitFlags, uploads iter.Seq[registry.Upload]) iter.Seq2[registry.Imported, error] {
	list := func(yield func(jobs.Job) bool) {
		job := SubmitJob{Actor: b.Actor(), HashOnly: f.hashOnly}
		for u := range uploads {
			if job.Files = append(job.Files, NewSubmitFile(u)); len(job.Files) < submitFiles {
				continue
			}
			if !yield(jobs.Job{Kind: ui.KindSubmit, Do: job}) {
				return
			}
			job.Files = nil
		}
		if len(job.Files) > 0 {
			yield(jobs.Job{Kind: ui.KindSubmit, Do: job})
		}
	}
	return func(yield func(registry.Imported, error) bool) {
		err := ui.RunAll(ctx, b, list, func(_ jobs.Job, lines []submitResult, err error) error {
			for _, line := range lines {
				if !yield(line.imported(), nil) {
					return ui.ErrStopped
				}
			}
			return err
		})
		if err != nil && !errors.Is(err, ui.ErrStopped) {
			yield(registry.Imported{}, err)
		}
	}
}

// A SubmitJob enters uploads.
type SubmitJob struct {
	Actor    string
	HashOnly bool
	Files    []SubmitFile
}

// A SubmitFile is an upload of a [SubmitJob]. The file is at Path on every machine.
type SubmitFile struct {
	Name, Path, Subject string
	At                  time.Time
	Size                int64
	SHA256              books.Digest
	Err                 string // why it cannot be read
}

// NewSubmitFile reads the upload u for its digest.
func NewSubmitFile(u registry.Upload) SubmitFile {
	f := SubmitFile{Name: u.Name, Subject: u.Subject, At: u.At, Size: u.Size}
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
		f.Err = ui.Reason(err)
	}
	return f
}

// upload returns the upload as a worker reads it. It refuses a file that was altered after it was queued.
func (f SubmitFile) upload() registry.Upload {
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

// DoSubmit enters the uploads of a job. Uploads that an earlier attempt entered are left as they are.
func DoSubmit(ctx context.Context, b *ui.Desk, job SubmitJob) (out []submitResult, err error) {
	o := &registry.SubmitOptions{Actor: job.Actor, HashOnly: job.HashOnly, Workers: 1} // a worker does several jobs at a time
	for r, err := range b.Worker.Issuer.Import(ctx, ui.Mapped(slices.Values(job.Files), SubmitFile.upload), o) {
		if err != nil {
			return nil, err
		}
		x := submitResult{Imported: r}
		if r.Err != nil {
			x.Err = ui.Reason(r.Err)
		}
		if r.Doubt != nil {
			x.Doubt = ui.Reason(r.Doubt)
		}
		out = append(out, x)
	}
	return out, nil
}
