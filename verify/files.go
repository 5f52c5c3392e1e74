package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math"

	"github.com/kycmark/kycmark/internal/dump"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/verify/internal/findings"
	"github.com/kycmark/kycmark/verify/registry"
)

// A source is one file of a dump.
type source struct {
	name string // as the verdict names it
	size int64  // bytes, as announced
	open func(ctx context.Context) (io.ReadCloser, error)
	err  error // why it cannot be opened at all
}

// A PDF is an open PDF file, safe for concurrent use: see [Config].OpenPDF.
type PDF interface {
	// Names are of its pictures, each once, such as "page3-image1.jpg".
	Names() []string
	// Read gives the i-th picture as the bytes of a file. An error is that of this
	// picture, or the context's.
	Read(ctx context.Context, i int) ([]byte, error)
	Close() error
}

// InvestigateFiles examines what paths name, several files at a time: files, folders (all
// files below), archives (zip, tar, tar.gz, tar.bz2; also in folders and one level deep in
// each other), and, with [Config.OpenPDF], the pictures in PDFs. It gives the verdicts in
// the order of paths, each path's files in lexical order. What systems leave in
// folders and archives by themselves (.DS_Store, Thumbs.db and the like) is passed
// over. Nested and compressed archives are unpacked to temporary files, which are gone
// afterwards. One bad file never stops it: it is [FoundDamaged], and so is a tar archive that
// is broken, beside the files that stand whole before the damage. An error ends it. That it
// begins is entered first: see [registry.Investigation].
func (v *Investigator) InvestigateFiles(ctx context.Context, paths ...string) iter.Seq2[*Verdict, error] {
	return v.investigateDump(ctx, func(d *dump.Dump) error { return d.Add(ctx, paths...) })
}

// InvestigateFS is [Investigator.InvestigateFiles] over every file of fsys.
func (v *Investigator) InvestigateFS(ctx context.Context, fsys fs.FS) iter.Seq2[*Verdict, error] {
	return v.investigateDump(ctx, func(d *dump.Dump) error { return d.AddFS(ctx, fsys, "") })
}

// investigateDump lists a dump, enters that it is examined, and examines it.
func (v *Investigator) investigateDump(ctx context.Context, list func(*dump.Dump) error) iter.Seq2[*Verdict, error] {
	return func(yield func(*Verdict, error) bool) {
		d := dump.New(v.dumpOptions())
		defer d.Close()
		if err := list(d); errors.Is(err, dump.ErrTooMany) {
			yield(nil, tooMany(v.cfg.MaxFiles))
			return
		} else if err != nil {
			yield(nil, err)
			return
		}
		all := make([]source, len(d.Files))
		for i, f := range d.Files {
			all[i] = source{name: f.Name, size: f.Size, open: f.Open, err: f.Err}
		}
		if err := v.log(ctx, all); err != nil {
			yield(nil, err)
			return
		}
		v.opened(d.Containers)
		p, err := v.begin(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		defer p.close()
		v.run(ctx, all, p, yield)
	}
}

// opened keeps for the record which archives and PDFs the files are from.
func (v *Investigator) opened(containers []dump.Container) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, c := range containers {
		v.containers = append(v.containers, findings.Container{File: c.Name, Size: c.Size, SHA256: c.Sum})
	}
}

// maxPDF is how many times [Config.MaxBytes] a PDF may have, which holds many pictures.
const maxPDF = 4

func (v *Investigator) dumpOptions() dump.Options {
	o := dump.Options{MaxFiles: v.cfg.MaxFiles, MaxPDF: math.MaxInt64}
	if v.cfg.MaxBytes < math.MaxInt64/maxPDF {
		o.MaxPDF = maxPDF * v.cfg.MaxBytes
	}
	if v.cfg.OpenPDF != nil {
		o.OpenPDF = func(ctx context.Context, data []byte) (dump.PDF, error) {
			p, err := v.cfg.OpenPDF(ctx, data)
			if err != nil {
				return nil, err
			}
			return p, nil
		}
	}
	return o
}

func tooMany(files int) error {
	return fmt.Errorf("%w: the dump has more than %d files", registry.ErrLimit, files)
}

// result is what one worker hands back.
type result struct {
	verdict *Verdict
	err     error
}

// run examines the sources on a bounded number of workers and yields in order. It
// owns its goroutines: all have ended when it returns.
func (v *Investigator) run(ctx context.Context, all []source, p *progress, yield func(*Verdict, error) bool) {
	ctx, cancel := context.WithCancel(ctx)
	slots := make([]chan result, len(all))
	for i := range slots {
		slots[i] = make(chan result, 1)
	}
	workers := min(v.cfg.Workers, len(all))
	ahead := make(chan struct{}, 4*workers) // bounds what is done but not yet taken
	done := make(chan struct{})
	go func() {
		defer close(done)
		v.work(ctx, all, p, workers, slots, ahead)
	}()
	defer func() { cancel(); <-done }()
	for i := range slots {
		r := <-slots[i]
		select {
		case <-ahead:
		default: // given up before it took a place
		}
		if r.err == nil {
			r.err = p.add(r.verdict)
		}
		if r.err != nil {
			yield(nil, r.err)
			return
		}
		if v.cfg.Progress != nil {
			v.cfg.Progress(i+1, len(all))
		}
		if !yield(r.verdict, nil) {
			return
		}
	}
}

// work feeds the workers in order and returns when all have ended. Every slot is
// filled, with the context's error where the work was given up.
func (v *Investigator) work(ctx context.Context, all []source, p *progress, workers int, slots []chan result, ahead chan struct{}) {
	next := make(chan int)
	ended := make(chan struct{})
	for range workers {
		go func() {
			defer func() { ended <- struct{}{} }()
			for i := range next {
				verdict, err := v.investigateSource(ctx, all[i], len(all), p)
				slots[i] <- result{verdict, err}
			}
		}()
	}
	for i := range all {
		select {
		case ahead <- struct{}{}:
			next <- i
		case <-ctx.Done():
			slots[i] <- result{err: ctx.Err()}
		}
	}
	close(next)
	for range workers {
		<-ended
	}
}

// investigateSource reads one file and examines it. Only failures of the registry
// and the end of ctx are errors.
func (v *Investigator) investigateSource(ctx context.Context, s source, files int, p *progress) (*Verdict, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	data, err := v.read(ctx, s)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err != nil {
		d := damaged(s.name, nil, intake.WithoutPath(err))
		d.Size, d.SHA256 = s.size, "" // its bytes were not read
		return d, nil
	}
	if known := p.again(s.name, data, v.cfg.limits()); known != nil {
		return known, nil
	}
	return v.investigate(ctx, s.name, data, files)
}

func (v *Investigator) read(ctx context.Context, s source) ([]byte, error) {
	if s.err != nil {
		return nil, s.err
	}
	if s.size > v.cfg.MaxBytes {
		return nil, &picture.LimitError{What: "bytes", Got: s.size, Max: v.cfg.MaxBytes}
	}
	f, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return intake.ReadAll(f, v.cfg.MaxBytes)
}
