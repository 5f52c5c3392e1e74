package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/cli"
	"github.com/kycmark/kycmark/internal/cli/ui"
)

var (
	codeSpan   = regexp.MustCompile("(?s)```.*?```|`[^`]+`")
	invocation = regexp.MustCompile(`(?:^|[\s$(|&;])kycmark((?:[ \t]+[^\s|&;)#` + "`" + `]+)*)`)
	flagWord   = regexp.MustCompile(`^--[a-z][a-z-]*`)
	verbWord   = regexp.MustCompile(`^[a-z][a-z-]+$`)
)

// TestDocumentsNameWhatExists runs no command of the documents, but holds every verb and every
// flag that README.md and docs/*.md write after "kycmark" against the command itself.
func TestDocumentsNameWhatExists(t *testing.T) {
	files, err := filepath.Glob("../../docs/*.md")
	require.NoError(t, err)
	calls := 0
	for _, file := range append(files, "../../README.md") {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, span := range codeSpan.FindAllString(string(text), -1) {
			code := strings.ReplaceAll(strings.Trim(span, "`"), "\\\n", " ") // a line that goes on
			if !strings.HasPrefix(span, "```") {
				code = strings.ReplaceAll(code, "\n", " ") // a paragraph was wrapped there
			}
			for _, call := range invocation.FindAllStringSubmatch(code, -1) {
				if strings.Contains(call[1], " v1") || strings.Contains(call[1], " v2") || strings.Contains(call[1], " v3") { // a label in a format, such as "kycmark seal v1"
					continue
				}
				calls++
				assert.Empty(t, unknownIn(strings.Fields(call[1])), "%s: kycmark%s", filepath.Base(file), call[1])
			}
		}
	}
	require.Greater(t, calls, 20, "the documents are read")
}

// unknownIn lists the verbs and flags of one call that do not exist.
func unknownIn(words []string) (unknown []string) {
	cmd := cli.NewRoot(ui.NewUI(&bytes.Buffer{}, &bytes.Buffer{}))
	for i, word := range words {
		word = strings.TrimRight(word, ".,:;")
		switch {
		case flagWord.MatchString(word):
			name := strings.TrimPrefix(flagWord.FindString(word), "--")
			if name != "help" && cmd.Flags().Lookup(name) == nil && cmd.InheritedFlags().Lookup(name) == nil {
				unknown = append(unknown, "--"+name)
			}
		case cmd.HasSubCommands() && verbWord.MatchString(word):
			sub := child(cmd, word)
			if sub == nil && (i == 0 || !cmd.Runnable()) {
				return append(unknown, word)
			}
			if sub != nil {
				cmd = sub
			}
		}
	}
	return unknown
}

func child(cmd *cobra.Command, name string) *cobra.Command {
	for _, c := range append(cmd.Commands(), &cobra.Command{Use: "completion"}) {
		if c.Name() == name {
			return c
		}
	}
	return nil
}

func TestUnknownIn(t *testing.T) {
	assert.Empty(t, unknownIn([]string{"recipient", "add", "vendor-a", "--kind", "vendor"}))
	assert.Empty(t, unknownIn([]string{"checkpoint", "--tsa", "URL"}))
	assert.Equal(t, []string{"bench"}, unknownIn([]string{"bench", "robustness"}))
	assert.Equal(t, []string{"--nothing"}, unknownIn([]string{"issue", "--to", "x", "--nothing"}))
}
