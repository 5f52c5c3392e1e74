package ui

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/watermark"
)

func TsaFlag(cmd *cobra.Command, address *string) {
	cmd.Flags().StringVar(address, "tsa", "", "`address` of a timestamp authority (RFC 3161) that is to date what is signed; tsa_ca in kycmark.toml names its certificate")
}

// Exactly returns cobra's check of arguments: as many as names, which appear in the UsageError.
func Exactly(names ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(names) == 0 && len(args) > 0:
			return Usagef("takes no arguments, got %q", args[0])
		case len(args) != len(names):
			return Usagef("needs %s, got %s", strings.Join(names, " and "), Plural(len(args), "argument"))
		}
		return nil
	}
}

// Some returns a check of arguments, for cobra: one or more. name, in the singular, appears in the UsageError.
func Some(name string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return Usagef("needs at least one %s", name)
		}
		return nil
	}
}

// noneEmpty returns a UsageError for the first flag, by name, that was given an empty value, such as a script's
// variable that is not set. An empty --since would otherwise hand out every upload. --purpose may be empty.
func noneEmpty(flags *pflag.FlagSet) (err error) {
	flags.Visit(func(f *pflag.Flag) {
		if s := f.Value.String(); err == nil && f.Name != "purpose" && (s == "" || s == "[]") {
			err = Usagef("--%s was given nothing", f.Name)
		}
	})
	return err
}

// Only makes cmd the parent of verbs and returns cmd. The command itself is wrong usage.
func Only(cmd *cobra.Command, verbs ...*cobra.Command) *cobra.Command {
	names := each.Of(verbs, (*cobra.Command).Name)
	cmd.AddCommand(verbs...)
	cmd.Args = cobra.ArbitraryArgs
	cmd.SuggestionsMinimumDistance = 2
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return Usagef("needs the verb %s", strings.Join(names, " or "))
		}
		return NoVerb(cmd, args[0])
	}
	return cmd
}

// NoVerb returns the UsageError for name, a verb that cmd does not have. The hint is the nearest verb.
func NoVerb(cmd *cobra.Command, name string) error {
	err := Usagef("there is no verb %q", name)
	if near := cmd.SuggestionsFor(name); len(near) > 0 {
		return WithHint(err, "did you mean %q?", near[0])
	}
	return err
}

// IdList is a flag for IDs, with commas between them, that may be repeated. It is a pflag.Value.
type IdList[ID comparable] struct {
	IDs   []ID
	known map[ID]bool // the same IDs
	empty bool        // an empty text was given
	Parse func(text string) (ID, error)
}

func SubmissionIDs() IdList[watermark.Submission] {
	return IdList[watermark.Submission]{Parse: watermark.ParseSubmission}
}

// Set adds the IDs in text, which has commas between them; spaces around an ID are ignored, and known IDs are not added
// again. An empty text adds nothing: noneEmpty refuses a flag without IDs, and Set refuses an empty text beside IDs. An
// ID that cannot be parsed is an error; IDs before it are kept.
func (l *IdList[ID]) Set(text string) error {
	if text == "" {
		l.empty = true
	} else {
		for word := range strings.SplitSeq(text, ",") {
			id, err := l.Parse(strings.TrimSpace(word))
			if err != nil {
				return err
			}
			if l.known == nil {
				l.known = map[ID]bool{}
			}
			if !l.known[id] {
				l.known[id], l.IDs = true, append(l.IDs, id)
			}
		}
	}
	if l.empty && len(l.IDs) > 0 {
		return errors.New("an empty ID beside others")
	}
	return nil
}

// Read adds the IDs in the file at path, one a line; a line may also have several with commas.
// Blank lines and lines that begin with # are passed over. A line that is no ID is a UsageError
// with its number; IDs before it are kept. A file that cannot be read is a plain error.
func (l *IdList[ID]) Read(path string) error {
	text, err := ReadSmall(path)
	if err != nil {
		return fmt.Errorf("%s: %s", path, Reason(err))
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := l.Set(line); err != nil {
			return Usagef("%s: line %d: %w", path, n, err)
		}
	}
	return nil
}

