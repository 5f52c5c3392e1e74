package pdf

import (
	"context"
	"image"
)

// At renders a page, from 1 on, at so many dots an inch, as a PNG.
func (e *Engine) At(ctx context.Context, data []byte, page int, dpi float64) (image.Image, error) {
	d := &document{engine: e, data: data, lim: Limits{}.orDefault()}
	defer d.drop()
	if err := d.load(ctx); err != nil {
		return nil, err
	}
	size, err := d.size(page)
	if err != nil {
		return nil, err
	}
	return d.rendered(page, int(size.w*dpi/72), int(size.h*dpi/72))
}
