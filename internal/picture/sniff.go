package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/picture/bmp"
	"github.com/kycmark/kycmark/internal/picture/codec"
	"github.com/kycmark/kycmark/internal/picture/gif"
	"github.com/kycmark/kycmark/internal/picture/heif"
	"github.com/kycmark/kycmark/internal/picture/jpeg"
	"github.com/kycmark/kycmark/internal/picture/png"
	"github.com/kycmark/kycmark/internal/picture/tiff"
	"github.com/kycmark/kycmark/internal/picture/webp"
)

// A format is one row of the table of image formats: how a file is recognised and read, and how a copy is written.
type format struct {
	name    string
	memory  int64                  // bytes a pixel that decoding takes: see bytesScans
	decoder string                 // import path of the pixel decoder
	magic   func(data []byte) bool // recognises a file by its content
	// header reads size, orientation and pages. It allocates nothing that grows with the picture.
	header func(data []byte) (codec.Header, error)
	title  string // of formats that Limits.Decode decodes, for errors
	// pixels decodes. It is called after the header was held against the limits. If it is nil,
	// Limits.Decode decodes. It may change h.decoder.
	pixels func(data []byte, h *codec.Header) (*image.NRGBA, error)
	// source fills in how the file was written and returns its EXIF block; nil: nothing is known.
	source func(s *Source, data []byte) []byte

	endings []string // of file names to write, the usual one first; none: cannot be written
	opaque  bool     // transparent pixels come to lie on white
	lossy   bool     // a lower quality gives a smaller file
	kept    bool     // copies of such an upload keep this format, unless another is asked for
	offered bool     // copies may be asked for in this format
	// encode writes pixels that are not empty. gray has the same pixels if they are to be
	// stored without colours, else it is nil.
	encode func(b *bytes.Buffer, pix *image.NRGBA, gray *image.Gray, s Source, o LikeOptions) error
	// insert adds profile and EXIF to an encoded file; nil: the format has no place for them, or encode has written them.
	insert func(s Source, file, exif []byte, size image.Rectangle) ([]byte, error)
}

// formats is the table. To add a format, add one row here and a file with its functions.
var formats = []format{
	{name: "jpeg", memory: 12, decoder: "image/jpeg", magic: prefix("\xff\xd8"), header: jpeg.Header, pixels: jpeg.Pixels, source: jpeg.Describe,
		endings: []string{".jpg", ".jpeg", ".jpe", ".jfif"}, opaque: true, lossy: true, kept: true, offered: true, encode: jpeg.Encode, insert: jpeg.Insert},
	{name: "png", memory: 15, decoder: "image/png", magic: prefix("\x89PNG\r\n\x1a\n"), header: png.Header, pixels: png.Pixels, source: png.Describe,
		endings: []string{".png"}, kept: true, offered: true, encode: png.Encode, insert: png.Insert},
	{name: "webp", memory: 12, decoder: "golang.org/x/image/webp", magic: riff("WEBP"), header: webp.Header, pixels: webp.Pixels, source: webp.Describe,
		endings: []string{".webp"}, opaque: true, lossy: true, offered: true, encode: webp.Encode},
	{name: "tiff", memory: 20, decoder: "golang.org/x/image/tiff", magic: prefix("II*\x00", "MM\x00*"), header: tiff.Header, pixels: tiff.Pixels, source: tiff.Describe,
		endings: []string{".tiff", ".tif"}, kept: true, encode: tiff.Encode, insert: tiff.Insert},
	{name: "bmp", memory: 12, decoder: "golang.org/x/image/bmp", magic: bmp.Is, header: bmp.Header, pixels: bmp.Pixels,
		endings: []string{".bmp"}, opaque: true, kept: true, encode: bmp.Encode},
	{name: "gif", memory: 8, decoder: "image/gif", magic: prefix("GIF87a", "GIF89a"), header: gif.Header, pixels: gif.Pixels},
	{name: "avif", memory: 12, title: "AVIF", decoder: "github.com/gen2brain/avif v0.4.4", magic: isoBrand("avif", "avis"), header: heif.AVIFHeader, source: heif.Describe},
	{name: "heic", memory: 12, title: "HEIC", decoder: "github.com/gen2brain/heic v0.4.5", magic: isoBrand("heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"), header: heif.HEICHeader, source: heif.Describe},
}

