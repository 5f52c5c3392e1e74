//go:build !nolgpl

package decoders

import "embed"

// HEIC says that this program has the decoder of HEIC, which is under the LGPL.
const HEIC = true

// lib has the decoders: the files lib/heif.wasm.gz of github.com/gen2brain/heic v0.4.5 (libheif 1.18.2 and libde265
// 1.0.15), and lib/decode.wasm.gz of avif v0.4.4, byte for byte. Their sources and Makefiles are in the folders lib of
// these modules. The first is under the LGPL: the build tag nolgpl leaves it out.
//
//go:embed lib/*.wasm.gz
var lib embed.FS
