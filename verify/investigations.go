package verify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

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
		out[i] = Investigation{
			Entry: x.Seq, Started: x.Started, Actor: x.Actor, Command: x.Command,
			Input: hex.EncodeToString(x.Input[:]), Files: x.Files,
		}
	}
	return out, err
}

// log enters that an investigation of these files begins. Nothing is examined before
// that is done.
func (v *Investigator) log(ctx context.Context, all []source) error {
	x := store.Investigation{
		Started: v.cfg.Registry.clock(), Actor: v.cfg.Actor, Command: commandText(v.cfg.Command),
		Input: inputDigest(all), Files: int64(len(all)), Salt: newSalt(),
	}
	if err := v.cfg.Registry.store.AddInvestigation(ctx, x); err != nil {
		return fmt.Errorf("the investigation could not be logged, so it was not begun: %w", err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.logged = append(v.logged, x.Salt)
	return nil
}

// entries are the numbers of the investigations that this investigator has logged.
func (v *Investigator) entries(ctx context.Context) ([]int64, error) {
	out := []int64{}
	rows, err := v.cfg.Registry.store.Investigations(ctx)
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, x := range rows {
		if slices.Contains(v.logged, x.Salt) {
			out = append(out, x.Seq)
		}
	}
	return out, err
}

// inputDigest binds names and announced sizes of the files in their order: SHA-256
// over decimal length, ":" and bytes of each name and of each size in decimal.
func inputDigest(all []source) [32]byte {
	h := sha256.New()
	for _, s := range all {
		for _, text := range []string{s.name, strconv.FormatInt(s.size, 10)} {
			fmt.Fprintf(h, "%d:%s", len(text), text)
		}
	}
	return [32]byte(h.Sum(nil))
}

// commandText is a command line as one line of text.
func commandText(args []string) string {
	s := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(shellLine(args), string(utf8.RuneError)))
	for len(s) > maxNote {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return s
}
