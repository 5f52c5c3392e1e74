package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/testdata"
)

// uploadSide is the long side of uploads, pixels; photoSide is that of other photos. One of so many files has a
// photo of its own: phones keep what was sent, received and thumbnailed.
const uploadSide, photoSide, distinct = 640, 240, 12

// writeShipped writes the shipped pictures as uploads into a new folder.
func writeShipped(dir string) {
	ruler.Check(os.MkdirAll(dir, 0o700))
	for _, name := range ruler.Must(fs.Glob(testdata.Pictures, "pictures/*.jpg")) {
		if strings.Contains(name, "stranger") {
			continue
		}
		p := ruler.Must(picture.Decode(ruler.Must(testdata.Pictures.ReadFile(name)), picture.Limits{}))
		ruler.Check(os.WriteFile(filepath.Join(dir, filepath.Base(name)), asJPEG(picture.Fit(picture.Flatten(p.Image), uploadSide)), 0o600))
	}
}

// A kindOfFile is a kind of file on a phone: its ending, how many there are in a hundred, findings that it may have, and how a file is made.
type kindOfFile struct {
	ending string
	share  int
	want   string // separated by "|"
	file   func(photo []byte, r *rand.Rand) []byte
}

var kindsOfFiles = []kindOfFile{
	{".jpg", 57, "unknown|lookalike", func(photo []byte, _ *rand.Rand) []byte { return photo }},
	{".mp4", 6, "unsupported", func(photo []byte, _ *rand.Rand) []byte {
		return append([]byte("\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"), photo...)
	}},
	{".json", 10, "no picture", func([]byte, *rand.Rand) []byte { return []byte(`{"a":1}`) }},
	{".db", 6, "no picture", func(_ []byte, r *rand.Rand) []byte { return append([]byte("SQLite format 3\x00"), noise(r, 500)...) }},
	{".zip", 4, "unknown|lookalike", func(photo []byte, _ *rand.Rand) []byte { return zipOf("a.jpg", photo) }},
	{".docx", 3, "unknown|lookalike", func(photo []byte, _ *rand.Rand) []byte {
		return zipOf("[Content_Types].xml", []byte("<Types/>"), "word/media/image1.jpg", photo)
	}},
	{".eml", 3, "unknown|lookalike", func(photo []byte, _ *rand.Rand) []byte {
		return fmt.Appendf(nil, "Content-Type: image/jpeg; name=a.jpg\r\nContent-Transfer-Encoding: base64\r\n\r\n%s", base64.StdEncoding.EncodeToString(photo))
	}},
	{".html", 2, "unknown|lookalike", func(photo []byte, _ *rand.Rand) []byte {
		return fmt.Appendf(nil, `<img src="data:image/jpeg;base64,%s">`, base64.StdEncoding.EncodeToString(photo))
	}},
	{".tar.gz", 2, "unknown|lookalike", func(photo []byte, _ *rand.Rand) []byte { return gzipOf(tarOf(photo)) }},
	{".tif", 2, "unknown|lookalike", func(photo []byte, _ *rand.Rand) []byte {
		page := encoded(ruler.Must(picture.Decode(photo, picture.Limits{})).Image, "tiff", 0)
		var b bytes.Buffer
		ruler.Check(picture.JoinTIFF(&b, [][]byte{page, page}))
		return b.Bytes()
	}},
	{".jpg.gz", 1, "unknown|lookalike", func(photo []byte, _ *rand.Rand) []byte { return gzipOf(photo) }},
	{"", 1, "copy", nil}, // a copy that was issued
	// hostile
	{".cut.jpg", 1, "damaged", func(photo []byte, _ *rand.Rand) []byte { return photo[:len(photo)*2/3] }},
	{".tgz", 1, "unopened|no picture", func(photo []byte, r *rand.Rand) []byte {
		switch r.IntN(3) {
		case 0: // a bomb
			return gzipOf(make([]byte, 64<<20))
		case 1:
			return gzipOf(tarOf(photo))[:500]
		}
		return noise(r, 5000)
	}},
	{".png", 1, "damaged|unsupported", func(_ []byte, r *rand.Rand) []byte {
		if r.IntN(2) == 0 {
			return nil
		}
		file := encoded(specimen.Landscape(1, 40, 30), "png", 0)
		binary.BigEndian.PutUint32(file[16:], 1<<30) // a width
		return file
	}},
}

// fill makes the folder, with so many files.
func (p *phone) fill(files int) {
	r, photo := rand.New(rand.NewPCG(1, uint64(files))), []byte(nil)
	ruler.Check(os.MkdirAll(p.dir, 0o700))
	for i := range files {
		k, n := 0, i*37%100 // mixes the kinds
		for ; n >= kindsOfFiles[k].share; k++ {
			n -= kindsOfFiles[k].share
		}
		kind := kindsOfFiles[k]
		if i%distinct == 0 {
			photo = asJPEG(specimen.Landscape(uint64(i), photoSide, photoSide*3/4))
		}
		name := fmt.Sprintf("%06d%s", i, kind.ending)
		var data []byte
		if kind.file == nil {
			data = ruler.Must(os.ReadFile(p.copies[i%len(p.copies)]))
		} else {
			data = kind.file(photo, r)
		}
		p.want[name] = strings.Split(kind.want, "|")
		ruler.Check(os.WriteFile(filepath.Join(p.dir, name), data, 0o600))
	}
}

func noise(r *rand.Rand, n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(r.Uint32())
	}
	return out
}

// zipOf returns a zip archive of files: names and bytes in turn.
func zipOf(files ...any) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		w := ruler.Must(z.Create(files[i].(string)))
		ruler.Must(w.Write(files[i+1].([]byte)))
	}
	ruler.Check(z.Close())
	return b.Bytes()
}

func tarOf(photo []byte) []byte {
	var b bytes.Buffer
	t := tar.NewWriter(&b)
	ruler.Check(t.WriteHeader(&tar.Header{Name: "a.jpg", Size: int64(len(photo)), Mode: 0o600}))
	ruler.Must(t.Write(photo))
	ruler.Check(t.Close())
	return b.Bytes()
}

func gzipOf(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	ruler.Must(w.Write(data))
	ruler.Check(w.Close())
	return b.Bytes()
}
