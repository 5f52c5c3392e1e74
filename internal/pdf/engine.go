package pdf

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/klippa-app/go-pdfium"
	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"

	"github.com/kycmark/kycmark/internal/wasm"
)

// An Engine is PDFium, compiled. It is started by the first file, which takes a second or two of processor time once, and is safe
// for concurrent use. Nothing stops a call of it but the end of its process: checks of a context would make it four times as slow.
// The zero value works.
type Engine struct {
	mu   sync.Mutex
	pool pdfium.Pool
	err  error
}

// instance starts a PDFium with memory of its own, which Close of the instance frees. The first call compiles the
// engine; if that fails, all later calls return the same error. It returns ctx's error if ctx has ended.
func (e *Engine) instance(ctx context.Context) (pdfium.Pdfium, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	pool, err := e.start()
	if err != nil {
		return nil, err
	}
	inst, err := pool.GetInstanceWithContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("PDFium does not start: %w", err)
	}
	return inst, nil
}

// Start compiles the engine, unless it is compiled. If that fails, all later calls return the same error.
func (e *Engine) Start() error {
	_, err := e.start()
	return err
}

// start is Start.
func (e *Engine) start() (pdfium.Pool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.pool == nil && e.err == nil {
		e.pool, e.err = webassembly.Init(webassembly.Config{
			MaxTotal:      -1, // as many as there are files open
			FSConfig:      wazero.NewFSConfig(),
			RuntimeConfig: wazero.NewRuntimeConfig().WithCompilationCache(wasm.Cache).WithMemoryLimitPages(memoryPages),
			Stdout:        io.Discard,
			Stderr:        io.Discard,
			RandomSource:  noRandom{}, // the same file gives the same pictures
		})
	}
	if e.err != nil {
		return nil, fmt.Errorf("PDFium does not start: %w", e.err)
	}
	return e.pool, nil
}

// noRandom is a source of zero bytes in place of random ones.
type noRandom struct{}

func (noRandom) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}
