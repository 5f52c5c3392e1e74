package main

import (
	"bytes"
	"compress/zlib"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/skip"
)

// A slowPDF is a PDF that is made to take time or memory.
type slowPDF struct {
	out     bytes.Buffer
	offsets []int
}

// add adds an object, the first of which is number 4, and returns its number.
func (p *slowPDF) add(dict string, stream ...[]byte) int {
	p.offsets = append(p.offsets, p.out.Len())
	n := len(p.offsets)
	fmt.Fprintf(&p.out, "%d 0 obj\n", n)
	if stream == nil {
		fmt.Fprintf(&p.out, "%s\nendobj\n", dict)
		return n
	}
	body := slices.Concat(stream...)
	fmt.Fprintf(&p.out, "<< %s /Length %d >>\nstream\n%s\nendstream\nendobj\n", dict, len(body), body)
	return n
}

// packed adds a stream that is compressed.
func (p *slowPDF) packed(dict string, body []byte) int {
	return p.add(dict+" /Filter /FlateDecode", deflated(body))
}

func deflated(body []byte) []byte {
	var z bytes.Buffer
	w, _ := zlib.NewWriterLevel(&z, zlib.BestCompression)
	_, _ = w.Write(body)
	_ = w.Close()
	return z.Bytes()
}

// zeros returns so many MiB of zeros, compressed with window bits of deflate alone.
func zeros(mib int) []byte {
	var z bytes.Buffer
	w, _ := zlib.NewWriterLevel(&z, zlib.BestCompression)
	block := make([]byte, 1<<20)
	for range mib {
		_, _ = w.Write(block)
	}
	_ = w.Close()
	return z.Bytes()
}

// file returns a PDF of so many pages of one content. Resources are for all pages.
func (p *slowPDF) file(pages, content int, box, resources string) []byte {
	var kids strings.Builder
	first := len(p.offsets) + 2
	for i := range pages {
		fmt.Fprintf(&kids, "%d 0 R ", first+i)
	}
	tree := p.add(fmt.Sprintf("<< /Type /Pages /Count %d /Kids [%s] /MediaBox [%s] /Resources << %s >> >>", pages, kids.String(), box, resources))
	for range pages {
		p.add(fmt.Sprintf("<< /Type /Page /Parent %d 0 R /Contents %d 0 R >>", tree, content))
	}
	return p.close(p.add(fmt.Sprintf("<< /Type /Catalog /Pages %d 0 R >>", tree)))
}

