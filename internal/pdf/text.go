package pdf

import (
	"context"

	"github.com/klippa-app/go-pdfium/requests"
)

// A Page is one as it would be printed.
type Page struct {
	Width, Height float64 // points, 1/72 inch
	Text          string  // in the order in which it is drawn
}

// Page gives a page, from 1 on. The error wraps [ErrFormat], or is that of ctx.
func (d *Document) Page(ctx context.Context, n int) (Page, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.load(ctx); err != nil {
		return Page{}, err
	}
	size, err := d.inst.GetPageSize(&requests.GetPageSize{Page: d.page(n)})
	if err != nil {
		return Page{}, d.failed(ctx, err)
	}
	text, err := d.inst.GetPageText(&requests.GetPageText{Page: d.page(n)})
	if err != nil {
		return Page{}, d.failed(ctx, err)
	}
	return Page{size.Width, size.Height, text.Text}, nil
}
