package ui

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kycmark/kycmark/internal/durable"
	"github.com/kycmark/kycmark/internal/home"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/memory"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/verify/registry"
)

// ListFiles replaces each folder among paths by the files in it and below, in lexical order, without hidden files and
// folders. A path that cannot be read is kept, and so fails later, as one bad input among others.
func ListFiles(paths []string) (files []string) {
	for _, path := range paths {
		intake.Walk(path, func(name string, _ fs.DirEntry, _ error) bool {
			files = append(files, name)
			return true
		})
	}
	return files
}

// MaxSmall is the max size of a checkpoint, a proof, a key or a list, bytes.
const MaxSmall = 64 << 20

// ReadSmall reads a regular file that is not large.
func ReadSmall(path string) ([]byte, error) { return intake.ReadFile(path, MaxSmall) }

// Reason returns err in one line for a message that names the file already: without the path that package os puts in
// front, and without the names of our packages.
func Reason(err error) string {
	if p, ok := err.(*fs.PathError); ok {
		err = p.Err
	}
	return strings.NewReplacer("\n\t", "; ", "\n", "; ").Replace(unpacked(err.Error()))
}

// packageNames are the prefixes by which errors name the package that they come from.
var packageNames = regexp.MustCompile(`(^|: )(?:watermark|verify|phash|parts|picture|odds): `)

// unpacked takes the names of our packages out of an error's text: they say nothing to users of the command.
func unpacked(text string) string { return packageNames.ReplaceAllString(text, "$1") }

func (u *UI) Limits(ctx context.Context) picture.Limits {
	return picture.Limits{Decode: picture.Decoding(ctx, u.Decoder.Decode), PDF: picture.ReadingPDF(ctx, u.Pdfs.Pages)}
}

func (u *UI) Readers() registry.Readers {
	return registry.Readers{Decode: u.Decoder.Decode, PDF: u.Pdfs.Pages}
}

// EachPicture loads the pages of every file and folder in paths and calls work on each, for several files at a time.
// It calls emit with the results in the order of the files and pages. A page of several has the name "FILE#page K".
// Errors of loading and of work are reported and handed to emit, and do not end the batch. A file with pictures that
// are no pages is reported as well. doing names the work on the progress bar, and load loads a page.
func EachPicture[T any](ctx context.Context, u *UI, doing string, paths []string, load loader, work func(ctx context.Context, p *picture.Picture) (T, error), emit func(file string, value T, err error) error) error {
	files := ListFiles(paths)
	if len(files) == 0 {
		return Usagef("no files in %s", strings.Join(paths, ", "))
	}
	type result struct {
		page  string // "#page 2", "" of the only page
		value T
		more  int    // pictures in the file that are no pages
		lacks string // what the file lacks
		err   error
	}
	step, done := u.Progress(ctx, doing, len(files))
	defer done()
	return Each(ctx, files, func(ctx context.Context, file string) (all []result) {
		defer step()
		lease := u.budget().Lease()
		defer lease.Give()
		lim := lease.Within(ctx, u.Limits(ctx), memory.Examining)
		doc, err := OpenDocument(u, file, lim)
		if err != nil {
			return []result{{err: err}}
		}
		for k := 1; k <= doc.Pages() && ctx.Err() == nil; k++ {
			r := result{page: doc.Label(k)}
			pic, err := load(doc, k, lim)
			if r.err = err; err == nil {
				r.more, r.lacks = pic.Pages-1, pic.Incomplete
				r.value, r.err = work(ctx, pic)
			}
			all = append(all, r)
		}
		return all
	}, func(file string, all []result) error {
		for _, r := range all {
			u.FailPages(file, r.more+1)
			u.WarnLacks(file+r.page, r.lacks, "read")
			if r.err != nil {
				u.Fail(file+r.page, r.err)
			}
			if err := emit(file+r.page, r.value, r.err); err != nil {
				return err
			}
		}
		return nil
	})
}

// A loader loads page k, from 1, of a document.
type loader func(d *picture.Document, k int, lim picture.Limits) (*picture.Picture, error)

var AllPixels loader = (*picture.Document).Picture

func ForHashes(d *picture.Document, k int, lim picture.Limits) (*picture.Picture, error) {
	return d.Reduced(k, lim, phash.Step)
}

// Sum returns the hash, and its quality, of a picture that ForHashes loaded.
func Sum(kind phash.Kind, p *picture.Picture) (phash.Hash, int, error) {
	flat := picture.Flatten(p.Image)
	if kind == phash.PDQ {
		flat = cmp.Or(p.Nearest, flat)
	}
	return phash.Sum(kind, flat)
}

// OpenDocument reads a file and finds its pages: one if they cannot be found.
func OpenDocument(u *UI, file string, lim picture.Limits) (*picture.Document, error) {
	data, err := intake.ReadFile(file, picture.DefaultMaxBytes)
	if err != nil {
		return nil, intake.WithoutPath(err)
	}
	doc, err := picture.OpenDocument(data, lim)
	if err != nil {
		return picture.OnePage(data), nil // whose examination says why
	}
	return doc, nil
}

