package ifd

import (
	"bytes"
	"encoding/binary"
	"regexp"
	"slices"
)

// An exifRule is one field that a copy may carry. EXIF (CIPA DC-008, Exif 2.32) is never copied as a block: it is read
// field by field and written again. The rules allow what cannot say where a picture was taken or whose it is: numbers
// of the exposure, the time, the names of camera and lens. Each field has one type and at most as many values as the
// standard says. Not allowed are
//
//   - the GPS directory, and offsets from UTC, which say roughly the same;
//   - the maker's note, which no standard describes and which may hold places;
//   - the thumbnail and its directory: it shows the picture without a mark;
//   - serial numbers, owner, artist, copyright, titles, comments, software, and every other
//     text that people or programs write;
//   - orientation and size of the source: the copy's own are written.
//
// XMP, IPTC and Photoshop's blocks are never read.
type exifRule struct {
	tag       uint16
	kind      uint16
	maxValues int // values; of a text its bytes with the final zero
	check     func([]byte) bool
}

// Types of TIFF 6.0 section 2.
const (
	kindByte      = 1
	kindASCII     = 2
	kindShort     = 3
	KindLong      = 4
	kindRational  = 5
	KindUndefined = 7
	kindSRational = 10
)

// kindSizes are the bytes of one value of each type that is read.
var kindSizes = map[uint16]int{kindByte: 1, kindASCII: 1, kindShort: 2, KindLong: 4, kindRational: 8, KindUndefined: 1, 9: 4, kindSRational: 8}

const (
	tagPixelX = 40962
	tagPixelY = 40963
	maxName   = 64 // bytes of a camera's or lens's name
)

// The first directory (Exif 2.32 table 4) and the Exif directory (tables 7 and 8), in order of tags.
var exifRules = [2][]exifRule{{
	{271, kindASCII, maxName, plainText}, // Make
	{272, kindASCII, maxName, plainText}, // Model
	{282, kindRational, 1, nil},          // XResolution
	{283, kindRational, 1, nil},          // YResolution
	{296, kindShort, 1, nil},             // ResolutionUnit
	{306, kindASCII, 20, moment.Match},   // DateTime
	{531, kindShort, 1, nil},             // YCbCrPositioning
}, {
	{33434, kindRational, 1, nil},           // ExposureTime
	{33437, kindRational, 1, nil},           // FNumber
	{34850, kindShort, 1, nil},              // ExposureProgram
	{34855, kindShort, 3, nil},              // PhotographicSensitivity
	{34864, kindShort, 1, nil},              // SensitivityType
	{36864, KindUndefined, 4, digits.Match}, // ExifVersion
	{36867, kindASCII, 20, moment.Match},    // DateTimeOriginal
	{36868, kindASCII, 20, moment.Match},    // DateTimeDigitized
	{37121, KindUndefined, 4, nil},          // ComponentsConfiguration
	{37377, kindSRational, 1, nil},          // ShutterSpeedValue
	{37378, kindRational, 1, nil},           // ApertureValue
	{37379, kindSRational, 1, nil},          // BrightnessValue
	{37380, kindSRational, 1, nil},          // ExposureBiasValue
	{37381, kindRational, 1, nil},           // MaxApertureValue
	{37382, kindRational, 1, nil},           // SubjectDistance
	{37383, kindShort, 1, nil},              // MeteringMode
	{37384, kindShort, 1, nil},              // LightSource
	{37385, kindShort, 1, nil},              // Flash
	{37386, kindRational, 1, nil},           // FocalLength
	{37520, kindASCII, 10, digits.Match},    // SubSecTime
	{37521, kindASCII, 10, digits.Match},    // SubSecTimeOriginal
	{37522, kindASCII, 10, digits.Match},    // SubSecTimeDigitized
	{40960, KindUndefined, 4, digits.Match}, // FlashpixVersion
	{40961, kindShort, 1, nil},              // ColorSpace
	{41495, kindShort, 1, nil},              // SensingMethod
	{41728, KindUndefined, 1, nil},          // FileSource
	{41729, KindUndefined, 1, nil},          // SceneType
	{41985, kindShort, 1, nil},              // CustomRendered
	{41986, kindShort, 1, nil},              // ExposureMode
	{41987, kindShort, 1, nil},              // WhiteBalance
	{41988, kindRational, 1, nil},           // DigitalZoomRatio
	{41989, kindShort, 1, nil},              // FocalLengthIn35mmFilm
	{41990, kindShort, 1, nil},              // SceneCaptureType
	{41991, kindShort, 1, nil},              // GainControl
	{41992, kindShort, 1, nil},              // Contrast
	{41993, kindShort, 1, nil},              // Saturation
	{41994, kindShort, 1, nil},              // Sharpness
	{41996, kindShort, 1, nil},              // SubjectDistanceRange
	{42034, kindRational, 4, nil},           // LensSpecification
	{42035, kindASCII, maxName, plainText},  // LensMake
	{42036, kindASCII, maxName, plainText},  // LensModel
}}

