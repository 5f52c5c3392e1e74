package jpeg

// Memory that jpegli holds for a picture, measured at 12 megapixels in 4:4:4, the costliest subsampling.
const (
	bytesFitted      = 23        // a pixel, with Huffman codes of its own
	bytesProgressive = 52        // a pixel, in progressive files
	maxHeld          = 256 << 20 // bytes for a picture; above, files become plain baseline, at 10 bytes a pixel
)

// maxScans is how many scans a JPEG may have; chosen, not measured: encoders write about ten.
const maxScans = 100
