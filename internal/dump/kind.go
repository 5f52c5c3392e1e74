package dump

import (
	"bytes"
	"context"
	"io"
	"path"
	"slices"
	"strings"
)

// Kinds of archives that are opened beside tar, zip and pdf.
const (
	sevenZip = ".7z"
	rar      = ".rar"
	tarXZ    = ".tar.xz"
	tarZstd  = ".tar.zst"
	office   = ".docx" // a document of an office program in a zip archive, with its pictures
	message  = ".eml"  // an e-mail, or a page that a browser saved with its pictures
	mailbox  = ".mbox"
	tiff     = ".tif" // its pages
)

// kinds are the endings of names, and what they say of a file.
var kinds = [][2]string{
	{".zip", ".zip"}, {".tar", ".tar"}, {".tar.gz", ".tar.gz"}, {".tgz", ".tar.gz"}, {".tar.bz2", ".tar.bz2"}, {".tbz2", ".tar.bz2"}, {".tbz", ".tar.bz2"},
	{".tar.xz", tarXZ}, {".txz", tarXZ}, {".tar.zst", tarZstd}, {".tzst", tarZstd}, {".7z", sevenZip}, {".rar", rar}, {".pdf", ".pdf"},
	{".docx", office}, {".xlsx", office}, {".pptx", office}, {".odt", office}, {".ods", office}, {".odp", office}, {".odg", office},
	{".eml", message}, {".mht", message}, {".mhtml", message}, {".mbox", mailbox}, {".tif", tiff}, {".tiff", tiff},
}

// kind returns what the ending of a file's name, in either case, says that the file is: the second of
// [kinds], or "". It does not open the file.
func kind(name string) string {
	name = strings.ToLower(name)
	for _, k := range kinds {
		if strings.HasSuffix(name, k[0]) {
			return k[1]
		}
	}
	return ""
}

// inOffice reports whether a file in an office document is listed: a picture, or another document.
func inOffice(name string) bool {
	return slices.Contains(endings, strings.ToLower(path.Ext(name))) || kind(name) != ""
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

// A tar archive consists of blocks of tarBlock bytes, and says at tarMark that it is one (POSIX.1-1988,
// ustar).
const (
	tarBlock = 512
	tarMark  = 257
)

// begins returns the kind of a file, as kind does, by its first bytes, if its name has no ending or
// one of nameless: leaked files are often called by a digest alone. It returns "" for other names,
// and if the file cannot be read. All that gzip, bzip2, xz or zstd wrote counts as a tar.
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
	if head = head[:n]; n < 40 {
		return "" // no archive with a file in it
	}
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")) && (bytes.HasPrefix(head[30:], []byte("[Content_Types].xml")) || bytes.HasPrefix(head[30:], []byte("mimetypeapplication/vnd.oasis"))):
		return office
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return ".zip"
	case bytes.HasPrefix(head, []byte("7z\xbc\xaf\x27\x1c")):
		return sevenZip
	case bytes.HasPrefix(head, []byte("Rar!\x1a\x07")):
		return rar
	case bytes.HasPrefix(head, []byte("\xfd7zXZ\x00")):
		return tarXZ
	case bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")):
		return tarZstd
	case bytes.HasPrefix(head, []byte("II*\x00")) || bytes.HasPrefix(head, []byte("MM\x00*")):
		return tiff
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
