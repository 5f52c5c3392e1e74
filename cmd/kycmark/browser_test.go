package main

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/kycmark/kycmark/internal/test/pages"
	"github.com/kycmark/kycmark/internal/test/skip"
)

// browserOrSkip returns where a browser is. Without one the test is skipped.
func browserOrSkip(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		skip.Test(t, "reports are opened in a browser without -short only")
	}
	path, err := pages.Program()
	if err != nil {
		skip.Test(t, "%v", err)
	}
	return path
}

// opened is a page in a headless Chromium, with all that it asked of the network and said
// on the console since it was begun to load.
type opened struct {
	ctx context.Context

	mu       sync.Mutex
	requests []string
	said     []string
}

// open loads a file at a width in CSS pixels. The browser ends with the context's cancel. Its profile is chromedp's, which
// kills what still uses it, and removes it.
func open(ctx context.Context, browser, file string, width int64) (*opened, context.CancelFunc, error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(browser), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("hide-scrollbars", true))
	ctx, stop := chromedp.NewExecAllocator(ctx, options...)
	ctx, end := chromedp.NewContext(ctx)
	cancel := func() { end(); stop() }
	p := &opened{ctx: ctx}
	err := chromedp.Listen(ctx, p.hear)
	if err == nil {
		err = chromedp.Do(ctx,
			chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
				_, err := cdp.Call(ctx, t, network.Enable, network.EnableParams{})
				return err
			}),
			chromedp.EmulateViewport(width, 900),
			chromedp.Navigate(fileURL(file)))
	}
	if err != nil {
		cancel()
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	return p, cancel, nil
}

func fileURL(file string) string {
	path, err := filepath.Abs(file)
	if err != nil {
		return file
	}
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(path)}).String()
}

func (p *opened) hear(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		p.requests = append(p.requests, e.Request.URL)
	case *network.EventWebSocketCreated:
		p.requests = append(p.requests, e.URL)
	case *runtime.EventConsoleAPICalled:
		p.said = append(p.said, fmt.Sprint("console.", e.Type))
	case *runtime.EventExceptionThrown:
		p.said = append(p.said, "exception: "+e.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		p.said = append(p.said, fmt.Sprintf("%s: %s", e.Entry.Level, e.Entry.Text))
	}
}

// heard is what came so far.
func (p *opened) heard() (requests, said []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string{}, p.requests...), append([]string{}, p.said...)
}

// eval runs JavaScript in a page. Generic, so no method.
func eval[T any](p *opened, script string) (T, error) {
	return chromedp.Run(p.ctx, chromedp.Evaluate[T](script))
}
