package picture

import (
	"bytes"
	"fmt"
	"image"
	"strings"
	"unicode/utf8"
)

// A format is one row of the table of what can be decoded.
type format struct {
	name    string
	decoder string                 // import path of the pixel decoder
	magic   func(data []byte) bool // by content
	// header reads what the file says of itself; it allocates nothing that
	// grows with the picture.
	header func(data []byte) (header, error)
	// pixels decodes; it is called when the header is within the limits.
	pixels func(data []byte, h header) (*image.NRGBA, error)
}

// formats is the table: to add a format, add one row here and its file.
var formats = []format{
	{"jpeg", "image/jpeg", prefix("\xff\xd8\xff"), jpegHeader, jpegPixels},
	{"png", "image/png", prefix("\x89PNG\r\n\x1a\n"), pngHeader, pngPixels},
	{"webp", "golang.org/x/image/webp", riff("WEBP"), webpHeader, webpPixels},
	{"tiff", "golang.org/x/image/tiff", prefix("II*\x00", "MM\x00*"), tiffHeader, tiffPixels},
	{"bmp", "golang.org/x/image/bmp", isBMP, bmpHeader, bmpPixels},
	{"gif", "image/gif", prefix("GIF87a", "GIF89a"), gifHeader, gifPixels},
}

// strangers are the contents that people do feed in and that deserve a better
// answer than "unknown". The first that fits names the file.
var strangers = []struct {
	reason string
	is     func(data []byte) bool
}{
	{"AVIF is not supported yet", isoBrand("avif", "avis")},
	{"HEIC is not supported yet", isoBrand("heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1")},
	{"JPEG 2000 is not supported yet", prefix("\x00\x00\x00\x0cjP  \r\n\x87\n", "\xff\x4f\xff\x51")},
	{"JPEG XL is not supported yet", prefix("\x00\x00\x00\x0cJXL \r\n\x87\n", "\xff\x0a")},
	{"camera raw (Canon CR3) is not supported yet", isoBrand("crx ")},
	{"camera raw is not supported yet", prefix("IIU\x00", "IIRO", "IIRS", "FUJIFILMCCD-RAW", "FOVb")},
	{"BigTIFF is not supported yet", prefix("II+\x00", "MM\x00+")},
	{"PSD is not supported yet", prefix("8BPS")},
	{"ICO is not supported yet", prefix("\x00\x00\x01\x00", "\x00\x00\x02\x00")},
	{"PDF is not supported yet", near("%PDF-")},
	{"SVG is not supported yet", all(markup, near("<svg"))},
	{"not a picture: HTML or XML", markup},
	{"not a picture: a video", isoBrand()},
	{"not a picture: a video", prefix("\x1aE\xdf\xa3", "\x00\x00\x01\xba", "FLV\x01")},
	{"not a picture: an archive", prefix("PK\x03\x04", "PK\x05\x06", "\x1f\x8b", "Rar!\x1a\x07", "7z\xbc\xaf\x27\x1c", "BZh", "\xfd7zXZ\x00", "\x28\xb5\x2f\xfd")},
	{"not a picture: plain text", isText},
}

// sniff finds the format of data by its content.
func sniff(data []byte) (*format, error) {
	if len(data) == 0 {
		return nil, &FormatError{Reason: "empty file"}
	}
	for i := range formats {
		if formats[i].magic(data) {
			return &formats[i], nil
		}
	}
	for _, s := range strangers {
		if s.is(data) {
			return nil, &FormatError{Reason: s.reason}
		}
	}
	if n := bytes.Index(data[:min(len(data), 4096)], []byte("\xff\xd8\xff")); n > 0 {
		return nil, &FormatError{Reason: fmt.Sprintf("not a picture: %d foreign bytes before the start of a JPEG", n)}
	}
	return nil, &FormatError{Reason: fmt.Sprintf("not a picture: unknown content, begins with % x", data[:min(len(data), 8)])}
}

func prefix(magics ...string) func([]byte) bool {
	return func(data []byte) bool {
		for _, m := range magics {
			if bytes.HasPrefix(data, []byte(m)) {
				return true
			}
		}
		return false
	}
}

func riff(form string) func([]byte) bool {
	return func(data []byte) bool {
		return len(data) >= 12 && string(data[:4]) == "RIFF" && string(data[8:12]) == form
	}
}

// near finds a word within the first KiB, where PDF readers look too.
func near(word string) func([]byte) bool {
	return func(data []byte) bool { return bytes.Contains(data[:min(len(data), 1024)], []byte(word)) }
}

func all(tests ...func([]byte) bool) func([]byte) bool {
	return func(data []byte) bool {
		for _, t := range tests {
			if !t(data) {
				return false
			}
		}
		return true
	}
}

// isoBrand looks for one of the brands in an ISO base media file's ftyp box
// (ISO/IEC 14496-12 section 4.3); without brands any such file will do.
func isoBrand(brands ...string) func([]byte) bool {
	return func(data []byte) bool {
		if len(data) < 12 || string(data[4:8]) != "ftyp" {
			return false
		}
		if len(brands) == 0 {
			return true
		}
		size := int(min(be32(data), 256))
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

func markup(data []byte) bool {
	head := strings.TrimLeft(strings.TrimPrefix(string(data[:min(len(data), 1024)]), "\ufeff"), " \t\r\n")
	return strings.HasPrefix(head, "<") && isText(data)
}

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

func be16(b []byte) uint16 { return uint16(b[0])<<8 | uint16(b[1]) }

func be32(b []byte) uint32 { return uint32(be16(b))<<16 | uint32(be16(b[2:])) }

func le16(b []byte) uint16 { return uint16(b[1])<<8 | uint16(b[0]) }

func le32(b []byte) uint32 { return uint32(le16(b[2:]))<<16 | uint32(le16(b)) }