// formatNamed returns the row of a format that can be written, or nil.
func formatNamed(name string) *format {
	return each.Find(formats, func(f *format) bool { return f.name == name && f.encode != nil })
}

// Extension returns the usual ending of files of a format, such as ".jpg"; "" if the format cannot be written.
func Extension(name string) string {
	if name == "pdf" {
		return ".pdf"
	}
	if f := formatNamed(name); f != nil {
		return f.endings[0]
	}
	return ""
}

// Lossy reports whether files of a format get smaller with a lower quality.
func Lossy(name string) bool {
	f := formatNamed(name)
	return f != nil && f.lossy
}

func Writable() []string { return names(func(f *format) bool { return f.encode != nil }) }

// Offered returns the names of the formats that copies may be asked for in.
func Offered() []string { return names(func(f *format) bool { return f.offered }) }

// names returns the names of the formats for which the test which returns true, in the order of the table.
func names(which func(*format) bool) (out []string) {
	for i := range formats {
		if which(&formats[i]) {
			out = append(out, formats[i].name)
		}
	}
	return out
}

// strangers are the contents that people do feed in and that deserve a better
// answer than "unknown". The first that fits names the file.
var strangers = []struct {
	kind   codec.Kind
	reason string
	is     func(data []byte) bool
}{
	{codec.Unsupported, "JPEG 2000 is not supported yet", prefix("\x00\x00\x00\x0cjP  \r\n\x87\n", "\xff\x4f\xff\x51")},
	{codec.Unsupported, "JPEG XL is not supported yet", prefix("\x00\x00\x00\x0cJXL \r\n\x87\n", "\xff\x0a")},
	{codec.Unsupported, "camera raw (Canon CR3) is not supported yet", isoBrand("crx ")},
	{codec.Unsupported, "camera raw is not supported yet", prefix("IIU\x00", "IIRO", "IIRS", "FUJIFILMCCD-RAW", "FOVb")},
	{codec.Unsupported, "BigTIFF is not supported yet", prefix("II+\x00", "MM\x00+")},
	{codec.Unsupported, "PSD is not supported yet", prefix("8BPS")},
	{codec.Unsupported, "TGA is not supported yet", func(data []byte) bool { // true colour or grey, of 8, 16, 24 or 32 bits
		return len(data) > 18 && prefix("\x00\x00\x00\x00\x00")(data[3:]) && data[1] == 0 && prefix("\x02", "\x03", "\x0a", "\x0b")(data[2:]) && data[16]%8 == 0 && data[16] > 0 && data[16] <= 32 && data[17] < 64
	}},
	{codec.Unsupported, "ICO is not supported yet", prefix("\x00\x00\x01\x00", "\x00\x00\x02\x00")},
	{codec.Unsupported, "this picture format (JPEG XR, QOI, DjVu, OpenEXR, JBIG2, XCF, DDS, PCX, FITS, Sun, XWD, DPX, Cineon, MIFF, XPM, MNG, VIPS, EPS) is not supported yet", prefix("II\xbc", "qoif", "AT&TFORM", "v/1\x01", "\x97JB2\r\n\x1a\n", "gimp xcf", "DDS ",
		"\x0a\x05\x01", "SIMPLE  =", "\x59\xa6\x6a\x95", "\x00\x00\x00\x65\x00\x00\x00\x07", "\x00\x00\x00\x6b\x00\x00\x00\x07", "SDPX", "XPDS", "\x80\x2a\x5f\xd7", "id=ImageMagick", "/* XPM", "\x8aMNG", "\x8bJNG", "\xb6\xa6\xf2\x08", "\x08\xf2\xa6\xb6", "%!PS", "\xc5\xd0\xd3\xc6")},
	{codec.Unsupported, "this kind of file (EMF, WMF, DICOM) is not supported yet: save its pictures as PNG", func(data []byte) bool {
		return prefix("\xd7\xcd\xc6\x9a", "\x01\x00\x09\x00\x00\x03")(data) || len(data) > 132 && (string(data[40:44]) == " EMF" || string(data[128:132]) == "DICM")
	}},
	{codec.Unsupported, "Netpbm is not supported yet", isNetpbm},
	{codec.Unsupported, "PDF is not supported yet", near("%PDF-")},
	{codec.Unsupported, "SVG is not supported yet", func(data []byte) bool {
		return markup(data) && near("<svg")(data)
	}},
	{codec.Text, "not a picture: HTML or XML", markup},
	{codec.Sound, "not a picture: sound", isoBrand("M4A ", "M4B ")},
	{codec.Unsupported, "HEIF or AVIF with a small header (mif3) is not supported yet", isoBrand("mif3")},
	{codec.Video, "a video: its pictures are not supported yet", isoBrand()},
	{codec.Video, "a video: its pictures are not supported yet", prefix("\x1aE\xdf\xa3", "\x00\x00\x01\xba", "\x00\x00\x01\xb3", "FLV\x01", "\x30\x26\xb2\x75\x8e\x66\xcf\x11", "YUV4MPEG2", "\x06\x0e\x2b\x34", "nut/multimedia")},
	{codec.Video, "a video: its pictures are not supported yet", func(data []byte) bool {
		return riff("AVI ")(data) || isTransport(data) || prefix("OggS")(data) && (near("theora")(data) || near("VP80")(data))
	}},
	{codec.Sound, "not a picture: sound", func(data []byte) bool { return riff("WAVE")(data) || prefix("ID3", "OggS", "fLaC")(data) }},
	{codec.Unsupported, "an e-mail of Outlook (.msg) is not supported yet: save it as .eml", func(data []byte) bool { return prefix(compound)(data) && bytes.Contains(data, []byte(propertyOfMail)) }},
	{codec.Unsupported, "an old office document (.doc, .xls, .ppt, .rtf) is not supported yet: save it as PDF", prefix(compound, "{\\rtf")},
	{codec.NoPicture, "not a picture: an office document or a program in a zip archive, whose pictures are not read", IsPackage},
	{codec.Sound, "not a picture: a font", prefix("wOFF", "wOF2", "OTTO", "\x00\x01\x00\x00\x00")},
	{codec.NoPicture, "not a picture: a program", prefix("MZ", "\x7fELF", "\xcf\xfa\xed\xfe", "\xca\xfe\xba\xbe")},
	{codec.Archive, "a mailbox of Outlook (.pst, .ost) is not opened: save its e-mails as .eml", prefix("!BDN")},
	{codec.Text, "not a picture: a database", prefix("SQLite format 3\x00")},
	{codec.Archive, "archive: this kind, or this name of an archive, is not opened: unpack it first", prefix("PK\x03\x04", "PK\x05\x06", "\x1f\x8b", "Rar!\x1a\x07", "7z\xbc\xaf\x27\x1c", "BZh", "\xfd7zXZ\x00", "\x28\xb5\x2f\xfd")},
	{codec.Text, "not a picture: plain text", isText},
}

