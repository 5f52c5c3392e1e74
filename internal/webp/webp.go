// Package webp writes WebP for the command. It is apart from internal/picture because the
// encoder's module registers a decoder with package image, ahead of golang.org/x/image's. A
// program that links kycmark as a library keeps the decoders that it chose.
package webp

import "errors"

var (
	// ErrSide is wrapped when a picture is too large for the format.
	ErrSide = errors.New("WebP has no room for it")
	// ErrNone is returned on 32-bit processors, for which the encoder does not compile.
	ErrNone = errors.New("there is no encoder for WebP on 32-bit processors")
)
