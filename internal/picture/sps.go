package picture

// An sps is what a HEVC stream says of its pictures (ITU-T H.265 sections 7.3.2.2 and E.2.1).
type sps struct {
	width, height int64 // coded, without clips
	colours       colours
}

// readSPS reads the first sequence parameter set of an hvcC property. It returns false if there is no
// such set, or it is damaged before its size.
func readSPS(hvcC []byte) (s sps, ok bool) {
	const unitSPS = 33
	r := bitReader{data: hvcC}
	r.uint(8)
	r.uint(8)
	r.uint(6)
	for range r.uint(1) {
		kind := r.uint(1) & 63
		for range r.uint(2) {
			n := int(r.uint(2))
			if unit := r.rest(); kind == unitSPS && n <= len(unit) && n > 2 {
				return parseSPS(unescaped(unit[2:n]))
			}
			if r.at += 8 * n; r.short {
				return s, false
			}
		}
		if r.short {
			return s, false
		}
	}
	return s, false
}

// unescaped returns the bytes of a NAL unit without the 3 that keeps start codes out (H.265 section
// 7.4.2). It reads at most the first 4 KiB.
func unescaped(unit []byte) (out []byte) {
	zeros := 0
	for _, b := range unit[:min(len(unit), 4<<10)] {
		if zeros >= 2 && b == 3 {
			zeros = 0
			continue
		}
		if zeros++; b != 0 {
			zeros = 0
		}
		out = append(out, b)
	}
	return out
}

// golomb reads a number in Exp-Golomb code (H.265 section 9.2), at most 2^32-2.
func (r *bitReader) golomb() uint64 {
	zeros := 0
	for r.bits(1) == 0 {
		if zeros++; zeros > 32 || r.short {
			r.short = true
			return 0
		}
	}
	return 1<<zeros - 1 + r.bits(zeros)
}

// flag reads one bit.
func (r *bitReader) flag() bool { return r.bits(1) == 1 }

// parseSPS reads a sequence parameter set behind the header of its unit. ok is true if the size was
// read. If the rest is damaged or of a kind that pictures do not have, the colours are unknown.
func parseSPS(data []byte) (s sps, ok bool) {
	r := bitReader{data: data}
	r.bits(4)
	layers := int(r.bits(3))
	r.bits(1)
	r.profileTierLevel(layers)
	r.golomb()
	chroma := r.golomb()
	if chroma == 3 {
		r.bits(1)
	}
	s.colours.matrix = unspecified
	s.width, s.height = int64(r.golomb()), int64(r.golomb())
	if r.short || s.width <= 0 || s.height <= 0 {
		return sps{}, false
	}
	if s.width > maxHEIFSide || s.height > maxHEIFSide {
		s.width, s.height = maxHEIFSide, maxHEIFSide
	}
	if r.flag() { // conformance window
		for range 4 {
			r.golomb()
		}
	}
	r.golomb() // depths of luma and chroma
	r.golomb()
	orderBits := int(r.golomb()) + 4
	first := layers
	if r.flag() {
		first = 0
	}
	for i := first; i <= layers; i++ {
		r.golomb()
		r.golomb()
		r.golomb()
	}
	for range 6 { // block sizes
		r.golomb()
	}
	if r.flag() { // scaling lists are used
		if r.flag() { // and follow
			r.scalingLists()
		}
	}
	r.bits(2)
	if r.flag() { // PCM
		r.bits(8)
		r.golomb()
		r.golomb()
		r.bits(1)
	}
	if !r.referenceSets() {
		return s, true
	}
	if r.flag() { // long-term references
		for range min(r.golomb(), 32) {
			r.bits(min(orderBits, 16) + 1)
		}
	}
	r.bits(2)
	if r.flag() {
		s.colours = r.usability()
	}
	if r.short {
		s.colours = colours{matrix: unspecified}
	}
	return s, true
}

// profileTierLevel passes over H.265 section 7.3.3.
func (r *bitReader) profileTierLevel(layers int) {
	r.uint(8)
	r.uint(4)
	var profiles, levels [8]bool
	for i := range layers {
		profiles[i], levels[i] = r.flag(), r.flag()
	}
	if layers > 0 {
		r.bits(2 * (8 - layers))
	}
	for i := range layers {
		if profiles[i] {
			r.uint(8)
			r.uint(3)
		}
		if levels[i] {
			r.uint(1)
		}
	}
}

// scalingLists passes over H.265 section 7.3.4.
func (r *bitReader) scalingLists() {
	for size := range 4 {
		step := 1
		if size == 3 {
			step = 3
		}
		for matrix := 0; matrix < 6; matrix += step {
			if !r.flag() {
				r.golomb()
				continue
			}
			if size > 1 {
				r.golomb()
			}
			for range min(64, 1<<(4+size<<1)) {
				r.golomb()
			}
		}
	}
}

// referenceSets passes over the short-term reference picture sets (H.265 section 7.3.7). It returns
// false if one is predicted from another, which single pictures do not need.
func (r *bitReader) referenceSets() bool {
	for i := range min(r.golomb(), 65) {
		if i > 0 && r.flag() {
			return false
		}
		for range min(r.golomb()+r.golomb(), 32) {
			r.golomb()
			r.bits(1)
		}
	}
	return !r.short
}

// usability reads the colours out of the video usability information (H.265 section E.2.1).
func (r *bitReader) usability() (c colours) {
	c.matrix = unspecified
	if r.flag() && r.uint(1) == 255 { // aspect ratio
		r.uint(4)
	}
	if r.flag() { // overscan
		r.bits(1)
	}
	if r.flag() {
		r.bits(3)
		c.full = r.flag()
		if r.flag() {
			c.primaries, c.transfer, c.matrix = int(r.uint(1)), int(r.uint(1)), int(r.uint(1))
		}
	}
	return c
}
