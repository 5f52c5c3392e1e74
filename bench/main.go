// Command kycmark-bench measures the mark, the search and the verdict on pictures, and
// writes the tables of the documentation. It is a module of its own, so that nothing that
// measures is linked into the product.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/decoders"
)

func main() {
	if decoders.Serve() {
		return
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the command at once
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// gcPercent is the command kycmark's, so that times and memory compare.
const gcPercent = 20

// run runs the command line args and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	u := &ui{out: stdout, err: stderr, args: args}
	root := newBench(u)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	return u.finish(cmd, err)
}

// newBench makes the command with a verb for each experiment.
func newBench(u *ui) *cobra.Command {
	root := group(&cobra.Command{
		Use:   "kycmark-bench",
		Short: "Measure the mark on a folder of pictures",
		Example: `  kycmark-bench robustness --pictures photos/ --attacks messenger,crop50
  kycmark-bench falsepositives --pictures photos/ --keys 4
  kycmark-bench security --copies 1000
  kycmark-bench trace --attacks thumbnail,capture
  kycmark-bench match search --sizes 1M,10M
  kycmark-bench verdict --dumps 300
  kycmark-bench reading --kinds MRZ
  kycmark-bench quality
  kycmark-bench speed --json`,
	})
	for _, x := range all() {
		parent := root
		if name, _, parts := strings.Cut(x.Name, " "); parts { // "match search" is a verb of the group match
			if parent, _, _ = root.Find([]string{name}); parent == root {
				parent = group(&cobra.Command{Use: name, Short: "Measure one part of several; each is a verb"})
				root.AddCommand(parent)
			}
		}
		parent.AddCommand(newExperiment(u, x))
	}
	root.AddCommand(newTables(u))
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.HiddenDefaultCmd = true
	root.PersistentFlags().BoolVar(&u.json, "json", false, "JSON on stdout instead of tables")
	return root
}

// group makes cmd a parent of verbs, which does nothing itself.
func group(cmd *cobra.Command) *cobra.Command {
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usagef("there is no verb %q", args[0])
		}
		var names []string
		for _, v := range cmd.Commands() {
			names = append(names, v.Name())
		}
		return usagef("say %s", strings.Join(names, " or "))
	}
	return cmd
}
