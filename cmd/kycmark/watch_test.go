package main

import (
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A watch signs and audits as the ledger grows, and ends with its context.
func TestWatch(t *testing.T) {
	home := filepath.Join(t.TempDir(), "kyc")
	do := func(args ...string) { require.Zero(t, run(t.Context(), args, nil, io.Discard, io.Discard), args) }
	do("init", home)
	ctx, cancel := context.WithCancel(t.Context())
	var said strings.Builder
	out := writer(func(text []byte) {
		said.Write(text)
		switch strings.Count(said.String(), "the ledger holds") {
		case 1:
			if strings.Contains(string(text), "the ledger holds") {
				do("recipient", "add", "vendor-a", "--kind", "vendor", "--home", home)
			}
		case 2:
			cancel()
		}
	})
	require.Zero(t, run(ctx, []string{"watch", "--every", "10ms", "--audit", "1ms", "--home", home}, nil, out, io.Discard))
	require.Contains(t, said.String(), "2 entries signed\nthe ledger holds: 2 entries")
	require.Contains(t, said.String(), "3 entries signed\nthe ledger holds: 3 entries")
}

type writer func(text []byte)

func (w writer) Write(text []byte) (int, error) {
	w(text)
	return len(text), nil
}