// String returns the IDs with spaces between them, as noneEmpty asks for them.
func (l *IdList[ID]) String() string { return strings.Trim(fmt.Sprint(l.IDs), "[]") }

// Type names the argument in the help, if the flag's description does not.
func (*IdList[ID]) Type() string { return "IDs" }

// FlagError turns pflag's error for a flag's value into a UsageError in the command's words. Cobra calls it.
func FlagError(_ *cobra.Command, err error) error {
	var bad *pflag.InvalidValueError
	var number *strconv.NumError
	switch {
	case !errors.As(err, &bad):
		return err
	case errors.As(err, &number):
		_, usage := pflag.UnquoteUsage(bad.GetFlag())
		return Usagef("--%s: %q is no number that it takes: %s", bad.GetFlag().Name, bad.GetValue(), usage)
	}
	return Usagef("--%s: %w", bad.GetFlag().Name, bad.Unwrap())
}

// cobras are cobra's texts about flags that are missing or exclude each other. The last four groups have their names.
var cobras = regexp.MustCompile(`^(required|at least|if any).*?(?: flag\(s\) (".*") not set| \[([^]]*)\] is required| missing \[(.*)\]| be; \[(.*)\] were all set)$`)

// flagWords returns cobra's text about flags in the command's words, and other texts as they are.
func flagWords(text string) string {
	m := cobras.FindStringSubmatch(text)
	if m == nil {
		return text
	}
	names := strings.Fields(strings.NewReplacer(`"`, "", ",", "").Replace(strings.Join(m[2:], "")))
	if m[5] != "" {
		return "takes only one of --" + strings.Join(names, " and --")
	}
	return "needs --" + strings.Join(names, map[bool]string{false: " and --", true: " or --"}[m[3] != ""])
}

// ByteSize is a flag for numbers of bytes: 800000, 500KB, 1.5MB, 2MiB. It is a pflag.Value.
type ByteSize int64

// byteUnits are the endings of a number of bytes. A longer ending comes before an ending that it ends with.
var byteUnits = []struct {
	name string
	size float64
}{{"KIB", 1 << 10}, {"MIB", 1 << 20}, {"KB", 1e3}, {"MB", 1e6}, {"K", 1e3}, {"M", 1e6}, {"B", 1}}

// Set reads a number of 1 to 2^31-1 bytes. The number may have a unit, in either case: B, K, KB, M, MB with powers of
// 1000, KiB and MiB with powers of 1024. A fraction, as in 1.5MB, is rounded down to bytes.
func (b *ByteSize) Set(s string) error {
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
	*b = ByteSize(n * unit)
	return nil
}

func (b *ByteSize) String() string { return strconv.FormatInt(int64(*b), 10) }
func (*ByteSize) Type() string     { return "bytes" }

// MetadataFlag is what copies keep of their source's metadata: "drop" or "keep".
// The zero value drops. It is a pflag.Value.
type MetadataFlag bool

func (m *MetadataFlag) String() string {
	if *m {
		return "keep"
	}
	return "drop"
}

func (m *MetadataFlag) Set(s string) error {
	if s != "drop" && s != "keep" {
		return fmt.Errorf("drop or keep, not %q", s)
	}
	*m = s == "keep"
	return nil
}

func (m *MetadataFlag) Type() string { return "drop|keep" }

// MetadataHelp is the part of the help that mark and issue share.
const MetadataHelp = `A JPEG made of a JPEG has its quality, its chroma subsampling and its colour
profile, and so looks and weighs like an unmarked one. Other metadata is dropped.
With --metadata keep the EXIF of exposure, time, camera and lens stays; never
places, names, serial numbers, texts, maker's notes or thumbnails.`

// NonNil makes an empty list [] in JSON, not null.
func NonNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// ClockError is how far another's clock may be ahead of ours, time zones included.
const ClockError = 24 * time.Hour

// Complete makes the shell offer values, and no file names, as arguments of cmd's flag.
func Complete(cmd *cobra.Command, flag string, values ...string) {
	cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}
