// Package webp writes WebP for the command. It stands apart from internal/picture
// because the encoder's module registers a decoder of its own with package image,
// ahead of golang.org/x/image's: whoever links kycmark as a library keeps the
// decoders that he chose.
package webp

import "errors"

var (
	// ErrSide is wrapped when a picture is too large for the format.
	ErrSide = errors.New("WebP has no room for it")
	// ErrNone is returned on 32-bit processors, for which the encoder does not compile.
	ErrNone = errors.New("there is no encoder for WebP on 32-bit processors")
)
