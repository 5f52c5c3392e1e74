package main

import (
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

	"github.com/kycmark/kycmark/internal/durable"
	"github.com/kycmark/kycmark/internal/home"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/picture"
)

// listFiles replaces each folder among paths by the regular files in it and
// below, in lexical order, without hidden ones. What cannot be read is kept: it
// fails when it is opened, as one bad input among others.
func listFiles(paths []string) []string {
	var files []string
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil || !info.IsDir() {
			files = append(files, path)
			continue
		}
		root := path + string(filepath.Separator) // a link to a folder is followed where it is named
		filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				files = append(files, p)
				return nil
			case p != root && strings.HasPrefix(d.Name(), "."):
				if d.IsDir() {
					return fs.SkipDir
				}
			case !d.IsDir():
				files = append(files, p)
			}
			return nil
		})
	}
	return files
}

// maxSmall is the max size of a checkpoint, a proof, a key or a list, bytes.
const maxSmall = 64 << 20

// readSmall reads a regular file that is not large.
func readSmall(path string) ([]byte, error) { return intake.ReadFile(path, maxSmall) }

// reason is err in one line, without the path that package os puts in front and without the
// names of our packages: the line names the file already.
func reason(err error) string {
	if p, ok := err.(*fs.PathError); ok {
		err = p.Err
	}
	return strings.ReplaceAll(unpacked(err.Error()), "\n", "; ")
}

// packageNames are the prefixes by which errors name the package that they come from.
var packageNames = regexp.MustCompile(`(^|: )(?:watermark|verify|phash|parts|picture|odds): `)

// unpacked takes the names of our packages out of an error's text: they say nothing to
// users of the command.
func unpacked(text string) string { return packageNames.ReplaceAllString(text, "$1") }

// eachPicture loads the first picture of every file and folder in paths and does work on it.
// It hands the results to emit in the order of the files, errors of loading and of work after
// they were reported. doing names the work on the progress bar.
func eachPicture[T any](ctx context.Context, u *ui, doing string, paths []string, work func(ctx context.Context, p *picture.Picture) (T, error), emit func(file string, value T, err error) error) error {
	files := listFiles(paths)
	if len(files) == 0 {
		return usagef("no files in %s", strings.Join(paths, ", "))
	}
	type result struct {
		value T
		pages int
		err   error
	}
	step, done := u.progress(ctx, doing, len(files))
	defer done()
	return each(ctx, files, func(ctx context.Context, file string) (r result) {
		defer step()
		pic, err := picture.Load(file, picture.Limits{})
		if err != nil {
			r.err = err
			return r
		}
		r.pages = pic.Pages
		r.value, r.err = work(ctx, pic)
		return r
	}, func(file string, r result) error {
		u.warnPages(file, r.pages)
		if r.err != nil {
			u.fail(file, r.err)
		}
		return emit(file, r.value, r.err)
	})
}

// each does work on every input, on as many inputs at a time as there are processors. It
// hands the results to emit in the order of the inputs. The error is the first error of
// emit, or the context's.
func each[In, T any](ctx context.Context, inputs []In, work func(ctx context.Context, input In) T, emit func(input In, result T) error) error {
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
	folderPerm fs.FileMode = 0o700
)

// checkOutputs is checkOutput for files that flags name and that must not take the place of a
// file of the home. A path of "" is no output.
func (b *books) checkOutputs(force bool, inputs []string, paths ...string) error {
	for _, path := range paths {
		if path != "" {
			if err := checkOutput(path, force, b.home.Files(), inputs...); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkOutput refuses an output that is one of the inputs, of the files to be kept (keys
// in use, a home's books) or of a home near it; or that exists when overwriting was not
// asked for, or whose folder is missing or closed. It looks before the work is done;
// writeOutput looks again.
func checkOutput(path string, force bool, kept []string, inputs ...string) error {
	if err := checkSpared(path, kept); err != nil {
		return err
	}
	if path == "" || os.IsPathSeparator(path[len(path)-1]) {
		return usagef("output %q names no file", path)
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return checkFolder(path)
	}
	if err != nil {
		return err
	}
	if info.IsDir() {
		return usagef("output %s is a folder", path)
	}
	for _, in := range inputs {
		if i, err := os.Stat(in); err == nil && os.SameFile(i, info) {
			return usagef("output %s is the input itself", path)
		}
	}
	if !force {
		return exists(path)
	}
	return checkFolder(path)
}

// checkFolder refuses an output in whose folder nothing can be made, which only making
// something there tells for sure.
func checkFolder(path string) error {
	f, err := os.CreateTemp(filepath.Dir(filepath.Clean(path)), ".kycmark-*.tmp")
	if err != nil {
		return fmt.Errorf("output %s cannot be written there: %w", path, intake.WithoutPath(err))
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// writeOutput writes a file under a temporary name and renames it.
func writeOutput(path string, data []byte, force bool) error {
	err := durable.WriteFile(path, data, outputPerm, force)
	if errors.Is(err, fs.ErrExist) {
		return exists(path)
	}
	return err
}

// exists is the error for an output that is there already.
func exists(path string) error {
	return withHint(fmt.Errorf("output %s exists", path), "use --force to overwrite it, or choose another name")
}

// nearFiles are the files of the homes that an output may hit by mistake: the home that the
// command would use, and the homes in the output's folder and in the folder above it.
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

// checkSpared refuses an output that is one of the files in kept, or of a home near it.
func checkSpared(path string, kept []string) error {
	for _, file := range slices.Concat(kept, nearFiles(path)) {
		if file != "" && samePlace(path, file) {
			return usagef("output %s is a key in use, or a home's registry, key or configuration", path)
		}
	}
	return nil
}

// samePlace says whether two paths are one file, or would be one if they were made.
func samePlace(a, b string) bool {
	if same(a, b) {
		return true
	}
	return filepath.Base(a) == filepath.Base(b) && same(filepath.Dir(a), filepath.Dir(b))
}

// same says whether two paths lead to one file or folder that exists.
func same(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}
