package registry

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/kycmark/kycmark/internal/intake"
)

// Investigations lists all investigations in the order of entry.
func (l *Ledger) Investigations(ctx context.Context) ([]Investigation, error) {
	return l.r.store.Investigations(ctx)
}

// LogInvestigation enters that an investigation begins and returns the number of its
// entry in the ledger. Started is set; control characters in Command are replaced, and
// what is too long of it is cut off.
func (e *Engine) LogInvestigation(ctx context.Context, x Investigation) (entry int64, err error) {
	if err := checkText("actor", x.Actor, intake.MaxName); err != nil {
		return 0, err
	}
	if x.Input == (Digest{}) {
		return 0, fmt.Errorf("%w: an investigation without the digest of its files", ErrInput)
	}
	x.Started, x.Command, x.Salt = e.r.clock(), oneLine(x.Command), newSalt()
	return e.r.store.AddInvestigation(ctx, x)
}

// oneLine is a command line as one line of text.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if intake.Breaks(r) {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(s, string(utf8.RuneError)))
	for len(s) > intake.MaxNote {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return s
}
