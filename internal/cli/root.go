// Package cli is the command kycmark: its verbs by what they are about, and how it speaks.
package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/decoders"
	"github.com/kycmark/kycmark/internal/cli/audit"
	bookverbs "github.com/kycmark/kycmark/internal/cli/books"
	"github.com/kycmark/kycmark/internal/cli/judge"
	"github.com/kycmark/kycmark/internal/cli/pictures"
	"github.com/kycmark/kycmark/internal/cli/serve"
	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/watermark"
)

// Run is the whole command: arguments in (without the program's name), exit code out. Results go to
// stdout, all else to stderr. It may be called several times in a process, and does not end the
// process. Without arguments it prints the front page.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	u := ui.NewUI(stdout, stderr)
	defer u.Decoder.Close()
	defer u.Pdfs.Close()
	u.Args = args
	root := NewRoot(u)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(u.Out)
	root.SetErr(u.Err)
	if len(args) == 0 {
		frontPage(u.Out, root)
		return ui.Finish(ctx, u, root, nil)
	}
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		err = u.NoHelp
	}
	return ui.Finish(ctx, u, cmd, err)
}

// NewRoot makes the command "kycmark" with all its verbs, which speak through u. Without
// a verb, or with an unknown one, the command returns a ui.UsageError; the nearest verb is a hint. An
// error of "help" for an unknown verb is left in u.noHelp.
func NewRoot(u *ui.UI) *cobra.Command {
	root := &cobra.Command{
		Use:   "kycmark",
		Short: "Whose copy leaked? Invisible marks for KYC pictures",
		Long: `kycmark marks each copy of a KYC picture for the one who receives it, and tells
from a leaked picture whose copy it was.

Exit codes: 0 done; 1 the answer is "no" (no mark there, does not hold, refused
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
	root.PersistentFlags().BoolVar(&u.Json, "json", false, "JSON lines on stdout, one object an input")
	root.PersistentFlags().Int64Var(&u.Memory, "max-memory", 0, "`MiB` that pictures may take together (default 65 % of what control group, ulimit and machine allow)")
	var verbs []*cobra.Command
	for _, g := range groups() {
		for _, verb := range g.verbs {
			verbs = append(verbs, verb(u))
		}
	}
	ui.Only(root, verbs...)
	root.SetHelpCommand(newHelp())
	root.SetFlagErrorFunc(ui.FlagError)
	help := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		if cmd.HasSubCommands() && cmd.Flags().NArg() > 0 { // a verb that there is would have been asked itself
			u.NoHelp = ui.NoVerb(cmd, cmd.Flags().Arg(0))
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
	verbs []func(*ui.UI) *cobra.Command
}

// groups returns the verbs by section, in the order in which a newcomer meets them. Each function
// makes its verb anew. "help" is not among them.
func groups() []group {
	return []group{
		{"Pictures and keys (no home needed):", []func(*ui.UI) *cobra.Command{
			pictures.NewKeygen, pictures.NewMark, pictures.NewDetect, pictures.NewTrace, pictures.NewHash,
		}},
		{"The books (in a home):", []func(*ui.UI) *cobra.Command{
			bookverbs.NewInit, bookverbs.NewRecipient, bookverbs.NewKey, bookverbs.NewSubmit, bookverbs.NewSubject, bookverbs.NewIssue, bookverbs.NewReceipt, bookverbs.NewCustody, judge.NewInvestigate, bookverbs.NewList, bookverbs.NewShow, bookverbs.NewErase, newWork, audit.NewDoctor,
		}},
		{"The service (in a home):", []func(*ui.UI) *cobra.Command{serve.NewServe, serve.NewToken}},
		{"For auditors and witnesses:", []func(*ui.UI) *cobra.Command{
			judge.NewVerifyReport, audit.NewCheckpoint, audit.NewAudit, audit.NewProve, bookverbs.NewCopyRegistry,
		}},
		{"See for yourself:", []func(*ui.UI) *cobra.Command{newDemo}},
	}
}

// newHelp returns the verb "help". It refuses a verb that does not exist; cobra's own prints the whole command's.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [VERB...]",
		Short: "Help about a verb",
		RunE: func(cmd *cobra.Command, args []string) error {
			asked, rest, err := cmd.Root().Find(args)
			switch {
			case err != nil:
				return ui.Usagef("%v", err)
			case len(rest) > 0:
				return ui.NoVerb(asked, rest[0])
			}
			return asked.Help()
		},
	}
}

// frontPage writes the help of root, the whole command, to w: its texts, then the verbs of [groups] in short.
func frontPage(w io.Writer, root *cobra.Command) {
	fmt.Fprintf(w, "%s\n\nUsage:\n  kycmark VERB [flags] [arguments]\n\nExamples:\n%s\n", root.Long, root.Example)
	tw := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for _, g := range groups() {
		fmt.Fprintf(tw, "\n%s\n", g.title)
		for _, verb := range g.verbs {
			cmd := verb(&ui.UI{})
			fmt.Fprintf(tw, "  %s\t%s\n", cmd.Name(), cmd.Short)
		}
	}
	tw.Flush()
	fmt.Fprint(w, "\nEvery verb takes --json, for JSON lines on stdout, and --help, for examples.\n")
}

// version is that of a release, set by the linker (-X github.com/kycmark/kycmark/internal/cli.version=1.2.3); "" otherwise.
var version string

// versions returns in one line the versions of the command, mark and Go, the platform, and what the program lacks.
func versions() string {
	v := version
	if info, ok := debug.ReadBuildInfo(); ok {
		v = cmp.Or(v, info.Main.Version)
	}
	line := fmt.Sprintf("%s, mark v%d, %s %s/%s", cmp.Or(v, "(devel)"), watermark.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	if !decoders.HEIC {
		line += ", without HEIC (nolgpl)"
	}
	return line
}
