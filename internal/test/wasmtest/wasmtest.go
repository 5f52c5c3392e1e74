// Package wasmtest keeps compiled WebAssembly, as the cache of Go keeps compiled packages.
package wasmtest

import (
	"os"
	"path/filepath"

	"github.com/tetratelabs/wazero"

	"github.com/kycmark/kycmark/internal/wasm"
)

// Variable names the folder to the processes that tests start.
const Variable = "KYCMARK_TEST_WASM"

// Keep lets this process, and processes that it starts, use the folder kycmark-tests of the user's caches. Without such a folder
// each compiles anew. TestMain calls it first.
func Keep() {
	dir := os.Getenv(Variable)
	if dir == "" {
		caches, err := os.UserCacheDir()
		if err != nil {
			return
		}
		dir = filepath.Join(caches, "kycmark-tests")
	}
	if cache, err := wazero.NewCompilationCacheWithDir(dir); err == nil {
		wasm.Cache = cache
		_ = os.Setenv(Variable, dir)
	}
}
