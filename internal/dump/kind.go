package dump

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/kycmark/kycmark/internal/intake"
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
	onlyOne  = ".jpg"  // a picture by its bytes, but no TIFF
)

// kinds has pairs: the ending of a name, and the kind of a file with that ending.
var kinds = [][2]string{
	{".zip", ".zip"}, {".cbz", ".zip"}, {".tar", ".tar"}, {".tar.gz", ".tar.gz"}, {".tgz", ".tar.gz"}, {".tar.bz2", ".tar.bz2"}, {".tbz2", ".tar.bz2"}, {".tbz", ".tar.bz2"},
	{".tar.xz", ".tar.xz"}, {".txz", ".tar.xz"}, {".tar.zst", ".tar.zst"}, {".tzst", ".tar.zst"}, {".7z", sevenZip}, {".rar", rar}, {".cbr", rar}, {".pdf", ".pdf"},
	{".gz", ".gz"}, {".bz2", ".bz2"}, {".xz", ".xz"}, {".zst", ".zst"}, {".tif", tiff}, {".tiff", tiff},
	{".docx", office}, {".docm", office}, {".dotx", office}, {".xlsx", office}, {".xlsm", office}, {".pptx", office}, {".pptm", office}, {".ppsx", office},
	{".odt", office}, {".ods", office}, {".odp", office}, {".odg", office}, {".epub", office}, {".pages", office}, {".numbers", office}, {".key", office},
}

// aPart matches names of the parts of an archive in several files, as 7z, WinZip, WinRAR and split make them.
// It does not match x.part1.rar: the bytes of such a file say that it is a part.
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
	if kind = strings.TrimPrefix(kind, ".tar"); slices.Contains([]string{".gz", ".bz2", ".xz", ".zst"}, kind) {
		return kind
	}
	return ""
}

func apart(kind string) bool {
	c := compression(kind)
	return kind == sevenZip || kind == rar || kind == database || c == ".xz" || c == ".zst"
}

// nameless are endings that say nothing of a file. Others are taken for what they say: many documents are zip archives.
var nameless = []string{"", ".bin", ".dat", ".tmp"}

// endings are the endings of the pictures that cameras, phones and scanners write.
var endings = []string{".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".webp", ".tif", ".tiff", ".bmp", ".heic", ".heif", ".avif", ".jxl", ".jp2"}

// MayBePicture reports whether a file of this name may be a picture: the name has the ending of
// pictures, or an ending that says nothing.
func MayBePicture(name string) bool {
	end := strings.ToLower(path.Ext(name[strings.LastIndexAny(name, `!#/\`)+1:]))
	return slices.Contains(nameless, end) || slices.Contains(endings, end)
}

// magics are the bytes with which files begin, and the kinds of these files.
var magics = [][2]string{{"PK\x03\x04", ".zip"}, {"7z\xbc\xaf\x27\x1c", sevenZip}, {"Rar!\x1a\x07", rar}, {"\xfd7zXZ\x00", ".xz"}, {"\x28\xb5\x2f\xfd", ".zst"},
	{"II*\x00", tiff}, {"MM\x00*", tiff}, {"%PDF-", ".pdf"}, {"\x1f\x8b\x08", ".gz"}, {"SQLite format 3\x00", database}, {"BZh", ".bz2"}}

// tarMark is where a tar archive says that it is one (POSIX.1-1988, ustar).
const tarMark = 257

// begins returns the kind of a file by its first bytes; "": another file, or it cannot be read. Names of leaks are often wrong.
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
	case len(head) > tarMark && string(head[tarMark:]) == "ustar":
		return ".tar"
	}
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m[0])) {
			return m[1]
		}
	}
	if picture.Sniff(head) == codec.Readable {
		return onlyOne
	}
	return ""
}

// maxList is the max size of a list of names in bytes.
const maxList = 64 << 20

// Expand replaces lists among the arguments of a command by the names in them: "@FILE" by those in
// that file, "-" by those on stdin. In a list each name is a line, or ends with a NUL byte, as find
// -print0 writes them. "./@FILE" is a file whose name begins so. Names are not checked, and lists
// in lists are not expanded. The error is of reading a list, or of a list above maxList bytes.
func Expand(args []string, stdin io.Reader) ([]string, error) {
	var out []string
	for _, a := range args {
		list, isList := strings.CutPrefix(a, "@")
		var data []byte
		var err error
		switch {
		case a == "-":
			if data, err = intake.ReadAll(stdin, 0, maxList); err != nil {
				return nil, fmt.Errorf("list on stdin: %w", err)
			}
		case isList:
			if data, err = intake.ReadFile(list, maxList); err != nil {
				return nil, fmt.Errorf("%s: %w", list, intake.WithoutPath(err))
			}
		default:
			out = append(out, a)
			continue
		}
		out = append(out, names(data)...)
	}
	return out, nil
}

// names splits a list into its names, without empty ones: at NUL bytes if there is one, else at
// line ends of either system. A byte order mark at its beginning is dropped.
func names(list []byte) (out []string) {
	end := byte('\n')
	if bytes.IndexByte(list, 0) >= 0 {
		end = 0
	}
	for line := range bytes.SplitSeq(bytes.TrimPrefix(list, []byte("\ufeff")), []byte{end}) {
		if end == '\n' {
			line = bytes.TrimSuffix(line, []byte{'\r'})
		}
		if len(line) > 0 {
			out = append(out, string(line))
		}
	}
	return out
}
