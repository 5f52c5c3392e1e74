package pdfs

import "time"

const (
	maxTime     = 5 * time.Minute // for a request, by the clock; chosen
	atOnce      = 2               // files at a time; chosen
	maxKept     = 64 << 20        // bytes of pages that are kept; chosen
	maxAccounts = 256             // files whose time is counted; chosen: more than are read at a time
	ahead       = 4               // pages that are read if one is asked for: starting PDFium takes as long as four pages
)

// budgets are the memory that a file may take, bytes: each after the one before was not enough. A process has so many bytes of data. Its
// pages, as pictures, lie in the process that asks. From garbage on, the heap is collected at once. Measured, MiB of data and of resident memory:
//
//	a page of text                            310  180
//	40 scans of 12 megapixels, JPEG           390  240
//	a scan of 48 megapixels, JPEG             510  335
//	a scan of 12 megapixels, not JPEG         650  460
//	a scan of 49 megapixels, not JPEG       2,050 1,630
var budgets = []struct{ process, pages, garbage int64 }{
	{448 << 20, 64 << 20, 160 << 20},
	{1024 << 20, 256 << 20, 400 << 20},
	{2560 << 20, 512 << 20, 1 << 30},
}

// maxProcessor returns how much processor time a file of so many bytes has on Linux. Measured on a busy machine, with PDFium started: 0.2 s a
// page of text (44 kB), 1.2 s a scan of 12 megapixels (0.5 MB), 30 s a scan of 49 megapixels that is no JPEG (24 MB).
func maxProcessor(bytes int) time.Duration {
	return 20*time.Second + min(time.Duration(bytes)*time.Second/(8<<10), 220*time.Second)
}
