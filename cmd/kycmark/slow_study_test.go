//go:build study && linux

package main

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/png"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// slowFiles are files that ask for as much processor time as their kind allows, by name.
var slowFiles = map[string]func(t *testing.T) []byte{
	"scans-grey.jpg":  func(t *testing.T) []byte { return scansJPEG(1, 9_990, 9_990, 100, 0) },
	"scans-16.jpg":    func(t *testing.T) []byte { return scansJPEG(3, 9_990, 9_990, 16, 0) },
	"scans-dense.jpg": func(t *testing.T) []byte { return scansJPEG(1, 9_990, 9_990, 16, 4) },
	"tiles-jpeg.tif": func(t *testing.T) []byte {
		return tilesTIFF(30_000, 7, scansJPEG(1, 16_384, 64, 2, 0))
	},
	"tiles-scans.tif": func(t *testing.T) []byte {
		return tilesTIFF(30_000, 7, scansJPEG(1, 16_384, 64, 100, 0))
	},
	"tiles-deflate.tif": func(t *testing.T) []byte {
		var b bytes.Buffer
		w, _ := zlib.NewWriterLevel(&b, 9)
		_, _ = w.Write(make([]byte, 1<<20))
		_ = w.Close()
		return tilesTIFF(60_000, 8, b.Bytes())
	},
	"pages.tif":     pagesTIFF,
	"interlace.png": interlacedPNG,
	"noise.png":     noisePNG,
	"forms.pdf":     func(*testing.T) []byte { return formsPDF(40, 6, "0 0 500 500 re f\n", "") },
	"images.pdf": func(t *testing.T) []byte {
		return formsPDF(40, 4, "500 0 0 500 0 0 cm /I Do\n", string(scansJPEG(1, 6_000, 6_000, 16, 0)))
	},
	"curves.pdf": func(*testing.T) []byte {
		return formsPDF(40, 4, strings.Repeat("0 0 m 900 900 -900 900 500 0 c 7 w [1] 0 d S\n", 8), "")
	},
	"flat.heic": encodedBy("heif-enc", "-q", "30", "IN", "-o", "OUT"),
	"flat.avif": encodedBy("avifenc", "-s", "9", "-a", "film-grain-test=1", "--min", "20", "--max", "40", "IN", "OUT"),
}

// formsPDF has pages whose forms draw the form below ten times, so deep: the last draws what content says. image is that of /I; "": none.
func formsPDF(pages, depth int, content, image string) []byte {
	var b bytes.Buffer
	var at []int
	object := func(dictionary, stream string) {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n", len(at))
		if stream == "" {
			fmt.Fprintf(&b, "<<%s>>\nendobj\n", dictionary)
			return
		}
		fmt.Fprintf(&b, "<<%s/Length %d>>\nstream\n%s\nendstream\nendobj\n", dictionary, len(stream), stream)
	}
	b.WriteString("%PDF-1.7\n")
	object("/Type/Catalog/Pages 2 0 R", "")
	kids := ""
	for i := range pages {
		kids += fmt.Sprintf("%d 0 R ", 4+depth+i)
	}
	object(fmt.Sprintf("/Type/Pages/Count %d/Kids[%s]", pages, kids), "")
	if image == "" {
		object("/Nothing true", "")
	} else {
		object("/Type/XObject/Subtype/Image/Width 6000/Height 6000/ColorSpace/DeviceGray/BitsPerComponent 8/Filter/DCTDecode", image)
	}
	for i := range depth { // form i draws form i+1
		draws, uses := strings.Repeat("q /F Do Q\n", 10), fmt.Sprintf("/F %d 0 R", 4+i+1)
		if i == depth-1 {
			draws, uses = strings.Repeat("q "+content+"Q\n", 10), "/I 3 0 R"
		}
		object(fmt.Sprintf("/Type/XObject/Subtype/Form/BBox[0 0 500 500]/Resources<</XObject<<%s>>>>", uses), draws)
	}
	for range pages {
		object(fmt.Sprintf("/Type/Page/Parent 2 0 R/MediaBox[0 0 500 500]/Resources<</XObject<</F 4 0 R>>>>/Contents %d 0 R", 4+depth+pages), "")
	}
	object("", "/F Do\n")
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, n := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", n)
	}
	fmt.Fprintf(&b, "trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, xref)
	return b.Bytes()
}

