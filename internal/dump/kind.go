package dump

import (
	"bytes"
	"context"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/picture/codec"
)

// Kinds of archives that are opened beside tar, zip and pdf. What gzip, bzip2, xz or zstd compressed is a
// tar if its name says so, else of the kind ".gz" and so on.
const (
	sevenZip = ".7z"
	rar      = ".rar"
	database = ".sqlite"
	office   = ".docx" // a document in a zip archive, with its pictures
	tiff     = ".tif"  // its pages
	part     = ".001"  // of an archive in several files
)

// kinds are the endings of names, and what they say of a file: the second ones are kinds.
var kinds = [][2]string{
	{".zip", ".zip"}, {".cbz", ".zip"}, {".tar", ".tar"}, {".tar.gz", ".tar.gz"}, {".tgz", ".tar.gz"}, {".tar.bz2", ".tar.bz2"}, {".tbz2", ".tar.bz2"}, {".tbz", ".tar.bz2"},
	{".tar.xz", ".tar.xz"}, {".txz", ".tar.xz"}, {".tar.zst", ".tar.zst"}, {".tzst", ".tar.zst"}, {".7z", sevenZip}, {".rar", rar}, {".cbr", rar}, {".pdf", ".pdf"},
	{".gz", ".gz"}, {".bz2", ".bz2"}, {".xz", ".xz"}, {".zst", ".zst"}, {".tif", tiff}, {".tiff", tiff},
	{".docx", office}, {".docm", office}, {".dotx", office}, {".xlsx", office}, {".xlsm", office}, {".pptx", office}, {".pptm", office}, {".ppsx", office},
	{".odt", office}, {".ods", office}, {".odp", office}, {".odg", office}, {".epub", office}, {".pages", office}, {".numbers", office}, {".key", office},
}

// aPart are names of the parts of an archive in several files, as 7z, WinZip, WinRAR and split make them.
// A part of a rar that is called so says it itself: x.part1.rar.
var aPart = regexp.MustCompile(`\.(zip|7z|rar|tar|tgz|gz|bz2|xz|zst)\.([0-9]{2,4}|[a-z]{2})$|\.[rz][0-9]{2}$`)

// kind returns what the ending of a file's name, in either case, says that the file is: the second of
// [kinds], [part] or "". It does not open the file.
func kind(name string) string {
	name = strings.ToLower(name)
	for _, k := range kinds {
		if strings.HasSuffix(name, k[0]) {
			return k[1]
		}
	}
	if aPart.MatchString(name) {
		return part
	}
	return ""
}

// compression returns ".gz", ".bz2", ".xz" or ".zst" of a kind that is compressed as a whole, else "".
func compression(kind string) string {
	kind = strings.TrimPrefix(kind, ".tar")
	if slices.Contains([]string{".gz", ".bz2", ".xz", ".zst"}, kind) {
		return kind
	}
	return ""
}

// apart reports whether a kind is opened with [Options].Unpack.
func apart(kind string) bool {
	c := compression(kind)
	return kind == sevenZip || kind == rar || kind == database || c == ".xz" || c == ".zst"
}

// nothingIn returns why an archive of a kind, in which no file is, is no picture.
func nothingIn(kind string) error {
	what := "an archive without files"
	switch kind {
	case office:
		what = "an office document without pictures"
	case ".pdf":
		what = "a PDF without pages"
	}
	return &picture.FormatError{Reason: "not a picture: " + what, Kind: codec.NoPicture}
}

// inOffice reports whether a file in an office document is listed: a picture, another document, or an object of any other kind.
func inOffice(name string) bool { return MayBePicture(name) || kind(name) != "" }

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

// A TIFF begins so, by its order of bytes (TIFF 6.0 section 2).
const (
	intelTIFF    = "II*\x00"
	motorolaTIFF = "MM\x00*"
)

// A tar archive consists of blocks of tarBlock bytes, and says at tarMark that it is one (POSIX.1-1988, ustar).
const (
	tarBlock = 512
	tarMark  = 257
)

// begins returns the kind of a file, as kind does, by its first bytes: leaked files are often called by a digest, or
// wrongly. It returns "" for other files, and if the file cannot be read.
func begins(ctx context.Context, f File) string {
	if f.Err != nil {
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
	case picture.IsPackage(head):
		return office
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return ".zip"
	case bytes.HasPrefix(head, []byte("7z\xbc\xaf\x27\x1c")):
		return sevenZip
	case bytes.HasPrefix(head, []byte("Rar!\x1a\x07")):
		return rar
	case bytes.HasPrefix(head, []byte("\xfd7zXZ\x00")):
		return ".xz"
	case bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")):
		return ".zst"
	case bytes.HasPrefix(head, []byte(intelTIFF)) || bytes.HasPrefix(head, []byte(motorolaTIFF)):
		return tiff
	case bytes.HasPrefix(head, []byte("%PDF-")):
		return ".pdf"
	case bytes.HasPrefix(head, []byte("\x1f\x8b\x08")):
		return ".gz"
	case bytes.HasPrefix(head, []byte("SQLite format 3\x00")):
		return database
	case bytes.HasPrefix(head, []byte("BZh")):
		return ".bz2"
	case len(head) > tarMark && string(head[tarMark:]) == "ustar":
		return ".tar"
	}
	return ""
}
