// Package demo makes the pictures of the demonstration: uploads as customers send them, and leaks as they turn up
// later. The command's own verbs do all the rest of the story.
package demo

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	"image/color"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/disintegration/imaging"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/testdata"
	"github.com/kycmark/kycmark/watermark"
)

// ManifestName is the file in which [WriteUploads] says whose the uploads are.
const ManifestName = "uploads.csv"

// WriteUploads writes the built-in uploads into dir, which it makes, and [ManifestName] with their
// subjects and times, for "kycmark submit --manifest". Existing files are overwritten. It returns
// the uploads in the order in which they came.
func WriteUploads(dir string) ([]testdata.Entry, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	var uploads []testdata.Entry
	manifest := "file,subject,at\n"
	for _, e := range testdata.Manifest() {
		if !e.Uploaded() {
			continue
		}
		data, err := uploadFile(e)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(UploadPath(dir, e), data, 0o600); err != nil {
			return nil, err
		}
		uploads = append(uploads, e)
		manifest += fmt.Sprintf("%s,%s,%s\n", path.Base(e.File), e.Subject, e.Submitted.Format(time.RFC3339))
	}
	return uploads, os.WriteFile(filepath.Join(dir, ManifestName), []byte(manifest), 0o600)
}

// uploadSide is the long side of the uploads in pixels. Chosen: as shipped, with 1,500 to 1,700 pixels, the story takes more time.
const uploadSide = 700

// uploadFile returns a built-in upload, shrunk to [uploadSide].
func uploadFile(e testdata.Entry) ([]byte, error) {
	data, err := testdata.Pictures.ReadFile(e.File)
	if err != nil {
		return nil, err
	}
	p, err := picture.Decode(data, picture.Limits{})
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	err = picture.Encode(&buf, picture.Fit(p.Image, uploadSide), "jpeg", 90)
	return buf.Bytes(), err
}

func UploadPath(dir string, e testdata.Entry) string { return filepath.Join(dir, path.Base(e.File)) }

// strangersOf are the pictures among the leaks that were never uploaded: a landscape like
// nothing in the registry, and a second photograph of a passport that was uploaded.
var strangersOf = []string{"pictures/stranger_coast.jpg", "pictures/anna_passport_again.jpg"}

// A Leak is one leaked file.
type Leak struct {
	File string // name in the folder
	What string // what it truly is, for the narrator
}

// WriteLeaks makes the leaked files in dir, which it makes, and returns them in the order of their names. uploads is
// the folder of [WriteUploads]. copies is the folder of one recipient's copies, files named by submission. It needs
// four copies or more, and two uploads or more without a copy; else it returns an error.
func WriteLeaks(dir, uploads, copies string) ([]Leak, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	var handed, unmarked []handOut
	var strangers []testdata.Entry
	for _, e := range testdata.Manifest() {
		if !e.Uploaded() {
			if slices.Contains(strangersOf, e.File) { // one lookalike is enough to see one
				strangers = append(strangers, e)
			}
			continue
		}
		h, err := pair(e, uploads, copies)
		switch {
		case err != nil:
			return nil, err
		case h.copy == "":
			unmarked = append(unmarked, h)
		default:
			handed = append(handed, h)
		}
	}
	if len(handed) < 4 || len(unmarked) < 2 || len(strangers) < 1 {
		return nil, fmt.Errorf("demo: %d copies in %s: the story needs 4, and 2 uploads without", len(handed), copies)
	}
	m := &maker{dir: dir}
	m.changed("1-messenger.jpg", "a copy as a messenger's small preview", handed[0].copy, 70, fit(800))
	m.changed("2-screenshot.png", "a copy on a screen", handed[1].copy, 0, onScreen)
	m.changed("3-crop.jpg", "a part of a copy", handed[2].copy, 85, half)
	m.changed("4-february.jpg", "an upload of February that never was marked", unmarked[0].original, 87, fit(1280))
	m.transplant("5-transplanted.jpg", "the mark of one copy, laid upon another upload", handed[3], unmarked[1].original)
	for i, e := range strangers {
		m.shipped(fmt.Sprintf("%d-%s", 6+i, path.Base(e.File)), e)
	}
	tooFew := m.read(handed[0].copy)[:1000] // bytes to show anything
	m.write(fmt.Sprintf("%d-damaged.jpg", 6+len(strangers)), "the beginning of a file", tooFew)
	return m.made, m.err
}

// handOut is an upload and the copy that was made of it: two paths, copy "" without one.
type handOut struct{ original, copy string }

