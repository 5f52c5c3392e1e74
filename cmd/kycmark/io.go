package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/BurntSushi/toml"

	"github.com/kycmark/kycmark/internal/durable"
	"github.com/kycmark/kycmark/internal/home"
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

// openRegular opens a file, but no pipe or device, which might never answer.
func openRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() && !info.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: path, Err: errors.New("not a regular file")}
	}
	return os.Open(path)
}

// maxSmall is the maximum size of a checkpoint, a proof or a list, bytes.
const maxSmall = 64 << 20

// readSmall reads a regular file that is not large.
func readSmall(path string) ([]byte, error) { return readLarge(path, maxSmall) }

// readLarge reads a regular file of at most limit bytes.
func readLarge(path string, limit int64) ([]byte, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s: larger than %d bytes", path, limit)
	}
	return data, err
}

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
func each[T any](ctx context.Context, inputs []string, work func(ctx context.Context, input string) T, emit func(input string, result T) error) error {
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
		if p := (*fs.PathError)(nil); errors.As(err, &p) {
			err = p.Err
		}
		return fmt.Errorf("output %s cannot be written there: %w", path, err)
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

func exists(path string) error {
	return withHint(fmt.Errorf("output %s exists", path), "use --force to overwrite it, or choose another name")
}

// homeFiles are the files of a home that no output may take the place of: the
// configuration, the registry with what SQLite keeps beside it, and the keys with
// their public halves.
func homeFiles(h *home.Home) []string {
	config := filepath.Join(h.Dir(), "kycmark.toml")
	files := []string{config}
	for _, key := range h.KeyFiles() {
		files = append(files, key, strings.TrimSuffix(key, ".key")+".pub")
	}
	if db := registryFile(config); db != "" {
		for _, end := range []string{"", "-wal", "-shm", "-journal"} {
			files = append(files, db+end)
		}
	}
	return files
}

// registryFile is the file of the registry that a configuration names; "" where it
// names a database.
func registryFile(config string) string {
	var c struct {
		Registry string `toml:"registry"`
	}
	if _, err := toml.DecodeFile(config, &c); err != nil {
		return ""
	}
	path := strings.TrimPrefix(c.Registry, "file:")
	switch {
	case strings.HasPrefix(path, "postgres:"), strings.HasPrefix(path, "postgresql:"):
		return ""
	case filepath.IsAbs(path):
		return path
	}
	return filepath.Join(filepath.Dir(config), filepath.FromSlash(path))
}

// nearFiles are the files of the homes that an output may hit by mistake: the home that the
// command would use, and the homes in the output's folder and in the folder above it.
func nearFiles(path string) []string {
	var files []string
	if h, err := openHome(""); err == nil {
		files = homeFiles(h)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return files
	}
	folder := filepath.Dir(path)
	for _, dir := range []string{folder, filepath.Dir(folder)} {
		if h, err := home.Open(dir); err == nil {
			files = append(files, homeFiles(h)...)
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
