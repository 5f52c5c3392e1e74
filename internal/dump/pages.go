package dump

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"

	"github.com/kycmark/kycmark/internal/picture"
)

// pages lists the pages of a TIFF, each as a file of its own, and adds the TIFF to the containers. A TIFF
// of one page is listed as it is. So is a TIFF that cannot be read, or has too many pages: its
// examination says why, or that only the first was examined. The error is of add.
func (d *Dump) pages(ctx context.Context, f File) error {
	data, err := d.load(ctx, f)
	if err != nil {
		return d.add(f)
	}
	doc, err := picture.OpenDocument(data, picture.Limits{})
	if err != nil || doc.Pages() == 1 {
		return d.add(f)
	}
	sum := sha256.Sum256(data)
	d.Containers = append(d.Containers, Container{f.Name, int64(len(data)), fmt.Sprintf("%x", sum)})
	width := len(fmt.Sprint(doc.Pages())) // so that names sort as the pages do
	for k := 1; k <= doc.Pages(); k++ {
		err := d.add(File{Name: fmt.Sprintf("%s#page %0*d", f.Name, width, k), Size: int64(len(data)), Open: func(ctx context.Context) (io.ReadCloser, error) {
			data, err := d.load(ctx, f)
			if err != nil {
				return nil, err
			}
			if sha256.Sum256(data) != sum {
				return nil, errChanged
			}
			doc, err := picture.OpenDocument(data, picture.Limits{})
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
