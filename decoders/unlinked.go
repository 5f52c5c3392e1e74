//go:build !nodynamic && !(linux && (amd64 || arm64))

package decoders

import (
	"errors"
	"image"
)

// decode refuses: see the package comment.
func decode(string, []byte) (image.Image, error) {
	return nil, errors.New("not supported in this build: build with -tags nodynamic")
}
