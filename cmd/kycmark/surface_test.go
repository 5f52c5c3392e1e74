package main

import (
	"io"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/internal/cli"
	"github.com/kycmark/kycmark/internal/cli/ui"
)

// TestSurface fails if the command gets more verbs or flags than a user can learn. Each flag counts
// once for each verb that has it; "help" and hidden verbs do not count.
func TestSurface(t *testing.T) {
	var leaves, flags int
	of := func(cmd *cobra.Command) (n int) {
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Name != "help" && !f.Hidden {
				n++
			}
		})
		return n
	}
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		flags += of(cmd)
		for _, sub := range cmd.Commands() {
			if !sub.Hidden && sub.Name() != "help" && sub.Name() != "completion" {
				walk(sub)
			}
		}
		if !cmd.HasSubCommands() {
			t.Logf("%-30s %d flags", cmd.CommandPath(), of(cmd))
			leaves++
		}
	}
	root := cli.NewRoot(ui.NewUI(io.Discard, io.Discard))
	walk(root)
	investigate, _, err := root.Find([]string{"investigate"})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		what      string
		have, max int
	}{{"leaf verbs", leaves, maxVerbs}, {"flags", flags, maxFlags}, {"flags of investigate", of(investigate), maxInvestigate}} {
		if x.have > x.max {
			t.Errorf("%d %s, want at most %d", x.have, x.what, x.max)
		}
		t.Logf("%d %s", x.have, x.what)
	}
}

// Ceilings of [TestSurface]. They fall with each verb and flag that goes.
const (
	maxVerbs       = 33  // of which 4 of 6 for the service
	maxFlags       = 148 // 12 of them for the service
	maxInvestigate = 15
)
