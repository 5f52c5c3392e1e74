package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/demo"
	"github.com/kycmark/kycmark/internal/intake"
)

// demoMarker is a file by which a folder is known as an earlier demo's.
const demoMarker = ".kycmark-demo"

// newDemo returns the verb "demo", which runs the command's own verbs on built-in pictures.
func newDemo(u *ui.UI) *cobra.Command {
	var d demoStory
	var force bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See the whole story on the shipped pictures",
		Long: `Play the whole story on pictures that are built in: uploads come in, recipients
are handed marked copies, some of it leaks, and the leak is investigated. Each
step is a verb of this command, run as printed; the persons are invented.`,
		Example: `  kycmark demo --dir /tmp/story --force`,
		Args:    ui.Exactly(),
		RunE: u.Verb(func(cmd *cobra.Command, _ []string) error {
			if err := demoFolder(d.dir, force); err != nil {
				return err
			}
			d.UI, d.ctx = u, cmd.Context()
			return d.tell()
		}),
	}
	cmd.Flags().StringVar(&d.dir, "dir", "kycmark-demo", "`folder` for all that it makes")
	cmd.Flags().BoolVar(&force, "force", false, "throw away what an earlier demo left there")
	return cmd
}

// demoFolder makes the folder dir and its marker file. A folder that exists must be empty or, with force, an earlier
// demo's, which is removed with all its content.
func demoFolder(dir string, force bool) error {
	marker := filepath.Join(dir, demoMarker)
	old, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(old) > 0 {
		if _, err := os.Stat(marker); err != nil {
			return ui.WithHint(fmt.Errorf("folder %s exists and is no earlier demo's", dir), "choose another one by --dir")
		}
		if !force {
			return ui.WithHint(fmt.Errorf("folder %s exists", dir), "--force throws the earlier demo away, --dir chooses another folder")
		}
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(marker, []byte("kycmark demo --force may throw this folder away\n"), 0o600)
}

// demoStory tells the story step by step; the first error ends it.
type demoStory struct {
	*ui.UI
	ctx  context.Context // of the command
	dir  string
	step int
	bad  error // the first one
}

// tell plays the whole story in d.dir. It returns the first error, after which no step is done.
func (d *demoStory) tell() error {
	home, uploads, leaks := d.path("home"), d.path("uploads"), d.path("leaks")
	forVendor, report := d.path("copies", "vendor-a"), d.path("report.html")
	d.Printf("A story in 6 steps: pictures come in, marked copies go out, some leak, and the\n"+
		"leaks say whose they were. It takes about half a minute of CPU and writes to %s.\n", d.dir)

	d.say("An exchange keeps its books in a home: a registry and the keys.")
	d.run("init", home)
	if d.bad == nil {
		d.Printf("   $ export KYCMARK_HOME=%s\n", intake.ShellLine(home))
	}

	customers, err := demo.WriteUploads(uploads)
	d.do(err)
	d.say("Customers have sent %d pictures. Each is hashed and kept, sealed.", len(customers))
	d.run("submit", "--manifest", filepath.Join(uploads, demo.ManifestName))

	d.say("Two are handed pictures. In February 2018, before marking began, vendor-a had\n   the uploads as they came. That is entered as custody, before anything leaks.")
	d.run("recipient", "add", "vendor-a", "--kind", "vendor")
	d.run("recipient", "add", "authority-b", "--kind", "authority")
	d.run("custody", "add", "vendor-a", "--from", "2018-02", "--to", "2018-02", "--note", "contract 2017/3: vendor-a takes in our uploads")

	d.say("From March on each of them gets marked copies. A copy carries a random ID that\n   cannot be seen, and is entered in the ledger before it leaves the house.")
	d.run("issue", "--to", "vendor-a", "--since", "2018-03", "--purpose", "identity checks", "--out", forVendor)
	d.run("issue", "--to", "authority-b", "--since", "2018-09", "--purpose", "request 2019/44", "--out", d.path("copies", "authority-b"))

	d.say("Years later pictures turn up in a channel. Unknown to the exchange, they are:")
	var made []demo.Leak
	if d.bad == nil {
		made, err = demo.WriteLeaks(leaks, uploads, forVendor)
		d.do(err)
	}
	for _, leak := range made {
		d.Printf("     %-26s %s\n", leak.File, leak.What)
	}

	d.say("Whose copies are they? Each picture is searched for, read and traced.")
	// Custody counts if it was entered before the leaks were found, which is now: after the last copy, to the second.
	d.run("investigate", leaks, "--found", ui.Moment(time.Now().Add(time.Second)), "--report", report)
	if d.bad == nil {
		d.Printf("\nLook first: open %s in a browser.\n", report)
		program := "kycmark"
		if exe, err := os.Executable(); err == nil && strings.Contains(exe, "go-build") {
			program = "go run ./cmd/kycmark"
		}
		d.Printf("Then:       %s list --to vendor-a --home %s\n", program, intake.ShellLine(home))
	}
	return d.bad
}

func (d *demoStory) path(elem ...string) string {
	return filepath.Join(append([]string{d.dir}, elem...)...)
}

// do notes err, which may be nil, as the story's error unless there is one. It is for steps that are not verbs.
func (d *demoStory) do(err error) {
	d.bad = cmp.Or(d.bad, err)
}

func (d *demoStory) say(format string, args ...any) {
	if d.bad == nil {
		d.step++
		d.Printf("\n%d. %s\n", d.step, fmt.Sprintf(format, args...))
	}
}

// run prints a command line and runs it in this process, as if it had been typed in the demo's home. args begins with
// the verb. Only the output of issue and investigate is shown; errors always are. It does nothing after an error.
func (d *demoStory) run(args ...string) {
	if d.bad != nil {
		return
	}
	verb := args[0]
	d.Printf("   $ kycmark %s\n", intake.ShellLine(args...))
	out := io.Discard
	switch {
	case verb == "issue" && !d.Json:
		out = d.Out.W
	case verb == "investigate":
		d.Printf("\n")
		out = d.Out.W
	}
	if verb != "init" {
		args = append(args, "--home", d.path("home"))
	}
	if d.Json {
		args = append(args, "--json")
	}
	code := Run(d.ctx, args, nil, out, d.Err.W)
	if code != ui.ExitDone && !(verb == "investigate" && code == ui.ExitSome) { // one leak is damaged
		d.bad = fmt.Errorf("%s ended with exit code %d", verb, code)
	}
}
