// Package jpeg reads JPEG, also damaged, and writes JPEG like that of a source.
package jpeg

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/kycmark/kycmark/internal/jpegcoef"
	"github.com/kycmark/kycmark/internal/picture/codec"
	"github.com/kycmark/kycmark/internal/picture/icc"
	"github.com/kycmark/kycmark/internal/picture/ifd"
	"github.com/kycmark/kycmark/internal/picture/pixel"
)

// A Outline is what ITU-T T.81 annex B calls the high-level syntax.
type Outline struct {
	frame      byte // the SOF marker; 0: not found
	layered    bool // hierarchical: DHP seen
	precision  int  // bits a sample
	width      int64
	height     int64
	Components []byte
	scanned    [256]bool // by component identifier
	Scans      int
	adobe      bool
	EXIF       []byte
	ended      bool // EOI seen

	// Of the segments before the first scan.
	tables   [4]quantTable
	sampling []sampling // as components
	icc      [][]byte   // bodies of the ICC segments, behind their magic
	fitted   bool       // Huffman codes are not the example ones

	scanAt, Coded int // where the first scan begins, and its bytes up to EOI
}

// sampling is how one component is stored.
type sampling struct{ h, v, table byte }

// Segments with a colour profile.
const (
	maxICCSegments = 255 // they are counted in one byte
	iccMagic       = "ICC_PROFILE\x00"
)

// CoefficientReader is what reads damaged JPEGs, and JPEGs reduced.
const CoefficientReader = "github.com/kycmark/kycmark/internal/jpegcoef"

// progressiveFrame is SOF2, the marker of progressive Huffman-coded frames.
const progressiveFrame = 0xc2

// Read walks the markers of a JPEG as image/jpeg does: bytes that are no marker are passed over, also between
// segments, and EOI ends the picture. data begins with SOI, two bytes, which is not checked. At a segment that reaches
// beyond data, or at the end without EOI, it returns what it has, with ended false.
func Read(data []byte) (o Outline) {
	for i := 2; ; {
		n := bytes.IndexByte(data[i:], 0xff)
		if n < 0 {
			return o
		}
		i += n
		for i < len(data) && data[i] == 0xff { // fill bytes
			i++
		}
		if i == len(data) {
			return o
		}
		marker := data[i]
		i++
		switch {
		case marker == 0 || marker >= 0xd0 && marker <= 0xd7: // stuffing, RSTn
			continue
		case marker == 0xd9:
			o.ended = true
			if o.Scans > 0 {
				o.Coded = i - o.scanAt
			}
			return o
		}
		if marker == 0xda && o.Scans == 0 {
			o.scanAt = i
		}
		if i+2 > len(data) {
			return o
		}
		size := int(binary.BigEndian.Uint16(data[i:]))
		if size < 2 || i+size > len(data) {
			return o
		}
		o.segment(marker, data[i+2:i+size])
		i += size
	}
}

// segment records one segment in o. marker is the byte behind 0xff, body what follows the length. Frame (SOF) and EXIF
// count once, scans are counted. Quantisation tables, Huffman codes and ICC segments count only before the first scan.
// Other segments, and a damaged body, change nothing or little. exif and icc of o lie in the memory of body.
func (o *Outline) segment(marker byte, body []byte) {
	switch {
	case marker == 0xde:
		o.layered = true
	case isSOF(marker) && o.frame == 0 && len(body) >= 6:
		o.frame, o.precision = marker, int(body[0])
		o.height, o.width = int64(binary.BigEndian.Uint16(body[1:])), int64(binary.BigEndian.Uint16(body[3:]))
		for c := body[6:]; len(c) >= 3; c = c[3:] {
			o.Components = append(o.Components, c[0])
			o.sampling = append(o.sampling, sampling{c[1] >> 4, c[1] & 15, c[2]})
		}
	case marker == 0xdb && o.Scans == 0:
		o.readTables(body)
	case marker == 0xc4 && o.Scans == 0:
		o.fitted = o.fitted || !exampleCodes(body)
	case marker == 0xe2 && o.Scans == 0 && bytes.HasPrefix(body, []byte(iccMagic)):
		if len(o.icc) < maxICCSegments {
			o.icc = append(o.icc, body[len(iccMagic):])
		}
	case marker == 0xda && len(body) >= 1:
		o.Scans++
		for c := body[1:]; len(c) >= 2 && len(c) > len(body)-1-2*int(body[0]); c = c[2:] {
			o.scanned[c[0]] = true
		}
	case marker == 0xe1 && o.EXIF == nil && bytes.HasPrefix(body, []byte("Exif\x00\x00")):
		o.EXIF = body
	case marker == 0xee && bytes.HasPrefix(body, []byte("Adobe")):
		o.adobe = true
	}
}

// isSOF reports whether a marker begins a frame: table B.1, and JPEG-LS (ITU-T T.87), which follows T.81 that far.
func isSOF(marker byte) bool {
	return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc || marker == 0xf7
}

