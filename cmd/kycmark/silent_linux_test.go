package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"database/sql"
	"encoding/ascii85"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color/palette"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/skip"
)

// hidings are ways to hide a picture in the file at a path, whose name a dump then has. Only the generator knows what lies there.
var hidings = map[string]func(h *hiding) []byte{
	"encrypted.bin": func(h *hiding) []byte { return secret(h.T, zipOfLeaks(h.T, h.hidden)) },
	"opaque.sql":    containersOf("encrypted.sql"),
	"base85.txt":    containersOf("a85"),
	"base32.txt":    containersOf("b32"),
	"turned.txt":    containersOf("turned"),
	"method.zip":    containersOf("method.zip"),
	"cut.zip":       containersOf("broken"),
	"rows.sql": func(h *hiding) []byte { // one row in another writing, among rows that hold no picture
		out := h.words(h.random.IntN(300_000))
		out = append(out, make([]byte, ascii85.MaxEncodedLen(len(h.one())))...)
		n := ascii85.Encode(out[len(out)-ascii85.MaxEncodedLen(len(h.one())):], h.one())
		out = out[:len(out)-ascii85.MaxEncodedLen(len(h.one()))+n]
		return append(out, h.words(h.random.IntN(300_000))...)
	},
	"vault.sql": func(h *hiding) []byte { // each value encrypted by the application
		out := h.words(h.random.IntN(100_000))
		return append(fmt.Appendf(out, "INSERT INTO kyc VALUES (7,'%s');\n", base64.StdEncoding.EncodeToString(secret(h.T, h.one()))), h.words(h.random.IntN(100_000))...)
	},
	"vault.sqlite": func(h *hiding) []byte {
		path := filepath.Join(h.TempDir(), "vault.sqlite")
		db, err := sql.Open("sqlite", path)
		require.NoError(h, err)
		_, err = db.Exec("CREATE TABLE kyc (id INTEGER, name TEXT, photo BLOB)")
		require.NoError(h, err)
		_, err = db.Exec("INSERT INTO kyc VALUES (1, 'a', ?), (2, 'b', ?)", secret(h.T, h.one()), "none")
		require.NoError(h, err)
		require.NoError(h, db.Close())
		return h.read(path)
	},
	"password.zip": func(h *hiding) []byte { return h.zipWith(func(f *zip.FileHeader, _ int) { f.Flags |= 1 }) },
	"half.zip": func(h *hiding) []byte {
		return h.zipWith(func(f *zip.FileHeader, i int) {
			if i == 0 {
				f.Flags |= 1
			}
		})
	},
	"checksum.zip": func(h *hiding) []byte { return h.zipWith(func(f *zip.FileHeader, _ int) { f.CRC32++ }) },
	"folder.zip": func(h *hiding) []byte {
		return bytes.ReplaceAll(h.zipWith(func(f *zip.FileHeader, _ int) { f.Name += "_" }), []byte("g_"), []byte("g/"))
	},
	"link.zip": func(h *hiding) []byte {
		return h.zipWith(func(f *zip.FileHeader, _ int) { f.SetMode(os.ModeSymlink | 0o777) })
	},
	"litter.zip": func(h *hiding) []byte {
		return h.zipWith(func(f *zip.FileHeader, i int) {
			f.Name = []string{"__MACOSX/" + f.Name, "._" + f.Name, "Thumbs.db", "a/.DS_Store", "desktop.ini"}[(i+h.random.IntN(5))%5]
		})
	},
	"litter.tar": func(h *hiding) []byte { return tarOf(h.T, "photos/._"+h.hidden[0].name, h.one()) },
	"comment.zip": func(h *hiding) []byte {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		require.NoError(h, z.SetComment(string(h.small())))
		_, err := z.Create("readme.txt")
		require.NoError(h, err)
		require.NoError(h, z.Close())
		return b.Bytes()
	},
	"gap.zip": func(h *hiding) []byte { // its list of files leaves one out
		b := zipOf(h.T, "a.jpg", h.one(), "readme.txt", []byte("nothing"))
		at, end := bytes.Index(b, []byte("PK\x01\x02")), len(b)-22
		next := at + 4 + bytes.Index(b[at+4:], []byte("PK\x01\x02"))
		b = slices.Delete(b, at, next)
		end -= next - at
		binary.LittleEndian.PutUint16(b[end+8:], 1)
		binary.LittleEndian.PutUint16(b[end+10:], 1)
		binary.LittleEndian.PutUint32(b[end+12:], uint32(end-at))
		return b
	},
	"nested.zip": func(h *hiding) []byte {
		b := zipOfLeaks(h.T, h.hidden)
		for i := range 5 {
			b = zipOf(h.T, fmt.Sprintf("%d.zip", i), b)
		}
		return b
	},
	"many.zip": func(h *hiding) []byte { // more than may be unpacked
		return zipOf(h.T, "a.jpg", h.one(), "b.bin", make([]byte, 500<<20))
	},
	"cut.tgz":     func(h *hiding) []byte { b := gzipOf(h.T, tarOfLeaks(h.T, h.hidden)); return b[:len(b)/4] },
	"behind.tar":  func(h *hiding) []byte { return append(tarOf(h.T, "a.txt", []byte("nothing")), h.one()...) },
	"behind.gz":   func(h *hiding) []byte { return append(gzipOf(h.T, []byte("nothing")), h.one()...) },
	"behind.xz":   func(h *hiding) []byte { return append(xzed(h.T, []byte("nothing")), h.one()...) },
	"part.7z.001": func(h *hiding) []byte { return append([]byte("7z\xbc\xaf\x27\x1c"), h.one()...) },
	"sparse.tar": func(h *hiding) []byte {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		require.NoError(h, w.WriteHeader(&tar.Header{Name: "a.jpg", Typeflag: tar.TypeReg, Size: int64(len(h.one())), Mode: 0o600, PAXRecords: map[string]string{"GNU.sparse.size": "9"}}))
		_, err := w.Write(h.one())
		require.NoError(h, err)
		require.NoError(h, w.Close())
		return b.Bytes()
	},
	"attached.pdf": func(h *hiding) []byte { // the page shows nothing
		return fmt.Appendf(nil, "%%PDF-1.4\n1 0 obj <</Type /Catalog /Pages 2 0 R /Names <</EmbeddedFiles <</Names [(a.jpg) 4 0 R]>>>>>> endobj\n2 0 obj <</Type /Pages /Kids [3 0 R] /Count 1>> endobj\n3 0 obj <</Type /Page /Parent 2 0 R /MediaBox [0 0 99 99]>> endobj\n"+
			"4 0 obj <</Type /Filespec /F (a.jpg) /EF <</F 5 0 R>>>> endobj\n5 0 obj <</Type /EmbeddedFile /Length %d>> stream\n%s\nendstream endobj\ntrailer <</Root 1 0 R>>\n%%%%EOF\n", len(h.one()), h.one())
	},
	"behind.pdf": func(h *hiding) []byte {
		return append([]byte("%PDF-1.4\n1 0 obj <</Type /Catalog /Pages 2 0 R>> endobj\n2 0 obj <</Type /Pages /Kids [3 0 R] /Count 1>> endobj\n3 0 obj <</Type /Page /Parent 2 0 R /MediaBox [0 0 99 99]>> endobj\ntrailer <</Root 1 0 R>>\n%%EOF\n"), h.one()...)
	},
	"object.docx": func(h *hiding) []byte {
		return zipOf(h.T, "[Content_Types].xml", []byte("<Types/>"), "word/media/image1.emf", append(make([]byte, 100), h.one()...))
	},
	"text.docx": func(h *hiding) []byte {
		return zipOf(h.T, "[Content_Types].xml", []byte("<Types/>"), "word/document.xml", fmt.Appendf(nil, "<w:binData>%s</w:binData>", base64.StdEncoding.EncodeToString(h.one())))
	},
	"vault.docx": func(h *hiding) []byte {
		return zipOf(h.T, "[Content_Types].xml", []byte("<Types/>"), "customXml/item1.dat", secret(h.T, h.one()))
	},
	"trailer.jpg": func(h *hiding) []byte { return append(h.cover(), secret(h.T, h.one())...) },
	"sizes.jpg": func(h *hiding) []byte {
		return append(withSegment(h.cover(), 0xe2, []byte("MPF\x00II*\x00")), h.one()...)
	},
	"segment.jpg": func(h *hiding) []byte { return withSegment(h.cover(), 0xe4, h.small()) },
	"thumb.jpg": func(h *hiding) []byte {
		return withSegment(h.cover(), 0xe1, append([]byte("Exif\x00\x00II*\x00\x08\x00\x00\x00\x00\x00\x0e\x00\x00\x00\x02\x00\x01\x02\x04\x00\x01\x00\x00\x00\x2c\x00\x00\x00\x02\x02\x04\x00\x01\x00\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00"), h.small()...))
	},
	"chunk.png": func(h *hiding) []byte {
		b := pngOfJPEG(h.T, h.cover())
		return slices.Concat(b[:33], chunkOf("teXt", append([]byte("a\x00"), h.one()...)), b[33:])
	},
	"frames.gif": func(h *hiding) []byte {
		g := new(gif.GIF)
		for _, data := range [][]byte{h.cover(), h.one()} {
			img, err := jpeg.Decode(bytes.NewReader(data))
			require.NoError(h, err)
			p := image.NewPaletted(image.Rect(0, 0, 400, 400), palette.Plan9)
			draw.FloydSteinberg.Draw(p, p.Rect, imaging.Fill(img, 400, 400, imaging.Center, imaging.Lanczos), image.Point{})
			g.Image, g.Delay = append(g.Image, p), append(g.Delay, 9)
		}
		var b bytes.Buffer
		require.NoError(h, gif.EncodeAll(&b, g))
		return b.Bytes()
	},
	"start.jpg":   func(h *hiding) []byte { return append(h.one()[:300:300], noiseOf(h.random, 9000)...) },
	"start.dat":   func(h *hiding) []byte { return append([]byte("cache\x00"), h.one()[:len(h.one())/9]...) },
	"program.exe": func(h *hiding) []byte { return append([]byte("MZ\x90\x00"), secret(h.T, h.one())...) },
	"video.mp4": func(h *hiding) []byte {
		return append([]byte("\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isomiso2"), h.one()...)
	},
	"design.psd": func(h *hiding) []byte { return append([]byte("8BPS\x00\x01"), secret(h.T, h.one())...) },
	"link.jpg":   func(h *hiding) []byte { require.NoError(h, os.Symlink(h.file(h.one()), h.path)); return nil },
	"pipe.jpg":   func(h *hiding) []byte { require.NoError(h, syscall.Mkfifo(h.path, 0o600)); return nil },
	"Thumbs.db":  func(h *hiding) []byte { return append(make([]byte, 512), h.one()...) },
	"._a.jpg":    func(h *hiding) []byte { return h.one() },
}

