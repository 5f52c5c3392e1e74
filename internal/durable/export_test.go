package durable

import (
	"io/fs"
	"os"
)

// WriteFileFailing is WriteFile on a disk of which one step fails.
func WriteFileFailing(step string, failure error, path string, data []byte, perm fs.FileMode, overwrite bool) error {
	d := system()
	two := func(string, string) error { return failure }
	switch step {
	case "fill":
		d.fill = func(f *os.File, data []byte) error {
			f.Write(data[:len(data)/2])
			f.Close()
			return failure
		}
	case "rename":
		d.rename = two
	case "link":
		d.link = two
	case "link and rename":
		d.link, d.rename = two, two
	case "sync folder":
		d.syncDir = func(string) error { return failure }
	}
	return write(d, path, data, perm, overwrite)
}
