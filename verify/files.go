package verify

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"math"
	"slices"
	"sync"

	"github.com/kycmark/kycmark/internal/dump"
	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/picture/codec"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/examine"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/verify/internal/words"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// Files examines what paths name, [Options].Workers files at a time. Paths name files, folders (with all
// files below), archives (zip, tar, gzip, bzip2; also in folders and up to four deep in each other), e-mails, web
// pages, office documents and TIFFs of several pages. With [Readers].LeakedPDF the pages of PDFs are examined as well,
// and with [Readers].Unpack the files in other archives. It yields the findings in the order of paths, the files of each
// path in lexical order. Litter of systems (.DS_Store, Thumbs.db and the like) is passed over if no picture is in it.
//
// A bad file is a finding that says so ([findings.Finding.Examined]), not an error. So is a broken tar
// archive, beside its files before the damage. An error ends the sequence with a nil finding. Before the first
// file is examined, the investigation is entered into the ledger: see [books.Investigation]. If no
// file can be examined, nothing is entered, and the only error is a *[NothingError]. Nested and
// compressed archives are unpacked to temporary files, which are removed at the end.
func (v *Investigation) Files(ctx context.Context, paths ...string) iter.Seq2[*findings.Finding, error] {
	return v.investigateDump(ctx, func(d *dump.Dump) error { return d.Add(ctx, paths...) })
}

// FS examines every file of fsys in the same way as [Investigation.Files].
func (v *Investigation) FS(ctx context.Context, fsys fs.FS) iter.Seq2[*findings.Finding, error] {
	return v.investigateDump(ctx, func(d *dump.Dump) error { return d.AddFS(ctx, fsys, "") })
}