func containersOf(ending string) func(h *hiding) []byte {
	return func(h *hiding) []byte { return containers[ending](h.T, h.hidden) }
}

// A hiding hides pictures in one file of a dump.
type hiding struct {
	*testing.T
	random   *rand.Rand
	path     string
	hidden   []leaked
	stranger []byte
}

func (h *hiding) one() []byte   { return h.hidden[0].data }
func (h *hiding) cover() []byte { return slices.Clone(h.stranger) }

// small is a picture that fits into a segment of a JPEG.
func (h *hiding) small() []byte {
	img, err := jpeg.Decode(bytes.NewReader(h.one()))
	require.NoError(h, err)
	var b bytes.Buffer
	require.NoError(h, jpeg.Encode(&b, imaging.Fit(img, 480, 480, imaging.Lanczos), &jpeg.Options{Quality: 75}))
	require.Less(h, b.Len(), 60_000)
	return b.Bytes()
}

func (h *hiding) file(data []byte) string {
	path := filepath.Join(h.TempDir(), "elsewhere.jpg")
	require.NoError(h, os.WriteFile(path, data, 0o600))
	return path
}

func (h *hiding) read(path string) []byte {
	data, err := os.ReadFile(path)
	require.NoError(h, err)
	return data
}

// words are rows of a table without pictures, of at least n bytes.
func (h *hiding) words(n int) (out []byte) {
	for len(out) < n {
		out = fmt.Appendf(out, "INSERT INTO person VALUES (%d,'%s','%s','2019-0%d-11');\n", h.random.IntN(1e6), []string{"Anna", "Chidi", "Mei"}[h.random.IntN(3)], []string{"Okafor", "Muster", "Lin"}[h.random.IntN(3)], 1+h.random.IntN(9))
	}
	return out
}

