package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/home"
	"github.com/kycmark/kycmark/internal/keyfile"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/registry"
)

// NewDoctor returns the verb "doctor", which checks that a home is ready for use. Exit code 1: there is a problem.
func NewDoctor(u *ui.UI) *cobra.Command {
	return u.BookVerb(&cobra.Command{
		Use:   "doctor",
		Short: "Check that a home is ready for use",
		Long: `Check keys and registry of a home, and open one original. A problem stops a verb from
doing its work. A warning names what makes records count less in a later investigation.
Each comes with the command that mends it. Exit 1 if there is a problem. Nothing is
changed. "kycmark audit --originals" checks copies and originals.`,
		Example: `  kycmark doctor
  kycmark doctor --json`,
		Args: ui.Exactly(),
	}, func(ctx context.Context, b *ui.Desk, _ []string) error { return checkUp(ctx, b) })
}

// A check looks at one part of a home. It returns what it found, or an error: a problem or, if the
// error is a [weakness], a warning. A hint says what mends it.
type check struct {
	name string
	look func(ctx context.Context, b *ui.Desk) (found string, err error)
}

// A weakness stops no verb, but records count less because of it.
type weakness struct{ error }

func weak(mend, format string, args ...any) error {
	return ui.WithHint(weakness{fmt.Errorf(format, args...)}, "%s", mend)
}

// checks are what doctor looks at, in order.
var checks = []check{{"keys", checkKeys}, {"mark keys", checkMarkKeys}, {"sealing key", checkSealKey},
	{"ledger key", checkLedgerKey}, {"originals", checkOriginals}, {"checkpoints", checkCheckpoints}}

type doctorLine struct {
	Check string `json:"check"`
	State string `json:"state"` // ok, warning or problem
	Found string `json:"found"`
	Mend  string `json:"mend,omitempty"`
}

// checkUp does all checks and prints a line for each. The error is that of writing, or ctx's.
func checkUp(ctx context.Context, b *ui.Desk) error {
	return ui.PrintList(b.UI, "STATE\tCHECK\tFOUND", ui.Listed(checks, nil), func(c *check) (any, []string) {
		line := doctorLine{Check: c.name, State: "ok"}
		found, err := c.look(ctx, b)
		line.Found = found
		if err != nil {
			line.State, line.Found = "problem", err.Error()
			if hint, ok := errors.AsType[*ui.HintError](err); ok {
				line.Mend = hint.Hint
			}
			if errors.As(err, new(weakness)) {
				line.State = "warning"
			} else {
				b.No()
			}
		}
		cells := []string{line.State, line.Check, line.Found}
		if line.Mend != "" {
			cells[2] += ". Mend: " + line.Mend
		}
		return line, cells
	})
}

// checkKeys reads all key files. A home for investigation needs no key that signs.
func checkKeys(_ context.Context, b *ui.Desk) (string, error) {
	const lost = "a lost or damaged file comes back only from a backup"
	keys, _, err := b.Home.Keys()
	if err != nil {
		return "", ui.KeyHint(err, lost)
	}
	if !b.Home.InvestigateOnly {
		_, err1 := b.Home.LedgerKey()
		_, err2 := b.Home.ReportKey()
		if err := cmp.Or(err1, err2); err != nil {
			return "", ui.KeyHint(err, lost)
		}
	}
	if open := slices.DeleteFunc(b.Home.KeyFiles(), func(f string) bool { return !keyfile.Exposed(f) }); len(open) > 0 {
		return "", weak("chmod 600 "+strings.Join(open, " "), "other users can read %s", strings.Join(open, ", "))
	}
	if plain := beside(b.Home); len(plain) > 0 {
		return "", weak("kycmark key protect, or keep the keys elsewhere and name them in kycmark.toml",
			"private keys lie unencrypted beside the registry, so that a copy of its folder has both: %s", strings.Join(plain, ", "))
	}
	return ui.Plural(len(keys), "mark key") + " and all others", nil
}

// beside returns the files of keys that lie in the folder of the registry's file, or below it.
func beside(h *home.Home) (plain []string) {
	for _, file := range h.KeyFiles() {
		rel, err := filepath.Rel(h.Dir(), file)
		if _, missing := os.Stat(file); err == nil && missing == nil && filepath.IsLocal(rel) && keyfile.Plain(file) && !home.IsServer(h.Address()) {
			plain = append(plain, rel)
		}
	}
	return plain
}