// investigateDump returns the findings on the files that list adds to a dump, in their order. Before it examines a
// file, it takes findings from the state file and enters the investigation into the ledger, if any file can be examined.
func (v *Investigation) investigateDump(ctx context.Context, list func(*dump.Dump) error) iter.Seq2[*findings.Finding, error] {
	return func(yield func(*findings.Finding, error) bool) {
		d := dump.New(v.dumpOptions())
		defer d.Close()
		err := list(d)
		if errors.Is(err, dump.ErrTooMany) {
			err = fmt.Errorf("%w: the dump has more than %d files", registry.ErrLimit, v.cfg.MaxFiles)
		}
		if err != nil {
			yield(nil, err)
			return
		}
		x := &pass{Investigation: v, all: v.cfg.Part.files(d.Files), files: len(d.Files)}
		v.opened(d)
		err = x.something(ctx)
		if nothing := (*NothingError)(nil); errors.As(err, &nothing) && len(x.all) < len(d.Files) { // the others may have pictures
			for _, l := range nothing.Files {
				if !yield(l, nil) {
					return
				}
			}
			return
		}
		if err != nil {
			yield(nil, err)
			return
		}
		if x.p, err = v.begin(ctx); err != nil {
			yield(nil, err)
			return
		}
		sums, err := x.sums(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		if err := v.log(ctx, x.p.once, x.all, sums); err != nil {
			yield(nil, err)
			return
		}
		x.run(ctx, yield)
	}
}

// A pass examines files of a dump, once.
type pass struct {
	*Investigation
	all   []dump.File       // to be examined
	files int               // of the whole dump
	in    map[[32]byte]bool // SHA-256 of the files that the ledger has
	p     *progress
}

// A NothingError says that a dump has no picture that can be examined. Nothing was entered into the ledger.
type NothingError struct {
	Files []*findings.Finding // what each file is instead; none of a dump without files
}

func (e *NothingError) Error() string {
	return fmt.Sprintf("nothing to examine: no picture can be read among the %s", words.Count(len(e.Files), "file", "files"))
}

// something returns nil if one of the files can be decoded, else a *[NothingError] with the findings on all.
func (v *pass) something(ctx context.Context) error {
	nothing := new(NothingError)
	lease := v.x.Memory.Lease()
	defer lease.Give()
	for _, f := range v.all {
		data, err := v.read(ctx, f)
		if err := ctx.Err(); err != nil {
			return err
		}
		if err != nil {
			nothing.Files = append(nothing.Files, unread(f, err))
			continue
		}
		_, err = v.decode(ctx, data, lease)
		if ended := ctx.Err(); err == nil || ended != nil {
			return ended
		}
		nothing.Files = append(nothing.Files, closed(f.Name, data, err))
	}
	return nothing
}

// sums returns the SHA-256 of each file that can be read, and sets v.in. All files are read once more for it, so that
// the ledger says what was examined before any result is seen. The error is of ctx.
func (v *pass) sums(ctx context.Context) (out [][32]byte, err error) {
	v.in = make(map[[32]byte]bool)
	for _, f := range v.all {
		if data, err := v.read(ctx, f); err == nil {
			sum := sha256.Sum256(data)
			v.in[sum], out = true, append(out, sum)
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func unread(f dump.File, cause error) *findings.Finding {
	out := closed(f.Name, nil, intake.WithoutPath(cause))
	out.Size, out.SHA256 = f.Size, ""
	return out
}

func (v *Investigation) opened(d *dump.Dump) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.files, v.listed = len(d.Files), inputDigest(d.Files)
	for _, c := range d.Containers {
		v.containers = append(v.containers, findings.Container{File: c.Name, Size: c.Size, SHA256: c.Sum})
	}
}

// dumpOptions returns the limits of the configuration as package dump takes them. A PDF may have
// [tuning.MaxPDF] times the bytes of another file.
func (v *Investigation) dumpOptions() dump.Options {
	o := dump.Options{Dir: v.cfg.Dir, MaxFiles: v.cfg.MaxFiles, MaxPDF: math.MaxInt64, Unpack: v.cfg.Unpack}
	if v.cfg.LeakedPDF != nil {
		o.PDF = func(ctx context.Context, file []byte, page int) (registry.PDFPage, error) {
			lease := v.x.Memory.Lease()
			defer lease.Give()
			return v.cfg.LeakedPDF(ctx, file, page, func(bytes int64) error { return lease.Take(ctx, bytes) })
		}
	}
	last, shown, parts := (*dump.File)(nil), (*examine.Look)(nil), 0 // the whole that was looked at last, and its parts
	o.Repeats = func(ctx context.Context, whole *dump.File, part dump.File, chance bool) bool {
		if whole != last {
			last, parts = whole, 0
			shown, _ = look(ctx, v, *whole, false) // its examination says why not
		}
		got, err := look(ctx, v, part, false)
		if format := (*picture.FormatError)(nil); chance && errors.As(err, &format) && (format.Format == "jpeg" || format.Kind == codec.Broken) {
			return true
		}
		parts++
		if err != nil || shown == nil || parts > tuning.MaxLooked || !got.Repeats(ctx, shown) {
			return false
		}
		if got, err = look(ctx, v, part, true); err != nil || len(got.Marks) == 0 {
			return err == nil
		}
		of, err := look(ctx, v, *whole, true) // a copy of another recipient repeats nothing
		return err == nil && !slices.ContainsFunc(got.Marks, func(id watermark.CopyID) bool { return !slices.Contains(of.Marks, id) })
	}
	if v.cfg.MaxBytes < math.MaxInt64/tuning.MaxPDF {
		o.MaxPDF = tuning.MaxPDF * v.cfg.MaxBytes
	}
	return o
}

// look returns what a file shows. If read is true, it has the marks that are read at first sight.
func look(ctx context.Context, v *Investigation, f dump.File, read bool) (*examine.Look, error) {
	lease := v.x.Memory.Lease()
	defer lease.Give()
	data, err := v.read(ctx, f)
	if err != nil {
		return nil, err
	}
	pic, err := v.decode(ctx, data, lease)
	if err != nil {
		return nil, err
	}
	out := examine.LookAt(data, pic.Image)
	if read {
		if r, err := watermark.Skim(ctx, picture.Flatten(pic.Image), v.cfg.Keys...); err == nil { // else it is too small
			out.Marks = each.Of(r.Marks, func(m *watermark.Detection) watermark.CopyID { return m.Copy })
		}
	}
	return out, nil
}

// A result is what came of one file.
type result struct {
	verdict *findings.Finding
	err     error
}

// run examines the files, [Options].Workers at a time, and yields the findings in the order of the files. Each
// finding is kept in p before it is yielded. All goroutines that run started have ended when it returns.
func (v *pass) run(ctx context.Context, yield func(*findings.Finding, error) bool) {
	ctx, cancel := context.WithCancel(ctx)
	workers := min(v.cfg.Workers, len(v.all))
	slots := make(chan chan result, 4*workers) // bounds what is begun but not yet taken
	var running sync.WaitGroup
	defer func() { cancel(); running.Wait() }()
	running.Go(func() {
		defer close(slots)
		busy := make(chan struct{}, workers)
		for _, f := range v.all {
			slot := make(chan result, 1)
			select {
			case slots <- slot:
			case <-ctx.Done():
				return
			}
			select {
			case busy <- struct{}{}:
			case <-ctx.Done():
				slot <- result{nil, ctx.Err()}
				return
			}
			running.Go(func() {
				verdict, err := v.contained(ctx, f)
				<-busy
				slot <- result{verdict, err}
			})
		}
	})
	for i := range v.all {
		slot, open := <-slots
		if !open {
			yield(nil, ctx.Err())
			return
		}
		r := <-slot
		if r.err == nil {
			r.err = v.p.add(r.verdict)
		}
		if r.err != nil {
			yield(nil, r.err)
			return
		}
		if v.cfg.Progress != nil {
			v.cfg.Progress(i+1, len(v.all))
		}
		if !yield(r.verdict, nil) {
			return
		}
	}
}

// contained is investigateFile. A panic, a fault of this program or of a file system that it was given, costs this file alone.
func (v *pass) contained(ctx context.Context, f dump.File) (out *findings.Finding, err error) {
	defer func() {
		if p := recover(); p != nil {
			out, err = unread(f, fmt.Errorf("the program failed: %v", p)), nil
		}
	}()
	return v.investigateFile(ctx, f)
}

// investigateFile examines one file. If the pass has the finding on the same bytes, it returns a copy of that. Only
// failures of the registry and the end of ctx are errors.
func (v *pass) investigateFile(ctx context.Context, f dump.File) (*findings.Finding, error) {
	lease := v.x.Memory.Lease()
	defer lease.Give()
	if f.Err == nil && f.Size <= v.cfg.MaxBytes && !f.Made { // else it is not read, or waits for memory of its own
		if err := lease.TakeFile(ctx, cmp.Or(f.Size, v.cfg.MaxBytes)); err != nil { // 0: not known
			return nil, err
		}
	}
	data, err := v.read(ctx, f)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err != nil {
		return unread(f, err), nil
	}
	sum := sha256.Sum256(data)
	if !v.in[sum] {
		return unread(f, fmt.Errorf("the file was altered since the examination began: SHA-256 %x is not in the ledger", sum)), nil
	}
	if again, err := v.again(ctx, f.Name, sum, data, lease); again != nil || err != nil {
		return again, err
	}
	pic, err := v.decode(ctx, data, lease)
	if ended := ctx.Err(); ended != nil {
		return nil, ended
	}
	if err != nil {
		return closed(f.Name, data, err), nil
	}
	return v.x.Investigate(ctx, f.Name, v.leak(pic), v.files)
}

// read returns the bytes of a file, which may have [Config].MaxBytes.
func (v *Investigation) read(ctx context.Context, f dump.File) ([]byte, error) {
	if f.Err != nil {
		return nil, f.Err
	}
	if f.Size > v.cfg.MaxBytes {
		return nil, &picture.LimitError{What: "bytes", Got: f.Size, Max: v.cfg.MaxBytes}
	}
	in, err := f.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	data, err := intake.ReadAll(in, f.Size, v.cfg.MaxBytes)
	if want, known := v.cfg.Sums[f.Name]; known && err == nil && books.Digest(sha256.Sum256(data)) != want {
		return nil, fmt.Errorf("the file was altered: SHA-256 %x, want %s", sha256.Sum256(data), want)
	}
	return data, err
}
