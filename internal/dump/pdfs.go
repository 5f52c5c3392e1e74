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

// names returns the names of a PDF's pictures. It opens the PDF if needed, which may take openTime.
// The error is of take.
func (c *pdfCache) names(ctx context.Context, file *pdfFile) ([]string, error) {
	h, err := c.take(ctx, file)
	if err != nil {
		return nil, err
	}
	defer c.giveBack(h)
	return h.pdf.Names(), nil
}

// read returns the i-th picture of a PDF, from 0 on, as the bytes of a file. It opens the PDF if
// needed. The error is of take, of the picture, or errSlow after readTime.
func (c *pdfCache) read(ctx context.Context, file *pdfFile, i int) ([]byte, error) {
	h, err := c.take(ctx, file)
	if err != nil {
		return nil, err
	}
	defer c.giveBack(h)
	return timed(ctx, readTime, func(ctx context.Context) ([]byte, error) { return h.pdf.Read(ctx, i) })
}

// timed returns what do returns. It ends do's context after limit; an error then becomes errSlow,
// unless ctx itself has ended. It waits until do returns.
func timed[T any](ctx context.Context, limit time.Duration, do func(context.Context) (T, error)) (T, error) {
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	out, err := do(bounded)
	if err != nil && ctx.Err() == nil && bounded.Err() != nil {
		err = errSlow
	}
	return out, err
}

// take returns the PDF of file, which it opens if it is not held, and counts a user. The caller
// must give it back. If another call opens the PDF, take waits for it. The error is of loading or
// opening, errSlow after openTime, or ctx's; nothing is to be given back then.
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

// giveBack ends one use of h. It then closes and forgets PDFs without users: all that could not be
// opened, and all except the openPDFs that were used last.
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

// close closes all PDFs that are held and forgets them; none may be in use. It returns all their
// errors joined.
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