// unsupported returns an error that names the process of JPEG, if image/jpeg does not decode that
// process. It returns nil otherwise, also if there is no frame at all.
func (o *Outline) unsupported() error {
	switch {
	case o.frame == 0xf7:
		return errors.New("JPEG-LS is not supported yet")
	case o.layered, o.frame >= 0xc5 && o.frame <= 0xc7, o.frame >= 0xcd:
		return errors.New("hierarchical JPEG is not supported yet")
	case o.frame >= 0xc9:
		return errors.New("arithmetic coding is not supported yet")
	case o.frame == 0xc3:
		return errors.New("lossless JPEG is not supported yet")
	case o.frame != 0 && o.precision != 8:
		return fmt.Errorf("%d-bit JPEG is not supported yet", o.precision)
	case len(o.Components) == 4 && !o.adobe:
		return errors.New("CMYK without Adobe marker: which way round its inks are stored is not known")
	}
	return nil
}

// Header reads size and orientation, and what image/jpeg may refuse of the file. It refuses what no decoder here reads,
// and complete files that lack the data of a colour component.
// Files with more than maxScans scans give a *codec.LimitError.
func Header(data []byte) (codec.Header, error) {
	o := Read(data)
	if err := o.unsupported(); err != nil {
		return codec.Header{}, err
	}
	if o.Scans > maxScans {
		return codec.Header{}, &codec.LimitError{What: "scans", Got: int64(o.Scans), Max: maxScans}
	}
	h, err := codec.Config(jpeg.DecodeConfig, data)
	if err != nil && o.Scans == 0 {
		return h, err
	}
	h.Width, h.Height = o.width, o.height
	h.Orientation = ifd.Orientation(o.EXIF)
	h.Truncated = o.Scans == 0
	h.NoEnd, h.Damaged = !o.ended, err != nil
	h.Progressive = o.frame == progressiveFrame
	h.Scans = int64(o.Scans)
	for _, id := range o.Components {
		switch {
		case o.scanned[id]:
		case o.ended:
			return h, fmt.Errorf("no data for colour component %d", id)
		default:
			h.Damaged = true
		}
	}
	return h, nil
}

// Pixels decodes a JPEG of the size in h, not yet upright. It refuses data too short for one
// bit a block of 8 x 8, before it allocates. What image/jpeg refuses is decoded as far as its data go.
func Pixels(data []byte, h *codec.Header) (*image.NRGBA, error) {
	// Each block of 8x8 samples needs one bit at least in its first scan (there are no codes of no bits, T.81 annex C),
	// and there is one component at least.
	if blocks := ((h.Width + 7) / 8) * ((h.Height + 7) / 8); blocks/8 > int64(len(data)) {
		return nil, codec.CannotHold(int64(len(data)), *h)
	}
	refused := io.ErrUnexpectedEOF
	if !h.Damaged {
		img, err := codec.Guard(func(r io.Reader) (image.Image, error) {
			return jpeg.Decode(io.MultiReader(r, strings.NewReader("\xff\xd9")))
		}, data)
		if err == nil {
			if h.NoEnd && h.Progressive {
				h.Incomplete = "its end is missing, and perhaps detail in all rows"
			}
			return pixel.ToNRGBA(img), nil
		}
		if !h.NoEnd {
			refused = err
		}
	}
	return mend(data, h, refused)
}

// mend decodes the rows of a damaged JPEG that are there. It sets height and decoder of h, and incomplete to what the
// picture lacks. If too little is left, or nothing, the error is refused.
func mend(data []byte, h *codec.Header, refused error) (*image.NRGBA, error) {
	m, err := jpegcoef.Mend(data, int(h.Width*h.Height))
	if err != nil {
		return nil, refused
	}
	h.Decoder, h.Height = CoefficientReader, int64(m.Image.Rect.Dy())
	var lacks []string
	if n := m.Rows - m.Image.Rect.Dy(); n > 0 {
		lacks = append(lacks, fmt.Sprintf("the last %d of %d rows are missing", n, m.Rows))
	}
	if m.Wrong > 0 {
		lacks = append(lacks, fmt.Sprintf("data are missing or wrong in %d of %d rows", m.Wrong, m.Rows))
	}
	h.Incomplete = strings.Join(lacks, ", ")
	return m.Image, nil
}

// Describe sets how a JPEG was written, with its profile, and returns its EXIF block, or nil, in the memory of data.
func Describe(s *codec.Source, data []byte) []byte {
	o := Read(data)
	s.Subsampling, s.Progressive = o.subsampling(), o.frame == progressiveFrame
	s.Gray = s.Subsampling == codec.SubGray
	s.Quality, s.Fitted = o.quality(), o.fitted
	s.Coded, s.Pixels = o.Coded, int(o.width*o.height)
	s.ICC = o.Profile()
	return o.EXIF
}