// A compound file of Microsoft begins so (MS-CFB 2.2). An e-mail has streams called so (MS-OXMSG 2.2.1), in UTF-16.
const (
	compound       = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
	propertyOfMail = "_\x00_\x00s\x00u\x00b\x00s\x00t\x00g\x001\x00.\x000\x00_\x00"
)

// isTransport reports whether data is a video in packets of 188 bytes (ISO/IEC 13818-1), or of 192 (cameras).
func isTransport(data []byte) bool {
	for _, p := range [][2]int{{0, 188}, {4, 192}} {
		n := 0
		for at := p[0]; n < 5 && at < len(data) && data[at] == 0x47; at += p[1] {
			n++
		}
		if n == 5 {
			return true
		}
	}
	return false
}

// IsPackage reports whether data is a zip archive whose first file is one with which documents and
// programs begin: ECMA-376 (OPC), ODF, EPUB, JAR and APK.
func IsPackage(data []byte) bool {
	const nameAt = 30 // APPNOTE 4.3.7
	first := prefix("[Content_Types].xml", "_rels/", "docProps/", "word/", "xl/", "ppt/", "mimetype", "META-INF/",
		"AndroidManifest.xml")
	return len(data) >= nameAt && bytes.HasPrefix(data, []byte("PK\x03\x04")) && first(data[nameAt:])
}