// zipWith is a zip archive of the hidden pictures with changed headers. Its bytes are stored.
func (h *hiding) zipWith(change func(f *zip.FileHeader, i int)) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i, p := range h.hidden {
		f := &zip.FileHeader{Name: p.name, Method: zip.Store, CRC32: crc32.ChecksumIEEE(p.data), CompressedSize64: uint64(len(p.data)), UncompressedSize64: uint64(len(p.data))}
		change(f, i)
		w, err := z.CreateRaw(f)
		require.NoError(h, err)
		_, err = w.Write(p.data)
		require.NoError(h, err)
	}
	require.NoError(h, z.Close())
	return b.Bytes()
}

// withSegment is a JPEG with one more segment behind its start.
func withSegment(data []byte, marker byte, body []byte) []byte {
	return slices.Concat(data[:2], binary.BigEndian.AppendUint16([]byte{0xff, marker}, uint16(len(body)+2)), body, data[2:])
}

func chunkOf(name string, body []byte) []byte {
	out := append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), name...)
	out = append(out, body...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
}

func pngOfJPEG(t *testing.T, data []byte) []byte {
	img, err := jpeg.Decode(bytes.NewReader(data))
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, imaging.Encode(&b, img, imaging.PNG))
	return b.Bytes()
}

// clears are sentences that clear a dump as a whole.
var clears = regexp.MustCompile(`our watermark”: supported|of one month”: supported|from a vendor”: supported|not ours”: supported|not breached”: supported|pictures? claimed were examined|no picture in `)

