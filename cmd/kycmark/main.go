// Command kycmark marks pictures per recipient and says whose copy leaked.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/decoders"
	"github.com/kycmark/kycmark/decoders/pdfs"
	"github.com/kycmark/kycmark/internal/unpack"
)

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if unpack.Serve() || decoders.Serve() || pdfs.Serve() { // a process that this command started
		return
	}
	signal.Ignore(syscall.SIGPIPE) // a closed stdout fails like a full one, and ends no work
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends it at once
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// gcPercent is by how much the heap grows between two collections, percent. Measured with GOGC set: the demo takes 450 MB at
// most with 20, 520 with 50 and 680 with 100. Against 100, 20 takes 8 % more processor time.
const gcPercent = 50

// run is the whole command: arguments in (without the program's name), exit code out. Results go to
// stdout, all else to stderr. It may be called several times in a process, and does not end the
// process. Without arguments it prints the front page.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	u := newUI(stdout, stderr)
	defer u.decoder.Close()
	defer u.pdfs.Close()
	u.args = args
	root := newRoot(u)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(u.out)
	root.SetErr(u.err)
	if len(args) == 0 {
		frontPage(u.out, root)
		return finish(ctx, u, root, nil)
	}
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		err = u.noHelp
	}
	return finish(ctx, u, cmd, err)
}

// newRoot makes the command "kycmark" with all its verbs, which speak through u. Without
// a verb, or with an unknown one, the command returns a usageError; the nearest verb is a hint. An
// error of "help" for an unknown verb is left in u.noHelp.
func newRoot(u *ui) *cobra.Command {
	root := &cobra.Command{
		Use:   "kycmark",
		Short: "Whose copy leaked? Invisible marks for KYC pictures",
		Long: `kycmark marks each copy of a KYC picture for the one who receives it, and tells
from a leaked picture whose copy it was.

Exit codes: 0 done; 1 the answer is "no" (nothing found, does not hold, refused
as weak); 2 wrong usage; 3 some inputs failed, the rest is done; 4 fatal.`,
		Example: `  # the whole story on shipped pictures, nothing to set up
  kycmark demo

  # mark one picture for one recipient, read it back from what leaked
  kycmark keygen --out mark.key
  kycmark mark --key mark.key --copy 00000000000004d2 upload.jpg for-vendor.jpg
  kycmark detect --key mark.key leak.jpg
  kycmark trace --key mark.key --original upload.jpg --copies 00000000000004d2 leak.jpg

  # keep the books: who was handed what, and whose copy is this
  kycmark init kyc
  export KYCMARK_HOME=$PWD/kyc
  kycmark recipient add vendor-a --kind vendor
  kycmark submit --subject-from name uploads/
  kycmark issue --to vendor-a --all --out for-vendor-a/
  kycmark investigate leaks/ --report report.html`,
		Version:       versions(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetVersionTemplate("kycmark {{.Version}}\n")
	root.Flags().Bool("version", false, "print the versions of the command and of the mark")
	root.PersistentFlags().BoolVar(&u.json, "json", false, "JSON lines on stdout, one object an input")
	root.PersistentFlags().Int64Var(&u.memory, "max-memory", 0, "`MiB` that pictures may take together (default 65 % of what control group, ulimit and machine allow)")
	var verbs []*cobra.Command
	for _, g := range groups() {
		for _, verb := range g.verbs {
			verbs = append(verbs, verb(u))
		}
	}
	only(root, verbs...)
	root.SetHelpCommand(newHelp())
	root.SetFlagErrorFunc(flagError)
	help := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		if cmd.HasSubCommands() && cmd.Flags().NArg() > 0 { // a verb that there is would have been asked itself
			u.noHelp = noVerb(cmd, cmd.Flags().Arg(0))
			return
		}
		if cmd.HasParent() {
			help(cmd, args)
			return
		}
		frontPage(cmd.OutOrStdout(), cmd)
	})
	return root
}

// A group is one section of the front page.
type group struct {
	title string
	verbs []func(*ui) *cobra.Command
}

// groups returns the verbs by section, in the order in which a newcomer meets them. Each function
// makes its verb anew. "help" is not among them.
func groups() []group {
	return []group{
		{"Pictures and keys (no home needed):", []func(*ui) *cobra.Command{
			newKeygen, newMark, newDetect, newTrace, newHash,
		}},
		{"The books (in a home):", []func(*ui) *cobra.Command{
			newInit, newRecipient, newKey, newSubmit, newSubject, newIssue, newReceipt, newCustody, newInvestigate, newList, newShow, newErase, newWork, newDoctor,
		}},
		{"For auditors and witnesses:", []func(*ui) *cobra.Command{
			newVerifyReport, newCheckpoint, newAudit, newProve, newCopyRegistry,
		}},
		{"See for yourself:", []func(*ui) *cobra.Command{
			newDemo,
		}},
	}
}
