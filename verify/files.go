package verify

import (
	"archive/zip"
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/verify/registry"
)

// A source is one file of a dump.
type source struct {
	name string // as the verdict names it
	size int64  // bytes, as announced
	open func() (io.ReadCloser, error)
	err  error // why it cannot be opened at all
}

// InvestigateFiles examines the files, folders (all files below) and zip archives
// (all files within) that paths name, several at a time, and gives the verdicts in
// the order of paths, each path's files in lexical order. What systems leave in
// folders and archives by themselves (.DS_Store, Thumbs.db and the like) is passed
// over. One bad file never stops it: it is [FoundDamaged]. An error ends it. That it
// begins is entered first: see [Investigation].
func (v *Investigator) InvestigateFiles(ctx context.Context, paths ...string) iter.Seq2[*Verdict, error] {
	return func(yield func(*Verdict, error) bool) {
		var all []source
		var open closers
		defer open.close()
		for _, p := range paths {
			found, err := v.list(p, &open)
			if err != nil {
				yield(nil, err)
				return
			}
			if all = append(all, found...); len(all) > v.cfg.MaxFiles {
				yield(nil, tooMany(v.cfg.MaxFiles))
				return
			}
		}
		v.runLogged(ctx, all, yield)
	}
}

// InvestigateFS is [Investigator.InvestigateFiles] over every file of fsys, zip
// archives within it apart: these are damaged.
func (v *Investigator) InvestigateFS(ctx context.Context, fsys fs.FS) iter.Seq2[*Verdict, error] {
	return func(yield func(*Verdict, error) bool) {
		all, err := v.walk(fsys, "")
		if err != nil {
			yield(nil, err)
			return
		}
		v.runLogged(ctx, all, yield)
	}
}

// runLogged enters that the sources are examined, and examines them.
func (v *Investigator) runLogged(ctx context.Context, all []source, yield func(*Verdict, error) bool) {
	if err := v.log(ctx, all); err != nil {
		yield(nil, err)
		return
	}
	v.run(ctx, all, yield)
}

func tooMany(most int) error {
	return fmt.Errorf("%w: the dump has more than %d files", registry.ErrLimit, most)
}

// closers are archives that stay open until all their files are read.
type closers []io.Closer

func (c closers) close() {
	for _, x := range c {
		x.Close()
	}
}

// list returns the files that a path stands for.
func (v *Investigator) list(p string, open *closers) ([]source, error) {
	st, err := os.Stat(p)
	if err != nil { // one bad input among others
		return []source{{name: p, err: err}}, nil
	}
	if st.IsDir() {
		return v.walk(os.DirFS(p), p)
	}
	if strings.EqualFold(filepath.Ext(p), ".zip") {
		z, err := zip.OpenReader(p)
		if err != nil {
			return []source{{name: p, err: fmt.Errorf("zip archive: %w", err)}}, nil
		}
		*open = append(*open, z)
		return v.listZip(&z.Reader, p)
	}
	return []source{{name: p, size: st.Size(), open: func() (io.ReadCloser, error) { return intake.OpenRegular(p) }}}, nil
}

// walk lists the files of a tree in lexical order; what cannot be listed becomes
// a source that says so. Links are not followed.
func (v *Investigator) walk(fsys fs.FS, under string) ([]source, error) {
	var out []source
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		full := name
		if under != "" {
			full = filepath.Join(under, filepath.FromSlash(name))
		}
		switch {
		case err != nil:
			out = append(out, source{name: full, err: err})
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
		case d.IsDir() || intake.Litter(name):
		case !d.Type().IsRegular():
			out = append(out, source{name: full, err: intake.ErrNotRegular})
		default:
			out = append(out, fileOf(fsys, name, full, d))
		}
		if len(out) > v.cfg.MaxFiles {
			return tooMany(v.cfg.MaxFiles)
		}
		return nil
	})
	return out, err
}

func fileOf(fsys fs.FS, name, full string, d fs.DirEntry) source {
	s := source{name: full, open: func() (io.ReadCloser, error) { return fsys.Open(name) }}
	if info, err := d.Info(); err == nil {
		s.size = info.Size()
	}
	return s
}

// listZip lists an archive's files. Sizes that it announces are not believed:
// reading stops at the limit.
func (v *Investigator) listZip(z *zip.Reader, under string) ([]source, error) {
	var out []source
	for _, f := range z.File {
		if f.FileInfo().IsDir() || intake.Litter(f.Name) {
			continue
		}
		if len(out) >= v.cfg.MaxFiles {
			return nil, tooMany(v.cfg.MaxFiles)
		}
		out = append(out, source{name: under + "!" + f.Name, open: f.Open})
	}
	slices.SortStableFunc(out, func(a, b source) int { return cmp.Compare(a.name, b.name) })
	return out, nil
}

// result is what one worker hands back.
type result struct {
	verdict *Verdict
	err     error
}

// run examines the sources on a bounded number of workers and yields in order. It
// owns its goroutines: all have ended when it returns.
func (v *Investigator) run(ctx context.Context, all []source, yield func(*Verdict, error) bool) {
	ctx, cancel := context.WithCancel(ctx)
	slots := make([]chan result, len(all))
	for i := range slots {
		slots[i] = make(chan result, 1)
	}
	ahead := make(chan struct{}, 4*v.cfg.Workers) // bounds what is done but not yet taken
	done := make(chan struct{})
	go func() {
		defer close(done)
		v.work(ctx, all, slots, ahead)
	}()
	defer func() { cancel(); <-done }()
	for i := range slots {
		r := <-slots[i]
		select {
		case <-ahead:
		default: // given up before it took a place
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
func (v *Investigator) work(ctx context.Context, all []source, slots []chan result, ahead chan struct{}) {
	next := make(chan int)
	ended := make(chan struct{})
	for range v.cfg.Workers {
		go func() {
			defer func() { ended <- struct{}{} }()
			for i := range next {
				verdict, err := v.investigateSource(ctx, all[i])
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
	for range v.cfg.Workers {
		<-ended
	}
}

// investigateSource reads one file and examines it. Only failures of the registry
// and the end of ctx are errors.
func (v *Investigator) investigateSource(ctx context.Context, s source) (*Verdict, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	data, err := v.read(s)
	if err != nil {
		d := damaged(s.name, nil, intake.WithoutPath(err))
		d.Size, d.SHA256 = s.size, "" // its bytes were not read
		return d, nil
	}
	return v.investigate(ctx, s.name, data)
}

func (v *Investigator) read(s source) ([]byte, error) {
	if s.err != nil {
		return nil, s.err
	}
	if s.size > v.cfg.MaxBytes {
		return nil, &picture.LimitError{What: "bytes", Got: s.size, Most: v.cfg.MaxBytes}
	}
	f, err := s.open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return intake.ReadAll(f, v.cfg.MaxBytes)
}