// An answer is all that the command says of a dump.
type answered struct {
	headline, all string              // the first paragraph; all texts, of the screen and of the JSON
	found         map[string][]string // findings by file of the dump
	code          int
}

func (x *issuing) ask(args ...string) (a answered) {
	x.Helper()
	a.found = make(map[string][]string)
	for _, form := range long.Cases(1, "--json", "--plain") {
		var out, errs bytes.Buffer
		line := append([]string{"investigate"}, args...)
		if form == "--json" {
			line = append(line, form)
		}
		cmd := x.command(line...)
		cmd.Stdout, cmd.Stderr = &out, &errs
		if err, exit := cmd.Run(), (*exec.ExitError)(nil); errors.As(err, &exit) {
			a.code = exit.ExitCode()
		} else {
			require.NoError(x, err)
		}
		a.all += strings.Join(strings.Fields(out.String()+" "+errs.String()), " ")
		for line := range bytes.Lines(out.Bytes()) {
			var v struct {
				File, Finding string
				Verdict       struct{ Headline string }
			}
			if form != "--json" {
				break
			}
			require.NoError(x, json.Unmarshal(line, &v), "%s%s", line, &errs)
			name, _, _ := strings.Cut(v.File, "!")
			name, _, _ = strings.Cut(name, "#")
			if a.headline += v.Verdict.Headline; v.File != "" {
				a.found[filepath.Base(name)] = append(a.found[filepath.Base(name)], v.Finding)
			}
		}
	}
	return a
}

