package picture

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"io"
)

// Colour profiles (ICC.1:2022): where they stand in files, and which are kept.
const (
	maxICC    = 4 << 20 // bytes of a profile that is kept
	iccHeader = 128     // bytes
	modelRGB  = "RGB "
	modelGray = "GRAY"
)

// keep returns a copy of a profile that may be passed on: complete, of the size that it
// states, for RGB or grey pixels. It returns nil for every other profile.
func keep(data []byte) []byte {
	size, ok := profileSize(data)
	if !ok || size > len(data) {
		return nil
	}
	return bytes.Clone(data[:size])
}

// profileSize reads the header of a profile (ICC.1:2022 section 7.2). It returns the size in bytes that the profile
// states, and whether a profile of that size and kind is kept. The size means nothing if that is false.
func profileSize(data []byte) (int, bool) {
	if len(data) < iccHeader || string(data[36:40]) != "acsp" {
		return 0, false
	}
	size, model := binary.BigEndian.Uint32(data), profileModel(data)
	return int(size), size >= iccHeader && size <= maxICC && (model == modelRGB || model == modelGray)
}

// profileModel returns the kind of pixels that a profile is for, four bytes such as modelRGB; "" if
// data is too short for a profile's header.
func profileModel(data []byte) string {
	if len(data) < iccHeader {
		return ""
	}
	return string(data[16:20])
}

// profile puts the ICC segments of a JPEG together (ICC.1:2022 annex B.4): each begins with its number, from 1, and the
// number of all. It returns nil if a segment is missing, double or counted wrongly, or if the whole exceeds maxICC. It
// also returns nil for four components, and for a profile that is not kept.
func (o *jpegOutline) profile() []byte {
	if len(o.components) == 4 { // inks are converted, after which no profile of theirs holds
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
	if total > maxICC {
		return nil
	}
	whole := make([]byte, 0, total)
	for _, p := range parts {
		whole = append(whole, p...)
	}
	return keep(whole)
}

// inflateProfile returns the profile in the body of a PNG's iCCP chunk (PNG, third edition, section 11.3.2.3): a name,
// a zero, the method 0, and a zlib stream. It returns nil if the body is damaged or the profile is not kept. The
// profile's header is looked at before anything is allocated for the rest.
func inflateProfile(body []byte) []byte {
	end := bytes.IndexByte(body, 0)
	if end < 1 || end > 79 || len(body) < end+2 || body[end+1] != 0 {
		return nil
	}
	z, err := zlib.NewReader(bytes.NewReader(body[end+2:]))
	if err != nil {
		return nil
	}
	defer z.Close()
	var header [iccHeader]byte
	if _, err := io.ReadFull(z, header[:]); err != nil {
		return nil
	}
	size, ok := profileSize(header[:])
	if !ok {
		return nil
	}
	whole := bytes.NewBuffer(bytes.Clone(header[:]))
	if _, err := io.Copy(whole, io.LimitReader(z, int64(size-iccHeader))); err != nil {
		return nil
	}
	return keep(whole.Bytes())
}

// deflateProfile returns the body of an iCCP chunk with the profile icc, compressed: the inverse of inflateProfile.
func deflateProfile(icc []byte) []byte {
	body := bytes.NewBufferString("ICC Profile\x00\x00")
	z := zlib.NewWriter(body)
	z.Write(icc) // to memory: it cannot fail
	z.Close()
	return body.Bytes()
}

// iccSegments cuts a profile of at most maxICC bytes into the bodies of APP2 segments, each with
// magic, number and count in front. An empty profile has no segments.
func iccSegments(icc []byte) (bodies [][]byte) {
	const maxBody = 0xffff - 2 - len(iccMagic) - 2
	count := (len(icc) + maxBody - 1) / maxBody
	for i := 1; len(icc) > 0; i++ {
		n := min(maxBody, len(icc))
		bodies = append(bodies, append([]byte(iccMagic+string([]byte{byte(i), byte(count)})), icc[:n]...))
		icc = icc[n:]
	}
	return bodies
}
