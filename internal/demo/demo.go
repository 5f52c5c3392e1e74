// Package demo makes the pictures of the demonstration: uploads as customers send
// them, and leaks as they turn up later. The command's own verbs do all the rest
// of the story.
package demo

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"image"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/disintegration/imaging"

	"github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/testdata"
	"github.com/kycmark/kycmark/watermark"
)

const uploadsPerDay = 4

// Uploads is the number of uploads of the story.
const Uploads = 3 * uploadsPerDay

// Days lists the days on which uploads arrive, four on each. The first is before
// marking began.
func Days() []string { return []string{"2018-02-14", "2018-03-20", "2018-04-11"} }

// shipped lists the names of the pictures that are shipped, in a fixed order.
func shipped() ([]string, error) {
	names, err := fs.Glob(testdata.Pictures, "pictures/*")
	if err == nil && len(names) <= Uploads {
		err = fmt.Errorf("demo: %d pictures are shipped, the story needs %d", len(names), Uploads+1)
	}
	return names, err
}

// WriteUploads writes the uploads into one folder a day below dir.
func WriteUploads(dir string) error {
	names, err := shipped()
	if err != nil {
		return err
	}
	for i, name := range names[:Uploads] {
		data, err := testdata.Pictures.ReadFile(name)
		if err != nil {
			return err
		}
		day := filepath.Join(dir, Days()[i/uploadsPerDay])
		if err := os.MkdirAll(day, 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(day, filepath.Base(name)), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// A Leak is one leaked file.
type Leak struct {
	File string // name in the folder
	What string // what it truly is, for the narrator
}

// WriteLeaks makes the leaks in dir out of the uploads and of the copies that
// one recipient was handed (files named by submission).
func WriteLeaks(dir, uploads, copies string) ([]Leak, error) {
	m := &maker{dir: dir}
	handed, err := m.pair(uploads, copies)
	if err != nil {
		return nil, err
	}
	if len(handed) < 5 {
		return nil, fmt.Errorf("demo: %d copies in %s, the story needs 5", len(handed), copies)
	}
	early, err := filepath.Glob(filepath.Join(uploads, Days()[0], "*"))
	if err != nil || len(early) == 0 {
		return nil, fmt.Errorf("demo: no uploads in %s: %w", filepath.Join(uploads, Days()[0]), err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	m.attacked("1-messenger.jpg", "a copy as a messenger's small preview", handed[0].copy, "telegram_low")
	m.attacked("2-screenshot.png", "a copy on a screen", handed[1].copy, "screenshot")
	m.attacked("3-crop.jpg", "a part of a copy", handed[2].copy, "crop50")
	m.attacked("4-february.jpg", "an upload of February that never was marked", early[0], "telegram")
	m.stranger("5-stranger.jpg", "a picture that nobody here ever had")
	m.transplant("6-transplanted.jpg", "the mark of one copy, laid upon another upload", handed[3], handed[4].original)
	m.damaged("7-damaged.jpg", "half a file", handed[0].copy)
	return m.made, m.err
}

// handOut is a copy and the upload that it was made of.
type handOut struct{ original, copy string }

// maker writes leaks until the first error.
type maker struct {
	dir  string
	made []Leak
	err  error
}

// pair finds each copy's upload: a submission is named by its file's digest.
func (m *maker) pair(uploads, copies string) ([]handOut, error) {
	originals, err := filepath.Glob(filepath.Join(uploads, "*", "*"))
	if err != nil {
		return nil, err
	}
	var pairs []handOut
	for _, path := range originals {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(data)
		found, err := filepath.Glob(filepath.Join(copies, watermark.Submission(sum[:16]).String()+".*"))
		if err != nil {
			return nil, err
		}
		for _, c := range found {
			pairs = append(pairs, handOut{original: path, copy: c})
		}
	}
	return pairs, nil
}

func (m *maker) load(path string) *image.NRGBA {
	if m.err != nil {
		return nil
	}
	p, err := picture.Load(path, picture.Limits{})
	if err != nil {
		m.err = fmt.Errorf("%s: %w", path, err)
		return nil
	}
	return picture.Flatten(p.Image)
}

func (m *maker) write(name, what string, data []byte) {
	if m.err == nil {
		m.err = os.WriteFile(filepath.Join(m.dir, name), data, 0o600)
		m.made = append(m.made, Leak{File: name, What: what})
	}
}

func (m *maker) picture(name, what string, img *image.NRGBA) {
	if m.err != nil {
		return
	}
	format, err := picture.FormatOf(name)
	if err != nil {
		m.err = err
		return
	}
	var buf bytes.Buffer
	m.err = picture.Encode(&buf, img, format, 0)
	m.write(name, what, buf.Bytes())
}

func (m *maker) attacked(name, what, path, attackName string) {
	img := m.load(path)
	if m.err != nil {
		return
	}
	a, err := attack.Find(attackName)
	if err != nil {
		m.err = err
		return
	}
	m.picture(name, what, a.Apply(img, 1))
}

func (m *maker) stranger(name, what string) {
	names, err := shipped()
	if err != nil {
		m.err = err
		return
	}
	data, err := testdata.Pictures.ReadFile(names[Uploads])
	if err != nil {
		m.err = err
		return
	}
	m.write(name, what, data)
}

// transplant takes a copy's mark, which is the copy minus its original, and adds
// it to another upload: the attempt to make somebody look guilty.
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
	m.picture(name, what, target)
}

func (m *maker) damaged(name, what, path string) {
	if m.err != nil {
		return
	}
	data, err := os.ReadFile(path)
	if err != nil {
		m.err = err
		return
	}
	m.write(name, what, slices.Clip(data[:len(data)/2]))
}