// Opponent's story: a dump holds pictures of ours where nothing is looked for, and the answer clears the dump. Here some readable
// pictures lie beside files in which pictures are hidden. Each hidden picture is found, or its file is said as not looked into.
//
//	KYCMARK_FROM=0 go test -tags long -timeout 2h -v -run NothingIsClearedUnseen ./cmd/kycmark
func TestNothingIsClearedUnseen(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		skip.Test(t, "without -short only: half a minute of processor time")
	}
	x, pictures := newLeak(t)
	upload, err := os.ReadFile(filepath.Join(x.dir, "up", "anna_passport.jpg"))
	require.NoError(t, err)
	readable := []leaked{{"stranger.jpg", pictures[4].data}, {"unmarked.jpg", upload}, {"marked.jpg", pictures[0].data}}
	names := slices.Sorted(maps.Keys(hidings))
	seen, unseen := make(map[string]int), make(map[string]int)
	dumps := long.Number(1, 200)
	from, _ := strconv.Atoi(os.Getenv("KYCMARK_FROM")) // 0 if it is not set: a run that was cut off goes on
	for n := from; n < dumps; n++ {
		t.Logf("dump %d of %d", n, dumps)
		random := rand.New(rand.NewPCG(200, uint64(n)))
		folder := fmt.Sprintf("hidden%d", n)
		dir := filepath.Join(x.dir, folder)
		require.NoError(t, os.Mkdir(dir, 0o700))
		for _, i := range random.Perm(len(readable))[:1+random.IntN(2)] {
			require.NoError(t, os.WriteFile(filepath.Join(dir, readable[i].name), readable[i].data, 0o600))
		}
		hide := names[n%len(names):][:1]
		if !long.On { // each way once
			hide = names[n*len(names)/dumps : (n+1)*len(names)/dumps]
		}
		for _, name := range hide {
			h := &hiding{t, random, filepath.Join(dir, name), []leaked{pictures[random.IntN(long.Number(2, 3))], pictures[random.IntN(long.Number(2, 3))]}, pictures[4].data}
			if data := hidings[name](h); data != nil {
				require.NoError(t, os.WriteFile(h.path, data, 0o600))
			}
		}
		args := []string{folder}
		if random.IntN(3) == 0 {
			files, err := os.ReadDir(dir)
			require.NoError(t, err)
			args = append(args, "--claimed", fmt.Sprint(len(files)+100*random.IntN(2)))
		}
		a := x.ask(args...)
		left := 0
		for _, name := range hide {
			open, said := 0, false
			for _, what := range a.found[name] {
				switch what {
				case "damaged", "unsupported", "unopened", "missing":
					said = true
				case "no picture":
				default:
					open++
				}
			}
			cover := name != "._a.jpg" && strings.HasSuffix(name, ".jpg") || strings.HasSuffix(name, ".png") || strings.HasSuffix(name, ".gif")
			pages := strings.HasSuffix(name, ".pdf")
			found := open > 0 && !cover && !pages || open > 1
			if said || !found {
				left++
			}
			frames := name == "frames.gif" && strings.Contains(a.headline, "the first page or frame")
			assert.True(t, found || said || frames, "%s: a picture is passed over: %v\n%s", name, a.found[name], a.headline)
			if found {
				seen[name]++
			} else {
				unseen[name]++
			}
		}
		if left > 0 {
			assert.Regexp(t, "not examined|examined in part", a.headline, "%v", hide)
			assert.Equal(t, ui.ExitSome, a.code, "%v", hide)
			assert.Empty(t, clears.FindString(a.all), "%v: %s", hide, a.all)
		}
	}
	t.Logf("%d dumps; found: %v; said as not looked into: %v", dumps, seen, unseen)
}
