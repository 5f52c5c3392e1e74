package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A table in a document is what the results give: else run kycmark-bench tables.
func TestDocumentsAreCurrent(t *testing.T) {
	stale, err := fillTables("..", false)
	require.NoError(t, err)
	assert.Empty(t, stale)
}

// Every command line of the bench that a document gives names a verb and flags that exist.
func TestDocumentsNameWhatTheBenchHas(t *testing.T) {
	found := 0
	for _, pattern := range []string{"../*.md", "../docs/*.md", "*.md"} {
		names, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, name := range names {
			text, err := os.ReadFile(name)
			require.NoError(t, err)
			for _, line := range regexp.MustCompile("go -C bench run \\. ([^`#\\n]+)").FindAllStringSubmatch(string(text), -1) {
				args := strings.Fields(line[1])
				if args[0] == "X" || args[0] == "NAME" { // placeholders
					continue
				}
				found++
				cmd, rest, err := newBench(&ui{}).Find(args)
				if !assert.NoError(t, err, "%s: %s", name, line[0]) || !assert.True(t, cmd.Runnable(), "%s: %s", name, line[0]) {
					continue
				}
				for _, arg := range rest {
					if flag, ok := strings.CutPrefix(arg, "--"); ok {
						assert.NotNil(t, cmd.Flags().Lookup(flag), "%s: %s: no flag --%s", name, line[0], flag)
					}
				}
			}
		}
	}
	assert.Greater(t, found, 10, "command lines in the documents")
}