// checkMarkKeys compares the mark keys with their commitments. The first key must be active, since it marks. A key of
// the registry that the home lacks is a warning.
func checkMarkKeys(ctx context.Context, b *ui.Desk) (string, error) {
	keys, _, err := b.Home.Keys()
	if len(keys) == 0 {
		return "", err
	}
	for i, k := range keys {
		entered, err := b.Registry.Ledger().MarkKey(ctx, k.ID())
		switch {
		case errors.Is(err, registry.ErrNotFound):
			return "", ui.WithHint(err, "restore the registry's mark key, or enter a key that you made: kycmark key add")
		case err != nil:
			return "", err
		case entered.Commitment != k.Commitment():
			return "", fmt.Errorf("mark key %s: the ledger has another key of that ID", k.ID())
		case i == 0 && entered.State != books.KeyActive && !b.Home.InvestigateOnly:
			return "", ui.WithHint(fmt.Errorf("mark key %s: %s, so it marks no copies", k.ID(), entered.State),
				"kycmark keygen, name the new key first in keys.mark of kycmark.toml, kycmark key add")
		}
	}
	absent, err := verify.AbsentKeys(ctx, b.Registry, keys)
	if err != nil {
		return "", err
	}
	if len(absent) > 0 {
		return "", weak("restore its file, and name it in keys.mark of kycmark.toml",
			"mark key %s of the registry: not in this home, so its marks are not found", strings.Join(absent, ", "))
	}
	return ui.Plural(len(keys), "key") + " entered", nil
}

func checkSealKey(ctx context.Context, b *ui.Desk) (string, error) {
	key, err := b.Home.SealKey()
	if err == nil {
		err = b.Registry.Engine().CheckSealKey(ctx, key)
	}
	if err != nil {
		return "", ui.KeyHint(err, "name the registry's sealing key in keys.seal of kycmark.toml")
	}
	return key.ID(), nil
}

// checkLedgerKey compares the name in the ledger's public key with the registry.
func checkLedgerKey(ctx context.Context, b *ui.Desk) (string, error) {
	public, err := b.Home.LedgerPublic()
	if err != nil {
		return "", err
	}
	if origin := b.Registry.Ledger().Origin(); !strings.HasPrefix(public, origin+"+") {
		err = ui.WithHint(fmt.Errorf("public key %s: it is of another registry, this is %s", public, origin), "restore ledger.pub")
	}
	return public, err
}

// checkOriginals opens the first original that is kept.
func checkOriginals(ctx context.Context, b *ui.Desk) (string, error) {
	key, err := b.Home.SealKey()
	if err != nil {
		return "", err
	}
	for s, err := range b.Registry.Submissions(ctx, time.Time{}) {
		if err == nil && !s.Kept {
			continue
		}
		if err == nil {
			_, err = b.Registry.Original(ctx, key, s.ID)
		}
		if err != nil {
			return "", ui.WithHint(err, "restore the place of originals from a backup, kycmark audit --originals")
		}
		return fmt.Sprintf("submission %s opened", s.ID), nil
	}
	return "none to open", nil
}

// checkCheckpoints looks for a signed state of the ledger, and for a witness beside it.
func checkCheckpoints(ctx context.Context, b *ui.Desk) (string, error) {
	all, err := b.Registry.Ledger().Checkpoints(ctx)
	if err != nil {
		return "", err
	}
	if len(all) == 0 {
		return "", weak("kycmark checkpoint", "none: nothing would show that the registry was rewritten, and no copy can be proved")
	}
	last := all[len(all)-1]
	size, _, err := b.Registry.Ledger().Head(ctx)
	if err != nil {
		return "", err
	}
	found := fmt.Sprintf("the last is of %s, %d behind", ui.Moment(last.Made), size-last.Size)
	if len(last.Signers) < 2 && last.Stamp == nil {
		return "", weak("kycmark checkpoint --witness-url or --tsa", "%s; no witness and no authority dated it", found)
	}
	return found, nil
}
