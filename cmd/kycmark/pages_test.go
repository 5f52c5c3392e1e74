package main

import (
	"bytes"
	"encoding/binary"
	"os"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kycmark/kycmark/internal/picture"
)

// paged writes a shipped picture as a TIFF whose second page is the first one again.
func paged(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 2)
	var buf bytes.Buffer
	ts.Check(picture.Encode(&buf, picture.Fit(picture.Flatten(decoded(ts, args[0])), 960), "tiff", 0))
	file := append(buf.Bytes(), make([]byte, buf.Len()&1)...)
	page := file[binary.LittleEndian.Uint32(file[4:]):]
	next := page[2+12*binary.LittleEndian.Uint16(page):]
	page = bytes.Clone(page[:len(page)-len(next)+4])
	binary.LittleEndian.PutUint32(next, uint32(len(file)))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), append(file, page...), 0o644))
}
