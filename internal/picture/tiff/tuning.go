package tiff

// Work that a hostile TIFF can ask for. All are chosen, not measured.
const (
	maxIFDs   = 512     // directories of a chain that are followed
	maxBlocks = 100_000 // strips or tiles: each costs a decompressor, even if all share their bytes
	freeTile  = 1 << 20 // pixels that a tile may have, no matter how small the picture is
	freeTiles = 1 << 24 // the same of all tiles; else twice the pixels of the picture
	freeBytes = 4 << 10 // bytes of JPEG for each strip or tile, beyond the file's and one a pixel: tables are below 3 KiB
)