func (p *slowPDF) close(catalog int) []byte {
	file := bytes.NewBufferString("%PDF-1.7\n")
	at := file.Len()
	file.Write(p.out.Bytes())
	start := file.Len()
	fmt.Fprintf(file, "xref\n0 %d\n0000000000 65535 f \n", len(p.offsets)+1)
	for _, o := range p.offsets {
		fmt.Fprintf(file, "%010d 00000 n \n", at+o)
	}
	fmt.Fprintf(file, "trailer\n<< /Size %d /Root %d 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(p.offsets)+1, catalog, start)
	return file.Bytes()
}

const a4 = "0 0 595 842"

// slowKinds are kinds of slow PDFs, each of one or of many pages.
var slowKinds = map[string]func(pages int) []byte{
	"wide": func(n int) []byte { // a page of 14,400 inches
		p := new(slowPDF)
		return p.file(n, p.add("", []byte("0.5 g 0 0 1e6 1e6 re f")), "0 0 1036800 1036800", "")
	},
	"content": func(n int) []byte { // a content of 1 GiB
		p := new(slowPDF)
		return p.file(n, p.add("/Filter [/FlateDecode /FlateDecode]", deflated(zeros(1024))), a4, "")
	},
	"curves": func(n int) []byte {
		p := new(slowPDF)
		return p.file(n, p.packed("", bytes.Repeat([]byte("0 0 m 9 800 500 1 590 840 c S\n"), 200_000)), a4, "")
	},
	"forms": func(n int) []byte { // ten times ten forms, eight deep
		p := new(slowPDF)
		last := p.add("/Type /XObject /Subtype /Form /BBox [0 0 600 900]", []byte("0 0 500 800 re f"))
		for range 8 {
			last = p.add(fmt.Sprintf("/Type /XObject /Subtype /Form /BBox [0 0 600 900] /Resources << /XObject << /F %d 0 R >> >>", last), []byte(strings.Repeat("/F Do ", 10)))
		}
		return p.file(n, p.add("", []byte("/F Do")), a4, fmt.Sprintf("/XObject << /F %d 0 R >>", last))
	},
	"tiles": func(n int) []byte { // a pattern of tiny tiles
		p := new(slowPDF)
		tile := p.add("/Type /Pattern /PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 1 1] /XStep 0.02 /YStep 0.02 /Resources << >>", []byte("1 0 0 rg 0 0 .5 .5 re f"))
		return p.file(n, p.add("", []byte("/Pattern cs /P scn 0 0 595 842 re f")), a4, fmt.Sprintf("/Pattern << /P %d 0 R >>", tile))
	},
	"shading": func(n int) []byte { // a function of PostScript for each pixel
		p := new(slowPDF)
		f := p.add("/FunctionType 4 /Domain [0 1 0 1] /Range [0 1 0 1 0 1]", []byte("{ "+strings.Repeat("dup sin exch cos exch add sqrt ", 400)+" dup dup }"))
		return p.file(n, p.add("", []byte(strings.Repeat("/S sh ", 50))), a4,
			fmt.Sprintf("/Shading << /S << /ShadingType 1 /ColorSpace /DeviceRGB /Domain [0 1 0 1] /Matrix [595 0 0 842 0 0] /Function %d 0 R >> >>", f))
	},
	"mesh": func(n int) []byte { // patches as large as the page
		p := new(slowPDF)
		var body []byte
		random := rand.New(rand.NewPCG(4, 4))
		for range 3000 {
			body = append(body, 0)
			for range 12*2 + 4*3 {
				body = append(body, byte(random.IntN(256)))
			}
		}
		s := p.packed("/ShadingType 6 /ColorSpace /DeviceRGB /BitsPerCoordinate 8 /BitsPerComponent 8 /BitsPerFlag 8 /Decode [0 595 0 842 0 1 0 1 0 1]", body)
		return p.file(n, p.add("", []byte(strings.Repeat("/S sh ", 20))), a4, fmt.Sprintf("/Shading << /S %d 0 R >>", s))
	},
	"bits": func(n int) []byte { // a picture of 900 megapixels
		return picturePDF(n, "/Width 30000 /Height 30000 /ColorSpace /DeviceGray /BitsPerComponent 1", zeros(107))
	},
	"colours": func(n int) []byte { // a picture just below the limit
		return picturePDF(n, "/Width 9900 /Height 9900 /ColorSpace /DeviceRGB /BitsPerComponent 8", zeros(281))
	},
	"inks": func(n int) []byte { // colours by a function
		p := new(slowPDF)
		f := p.add("/FunctionType 4 /Domain [0 1] /Range [0 1 0 1 0 1]", []byte("{ "+strings.Repeat("dup sin exch cos exch add sqrt ", 100)+" dup dup }"))
		image := p.add(fmt.Sprintf("/Type /XObject /Subtype /Image /Width 9000 /Height 9000 /ColorSpace [/Separation /Spot /DeviceRGB %d 0 R] /BitsPerComponent 8 /Filter [/FlateDecode /FlateDecode]", f), deflated(zeros(78)))
		return p.file(n, p.add("", []byte("q 500 0 0 800 0 0 cm /I Do Q q 400 0 0 700 0 0 cm /I Do Q")), a4, fmt.Sprintf("/XObject << /I %d 0 R >>", image))
	},
	"fax": func(n int) []byte {
		return picturePDF(n, "/Width 60000 /Height 60000 /ColorSpace /DeviceGray /BitsPerComponent 1 /DecodeParms [null << /K -1 /Columns 60000 /Rows 60000 >>]", bytes.Repeat([]byte{0xff}, 60_000/8), "/FlateDecode /CCITTFaxDecode")
	},
	"groups": func(n int) []byte { // groups in groups, each of the whole page
		p := new(slowPDF)
		const head = "/Type /XObject /Subtype /Form /BBox [0 0 600 900] /Group << /S /Transparency /I true >> "
		last := p.add(head, []byte("1 0 0 rg 0 0 500 800 re f"))
		for range 60 {
			last = p.add(fmt.Sprintf("%s /Resources << /XObject << /F %d 0 R >> /ExtGState << /G << /BM /Luminosity /ca .5 >> >> >>", head, last), []byte("/G gs /F Do /F Do"))
		}
		return p.file(n, p.add("", []byte("/F Do")), a4, fmt.Sprintf("/XObject << /F %d 0 R >>", last))
	},
	"objects": func(n int) []byte { // an object stream of 300 MiB
		p := new(slowPDF)
		p.add("/Type /ObjStm /N 1000000 /First 100 /Filter [/FlateDecode /FlateDecode]", deflated(zeros(300)))
		return p.file(n, p.add("", []byte("0 0 9 9 re f")), a4, "")
	},
	"table": func(n int) []byte { // a list of objects in a stream of 500 MiB
		p := new(slowPDF)
		at := len("%PDF-1.7\n") + p.out.Len()
		p.add("/Type /XRef /Size 100000000 /Root 2 0 R /W [1 4 2] /Filter [/FlateDecode /FlateDecode]", deflated(zeros(400+n)))
		return fmt.Appendf(nil, "%%PDF-1.7\n%sstartxref\n%d\n%%%%EOF\n", p.out.Bytes(), at)
	},
	"nested": func(n int) []byte { // a tree of pages, 3,000 deep
		p := new(slowPDF)
		for range 3000 {
			p.add(fmt.Sprintf("<< /Type /Pages /Count %d /Kids [%s] >>", n, strings.Repeat(fmt.Sprintf("%d 0 R ", len(p.offsets)+2), n)))
		}
		p.add("<< /Type /Page /MediaBox [0 0 9 9] >>")
		return p.close(p.add("<< /Type /Catalog /Pages 1 0 R >>"))
	},
	"glyphs": func(n int) []byte { // letters that are drawings of other letters
		p := new(slowPDF)
		glyph := p.add("", []byte("1000 0 d0 "+strings.Repeat("0 0 900 900 re f ", 500)))
		font := p.add(fmt.Sprintf("<< /Type /Font /Subtype /Type3 /FontBBox [0 0 1000 1000] /FontMatrix [.5 0 0 .5 0 0] /CharProcs << /a %d 0 R >> /Encoding << /Differences [97 /a] >> /FirstChar 97 /LastChar 97 /Widths [1] >>", glyph))
		return p.file(n, p.packed("", []byte("BT /F 9 Tf ("+strings.Repeat("a", 200_000)+") Tj ET")), a4, fmt.Sprintf("/Font << /F %d 0 R >>", font))
	},
	"filters": func(n int) []byte { // filters of filters
		p := new(slowPDF)
		body := zeros(200)
		names := "/FlateDecode"
		for range 12 {
			body, names = deflated(body), names+" /FlateDecode"
		}
		return p.file(n, p.add("/Filter ["+names+"]", body), a4, "")
	},
	"dashes": func(n int) []byte { // a line of a million dashes
		p := new(slowPDF)
		return p.file(n, p.packed("", bytes.Repeat([]byte("[.0001 .0001] 0 d 0 0 m 595 842 l 0 842 l 595 0 l S\n"), 200)), a4, "")
	},
	"strokes": func(n int) []byte {
		p := new(slowPDF)
		var path bytes.Buffer
		path.WriteString("1 j 1 J 300 w 0 0 m ")
		random := rand.New(rand.NewPCG(5, 5))
		for range 6000 {
			fmt.Fprintf(&path, "%d %d l ", random.IntN(600), random.IntN(900))
		}
		return p.file(n, p.packed("", slices.Concat(path.Bytes(), []byte("S"))), a4, "")
	},
	"inline": func(n int) []byte { // many pictures on a page
		p := new(slowPDF)
		return p.file(n, p.packed("", bytes.Repeat([]byte("q 595 0 0 842 0 0 cm BI /W 1 /H 1 /CS /G /BPC 8 ID \xf0 EI Q\n"), 100_000)), a4, "")
	},
	"noise": func(n int) []byte { // pages that are large as pictures
		p := new(slowPDF)
		random := rand.New(rand.NewPCG(6, 6))
		small := make([]byte, 100*100*3)
		for i := range small {
			small[i] = byte(random.IntN(256))
		}
		image := p.packed("/Type /XObject /Subtype /Image /Width 100 /Height 100 /ColorSpace /DeviceRGB /BitsPerComponent 8 /Interpolate true", small)
		return p.file(max(n, 2)*4, p.add("", []byte("q 3000 0 0 4000 0 0 cm /I Do Q 0 0 9 9 re f")), "0 0 3000 4000", fmt.Sprintf("/XObject << /I %d 0 R >>", image))
	},
}

// picturePDF is a PDF of pages that show a picture. filters are those of its data.
func picturePDF(pages int, dict string, data []byte, filters ...string) []byte {
	p := new(slowPDF)
	if filters == nil {
		filters = []string{"/FlateDecode /FlateDecode"}
	}
	image := p.add("/Type /XObject /Subtype /Image "+dict+" /Filter ["+filters[0]+"]", deflated(data))
	return p.file(pages, p.add("", []byte("q 595 0 0 842 0 0 cm /I Do Q")), a4, fmt.Sprintf("/XObject << /I %d 0 R >>", image))
}

// TestSlowPDFs investigates PDFs that are made to be slow or large beside honest ones, 16 at a time in 2 GiB. All are within
// their budgets, and what is said of the honest ones is the same as without the others. With the tag long each is submitted and
// investigated alone as well, and takes at most a minute.
func TestSlowPDFs(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		skip.Test(t, "without -short only: a minute of processor time")
	}
	const budget = 2048 // MiB
	x := newIssuing(t, "", 1)
	for _, folder := range []string{"alone", "dump"} {
		require.NoError(t, os.Mkdir(filepath.Join(x.dir, folder), 0o700))
	}
	for _, name := range []string{"jpeg.pdf", "chromium.pdf", "strips.pdf", "noxref.pdf"}[:long.Number(1, 4)] {
		data, err := os.ReadFile("../../internal/pdf/testdata/" + name)
		require.NoError(t, err)
		for _, folder := range []string{"alone", "dump"} {
			require.NoError(t, os.WriteFile(filepath.Join(x.dir, folder, "o"+name), data, 0o600))
		}
	}
	slow := make(map[string][]byte)
	kinds := slices.Sorted(maps.Keys(slowKinds))
	if only := os.Getenv("KYCMARK_SLOW"); only != "" {
		kinds = strings.Fields(only)
	} else if !long.On {
		kinds = []string{"bits", "nested", "wide"}
	}
	for _, kind := range kinds {
		for i, pages := range []int{1, 40}[:long.Number(1, 2)] {
			name := fmt.Sprintf("h%s-%d.pdf", kind, i)
			slow[name] = slowKinds[kind](pages)
			require.NoError(t, os.WriteFile(filepath.Join(x.dir, "dump", name), slow[name], 0o600))
		}
	}
	// measured runs a command, and returns what it printed, its processor time and the most memory that it and its children had, MiB.
	measured := func(args ...string) (lines map[string][]string, took time.Duration, most int) {
		var out bytes.Buffer
		cmd := x.command(append(args, "--json", "--max-memory", strconv.Itoa(budget))...)
		cmd.Env = append(cmd.Env, "GOMAXPROCS=16")
		cmd.Stdout, cmd.Stderr = &out, io.Discard
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		require.NoError(t, cmd.Start())
		ended := make(chan struct{})
		go func() { _ = cmd.Wait(); close(ended) }()
		for running := true; running; {
			select {
			case <-ended:
				running = false
			case <-time.After(20 * time.Millisecond):
				most = max(most, groupMemory(t, cmd))
			}
		}
		lines = make(map[string][]string)
		for line := range bytes.Lines(out.Bytes()) {
			var v struct{ File string }
			require.NoError(t, json.Unmarshal(line, &v), string(line))
			file := filepath.Base(v.File)
			lines[file] = append(lines[file], strings.ReplaceAll(strings.ReplaceAll(string(line), `"dump/`, `"`), `"alone/`, `"`))
		}
		return lines, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), most
	}
	want, _, _ := measured("investigate", "alone")
	got, took, most := measured("investigate", "dump")
	t.Logf("%d files: %.0f s, at most %d MiB", len(slow), took.Seconds(), most)
	assert.Less(t, most, budget+256, "MiB: the budget is of pictures, and the program itself comes on top")
	for file, lines := range want {
		if file[0] == 'o' {
			assert.Equal(t, lines, got[file], file)
		}
	}
	if !long.On {
		return
	}
	worst, largest := time.Duration(0), 0
	for _, name := range slices.Sorted(maps.Keys(slow)) {
		for _, verb := range []string{"submit", "investigate"} {
			_, took, most := measured(verb, filepath.Join("dump", name))
			t.Logf("%s %s, %d bytes: %.1f s, %d MiB", verb, name, len(slow[name]), took.Seconds(), most)
			assert.LessOrEqual(t, took, time.Minute, name)
			assert.Less(t, most, budget, name)
			worst, largest = max(worst, took), max(largest, most)
		}
	}
	t.Logf("at most %.1f s and %d MiB each", worst.Seconds(), largest)
}

// groupMemory returns the memory of the processes of a command without the pages of files, MiB.
func groupMemory(t *testing.T, cmd *exec.Cmd) (total int) {
	t.Helper()
	all, err := os.ReadDir("/proc")
	require.NoError(t, err)
	for _, e := range all {
		status, err := os.ReadFile("/proc/" + e.Name() + "/status")
		if err != nil || !bytes.Contains(status, fmt.Appendf(nil, "\nNSpgid:\t%d\n", cmd.Process.Pid)) {
			continue
		}
		if _, after, found := strings.Cut(string(status), "\nRssAnon:"); found {
			kib, _ := strconv.Atoi(strings.Fields(after)[0])
			total += kib >> 10
		}
	}
	return total
}
