package picture

import (
	"bytes"
	"errors"
	"slices"
)

// errJXLProfile is returned for a profile that a JPEG XL does not hold whole.
var errJXLProfile = errors.New("damaged: its colour profile")

// profile reads an ICC profile (ISO/IEC 18181-1 annex E.4).
func (r *lsbReader) profile() ([]byte, error) {
	const contexts = 41
	size := r.u64()
	if size > maxICC {
		return nil, errJXLProfile
	}
	s, err := r.symbols(contexts, true)
	if err != nil {
		return nil, err
	}
	coded := make([]byte, 0, min(int(size), len(r.data)))
	for range size {
		v, err := s.next(iccContext(coded))
		if err != nil || v > 255 {
			return nil, errJXLCode
		}
		coded = append(coded, byte(v))
	}
	if !s.ended() {
		return nil, errJXLCode
	}
	return decodeICC(coded)
}

// iccContext returns the context of the next byte of a coded profile, by the two before it.
func iccContext(coded []byte) int {
	n := len(coded)
	if n <= 128 {
		return 0
	}
	class := func(b byte) int {
		switch {
		case b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z':
			return 0
		case b >= '0' && b <= '9' || b == '.' || b == ',':
			return 1
		}
		return -1
	}
	a, b := coded[n-1], coded[n-2]
	first, second := class(a), class(b)
	if first < 0 {
		switch {
		case a <= 1:
			first = 2 + int(a)
		case a < 16:
			first = 4
		case a == 255:
			first = 6
		case a > 240:
			first = 5
		default:
			first = 7
		}
	}
	if second < 0 {
		switch {
		case b < 16:
			second = 2
		case b > 240:
			second = 3
		default:
			second = 4
		}
	}
	return 1 + first + 8*second
}

// An iccReader reads a part of a coded profile.
type iccReader struct {
	data  []byte
	short bool
}

// take returns the next n bytes; nil and short behind the end.
func (r *iccReader) take(n int) []byte {
	if n < 0 || n > len(r.data) {
		r.short, r.data = true, nil
		return nil
	}
	out := r.data[:n:n]
	r.data = r.data[n:]
	return out
}

