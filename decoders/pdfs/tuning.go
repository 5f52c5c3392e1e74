package pdfs

import "time"

const (
	maxTime   = 5 * time.Minute // for a file; chosen
	maxPage   = 50              // seconds of processor time on Linux if one page is asked for, or one picture; chosen
	atOnce    = 2               // files at a time: a process has 150 to 300 MB
	maxBytes  = 512 << 20       // of the pictures of all pages; chosen
	maxMemory = 2560 << 20      // bytes of data of a process: a picture of 9,000 x 9,000 pixels takes 1.6 GB, since WebAssembly copies what grows
	maxKept   = 64 << 20        // bytes of pages that are kept; chosen
	ahead     = 4               // pages that are read if one is asked for: starting PDFium takes as long as four pages
	// garbage is the heap from which on garbage is collected at once, bytes. Five pages of 300 dots an inch
	// then take 330 MB, without it 460 MB, and the same time.
	garbage = 160 << 20
)
