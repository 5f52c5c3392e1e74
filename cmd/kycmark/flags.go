package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// exactly wants the named arguments and no others.
func exactly(names ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(names) == 0 && len(args) > 0:
			return usagef("takes no arguments, got %q", args[0])
		case len(args) != len(names):
			return usagef("needs %s, got %s", strings.Join(names, " and "), plural(len(args), "argument"))
		}
		return nil
	}
}

// some wants at least one argument.
func some(name string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usagef("needs at least one %s", name)
		}
		return nil
	}
}

// noneEmpty refuses flags with an empty value, such as that of a script's variable that is
// not set: --since "" would otherwise hand out every upload. --purpose may be empty, since
// it selects nothing.
func noneEmpty(flags *pflag.FlagSet) (err error) {
	flags.Visit(func(f *pflag.Flag) {
		if s := f.Value.String(); err == nil && f.Name != "purpose" && (s == "" || s == "[]") {
			err = usagef("--%s was given nothing", f.Name)
		}
	})
	return err
}

// only makes cmd the parent of verbs. The command itself does nothing. An argument that is
// not a verb is refused, with the nearest verb as a hint.
func only(cmd *cobra.Command, verbs ...*cobra.Command) *cobra.Command {
	var names []string
	for _, v := range verbs {
		names = append(names, v.Name())
	}
	cmd.AddCommand(verbs...)
	cmd.Args = cobra.ArbitraryArgs
	cmd.SuggestionsMinimumDistance = 2
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usagef("say %s", strings.Join(names, " or "))
		}
		return noVerb(cmd, args[0])
	}
	return cmd
}

// noVerb is the error for a verb that cmd does not have. The hint is the nearest verb.
func noVerb(cmd *cobra.Command, name string) error {
	err := usagef("there is no verb %q", name)
	if near := cmd.SuggestionsFor(name); len(near) > 0 {
		return withHint(err, "did you mean %q?", near[0])
	}
	return err
}

// newHelp is "kycmark help VERB...". Cobra's own prints the help of the whole command for a
// verb that does not exist; this command refuses such a verb.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [VERB...]",
		Short: "Help about a verb",
		RunE: func(cmd *cobra.Command, args []string) error {
			asked, rest, err := cmd.Root().Find(args)
			switch {
			case err != nil:
				return usagef("%v", err)
			case len(rest) > 0:
				return noVerb(asked, rest[0])
			}
			return asked.Help()
		},
	}
}

// frontPage writes the help of the whole command, the verbs in our order.
func frontPage(w io.Writer, root *cobra.Command) {
	fmt.Fprintf(w, "%s\n\nUsage:\n  kycmark VERB [flags] [arguments]\n\nExamples:\n%s\n", root.Long, root.Example)
	tw := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for _, g := range groups() {
		fmt.Fprintf(tw, "\n%s\n", g.title)
		for _, verb := range g.verbs {
			cmd := verb(&ui{})
			fmt.Fprintf(tw, "  %s\t%s\n", cmd.Name(), cmd.Short)
		}
	}
	tw.Flush()
	fmt.Fprint(w, "\nEvery verb takes --json, for JSON lines on stdout, and --help, for examples.\n")
}

// byteSize is a flag for numbers of bytes: 800000, 500KB, 1.5MB, 2MiB.
type byteSize int64

var byteUnits = []struct {
	name string
	size float64
}{{"KIB", 1 << 10}, {"MIB", 1 << 20}, {"KB", 1e3}, {"MB", 1e6}, {"K", 1e3}, {"M", 1e6}, {"B", 1}}

func (b *byteSize) Set(s string) error {
	number, unit := strings.ToUpper(strings.TrimSpace(s)), 1.0
	for _, u := range byteUnits {
		if rest, ok := strings.CutSuffix(number, u.name); ok {
			number, unit = strings.TrimSpace(rest), u.size
			break
		}
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || !(n > 0 && n*unit >= 1 && n*unit <= math.MaxInt32) {
		return errors.New("want a number of bytes above 0, such as 800000, 500KB or 1MB")
	}
	*b = byteSize(n * unit)
	return nil
}

func (b *byteSize) String() string { return strconv.FormatInt(int64(*b), 10) }

func (*byteSize) Type() string { return "bytes" }

// metadataFlag is what copies keep of their source's metadata: "drop" or "keep".
// The zero value drops. It is a pflag.Value.
type metadataFlag struct{ keep bool }

func (m *metadataFlag) String() string {
	if m.keep {
		return "keep"
	}
	return "drop"
}

// Set is called with the flag's argument.
func (m *metadataFlag) Set(s string) error {
	if s != "drop" && s != "keep" {
		return fmt.Errorf("drop or keep, not %q", s)
	}
	m.keep = s == "keep"
	return nil
}

// Type names the argument in the help.
func (m *metadataFlag) Type() string { return "drop|keep" }

// metadataHelp is the part of the help that mark and issue share.
const metadataHelp = `A JPEG made of a JPEG has its quality, its chroma subsampling and its colour
profile, and so looks and weighs like an unmarked one. Other metadata is dropped.
With --metadata keep the EXIF of exposure, time, camera and lens stays; never
places, names, serial numbers, texts, maker's notes or thumbnails.`