// encodedBy is a picture of 100 megapixels with slow slopes and some noise, as a program encodes IN to OUT.
func encodedBy(program string, args ...string) func(t *testing.T) []byte {
	return func(t *testing.T) []byte {
		const side = 9_990
		img := image.NewGray(image.Rect(0, 0, side, side))
		random := rand.New(rand.NewPCG(5, 5))
		for y := range side {
			for x := range side {
				img.Pix[y*side+x] = byte(x*y>>17 + random.IntN(3))
			}
		}
		dir := t.TempDir()
		in, out := filepath.Join(dir, "in.png"), filepath.Join(dir, "out."+map[string]string{"heif-enc": "heic", "avifenc": "avif"}[program])
		f, err := os.Create(in)
		require.NoError(t, err)
		require.NoError(t, (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(f, img))
		require.NoError(t, f.Close())
		args := slices.Clone(args)
		for i, a := range args {
			args[i] = map[string]string{"IN": in, "OUT": out}[a]
			if args[i] == "" {
				args[i] = a
			}
		}
		said, err := exec.Command(program, args...).CombinedOutput()
		require.NoError(t, err, "%s", said)
		data, err := os.ReadFile(out)
		require.NoError(t, err)
		return data
	}
}

// scansJPEG is a progressive JPEG of noise in n components: a DC scan, then scans of all coefficients. Each codes runs of
// empty blocks. Of dense coefficients in each block the first AC scan gives signs.
func scansJPEG(n, width, height, scans, dense int) []byte {
	var b bytes.Buffer
	segment := func(marker byte, body ...byte) {
		b.Write([]byte{0xff, marker, byte((len(body) + 2) >> 8), byte(len(body) + 2)})
		b.Write(body)
	}
	b.Write([]byte{0xff, 0xd8})
	segment(0xdb, append([]byte{0}, bytes.Repeat([]byte{1}, 64)...)...)
	frame := []byte{8, byte(height >> 8), byte(height), byte(width >> 8), byte(width), byte(n)}
	for i := range n {
		frame = append(frame, byte(i+1), 0x11, 0)
	}
	segment(0xc2, frame...)
	// DC: categories 0 and 1 with codes of 1 and 2 bits. AC: end of band runs of 2^14 and more (0xe0), one value behind no zeros (0x01), end (0x00).
	segment(0xc4, append([]byte{0x00, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 0, 7)...)
	segment(0xc4, append([]byte{0x10, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 0x01, 0xe0, 0x00)...)
	w := bitWriter{b: &b}
	blocks := ((width + 7) / 8) * ((height + 7) / 8)
	scan := func(component int, from, to, high, low byte) {
		segment(0xda, 1, byte(component+1), 0, from, to, high<<4|low)
	}
	random := rand.New(rand.NewPCG(1, 1))
	for i := range n {
		scan(i, 0, 0, 0, 0)
		for range blocks {
			w.write(2, 2) // category 7
			w.write(uint(random.IntN(128)), 7)
		}
		w.flush()
	}
	for s := range scans - n {
		if s < n && dense > 0 {
			scan(s%n, 1, 63, 0, 1)
			for range blocks {
				for range dense {
					w.write(0, 1)
					w.write(uint(random.IntN(2)), 1)
				}
				w.write(6, 3)
			}
			w.flush()
			continue
		}
		scan(s%n, 1, 63, 1, 0)
		for left := blocks; left > 0; {
			w.write(2, 2)
			run := min(left, 1<<15-1)
			if run < 1<<14 {
				run = 1 << 14
			}
			w.write(uint(run-1<<14), 14)
			for range min(left, run) * dense {
				w.write(0, 1)
			}
			left -= run
		}
		w.flush()
	}
	b.Write([]byte{0xff, 0xd9})
	return b.Bytes()
}

type bitWriter struct {
	b    *bytes.Buffer
	held uint
	n    int
}

func (w *bitWriter) write(v uint, n int) {
	w.held, w.n = w.held<<n|v, w.n+n
	for w.n >= 8 {
		c := byte(w.held >> (w.n - 8))
		w.b.WriteByte(c)
		if c == 0xff {
			w.b.WriteByte(0)
		}
		w.n -= 8
	}
	w.held &= 1<<w.n - 1
}

func (w *bitWriter) flush() {
	for w.n > 0 {
		w.write(1, 1)
	}
}

// putIFD writes the entries of a directory: tag, type, count and value of each.
func putIFD(put func(any), entries [][4]uint32) {
	put(uint16(len(entries)))
	for _, e := range entries {
		put(uint16(e[0]))
		put(uint16(e[1]))
		put(e[2])
		put(e[3])
	}
}

// tilesTIFF is one pixel wide, and has n tiles of a megapixel, which share their bytes.
func tilesTIFF(n int, compression uint32, tile []byte) []byte {
	var b bytes.Buffer
	put := func(v any) { _ = binary.Write(&b, binary.LittleEndian, v) }
	b.WriteString("II*\x00")
	put(uint32(8))
	entries := [][4]uint32{{256, 4, 1, 1}, {257, 4, 1, uint32(64 * n)}, {258, 3, 1, 8}, {259, 3, 1, compression}, {262, 3, 1, 1}, {277, 3, 1, 1},
		{322, 4, 1, 16_384}, {323, 4, 1, 64}, {324, 4, uint32(n), 0}, {325, 4, uint32(n), 0}, {339, 3, 1, 1}}
	at := uint32(8 + 2 + 12*len(entries) + 4)
	tileAt := at + uint32(8*n)
	for i := range entries {
		switch entries[i][0] {
		case 324:
			entries[i][3] = at
		case 325:
			entries[i][3] = at + uint32(4*n)
		}
	}
	putIFD(put, entries)
	put(uint32(0))
	for range n {
		put(tileAt)
	}
	for range n {
		put(uint32(len(tile)))
	}
	b.Write(tile)
	b.Write(make([]byte, 64<<20-b.Len()))
	return b.Bytes()
}

// pagesTIFF has 16 pages of 100 megapixels, which share one strip.
func pagesTIFF(*testing.T) []byte {
	const side = 9_990
	var z bytes.Buffer
	w, _ := zlib.NewWriterLevel(&z, 1)
	noise := make([]byte, side*side)
	random := rand.New(rand.NewPCG(2, 2))
	for i := range noise {
		noise[i] = byte(random.IntN(2) * 255)
	}
	_, _ = w.Write(noise)
	_ = w.Close()
	var b bytes.Buffer
	put := func(v any) { _ = binary.Write(&b, binary.LittleEndian, v) }
	b.WriteString("II*\x00")
	put(uint32(8 + z.Len() + z.Len()%2))
	b.Write(z.Bytes())
	b.Write(make([]byte, z.Len()%2))
	for page := range 16 {
		entries := [][4]uint32{{256, 4, 1, side}, {257, 4, 1, side}, {258, 3, 1, 8}, {259, 3, 1, 8}, {262, 3, 1, 1}, {273, 4, 1, 8}, {277, 3, 1, 1},
			{278, 4, 1, side}, {279, 4, 1, uint32(z.Len())}}
		putIFD(put, entries)
		next := uint32(0)
		if page < 15 {
			next = uint32(b.Len() + 4)
		}
		put(next)
	}
	return b.Bytes()
}

// interlacedPNG has 100 megapixels of 64 bits in seven passes, each row with the costliest filter.
func interlacedPNG(t *testing.T) []byte {
	const side = 10_000
	var z bytes.Buffer
	w, _ := zlib.NewWriterLevel(&z, 1)
	for _, p := range [][4]int{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}} {
		row := make([]byte, 1+8*((side-p[0]+p[2]-1)/p[2]))
		row[0] = 4
		for i := range row[1:] {
			row[1+i] = byte(i * i)
		}
		for range (side - p[1] + p[3] - 1) / p[3] {
			_, _ = w.Write(row)
		}
	}
	_ = w.Close()
	return pngOf(t, side, side, 16, 6, 1, z.Bytes())
}

func pngOf(t *testing.T, width, height, depth, kind, interlace int, data []byte) []byte {
	var small bytes.Buffer
	require.NoError(t, png.Encode(&small, image.NewGray(image.Rect(0, 0, 1, 1))))
	var b bytes.Buffer
	b.Write(small.Bytes()[:8])
	chunk := func(kind string, body []byte) {
		_ = binary.Write(&b, binary.BigEndian, uint32(len(body)))
		at := b.Len()
		b.WriteString(kind)
		b.Write(body)
		_ = binary.Write(&b, binary.BigEndian, crc32.ChecksumIEEE(b.Bytes()[at:]))
	}
	head := binary.BigEndian.AppendUint32(nil, uint32(width))
	head = binary.BigEndian.AppendUint32(head, uint32(height))
	chunk("IHDR", append(head, byte(depth), byte(kind), 0, 0, byte(interlace)))
	chunk("IDAT", data)
	chunk("IEND", nil)
	return b.Bytes()
}

// noisePNG is noise that compresses little.
func noisePNG(t *testing.T) []byte {
	img := image.NewGray(image.Rect(0, 0, 7_900, 7_900))
	random := rand.New(rand.NewPCG(3, 3))
	for i := range img.Pix {
		img.Pix[i] = byte(random.IntN(256))
	}
	var b bytes.Buffer
	require.NoError(t, (&png.Encoder{CompressionLevel: png.NoCompression}).Encode(&b, img))
	return b.Bytes()
}

// TestSlowFiles measures the processor time of an investigation of each of slowFiles alone ($KYCMARK_SLOW: of one). No
// file may take more than a minute.
func TestSlowFiles(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "kycmark")
	out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	run := func(args ...string) (*exec.Cmd, []byte) {
		cmd := exec.Command(program, args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "KYCMARK_HOME="+filepath.Join(dir, "home"))
		out, _ := cmd.CombinedOutput()
		return cmd, out
	}
	run("init", "home")
	path := filepath.Join(dir, "a.jpg")
	require.NoError(t, os.WriteFile(path, tiny(t, 1), 0o600))
	cmd, out := run("submit", path)
	require.Zero(t, cmd.ProcessState.ExitCode(), string(out))
	for _, name := range slices.Sorted(maps.Keys(slowFiles)) {
		if only := os.Getenv("KYCMARK_SLOW"); only != "" && only != name {
			continue
		}
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, slowFiles[name](t), 0o600))
		cmd, out := run("investigate", "--json", path)
		took := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		t.Logf("%s: %.1f s, exit %d\n%.600s", name, took.Seconds(), cmd.ProcessState.ExitCode(), out)
		assert.Less(t, took, time.Minute, name)
		require.NoError(t, os.Remove(path))
	}
}
