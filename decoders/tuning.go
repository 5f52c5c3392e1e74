package decoders

import "time"

// maxTime is how long a picture may take. 12 megapixels take 2 to 4 s. Chosen.
const maxTime = 5 * time.Minute

// budget is the memory that the processes of a Decoder may have together, bytes. A picture that needs
// more runs alone. Chosen.
const budget = 768 << 20

// Memory of a process that decodes, measured on Linux with camera pictures of 1, 12 and 24 megapixels:
// 60 to 110, 220 to 510 and 470 to 1,330 MB are used, AVIF being the last of each. What is reserved
// (RLIMIT_DATA) is up to 720 MB for 12 megapixels of AVIF. The limits leave a third on top.
const (
	baseMemory  = 256 << 20 // bytes, for the program and a decoder without a picture
	heicMemory  = 32        // bytes a coded pixel
	otherMemory = 96        // the same of AVIF and JPEG XL
)

// memory returns how many bytes of data a process may have that decodes so many coded pixels.
func memory(format string, pixels int64) int64 {
	if format == "heic" {
		return baseMemory + heicMemory*pixels
	}
	return baseMemory + otherMemory*pixels
}

// garbage returns the bytes of heap from which on garbage is collected at once: each time that
// WebAssembly asks for more memory, all of it is copied. A smaller value costs time and saves nothing.
func garbage(pixels int64) int64 { return 32<<20 + 16*pixels }