// Profile puts the ICC segments of a JPEG together (ICC.1:2022 annex B.4): each begins with its number, from 1, and the
// number of all. It returns nil if a segment is missing, double or counted wrongly, or if the whole exceeds icc.MaxBytes. It
// also returns nil for four components, and for a profile that is not kept.
func (o *Outline) Profile() []byte {
	if len(o.Components) == 4 { // inks are converted, after which no profile of theirs holds
		return nil
	}
	var parts [maxICCSegments + 1][]byte
	total := 0
	for _, s := range o.icc {
		if len(s) < 2 || int(s[1]) != len(o.icc) || s[0] == 0 || int(s[0]) > len(o.icc) || parts[s[0]] != nil {
			return nil
		}
		parts[s[0]] = s[2:]
		total += len(s) - 2
	}
	if total > icc.MaxBytes {
		return nil
	}
	return icc.Keep(slices.Concat(parts[:]...))
}

// A quantTable is a JPEG quantisation table in zigzag order (ITU-T T.81, B.2.4.1). The zero
// value means that the file has no such table: entries cannot be 0.
type quantTable = jpegcoef.Steps

// nearestQuality returns the quality, 1 to 100, whose tables are nearest to the luma and chroma tables given, by least
// squares over the logarithms of all entries. A step of quantisation matters by its ratio to another, not by its
// difference. For tables of that family the distance is 0 at their own quality; cameras and Photoshop have tables of
// their own, which get the quality of like coarseness. Tables that are zero are left out; without any the answer is 0.
func nearestQuality(tables [2]quantTable) int {
	best, minMiss := 0, math.Inf(1)
	for q := 1; q <= 100; q++ {
		miss, n, examples := 0.0, 0, jpegcoef.Examples(q)
		for t := range tables {
			if tables[t][0] == 0 {
				continue
			}
			for i, v := range tables[t] {
				d := math.Log(float64(max(v, 1)) / float64(examples[t][i]))
				miss += float64(d * d)
			}
			n++
		}
		if n > 0 && miss < minMiss {
			best, minMiss = q, miss
		}
	}
	return best
}

// readTables records the tables of a DQT segment, of 8 or 16 bits an entry. A table replaces an
// earlier one of its number. At a damaged table it stops, and keeps those before.
func (o *Outline) readTables(body []byte) {
	for len(body) > 0 {
		wide, to := int(body[0]>>4), body[0]&15
		body = body[1:]
		if wide > 1 || int(to) >= len(o.tables) || len(body) < 64*(1+wide) {
			return
		}
		for i := range o.tables[to] {
			if wide == 1 {
				o.tables[to][i] = binary.BigEndian.Uint16(body[2*i:])
			} else {
				o.tables[to][i] = uint16(body[i])
			}
		}
		body = body[64*(1+wide):]
	}
}

// quality returns the quality, 1 to 100, that is nearest to the tables of the first two components; 0 if the file has
// no tables. In CMYK and RGB files all components use the first table, which then is compared alone.
func (o *Outline) quality() int {
	var tables [2]quantTable
	for c := range min(len(o.sampling), len(tables)) {
		tables[c] = o.tables[o.sampling[c].table&3]
	}
	if len(o.sampling) > 1 && o.sampling[0].table == o.sampling[1].table {
		tables[1] = quantTable{}
	}
	return nearestQuality(tables)
}

// subsampling returns the subsampling by comparing the first component with the second and third:
// codec.SubGray for one component, 0 for none or two. For factors without a name it returns the next
// finer name, so that a copy never has less colour than its source.
func (o *Outline) subsampling() codec.Subsampling {
	if len(o.sampling) == 1 {
		return codec.SubGray
	}
	if len(o.sampling) < 3 {
		return 0
	}
	y, cb, cr := o.sampling[0], o.sampling[1], o.sampling[2]
	half := func(luma, b, r byte) bool { return luma >= 2*max(b, r) }
	across, down := half(y.h, cb.h, cr.h), half(y.v, cb.v, cr.v)
	switch {
	case across && down:
		return codec.Sub420
	case across:
		return codec.Sub422
	case down:
		return codec.Sub440
	}
	return codec.Sub444
}

// exampleCounts are how many codes of 1 to 16 bits there are in the example
// Huffman tables (ITU-T T.81, tables K.3 to K.6), which most cameras use.
var exampleCounts = map[[16]byte]bool{
	{0, 1, 5, 1, 1, 1, 1, 1, 1}:                         true,
	{0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1}:                   true,
	{0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d}: true,
	{0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77}: true,
}

// exampleCodes reports whether a DHT segment (T.81, B.2.4.2) holds the example codes alone.
func exampleCodes(body []byte) bool {
	for len(body) >= 17 {
		counts, symbols := [16]byte(body[1:17]), 0
		for _, n := range counts {
			symbols += int(n)
		}
		if !exampleCounts[counts] || len(body) < 17+symbols {
			return false
		}
		body = body[17+symbols:]
	}
	return true
}
