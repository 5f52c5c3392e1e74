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
	"strings"
	"sync"
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

// maxSmall is the most that a checkpoint, a proof or a list may have, bytes.
const maxSmall = 64 << 20

// readSmall reads a regular file that is not large.
func readSmall(path string) ([]byte, error) { return readLarge(path, maxSmall) }

// readLarge reads a file of at most so many bytes.
func readLarge(path string, most int64) ([]byte, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(data)) > most {
		err = fmt.Errorf("%s: larger than %d bytes", path, most)
	}
	return data, err
}

// reason is err in one line, without the path that package os puts in front, since the
// line names the file already, and without the names of our packages.
func reason(err error) string {
	if p, ok := err.(*fs.PathError); ok {
		err = p.Err
	}
	return strings.ReplaceAll(unpacked(err.Error()), "\n", "; ")
}

// packageNames are the prefixes by which errors name the package that they come from.
var packageNames = regexp.MustCompile(`(^|: )(?:watermark|verify|phash|parts|picture|odds|attest|dossier): `)

// unpacked takes the names of our packages out of an error's text: they say nothing to
// users of the command.
func unpacked(text string) string { return packageNames.ReplaceAllString(text, "$1") }

// each does work on every input, on as many at once as there are processors, and
// hands the results to emit in the order of the inputs. It returns the first
// error of emit or the context's.
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
