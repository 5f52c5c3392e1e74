// Package fromfile opens picture files for tests and the bench.
package fromfile

import (
	"cmp"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/picture"
)

// Picture reads and decodes the file at path; limits of 0 are the defaults.
func Picture(path string, lim picture.Limits) (*picture.Picture, error) {
	data, err := intake.ReadFile(path, cmp.Or(lim.MaxBytes, picture.DefaultMaxBytes))
	if err != nil {
		return nil, err
	}
	return picture.Decode(data, lim)
}