var (
	moment = regexp.MustCompile(`^[0-9 ]{4}:[0-9 ]{2}:[0-9 ]{2} [0-9 ]{2}:[0-9 ]{2}:[0-9 ]{2}\x00$`)
	digits = regexp.MustCompile(`^[0-9]+ *\x00?$`)
)

// plainText reports whether b is one or more characters of printable ASCII with one zero or several at the end.
func plainText(b []byte) bool {
	text := bytes.TrimRight(b, "\x00")
	return len(text) > 0 && len(text) < len(b) && !slices.ContainsFunc(text, func(c byte) bool { return c < ' ' || c > '~' })
}

// A Field is one entry of a directory, its value in little-endian order.
type Field struct {
	Tag, Kind uint16
	Value     []byte
	inner     bool // belongs to the Exif directory, not to the first
}

// Clean picks from an EXIF block, with or without "Exif\0\0", or from a whole TIFF file the
// fields that exifRules allow. Of the two directories it reads the second only if the first names
// it. A damaged or empty block gives no fields. The values are copies, a few KiB at most.
func Clean(block []byte) (kept []Field) {
	d, ok := First(bytes.TrimPrefix(block, []byte("Exif\x00\x00")))
	for dir := 0; dir < len(exifRules) && ok; dir++ {
		for _, rule := range exifRules[dir] {
			if f, ok := d.allowed(rule); ok {
				f.inner = dir == 1
				kept = append(kept, f)
			}
		}
		var at uint32
		if at, ok = d.Uint(TagExifIFD); ok {
			d, ok = d.At(at)
		}
	}
	return kept
}

// allowed returns the field of a rule, its value a copy in little-endian order. It returns false if
// the directory does not have the field, or the field is cut off or breaks the rule.
func (d Directory) allowed(rule exifRule) (Field, bool) {
	e, _ := d.Entry(rule.tag)
	size := kindSizes[rule.kind]
	if e.Kind != rule.kind || !e.Whole || len(e.Raw) == 0 || len(e.Raw) > size*rule.maxValues || rule.check != nil && !rule.check(e.Raw) {
		return Field{}, false
	}
	value := bytes.Clone(e.Raw)
	if d.Order == binary.BigEndian {
		if size == 8 { // two numbers of 4 bytes
			size = 4
		}
		for i := 0; i+size <= len(value); i += size {
			slices.Reverse(value[i : i+size])
		}
	}
	return Field{Tag: rule.tag, Kind: rule.kind, Value: value}, true
}

// Orientation reads the orientation from an EXIF block, with or without the "Exif\0\0" that JPEG puts in front.
// Only the first directory counts: the second describes the thumbnail. Damaged EXIF means upright, as in every viewer.
func Orientation(exif []byte) int {
	d, _ := First(bytes.TrimPrefix(exif, []byte("Exif\x00\x00"))) // else without entries
	return d.Orientation()
}

// Adobe reports whether an EXIF block says Adobe RGB: by ColorSpace 2, as some cameras do, or by an
// unknown ColorSpace and the index R03 (DCF 2.0, Exif 2.32 section 4.6.5).
func Adobe(block []byte) bool {
	const tagColourSpace, tagInterop, tagIndex, adobe, uncalibrated = 40961, 40965, 1, 2, 0xffff
	d, ok := First(bytes.TrimPrefix(block, []byte("Exif\x00\x00")))
	if !ok {
		return false
	}
	at, _ := d.Uint(TagExifIFD)
	if d, ok = d.At(at); at == 0 || !ok {
		return false
	}
	if space, _ := d.Uint(tagColourSpace); space != uncalibrated {
		return space == adobe
	}
	at, _ = d.Uint(tagInterop)
	if d, ok = d.At(at); at == 0 || !ok {
		return false
	}
	index, _ := d.Entry(tagIndex)
	return bytes.HasPrefix(index.Raw, []byte("R03"))
}