// pair returns the paths of an upload and of its copy. uploads and copies are folders as in
// [WriteLeaks]. A copy is found by its name, the submission, which is the beginning of the SHA-256
// of the upload's file. Without a copy h.copy is "" and there is no error.
func pair(e testdata.Entry, uploads, copies string) (handOut, error) {
	h := handOut{original: UploadPath(uploads, e)}
	data, err := os.ReadFile(h.original)
	if err != nil {
		return h, err
	}
	sum := sha256.Sum256(data)
	files, err := os.ReadDir(copies)
	for _, f := range files {
		if strings.TrimSuffix(f.Name(), filepath.Ext(f.Name())) == watermark.SubmissionOf(sum).String() {
			h.copy = filepath.Join(copies, f.Name())
		}
	}
	return h, err
}

type maker struct {
	dir  string
	made []Leak
	err  error
}

// load returns the pixels of a picture file, laid over white. An error is kept in m.err; after one, load returns nil.
func (m *maker) load(file string) *image.NRGBA {
	data := m.read(file)
	if m.err != nil {
		return nil
	}
	p, err := picture.Decode(data, picture.Limits{})
	if err != nil {
		m.err = fmt.Errorf("%s: %w", file, err)
		return nil
	}
	return picture.Flatten(p.Image)
}

// read returns the bytes of a file. An error is kept in m.err; after one, read returns nil.
func (m *maker) read(file string) (data []byte) {
	if m.err == nil {
		data, m.err = os.ReadFile(file)
	}
	return data
}

// write writes data to a file called name in the folder of the leaks and lists it as what. An error
// is kept in m.err; after one, nothing is done.
func (m *maker) write(name, what string, data []byte) {
	if m.err == nil {
		m.err = os.WriteFile(filepath.Join(m.dir, name), data, 0o600)
		m.made = append(m.made, Leak{File: name, What: what})
	}
}

// picture writes img in the format that the ending of name says, at a quality (0: the default), and lists
// it as what. An error is kept in m.err; after one, nothing is done.
func (m *maker) picture(name, what string, img *image.NRGBA, quality int) {
	if m.err != nil {
		return
	}
	format, err := picture.FormatOf(name)
	if err != nil {
		m.err = err
		return
	}
	var buf bytes.Buffer
	m.err = picture.Encode(&buf, img, format, quality)
	m.write(name, what, buf.Bytes())
}

// What happens to the copies that leak.
func fit(side int) func(*image.NRGBA) image.Image {
	return func(img *image.NRGBA) image.Image { return imaging.Fit(img, side, side, imaging.Box) }
}

func half(img *image.NRGBA) image.Image { // of its area
	return imaging.CropAnchor(img, img.Rect.Dx()*7/10, img.Rect.Dy()*7/10, imaging.Left)
}

func onScreen(img *image.NRGBA) image.Image {
	img = imaging.Fit(img, 1000, 1000, imaging.Box)
	page := imaging.New(img.Rect.Dx()+240, img.Rect.Dy()+180, color.Gray{Y: 32})
	return imaging.Paste(page, img, image.Pt(150, 110))
}

// changed writes the picture in file, after a change, to name in the folder of the leaks, and lists it as what. The
// ending of name sets the format. Errors are kept in m.err; after one, nothing is done.
func (m *maker) changed(name, what, file string, quality int, change func(*image.NRGBA) image.Image) {
	if img := m.load(file); m.err == nil {
		m.picture(name, what, imaging.Clone(change(img)), quality)
	}
}

// shipped writes the built-in picture e, as it is, to name in the folder of the leaks, and lists it by e.About.
func (m *maker) shipped(name string, e testdata.Entry) {
	data, err := testdata.Pictures.ReadFile(e.File)
	if err != nil {
		m.err = errors.Join(m.err, err)
		return
	}
	m.write(name, e.About, data)
}

// transplant adds the mark of one copy to another upload: the attempt to make a recipient look
// guilty. The mark is the copy in from minus its original; the upload is in the file onto, and is
// cut and scaled to the copy's size. The result goes to name and is listed as what.
func (m *maker) transplant(name, what string, from handOut, onto string) {
	marked, plain, target := m.load(from.copy), m.load(from.original), m.load(onto)
	if m.err != nil {
		return
	}
	size := marked.Rect.Size()
	plain = imaging.Resize(plain, size.X, size.Y, imaging.Lanczos)
	target = imaging.Fill(target, size.X, size.Y, imaging.Center, imaging.Lanczos)
	for i, v := range target.Pix {
		if i%4 != 3 {
			sum := int(v) + int(marked.Pix[i]) - int(plain.Pix[i])
			target.Pix[i] = uint8(min(max(sum, 0), 255))
		}
	}
	m.picture(name, what, target, 0)
}
