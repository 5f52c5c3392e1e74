package verify

import (
	"context"
	"errors"
	"io"
)

// WriteReport writes the verdict as one HTML file that needs nothing else and
// prints on A4. It is redacted (no subject references, thumbnails reduced to
// coarse mosaics) unless reveal is set. The same data stand in it as JSON.
func (v *Investigator) WriteReport(ctx context.Context, w io.Writer, d *DumpVerdict, reveal bool) error {
	return errors.ErrUnsupported
}
