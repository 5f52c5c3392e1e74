// Package wasm keeps readers of hostile formats, which are WebAssembly, compiled for other processes. Only internal/test/wasmtest
// sets Cache: who can write to a folder of machine code runs code here. Without it each process takes seconds to compile.
package wasm

import "github.com/tetratelabs/wazero"

var Cache wazero.CompilationCache // nil: none
