package books

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/passing"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// issueLine is the result of issue as JSON; all but submission, recipient and error are null when it failed.
type issueLine struct {
	Submission string   `json:"submission"`
	Copy       *string  `json:"copy"`
	Recipient  string   `json:"recipient"`
	File       *string  `json:"file"`
	PSNR       *float64 `json:"psnr"` // dB
	Weak       bool     `json:"weak"`
	Lacks      string   `json:"lacks,omitempty"` // what the upload's file lacks, and so the copy
	Error      *string  `json:"error"`

	Carries []carried `json:"carries,omitempty"` // copies whose marks the upload carries

	id      watermark.Submission
	err     error // as it is shown
	cause   error // as it came
	ends    bool  // the error would meet other copies, too: none is tried
	leftOut int   // pages or frames of the upload's file that are not in the copy
}

// issueAll issues the upload id to every recipient in f.To and returns a line for each. After a line that ends all copies
// it tries no other. The upload is opened and decoded once, and only if a copy of it is to be made.
func issueAll(ctx context.Context, b *ui.Desk, issuer *registry.Issuer, id watermark.Submission, f issueFlags) []issueLine {
	o := registry.IssueOptions{Actor: ui.Actor(), Purpose: f.Purpose, Request: f.Request, MaxSide: f.MaxSide, MaxBytes: f.MaxBytes,
		Format: f.Format, KeepEXIF: f.KeepEXIF, AllowWeak: f.AllowWeak, Opened: new(registry.Opened)}
	var lines []issueLine
	for _, to := range f.To {
		stem := filepath.Join(f.folder(to), id.String())
		var line issueLine
		if err := f.outage.wait(ctx, func() error {
			line = issueLine{Submission: id.String(), Recipient: to, id: id}.issue(ctx, b, issuer, &o, stem, f)
			return line.cause
		}); err != nil {
			line.cause = err // context.Canceled where another copy's error ended the wait, so that that error is shown
		}
		line.ends = endsAll(line.cause)
		if lines = append(lines, line); line.ends {
			break
		}
	}
	return lines
}

// An outage of the database may last failOver; an attempt follows each pause. Chosen: twice the 30 s of a standby.
const (
	failOver = time.Minute
	pause    = 200 * time.Millisecond
)

// An outage is a time in which the database is away. It is safe for concurrent use.
type outage struct {
	mu    sync.Mutex
	since time.Time // zero: it was not away at the last attempt
}

// wait repeats do while the database is away, until it was away for [failOver] or ctx ends: the error is then ctx's.
func (o *outage) wait(ctx context.Context, do func() error) error {
	for {
		err := do()
		if late := o.lasts(err); late || !passing.Away(err) {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		time.Sleep(pause)
	}
}

// endsAll reports whether an error of a copy would meet the other copies, too: the folder takes no file, the
// registry no entry, a server is away, or the mark key is not in use.
func endsAll(err error) bool {
	_, disk := errors.AsType[*fs.PathError](err)
	return errors.Is(err, registry.ErrMarkKey) || errors.Is(err, registry.ErrNothingLeft) && disk || errors.Is(err, registry.ErrUnavailable) || passing.Is(err)
}

// lasts notes the error of an attempt, and reports whether the outage is too long.
func (o *outage) lasts(err error) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case !passing.Away(err):
		o.since = time.Time{}
	case o.since.IsZero():
		o.since = time.Now()
	}
	return !o.since.IsZero() && time.Since(o.since) > failOver
}

func (l *issueLine) is(c *books.Copy, path string) {
	l.Copy, l.File, l.PSNR, l.Weak = ui.Text(c.ID.String()), &path, &c.PSNR, c.Weak
}

func isFile(path string, c *books.Copy) bool {
	data, err := intake.ReadFile(path, c.Size)
	return err == nil && sha256.Sum256(data) == c.SHA256
}

// failed returns the line with err, without the submission in its text, as the reason why there is no copy.
func (l issueLine) failed(err error) issueLine {
	l.cause, l.err = err, errors.New(strings.TrimPrefix(ui.Reason(err), "copy of "+l.Submission+": "))
	l.Error = ui.ReasonText(l.err)
	return l
}

// issue issues the line's upload to its recipient, and returns the line with the copy or the error. It writes the copy's file
// to stem with the ending of its format, after the copy is in the ledger. A copy that is there for the same request is taken.
func (l issueLine) issue(ctx context.Context, b *ui.Desk, issuer *registry.Issuer, o *registry.IssueOptions, stem string, f issueFlags) issueLine {
	c, err := issuer.Copy(ctx, l.id, l.Recipient, o)
	if err != nil && !errors.Is(err, registry.ErrNotFound) {
		return l.failed(err)
	}
	if err == nil && isFile(stem+picture.Extension(c.Format), c) {
		if c.State == books.CopyReserved {
			_, err = b.Registry.Ledger().AddRelease(ctx, books.Release{Copy: c.ID, State: books.CopyReleased, Actor: o.Actor, Note: "its file was there"})
		}
		if err != nil {
			return l.failed(err)
		}
		l.is(c, stem+picture.Extension(c.Format))
		return l
	}
	if err := l.checkCopy(ctx, b, stem, f); err != nil {
		return l.failed(err)
	}
	c, err = issuer.Issue(ctx, l.id, l.Recipient, func(c *books.Copy, file []byte) error {
		path := stem + picture.Extension(c.Format)
		err := ui.WriteOutput(path, file, false)
		if err != nil && f.Force && !isFile(path, c) { // another command may have written its copy meanwhile
			if err = l.checkCopy(ctx, b, stem, f); err == nil {
				err = ui.WriteOutput(path, file, true)
			}
		}
		if err == nil || isFile(path, c) { // another worker may have written it
			return nil
		}
		return fmt.Errorf("%w: %w", registry.ErrNothingLeft, err)
	}, o)
	carries, leftOut, lacks := o.Opened.About()
	l.Carries = carriedBy(carries)
	if err != nil {
		return l.failed(err)
	}
	l.leftOut, l.Lacks = leftOut, lacks
	l.is(c, stem+picture.Extension(c.Format))
	return l
}

// checkCopy returns an error if a copy cannot be written to stem with any format's ending: its format is known only
// after entry in the ledger. An existing file needs --force and must not be a file of the home or another's copy.
func (l issueLine) checkCopy(ctx context.Context, b *ui.Desk, stem string, f issueFlags) error {
	for _, format := range append(picture.Writable(), "pdf") {
		path := stem + picture.Extension(format)
		if _, err := os.Lstat(path); err != nil {
			continue
		}
		if !f.Force {
			return fmt.Errorf("output %s exists; --force overwrites it", path)
		}
		if err := ui.CheckOutput(path, true, f.kept); err != nil {
			return err
		}
		copies, err1 := b.Registry.Copies(ctx, l.id)
		to, err2 := b.Registry.Recipient(ctx, l.Recipient)
		if err := cmp.Or(err1, err2); err != nil {
			return err
		}
		recipient, reviewer := to.Party()
		for i := range copies {
			if c := &copies[i]; (c.Recipient != recipient || c.Reviewer != reviewer) && isFile(path, c) {
				return fmt.Errorf("output %s is the copy of %s, and stays: name another folder for %s", path, ui.Name(c.Recipient), ui.Name(l.Recipient))
			}
		}
	}
	return nil
}
