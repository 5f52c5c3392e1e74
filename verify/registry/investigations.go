package registry

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/store"
)

// An Investigation says that somebody looked for leaks in the registry.
type Investigation struct {
	Entry   int64     `json:"entry"` // its number in the ledger
	Started time.Time `json:"started"`
	Actor   string    `json:"actor,omitempty"`
	Command string    `json:"command,omitempty"` // as a shell would take it, at most 4,000 bytes
	Input   string    `json:"input"`             // digest of the list of files, hex
	Files   int64     `json:"files"`
}

// Investigations lists all investigations in the order of entry.
func (r *Registry) Investigations(ctx context.Context) ([]Investigation, error) {
	rows, err := r.store.Investigations(ctx)
	out := make([]Investigation, len(rows))
	for i, x := range rows {
		out[i] = *publicInvestigation(x)
	}
	return out, err
}

func publicInvestigation(x store.Investigation) *Investigation {
	return &Investigation{
		Entry: x.Seq, Started: x.Started, Actor: x.Actor, Command: x.Command,
		Input: hex.EncodeToString(x.Input[:]), Files: x.Files,
	}
}

func (x *Investigation) row(salt store.Salt) (store.Investigation, error) {
	row := store.Investigation{Started: timestamp(x.Started), Actor: x.Actor, Command: x.Command, Files: x.Files, Salt: salt, Seq: x.Entry}
	return row, unhex("input", row.Input[:], x.Input)
}

// LogInvestigation enters that an investigation begins and returns the number of its
// entry in the ledger. Started is set; control characters in Command are replaced, and
// what is too long of it is cut off.
func (r *Registry) LogInvestigation(ctx context.Context, x Investigation) (entry int64, err error) {
	row := store.Investigation{
		Started: r.clock(), Actor: x.Actor, Command: oneLine(x.Command), Files: x.Files, Salt: newSalt(),
	}
	if err := checkText("actor", x.Actor, intake.MaxName); err != nil {
		return 0, err
	}
	if err := unhex("input", row.Input[:], x.Input); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrInput, err)
	}
	return r.store.AddInvestigation(ctx, row)
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
