package verify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"math"
	"sync"

	"github.com/kycmark/kycmark/internal/dump"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/verify/internal/findings"
	"github.com/kycmark/kycmark/verify/registry"
)

// A PDF is an open PDF file, safe for concurrent use: see [Config].OpenPDF.
type PDF = dump.PDF

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
		err := list(d)
		if errors.Is(err, dump.ErrTooMany) {
			err = fmt.Errorf("%w: the dump has more than %d files", registry.ErrLimit, v.cfg.MaxFiles)
		}
		if err != nil {
			yield(nil, err)
			return
		}
		if err := v.log(ctx, d.Files); err != nil {
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
		v.run(ctx, d.Files, p, yield)
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

// dumpOptions are the limits of the configuration, as package dump takes them.
func (v *Investigator) dumpOptions() dump.Options {
	o := dump.Options{MaxFiles: v.cfg.MaxFiles, MaxPDF: math.MaxInt64, OpenPDF: v.cfg.OpenPDF}
	if v.cfg.MaxBytes < math.MaxInt64/maxPDF {
		o.MaxPDF = maxPDF * v.cfg.MaxBytes
	}
	return o
}

// A result is what came of one file.
type result struct {
	verdict *Verdict
	err     error
}

// run examines the files, [Config].Workers at a time, and yields the verdicts in the order of
// the files. All goroutines that it begins have ended when it returns.
func (v *Investigator) run(ctx context.Context, all []dump.File, p *progress, yield func(*Verdict, error) bool) {
	ctx, cancel := context.WithCancel(ctx)
	workers := min(v.cfg.Workers, len(all))
	slots := make(chan chan result, 4*workers) // bounds what is done but not yet taken
	var running sync.WaitGroup
	defer func() { cancel(); running.Wait() }()
	running.Go(func() {
		defer close(slots)
		free := make(chan struct{}, workers)
		for _, f := range all {
			slot := make(chan result, 1)
			select {
			case slots <- slot:
				free <- struct{}{}
			case <-ctx.Done():
				return
			}
			running.Go(func() {
				verdict, err := v.investigateFile(ctx, f, len(all), p)
				slot <- result{verdict, err}
				<-free
			})
		}
	})
	for i := range all {
		slot, open := <-slots
		if !open {
			yield(nil, ctx.Err())
			return
		}
		r := <-slot
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

// investigateFile reads one file of a dump of so many files and examines it, unless p has the
// verdict on the same bytes. Only failures of the registry and the end of ctx are errors.
func (v *Investigator) investigateFile(ctx context.Context, f dump.File, files int, p *progress) (*Verdict, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	data, err := v.read(ctx, f)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err != nil {
		d := damaged(f.Name, nil, intake.WithoutPath(err))
		d.Size, d.SHA256 = f.Size, "" // its bytes were not read
		return d, nil
	}
	if known := p.again(f.Name, data, v.cfg.limits()); known != nil {
		return known, nil
	}
	return v.investigate(ctx, f.Name, data, files)
}

// read returns the bytes of a file. The error is a [picture.LimitError] if there are too many.
func (v *Investigator) read(ctx context.Context, f dump.File) ([]byte, error) {
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
	return intake.ReadAll(in, v.cfg.MaxBytes)
}
