package picture

// ExifOrientation is for the fuzz target.
func ExifOrientation(data []byte) int { return exifOrientation(data) }

// Walk calls every parser of our own on data, also those whose magic bytes
// are missing.
func Walk(data []byte) {
	_, _ = sniff(data)
	if len(data) >= 12 {
		o := outlineJPEG(data)
		_ = o.unsupported()
		_, _ = pngHeader(data)
		_, _ = webpHeader(data)
	}
	if d, ok := firstIFD(data); ok {
		_ = d.unsupported(data)
		d.pages()
		_ = d.checkBlocks(header{width: 100, height: 100})
	}
	_ = isBMP(data)
	gifFrames(data)
}
