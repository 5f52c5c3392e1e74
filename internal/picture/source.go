package picture

// A Source says how a file was written, as far as a copy needs to look like it. The zero value says nothing.
type Source struct {
	Format      string      // as Picture.Format
	Quality     int         // of a JPEG, 1 to 100 on the scale of the Independent JPEG Group; 0: not known
	Subsampling Subsampling // of a JPEG
	Progressive bool        // of a JPEG
	Gray        bool        // no colours are stored, in JPEG, PNG or TIFF

	// ICC is the colour profile, byte for byte as it was stored, where it describes RGB or grey pixels and has at most
	// 4 MiB. Profiles of inks are left out: the pixels are not inks any more. If a HEIC, an AVIF or EXIF names the
	// colours, it is a profile of ours that says the same.
	ICC []byte

	fitted bool    // the JPEG has Huffman codes of its own
	coded  int     // bytes of the JPEG's coded pixels
	pixels int     // coded
	colour []byte  // chunks of a PNG that say its colours in other words than a profile
	exif   []field // fields that a copy may carry, see exifRules
}

// Subsampling is how much of a JPEG's colour is stored, in the customary
// notation. What has no such name counts as the next finer one.
type Subsampling uint8

// The zero Subsampling is that of a file that is no JPEG.
const (
	Sub444  Subsampling = iota + 1 // colour for each pixel
	Sub422                         // half of it across
	Sub440                         // half of it down
	Sub420                         // half of it both ways
	SubGray                        // none
)

// readSource returns how a file of format f was written; only Format is set if nothing is known. The file has been
// decoded, but readSource trusts no byte of it. A grey profile of colours is left out.
func (f *format) readSource(data []byte) Source {
	s := Source{Format: f.name}
	if f.source != nil {
		block := f.source(&s, data)
		if s.exif = cleanEXIF(block); s.ICC == nil && !s.Gray && exifAdobe(block) {
			s.ICC = adobeProfile()
		}
	}
	if profileModel(s.ICC) == modelGray && !s.Gray {
		s.ICC = nil
	}
	return s
}

// describeJPEG sets how a JPEG was written, with its profile, and returns its EXIF block, or nil. The
// block shares the memory of data.
func describeJPEG(s *Source, data []byte) []byte {
	o := outlineJPEG(data)
	s.Subsampling, s.Progressive = o.subsampling(), o.frame == progressiveFrame
	s.Gray = s.Subsampling == SubGray
	s.Quality, s.fitted = o.quality(), o.fitted
	s.coded, s.pixels = o.coded, int(o.width*o.height)
	s.ICC = o.profile()
	return o.exif
}

// describeWebP sets the colour profile of a WebP, and returns its EXIF block, or nil. The first EXIF
// chunk counts, and the first profile that is kept.
func describeWebP(s *Source, data []byte) (exif []byte) {
	for kind, body := range webpChunks(data) {
		switch {
		case kind == "ICCP" && s.ICC == nil:
			s.ICC = keep(body)
		case kind == "EXIF" && exif == nil:
			exif = body
		}
	}
	return exif
}

// describeTIFF sets Gray and the profile of a TIFF, as far as its first directory says. It returns the
// file itself, which is built like an EXIF block.
func describeTIFF(s *Source, data []byte) []byte {
	if d, ok := firstIFD(data); ok {
		model, ok := d.uint(tagPhotometric)
		s.Gray = ok && model <= modelBlackIsZero
		if e, _ := d.entry(tagICC); e.whole {
			s.ICC = keep(e.raw)
		}
	}
	return data
}
