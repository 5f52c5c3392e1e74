package decoders

import "time"

// maxTime is how long a picture may take. 12 megapixels take 2 to 4 s. Chosen.
const maxTime = 5 * time.Minute

// maxProcessor is the processor time that a picture may take, on Linux: 100 megapixels take 16 to 32 s. Chosen.
const maxProcessor = 100 * time.Second

// budget is the memory that the processes of a Decoder use together, bytes. A larger picture runs alone. Chosen.
const budget = 768 << 20

// Memory of decoders, measured with pictures of 3 and 12 megapixels: HEIC takes 9 bytes a coded pixel, 19
// with 10 bits or 4:4:4; AVIF 20, 50 with 12 bits and alpha. The limits leave half on top.
const (
	baseMemory  = 64 << 20 // bytes of a decoder without a picture
	selfMemory  = 96 << 20 // bytes of its process; three times as many are reserved
	heicMemory  = 32       // bytes a coded pixel
	otherMemory = 72       // the same of AVIF
	handMemory  = 12       // bytes a pixel that the process takes to hand a picture over
	usualMemory = 26       // bytes a pixel that most pictures take
)

// keptPixels is the max number of coded pixels of a picture whose process waits for another one. Starting
// takes 0.3 to 0.5 s, as long as decoding 3 megapixels. Chosen.
const keptPixels = 3 << 20

// The picture that was decoded last is kept for keptFor if it has at most maxKeptPixels: 64 MB. Chosen.
const (
	keptFor       = time.Minute
	maxKeptPixels = 16 << 20
)

// linear returns how many bytes of memory a decoder may have for so many coded pixels.
func linear(format string, pixels int64) int64 {
	if format == "heic" {
		return baseMemory + heicMemory*pixels
	}
	return baseMemory + otherMemory*pixels
}
