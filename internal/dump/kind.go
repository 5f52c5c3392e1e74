package dump

import (
	"bytes"
	"context"
	"io"
	"path"
	"slices"
	"strings"
)

// kind returns ".zip", ".tar", ".tar.gz", ".tar.bz2", ".pdf", or "" for anything else, by the
// ending of a file's name in either case. It does not open the file.
func kind(name string) string {
	name = strings.ToLower(name)
	for _, k := range [][2]string{{".zip", ".zip"}, {".tar", ".tar"}, {".tar.gz", ".tar.gz"}, {".tgz", ".tar.gz"},
		{".tar.bz2", ".tar.bz2"}, {".tbz2", ".tar.bz2"}, {".tbz", ".tar.bz2"}, {".pdf", ".pdf"}} {
		if strings.HasSuffix(name, k[0]) {
			return k[1]
		}
	}
	return ""
}

// nameless are endings that say nothing of what a file is. Others are taken for what they
// say: many kinds of documents are zip archives.
var nameless = []string{"", ".bin", ".dat", ".tmp"}

// endings are the endings of the pictures that cameras, phones and scanners write.
var endings = []string{".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".webp", ".tif", ".tiff", ".bmp", ".heic", ".heif", ".avif", ".jxl", ".jp2"}

// MayBePicture reports whether a file of this name may be a picture: the name has the ending of
// pictures, or an ending that says nothing.
func MayBePicture(name string) bool {
	end := strings.ToLower(path.Ext(name[strings.LastIndexAny(name, "!#")+1:]))
	return slices.Contains(nameless, end) || slices.Contains(endings, end)
}

// tarMark is where a tar archive says that it is one (POSIX.1-1988, ustar).
const tarMark = 257

// begins returns the kind of a file, as kind does, by its first bytes, if its name has no ending or
// one of nameless: leaked files are often called by a digest alone. It returns "" for other names,
// and if the file cannot be read. All that gzip or bzip2 wrote counts as a tar.
func begins(ctx context.Context, f File) string {
	own := f.Name[strings.LastIndexByte(f.Name, '!')+1:] // without the archive's that it is in
	if f.Err != nil || !slices.Contains(nameless, strings.ToLower(path.Ext(own))) {
		return ""
	}
	r, err := f.Open(ctx)
	if err != nil {
		return ""
	}
	defer r.Close()
	head := make([]byte, tarMark+5)
	n, _ := io.ReadFull(&stopped{ctx, r}, head)
	head = head[:n]
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return ".zip"
	case bytes.HasPrefix(head, []byte("%PDF-")):
		return ".pdf"
	case bytes.HasPrefix(head, []byte("\x1f\x8b\x08")):
		return ".tar.gz"
	case bytes.HasPrefix(head, []byte("BZh")):
		return ".tar.bz2"
	case len(head) > tarMark && string(head[tarMark:]) == "ustar":
		return ".tar"
	}
	return ""
}
