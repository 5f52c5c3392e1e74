//go:build nolgpl

package decoders

import "embed"

const HEIC = false

//go:embed lib/avif.wasm.gz
var lib embed.FS
