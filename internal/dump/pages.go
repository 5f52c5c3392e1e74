package dump

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"sync"

	"github.com/kycmark/kycmark/internal/carve"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/picture/codec"
)

// pages lists the pages of a TIFF, each as a file of its own, and adds the file to the containers. A file
// of one page is listed as it is. So is a file that cannot be read, or has too many pages: its
// examination says why, or that only the first was examined. The error is of add.
func (d *Dump) pages(ctx context.Context, depth int, f File) error {
	data, err := d.load(ctx, f)
	if err != nil {
		return d.add(f)
	}
	doc, err := picture.OpenDocument(data, picture.Limits{})
	switch is := picture.Sniff(data); {
	case is != codec.Readable && is != codec.Broken: // its name was wrong
		return d.carved(ctx, depth, f)
	case err != nil || doc.Pages() == 1:
		return d.add(f)
	}
	sum := sha256.Sum256(data)
	d.Containers = append(d.Containers, Container{f.Name, int64(len(data)), fmt.Sprintf("%x", sum)})
	take := d.document(f, sum, func(data []byte) (*picture.Document, error) { return picture.OpenDocument(data, picture.Limits{}) })
	for k := 1; k <= doc.Pages(); k++ {
		err := d.add(File{Name: f.Name + doc.Label(k), Size: int64(len(data)), Open: func(ctx context.Context) (io.ReadCloser, error) {
			doc, err := take(ctx)
			if err != nil {
				return nil, err
			}
			return io.NopCloser(bytes.NewReader(doc.Page(k))), nil
		}})
		if err != nil {
			return err
		}
	}
	return nil
}

// document returns a function that reads the file f, as long as its SHA-256 is sum, and opens it, unless it did so last.
func (d *Dump) document(f File, sum [sha256.Size]byte, open func(data []byte) (*picture.Document, error)) func(context.Context) (*picture.Document, error) {
	l := &d.last
	return func(ctx context.Context) (*picture.Document, error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.of == &f {
			return l.doc, nil
		}
		l.of, l.doc = nil, nil
		data, err := d.load(ctx, f)
		if err == nil && sha256.Sum256(data) != sum {
			err = errChanged
		}
		if err != nil {
			return nil, err
		}
		doc, err := open(data)
		if err == nil {
			l.of, l.doc = &f, doc
		}
		return doc, err
	}
}

// pdf lists the pages of a PDF, or the PDF with an error if it cannot be read. It adds the PDF to the containers
// once its bytes are read. The pages open only while the file keeps its bytes. The error is ctx's or of add.
func (d *Dump) pdf(ctx context.Context, f File) error {
	data, err := d.load(ctx, f)
	var all picture.PDFPage
	sum := sha256.Sum256(data)
	end := len(data)
	if one, ends := carve.End(ctx, bytes.NewReader(data)); ends && bytes.Contains(data[one:], []byte("%PDF-")) && !bytes.HasPrefix(bytes.TrimSpace(data[one:]), []byte("endstream")) {
		end = int(one) // another PDF follows, whose pages would be shown in the place of these
	}
	if err == nil {
		d.Containers = append(d.Containers, Container{f.Name, int64(len(data)), fmt.Sprintf("%x", sum)})
		all, err = d.opts.PDF(ctx, data[:end], 0)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return d.add(File{Name: f.Name, Size: f.Size, Err: intake.WithoutPath(err)})
	}
	take := d.document(f, sum, func(data []byte) (*picture.Document, error) { return picture.OnePage(data[:end]), nil })
	if at := bytes.LastIndex(data, []byte("%%EOF")); at >= 0 {
		if err := d.entry(ctx, maxDepth, f.behind(int64(min(at, end)), int64(len(data)))); err != nil {
			return err
		}
	}
	n := max(all.Attached, bytes.Count(data, []byte("/EmbeddedFile"))-bytes.Count(data, []byte("/EmbeddedFiles")), bytes.Count(data, []byte("/FileAttachment"))+bytes.Count(data, []byte("/RichMedia")))
	if n > 0 {
		if err := d.add(File{Name: f.Name, Size: f.Size, Err: fmt.Errorf("this PDF has attached files or a form (%d), which were not looked into: save them beside it", n)}); err != nil {
			return err
		}
	}
	for k := 1; k <= all.Of; k++ {
		err := d.add(File{Name: f.Name + picture.PageLabel(k, all.Of), Made: true, Open: func(ctx context.Context) (io.ReadCloser, error) {
			doc, err := take(ctx)
			if err != nil {
				return nil, err
			}
			page, err := d.opts.PDF(ctx, doc.Page(1), k)
			return io.NopCloser(bytes.NewReader(page.File)), err
		}})
		if err != nil {
			return err
		}
	}
	return nil
}

// A lastDocument keeps the document whose page was read last, because its pages are read one after the other.
type lastDocument struct {
	mu  sync.Mutex
	of  *File // whose address names the document
	doc *picture.Document
}
