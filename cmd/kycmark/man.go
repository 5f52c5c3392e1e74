package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// newMan returns the verb "man", which writes the manual pages of all verbs into a folder, and
// makes that folder. It is for making a release: the front page does not name it.
func newMan(u *ui) *cobra.Command {
	return &cobra.Command{
		Use:     "man DIR",
		Short:   "Write the manual pages into a folder",
		Hidden:  true,
		Example: `  kycmark man man/`,
		Args:    exactly("DIR"),
		RunE: u.verb(func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			return writeMan(args[0], cmd.Root())
		}),
	}
}

// writeMan writes into the existing folder dir the page of cmd, as kycmark-VERB.1, and the pages of
// the verbs below it. Hidden verbs and "help" are left out. Existing pages are overwritten.
func writeMan(dir string, cmd *cobra.Command) error {
	page := strings.ReplaceAll(cmd.CommandPath(), " ", "-")
	if err := os.WriteFile(filepath.Join(dir, page+".1"), []byte(manPage(page, cmd)), 0o644); err != nil {
		return err
	}
	for _, sub := range cmd.Commands() {
		if sub.Hidden || sub.Name() == "help" {
			continue
		}
		if err := writeMan(dir, sub); err != nil {
			return err
		}
	}
	return nil
}

// manPage returns the help of cmd in the macros of man(7). page is its name, such as
// kycmark-index-add. The pages of verbs below it are only referred to.
func manPage(page string, cmd *cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s 1 \"\" \"kycmark %s\"\n.SH NAME\n%s \\- %s\n", strings.ToUpper(page), version, page, roff(cmd.Short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.nf\n%s\n.fi\n", roff(cmd.UseLine()))
	section := func(title, text string) {
		if text != "" {
			fmt.Fprintf(&b, ".SH %s\n.nf\n%s\n.fi\n", title, roff(text))
		}
	}
	section("DESCRIPTION", cmd.Long)
	b.WriteString(".SH OPTIONS\n")
	option := func(f *pflag.Flag) {
		what, usage := pflag.UnquoteUsage(f)
		fmt.Fprintf(&b, ".TP\n\\fB\\-\\-%s\\fR %s\n%s\n", roff(f.Name), roff(what), roff(usage))
	}
	cmd.NonInheritedFlags().VisitAll(option)
	cmd.InheritedFlags().VisitAll(option)
	section("EXAMPLES", cmd.Example)
	for _, sub := range cmd.Commands() {
		if !sub.Hidden && sub.Name() != "help" {
			section(strings.ToUpper(sub.Name()), sub.Short+", see "+page+"-"+sub.Name()+"(1)")
		}
	}
	return b.String()
}

// roff escapes text for troff: a backslash begins an escape, and a dot or a quote at the beginning
// of a line begins a request. A plain hyphen may be shown as a typographic one, so it is escaped
// also. Line breaks stay.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
