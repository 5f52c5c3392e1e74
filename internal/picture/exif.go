package picture

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
	kindLong      = 4
	kindRational  = 5
	kindUndefined = 7
	kindSRational = 10
)

// kindSizes are the bytes of one value of each type that is read.
var kindSizes = map[uint16]int{kindByte: 1, kindASCII: 1, kindShort: 2, kindLong: 4, kindRational: 8, kindUndefined: 1, 9: 4, kindSRational: 8}

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
	{36864, kindUndefined, 4, digits.Match}, // ExifVersion
	{36867, kindASCII, 20, moment.Match},    // DateTimeOriginal
	{36868, kindASCII, 20, moment.Match},    // DateTimeDigitized
	{37121, kindUndefined, 4, nil},          // ComponentsConfiguration
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
	{40960, kindUndefined, 4, digits.Match}, // FlashpixVersion
	{40961, kindShort, 1, nil},              // ColorSpace
	{41495, kindShort, 1, nil},              // SensingMethod
	{41728, kindUndefined, 1, nil},          // FileSource
	{41729, kindUndefined, 1, nil},          // SceneType
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
	for _, c := range text {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return len(text) > 0 && len(text) < len(b)
}

// A field is one entry of a directory, its value in little-endian order.
type field struct {
	tag, kind uint16
	value     []byte
	inner     bool // belongs to the Exif directory, not to the first
}

// cleanEXIF picks from an EXIF block, with or without "Exif\0\0", or from a whole TIFF file the
// fields that exifRules allow. Of the two directories it reads the second only if the first names
// it. A damaged or empty block gives no fields. The values are copies, a few KiB at most.
func cleanEXIF(block []byte) (kept []field) {
	d, ok := firstIFD(bytes.TrimPrefix(block, []byte("Exif\x00\x00")))
	for dir := 0; dir < len(exifRules) && ok; dir++ {
		for _, rule := range exifRules[dir] {
			if f, ok := d.allowed(rule); ok {
				f.inner = dir == 1
				kept = append(kept, f)
			}
		}
		var at uint32
		if at, ok = d.uint(tagExifIFD); ok {
			d, ok = d.at(at)
		}
	}
	return kept
}

// allowed returns the field of a rule, its value a copy in little-endian order. It returns false if
// the directory does not have the field, or the field is cut off or breaks the rule.
func (d ifd) allowed(rule exifRule) (field, bool) {
	e, _ := d.entry(rule.tag)
	size := kindSizes[rule.kind]
	if e.kind != rule.kind || !e.whole || len(e.raw) == 0 || len(e.raw) > size*rule.maxValues || rule.check != nil && !rule.check(e.raw) {
		return field{}, false
	}
	value := bytes.Clone(e.raw)
	if d.order == binary.BigEndian {
		if size == 8 { // two numbers of 4 bytes
			size = 4
		}
		for i := 0; i+size <= len(value); i += size {
			slices.Reverse(value[i : i+size])
		}
	}
	return field{tag: rule.tag, kind: rule.kind, value: value}, true
}

// exifFields returns the fields of a copy of the given size in pixels, of the first directory
// (outer) and of the Exif directory (inner). To the kept fields it adds the copy's own size and its
// orientation, 1 to 8. They are not sorted, which directory does.
func exifFields(kept []field, width, height, orientation int) (outer, inner []field) {
	for _, f := range kept {
		if f.inner {
			inner = append(inner, f)
		} else {
			outer = append(outer, f)
		}
	}
	inner = append(inner, longField(tagPixelX, uint32(width)), longField(tagPixelY, uint32(height)))
	return append(outer, field{tag: tagOrientation, kind: kindShort, value: []byte{byte(orientation), 0}}), inner
}

// longField returns a field with one value of type LONG.
func longField(tag uint16, v uint32) field {
	return field{tag: tag, kind: kindLong, value: binary.LittleEndian.AppendUint32(nil, v)}
}
