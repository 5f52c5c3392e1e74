package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/picture/codec"
	"github.com/kycmark/kycmark/internal/test/fromfile"
)

// dressed writes the shipped picture NAME, at 1000 pixels, to FILE as a camera would
// whose JPEGs have QUALITY and 4:4:4: upside down with an orientation that says so, with a
// colour profile, and with EXIF in which PRIVATE stands wherever it must not
// leave: the place, the maker's note, the thumbnail.
func dressed(ts *testscript.TestScript, neg bool, args []string) {
	side := 1000
	if len(args) == 4 {
		side, args = number(ts, args[3]), args[:3]
	}
	arguments(ts, neg, args, 3)
	profile := make([]byte, 560)
	binary.BigEndian.PutUint32(profile, uint32(len(profile)))
	copy(profile[12:], "mntrRGB XYZ ")
	copy(profile[36:], "acsp")
	look := picture.Source{Format: "jpeg", Subsampling: codec.Sub444, ICC: profile}
	var b bytes.Buffer
	ts.Check(picture.EncodeLike(&b, picture.Fit(decoded(ts, args[0]), side), look, picture.LikeOptions{Quality: number(ts, args[2])}))
	exif := append([]byte("Exif\x00\x00"), cameraEXIF()...)
	app1 := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(2+len(exif)))
	file := append(append([]byte{0xff, 0xd8}, append(app1, exif...)...), b.Bytes()[2:]...)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), file, 0o644))
}

// cameraEXIF is laid out by hand: three directories at 8, 100 and 200, a
// thumbnail's at 300, and values from 400 on.
func cameraEXIF() []byte {
	le := binary.LittleEndian
	out := make([]byte, 480)
	copy(out, "II*\x00\x08\x00\x00\x00")
	directory := func(at, next int, entries ...[4]int) { // tag, type, count, value
		le.PutUint16(out[at:], uint16(len(entries)))
		at += 2
		for _, e := range entries {
			le.PutUint16(out[at:], uint16(e[0]))
			le.PutUint16(out[at+2:], uint16(e[1]))
			le.PutUint32(out[at+4:], uint32(e[2]))
			le.PutUint32(out[at+8:], uint32(e[3]))
			at += 12
		}
		le.PutUint32(out[at:], uint32(next))
	}
	directory(8, 300, [4]int{271, 2, 10, 400}, [4]int{274, 3, 1, 3}, [4]int{34665, 4, 1, 100}, [4]int{34853, 4, 1, 200})
	directory(100, 0, [4]int{36867, 2, 20, 410}, [4]int{37500, 7, 12, 430})
	directory(200, 0, [4]int{29, 2, 12, 430})
	directory(300, 0, [4]int{513, 4, 1, 450}, [4]int{514, 4, 1, 12})
	copy(out[400:], "Testcam 5\x00")
	copy(out[410:], "2024:05:06 07:08:09\x00")
	copy(out[430:], "PRIVATE 48N\x00")
	copy(out[450:], "PRIVATE mini")
	return out
}

var subsamplings = map[codec.Subsampling]string{codec.Sub444: "4:4:4", codec.Sub422: "4:2:2", codec.Sub440: "4:4:0",
	codec.Sub420: "4:2:0", codec.SubGray: "gray"}

// written fails unless FILE is a JPEG of that QUALITY and SUBSAMPLING, with a
// profile of ICC bytes, stored in that ORIENTATION.
func written(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 5)
	pic, err := fromfile.Picture(ts.MkAbs(args[0]), picture.Limits{})
	ts.Check(err)
	s := pic.Source
	for i, got := range []string{strconv.Itoa(s.Quality), subsamplings[s.Subsampling], strconv.Itoa(len(s.ICC))} {
		if got != args[1+i] {
			ts.Fatalf("%s is of quality %d, %s, with a profile of %d bytes", args[0], s.Quality, subsamplings[s.Subsampling], len(s.ICC))
		}
	}
	if pic.Format != "jpeg" || strconv.Itoa(pic.Orientation) != args[4] {
		ts.Fatalf("%s is %s of orientation %d", args[0], pic.Format, pic.Orientation)
	}
}

// weighs fails unless the two files' sizes are within 15 % of each other.
func weighs(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 2)
	var size [2]int
	for i := range size {
		size[i] = len(ts.ReadFile(args[i]))
	}
	if 100*size[0] > 115*size[1] || 115*size[0] < 100*size[1] {
		ts.Fatalf("%s has %d bytes, %s %d", args[0], size[0], args[1], size[1])
	}
}