// Each calls work on every input, on as many inputs at a time as there are processors. It calls emit with the results
// in the order of the inputs, on the caller's goroutine. The error is the first error of emit, or ctx's; it ends the
// rest, and each waits for work that has begun.
func Each[In, T any](ctx context.Context, inputs []In, work func(ctx context.Context, input In) T, emit func(input In, result T) error) error {
	ctx, cancel := context.WithCancel(ctx)
	results := make([]chan T, len(inputs))
	for i := range results {
		results[i] = make(chan T, 1)
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	wg.Go(func() {
		for i, input := range inputs {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return
			}
			wg.Go(func() {
				results[i] <- work(ctx, input)
				<-slots
			})
		}
	})
	for i, input := range inputs {
		select {
		case r := <-results[i]:
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := emit(input, r); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Outputs are identity pictures and reports on them: for their owner alone.
const (
	outputPerm fs.FileMode = 0o600
	FolderPerm fs.FileMode = 0o700
)

// CheckOutputs calls [CheckOutput] for each path except "": no path may be a file of the home or one of inputs.
func (b *Desk) CheckOutputs(force bool, inputs []string, paths ...string) error {
	for _, path := range paths {
		if path != "" {
			if err := CheckOutput(path, force, b.Home.Files(), inputs...); err != nil {
				return err
			}
		}
	}
	return nil
}

// CheckOutput returns an error if the file path must not or cannot be written. It must not be one of inputs, of kept
// (keys in use, a home's books) or of the files of a home near it, nor exist unless force is set. It looks before the
// work is done and makes no output; WriteOutput looks again.
func CheckOutput(path string, force bool, kept []string, inputs ...string) error {
	if err := CheckSpared(path, kept); err != nil {
		return err
	}
	if path == "" || os.IsPathSeparator(path[len(path)-1]) {
		return Usagef("output %q names no file", path)
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return CheckFolder(path)
	}
	if err != nil {
		return err
	}
	if info.IsDir() {
		return Usagef("output %s is a folder", Name(path))
	}
	for _, in := range inputs {
		if i, err := os.Stat(in); err == nil && os.SameFile(i, info) {
			return Usagef("output %s is the input itself", Name(path))
		}
	}
	if !force {
		return exists(path)
	}
	return CheckFolder(path)
}

// CheckFolder returns an error if no file can be made in the folder of path, which must exist. It makes and removes a
// temporary file there, because only that tells for sure. It also removes what killed commands left there.
func CheckFolder(path string) error {
	dir := filepath.Dir(filepath.Clean(path))
	_, _ = durable.Clean(dir, "", time.Now().Add(-durable.Settled), true) // what cannot be removed is met again
	f, err := os.CreateTemp(dir, durable.Temporary)
	if err != nil {
		return fmt.Errorf("output %s cannot be written there: %w", Name(path), intake.WithoutPath(err))
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// WriteOutput writes data to path, readable by the owner alone, under a temporary name that it renames.
func WriteOutput(path string, data []byte, force bool) error {
	err := durable.WriteFile(path, data, outputPerm, force)
	if errors.Is(err, fs.ErrExist) {
		return exists(path)
	}
	return err
}

func exists(path string) error {
	return WithHint(fmt.Errorf("output %s exists", Name(path)), "choose another name, or remove it first")
}

// nearFiles returns the files of the homes that an output at path may hit by mistake: the home that the command would
// use without --home, and the homes in the output's folder and in the folder above it.
func nearFiles(path string) []string {
	var files []string
	if h, err := openHome(""); err == nil {
		files = h.Files()
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return files
	}
	folder := filepath.Dir(path)
	for _, dir := range []string{folder, filepath.Dir(folder)} {
		if h, err := home.Open(dir); err == nil {
			files = append(files, h.Files()...)
		}
	}
	return files
}

// CheckSpared returns a UsageError if path is one of the files in kept, or of a home near path, existing or not.
func CheckSpared(path string, kept []string) error {
	for _, file := range slices.Concat(kept, nearFiles(path)) {
		if file != "" && SamePlace(path, file) {
			return Usagef("output %s is a key in use, or a home's registry, key or configuration", path)
		}
	}
	return nil
}

// SamePlace reports whether two paths are one file, also by links, or would be one file if they
// were made: same name, same existing folder.
func SamePlace(a, b string) bool {
	return Same(a, b) || filepath.Base(a) == filepath.Base(b) && Same(filepath.Dir(a), filepath.Dir(b))
}

// Same reports whether two paths lead to one file or folder; false if either does not exist.
func Same(a, b string) bool {
	x, err1 := os.Stat(a)
	y, err2 := os.Stat(b)
	return err1 == nil && err2 == nil && os.SameFile(x, y)
}
