// Command generate draws the pictures of testdata/pictures again:
//
//	go run ./internal/test/specimen/generate          # from the module's root
//
// The argument, if any, is the folder to write to.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	dir := filepath.Join("testdata", "pictures")
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	if err := write(dir); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// write draws every picture of testdata/pictures and writes its JPEG file into the existing folder
// dir, over older files. It prints each name and size. The first error ends it.
func write(dir string) error {
	for _, s := range shots() {
		data, err := s.encode()
		if err != nil {
			return fmt.Errorf("%s: %w", s.file, err)
		}
		if err := os.WriteFile(filepath.Join(dir, s.file), data, 0o644); err != nil {
			return err
		}
		fmt.Printf("%s %d KiB\n", s.file, len(data)>>10)
	}
	return nil
}
