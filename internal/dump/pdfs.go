package dump

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// openPDFs is how many PDFs stay open while no picture of them is read. A PDF is opened to be
// listed, and again to be read; its pictures are read one after the other.
const openPDFs = 2

// A pdfCache keeps open the PDFs that are in use and the last few others.
type pdfCache struct {
	open func(ctx context.Context, data []byte) (PDF, error)

	mu   sync.Mutex
	held []*heldPDF // the last used last
}

// A pdfFile is one PDF. Its address identifies it, because two PDFs can have the same name.
type pdfFile struct {
	load func(ctx context.Context) ([]byte, error)
}

type heldPDF struct {
	file  *pdfFile
	ready chan struct{} // closed when the rest is set
	pdf   PDF
	err   error
	users int // under the cache's lock
}

// names returns the names of a PDF's pictures.
func (c *pdfCache) names(ctx context.Context, file *pdfFile) ([]string, error) {
	h, err := c.take(ctx, file)
	if err != nil {
		return nil, err
	}
	defer c.giveBack(h)
	return h.pdf.Names(), nil
}

// read returns the i-th picture of a PDF.
func (c *pdfCache) read(ctx context.Context, file *pdfFile, i int) ([]byte, error) {
	h, err := c.take(ctx, file)
	if err != nil {
		return nil, err
	}
	defer c.giveBack(h)
	return timed(ctx, readTime, func(ctx context.Context) ([]byte, error) { return h.pdf.Read(ctx, i) })
}

// timed calls do and gives up after limit.
func timed[T any](ctx context.Context, limit time.Duration, do func(context.Context) (T, error)) (T, error) {
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	out, err := do(bounded)
	if err != nil && ctx.Err() == nil && bounded.Err() != nil {
		err = errSlow
	}
	return out, err
}

// take returns the PDF, which it opens if needed, and counts a user.
func (c *pdfCache) take(ctx context.Context, file *pdfFile) (*heldPDF, error) {
	c.mu.Lock()
	i := slices.IndexFunc(c.held, func(h *heldPDF) bool { return h.file == file })
	if i >= 0 {
		h := c.held[i]
		h.users++
		c.held = append(slices.Delete(c.held, i, i+1), h)
		c.mu.Unlock()
		select {
		case <-h.ready:
		case <-ctx.Done():
			c.giveBack(h)
			return nil, ctx.Err()
		}
		return c.orError(h)
	}
	h := &heldPDF{file: file, ready: make(chan struct{}), users: 1}
	c.held = append(c.held, h)
	c.mu.Unlock()
	h.pdf, h.err = timed(ctx, openTime, func(ctx context.Context) (PDF, error) {
		data, err := file.load(ctx)
		if err != nil {
			return nil, err
		}
		return c.open(ctx, data)
	})
	close(h.ready)
	return c.orError(h)
}

// orError returns the PDF h or, if it could not be opened, gives it back and returns the error.
func (c *pdfCache) orError(h *heldPDF) (*heldPDF, error) {
	if h.err != nil {
		defer c.giveBack(h)
		return nil, h.err
	}
	return h, nil
}

// giveBack ends one use and closes the PDFs that were used longest ago.
func (c *pdfCache) giveBack(h *heldPDF) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h.users--
	idle := 0
	for i := len(c.held) - 1; i >= 0; i-- {
		o := c.held[i]
		if o.users > 0 {
			continue
		}
		if idle++; idle > openPDFs || o.err != nil {
			if o.pdf != nil {
				o.pdf.Close()
			}
			c.held = slices.Delete(c.held, i, i+1)
		}
	}
}

// close closes all PDFs. None may be in use.
func (c *pdfCache) close() error {
	var errs []error
	for _, h := range c.held {
		if h.pdf != nil {
			errs = append(errs, h.pdf.Close())
		}
	}
	c.held = nil
	return errors.Join(errs...)
}
