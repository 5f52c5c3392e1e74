package main

import (
	"strings"

	"github.com/spf13/cobra"
)

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
  kycmark-bench registry --sizes 1M
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
