package main

import (
	"bytes"
	"fmt"
	"image/jpeg"
	"os"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// writePDF makes a PDF: "pdf OUT IN...". A page shows a JPEG with white margins, or "full:JPEG" without
// margins, or "text:N", a statement of account N.
func writePDF(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(makePDF(ts.MkAbs, args[0], args[1:]...))
}

// makePDF makes the PDF out of pages, as writePDF describes them. abs is the place of a file.
func makePDF(abs func(string) string, to string, pages ...string) error {
	var out bytes.Buffer
	var offsets []int
	object := func(format string, a ...any) {
		offsets = append(offsets, out.Len())
		fmt.Fprintf(&out, "%d 0 obj\n", len(offsets))
		fmt.Fprintf(&out, format+"\nendobj\n", a...)
	}
	out.WriteString("%PDF-1.4\n")
	kids := ""
	for i := range pages {
		kids += fmt.Sprintf("%d 0 R ", 3+3*i)
	}
	object("<</Type/Catalog/Pages 2 0 R>>")
	object("<</Type/Pages/Kids[%s]/Count %d>>", kids, len(pages))
	for i, name := range pages {
		full, isFull := strings.CutPrefix(name, "full:")
		account, isText := strings.CutPrefix(name, "text:")
		if isText {
			object("<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 420]/Contents %d 0 R/Resources<</Font<</F %d 0 R>>>>>>", 4+3*i, 5+3*i)
			n, err := strconv.Atoi(account)
			if err != nil {
				return err
			}
			draw := statement(n)
			object("<</Length %d>>stream\n%s\nendstream", len(draw), draw)
			object("<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>")
			continue
		}
		data, err := os.ReadFile(abs(full))
		if err != nil {
			return err
		}
		c, err := jpeg.DecodeConfig(bytes.NewReader(data))
		if err != nil {
			return err
		}
		box, draw := "595 842", "q 500 0 0 375 40 300 cm /I Do Q"
		if isFull {
			box = fmt.Sprintf("%d %d", c.Width/2, c.Height/2)
			draw = fmt.Sprintf("q %d 0 0 %d 0 0 cm /I Do Q", c.Width/2, c.Height/2)
		}
		object("<</Type/Page/Parent 2 0 R/MediaBox[0 0 %s]/Contents %d 0 R/Resources<</XObject<</I %d 0 R>>>>>>", box, 4+3*i, 5+3*i)
		object("<</Length %d>>stream\n%s\nendstream", len(draw), draw)
		object("<</Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/DCTDecode/Length %d>>stream\n%s\nendstream",
			c.Width, c.Height, len(data), data)
	}
	start := out.Len()
	fmt.Fprintf(&out, "xref\n0 %d\n0000000000 65535 f \n", len(offsets)+1)
	for _, at := range offsets {
		fmt.Fprintf(&out, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&out, "trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(offsets)+1, start)
	return os.WriteFile(abs(to), out.Bytes(), 0o600)
}

// statement is what a page of account n draws.
func statement(n int) string {
	out := "0.5 0 0 0.5 0 0 cm 0.1 0.3 0.6 rg 40 770 515 40 re f 1 g BT /F 18 Tf 50 783 Td (Example Bank) Tj ET 0 g\n"
	for i := range 40 {
		v := (i*7919 + n*104729) % 100000
		out += fmt.Sprintf("BT /F 11 Tf 50 %d Td (%02d.07. payment %d to account %d) Tj ET BT /F 11 Tf 470 %d Td (%d.%02d) Tj ET\n",
			740-17*i, 1+i%31, v, v*n%9973, 740-17*i, v/100, v%100)
	}
	return out
}