// byte returns the next byte, 0 behind the end.
func (r *iccReader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

// number reads a number of 7 bits a byte, up to maxICC.
func (r *iccReader) number() int {
	v := 0
	for shift := 0; shift < 28; shift += 7 {
		b := r.byte()
		if v |= int(b&127) << shift; b < 128 {
			break
		}
	}
	if v > maxICC {
		r.short = true
		return 0
	}
	return v
}

// decodeICC returns the profile that was coded by commands and data.
func decodeICC(coded []byte) ([]byte, error) {
	commands := &iccReader{data: coded}
	size, n := commands.number(), commands.number()
	data := &iccReader{}
	rest := commands.data
	if commands.data = commands.take(n); commands.short {
		return nil, errJXLProfile
	}
	data.data = rest[n:]
	out := make([]byte, 0, min(size, maxICC))
	for i, v := range data.take(min(size, iccHeader)) {
		out = append(out, v+expectedICC(out, i, size))
	}
	if len(out) < size {
		out = decodeTags(out, commands, data)
		for len(commands.data) > 0 && !commands.short && !data.short && len(out) <= size {
			out = decodeBody(out, commands, data, size)
		}
	}
	if commands.short || data.short || len(out) != size {
		return nil, errJXLProfile
	}
	return out, nil
}

// expectedICC returns what byte i of the header of a profile of so many bytes is expected to be.
func expectedICC(out []byte, i, size int) byte {
	const usual = "\x00\x00\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00mntrRGB XYZ \x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00acsp" +
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" +
		"\xf6\xd6\x00\x01\x00\x00\x00\x00\xd3\x2d"
	switch {
	case i < 4:
		return byte(size >> (8 * (3 - i)))
	case i > 40 && i < 44:
		for _, platform := range []string{"APPL", "MSFT", "SGI ", "SUNW"} {
			if string(out[40:min(i, 42)]) == platform[:min(i, 42)-40] {
				return platform[i-40]
			}
		}
		return 0
	case i >= 80 && i < 84:
		return out[i-76]
	case i < len(usual):
		return usual[i]
	}
	return 0
}

// iccTags are the tags that have numbers, from 4 on.
var iccTags = [...]string{"cprt", "wtpt", "bkpt", "rXYZ", "gXYZ", "bXYZ", "kXYZ", "rTRC", "gTRC", "bTRC", "kTRC", "chad", "desc", "chrm", "dmnd", "dmdd", "lumi"}

// decodeTags appends the list of tags.
func decodeTags(out []byte, commands, data *iccReader) []byte {
	count := commands.number() - 1
	if count < 0 {
		return out
	}
	be := func(n int) { out = append(out, byte(n>>24), byte(n>>16), byte(n>>8), byte(n)) }
	be(count)
	start, size := iccHeader+12*count, 0
	for len(commands.data) > 0 && !commands.short && !data.short && len(out) < maxICC {
		command := commands.byte()
		var tags []string
		switch kind := int(command & 63); {
		case kind == 0:
			return out
		case kind == 1:
			tags = []string{string(data.take(4))}
		case kind == 2:
			tags = []string{"rTRC", "gTRC", "bTRC"}
		case kind == 3:
			tags = []string{"rXYZ", "gXYZ", "bXYZ"}
		case kind-4 < len(iccTags):
			tags = []string{iccTags[kind-4]}
		default:
			commands.short = true
			return out
		}
		if start += size; command&64 != 0 {
			start = commands.number()
		}
		switch {
		case command&128 != 0:
			size = commands.number()
		case slices.Contains([]string{"rXYZ", "gXYZ", "bXYZ", "kXYZ", "wtpt", "bkpt", "lumi"}, tags[0]):
			size = 20
		}
		for i, tag := range tags {
			out = append(out, tag...)
			at := start
			if command&63 == 3 {
				at += i * size
			}
			be(at)
			be(size)
		}
	}
	return out
}

// decodeBody appends what one command says. size is that of the whole profile.
func decodeBody(out []byte, commands, data *iccReader, size int) []byte {
	const zeros = "\x00\x00\x00\x00"
	types := [...]string{"XYZ ", "desc", "text", "mluc", "para", "curv", "sf32", "gbd "}
	switch command := commands.byte(); {
	case command == 1:
		return append(out, data.take(commands.number())...)
	case command == 2 || command == 3:
		return append(out, shuffled(data.take(commands.number()), 2*int(command)-2)...)
	case command == 4:
		return decodeRun(out, commands, data)
	case command == 10:
		return append(append(out, "XYZ "+zeros...), data.take(12)...)
	case command >= 16 && command < 24:
		return append(out, types[command-16]+zeros...)
	}
	commands.short = true
	return out
}

// decodeRun appends numbers of 1, 2 or 4 bytes that differ little from what those before them lead to expect.
func decodeRun(out []byte, commands, data *iccReader) []byte {
	flags := commands.byte()
	width, order := int(flags&3)+1, int(flags>>2&3)
	stride := width
	if flags&16 != 0 {
		stride = commands.number()
	}
	b := shuffled(data.take(commands.number()), width)
	if width == 3 || order == 3 || stride < width || 4*stride >= len(out) {
		commands.short = true
		return out
	}
	for i := 0; i < len(b); i += width {
		var before [3]uint32
		for j := range before[:order+1] {
			for _, v := range out[len(out)-stride*(j+1):][:width] {
				before[j] = before[j]<<8 | uint32(v)
			}
		}
		expected := [...]uint32{before[0], 2*before[0] - before[1], 3*before[0] - 3*before[1] + before[2]}[order]
		for j, v := range b[i:min(i+width, len(b))] {
			out = append(out, v+byte(expected>>(8*(width-1-j))))
		}
	}
	return out
}

// shuffled returns bytes that were stored by their place in numbers of width bytes in their order.
func shuffled(b []byte, width int) []byte {
	rows := (len(b) + width - 1) / width
	out := bytes.Clone(b)
	for i, v := range b {
		out[i%rows*width+i/rows] = v
	}
	return out
}