// isNetpbm reports whether data begins as a PBM, PGM, PPM, PAM or PFM picture: P1 to P7, PF or Pf, white space, then a number or a comment.
func isNetpbm(data []byte) bool {
	return len(data) > 3 && data[0] == 'P' && (data[1] >= '1' && data[1] <= '7' || data[1]|0x20 == 'f') && bytes.IndexByte([]byte(" \t\r\n"), data[2]) >= 0 &&
		(data[3] == '#' || data[3] >= '0' && data[3] <= '9' || data[1] == '7')
}

// sniff returns the format of data, by its content alone. The error is a *FormatError that says
// what the content is instead, as far as it is known.
func sniff(data []byte) (*format, error) {
	if len(data) == 0 {
		return nil, &FormatError{Reason: "empty file", Kind: codec.Unknown}
	}
	if f := each.Find(formats, func(f *format) bool { return f.magic(data) }); f != nil {
		return f, nil
	}
	for _, s := range strangers {
		if s.is(data) {
			return nil, &FormatError{Reason: s.reason, Kind: s.kind}
		}
	}
	if n := bytes.Index(data[:min(len(data), 4096)], []byte("\xff\xd8\xff")); n > 0 {
		return nil, &FormatError{Reason: fmt.Sprintf("not a picture: %d foreign bytes before the start of a JPEG", n)}
	}
	return nil, &FormatError{Reason: fmt.Sprintf("not a picture: unknown content, begins with % x", data[:min(len(data), 8)]), Kind: codec.Unknown}
}

// Sniff returns what data is by its first bytes: [codec.Readable], or why it is no picture that is read.
func Sniff(data []byte) codec.Kind {
	_, err := sniff(data)
	if stranger := (*FormatError)(nil); errors.As(err, &stranger) {
		return stranger.Kind
	}
	return codec.Readable
}

func prefix(magics ...string) func([]byte) bool {
	return func(data []byte) bool {
		return slices.ContainsFunc(magics, func(m string) bool { return bytes.HasPrefix(data, []byte(m)) })
	}
}

func riff(form string) func([]byte) bool {
	return func(data []byte) bool {
		return len(data) >= 12 && string(data[:4]) == "RIFF" && string(data[8:12]) == form
	}
}

// near returns a test whether a word stands within the first KiB, where PDF readers look too.
func near(word string) func([]byte) bool {
	return func(data []byte) bool { return bytes.Contains(data[:min(len(data), 1024)], []byte(word)) }
}

// isoBrand returns a test for one of the brands in the ftyp box of an ISO base media file (ISO/IEC
// 14496-12 section 4.3). Without brands every such file passes.
func isoBrand(brands ...string) func([]byte) bool {
	return func(data []byte) bool {
		if len(data) < 12 || string(data[4:8]) != "ftyp" {
			return false
		}
		if len(brands) == 0 {
			return true
		}
		size := int(min(binary.BigEndian.Uint32(data), 256))
		for i := 8; i+4 <= min(size, len(data)); i += 4 {
			for _, b := range brands {
				if i != 12 && string(data[i:i+4]) == b { // at 12 stands the minor version
					return true
				}
			}
		}
		return false
	}
}

// markup reports whether data is text that begins with a tag, behind white space.
func markup(data []byte) bool {
	head := strings.TrimLeft(strings.TrimPrefix(string(data[:min(len(data), 1024)]), "\ufeff"), " \t\r\n")
	return strings.HasPrefix(head, "<") && isText(data)
}

// isText reports whether the first KiB of data is UTF-8 without control characters other than white
// space and escape. It is also true for data that begins like UTF-16, and for no data.
func isText(data []byte) bool {
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return true // UTF-16
	}
	const looked = 1024
	head := data[:min(len(data), looked)]
	for len(head) > 0 {
		if len(data) > looked && !utf8.FullRune(head) {
			break // cut in the middle of a rune, by us
		}
		r, n := utf8.DecodeRune(head)
		if r == utf8.RuneError && n == 1 || r == 0x7f || r < ' ' && !strings.ContainsRune("\t\n\v\f\r\x1b", r) {
			return false
		}
		head = head[n:]
	}
	return true
}
