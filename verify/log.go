package verify

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/kycmark/kycmark/internal/dump"
	"github.com/kycmark/kycmark/verify/registry"
)

// log enters that an investigation of these files begins. Nothing is examined before
// that is done.
func (v *Investigator) log(ctx context.Context, all []dump.File) error {
	if err := v.checkSealKey(ctx); err != nil {
		return err
	}
	now := v.now().UTC().Truncate(time.Microsecond)
	entry, err := v.cfg.Registry.Engine().LogInvestigation(ctx, registry.Investigation{
		Actor: v.cfg.Actor, Command: shellLine(v.cfg.Command), Input: inputDigest(all), Files: int64(len(all)),
	})
	if err != nil {
		return fmt.Errorf("the investigation could not be logged, so it was not begun: %w", err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.logged = append(v.logged, entry)
	if v.begun.IsZero() {
		v.begun = now
	}
	return nil
}

// checkSealKey refuses, before the first investigation, a key that does not open
// the registry's uploads.
func (v *Investigator) checkSealKey(ctx context.Context) error {
	v.mu.Lock()
	first := v.begun.IsZero()
	v.mu.Unlock()
	if !first || v.cfg.SealKey == nil {
		return nil
	}
	if err := v.cfg.Registry.Engine().CheckSealKey(ctx, v.cfg.SealKey); err != nil {
		return fmt.Errorf("the investigation was not begun: %w", err)
	}
	return nil
}

// entries are the numbers of the investigations that this investigator has logged.
func (v *Investigator) entries() []int64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	out := append([]int64{}, v.logged...)
	slices.Sort(out)
	return out
}

// inputDigest binds names and announced sizes of the files in their order: SHA-256
// over decimal length, ":" and bytes of each name and of each size in decimal.
func inputDigest(all []dump.File) registry.Digest {
	h := sha256.New()
	for _, s := range all {
		for _, text := range []string{s.Name, strconv.FormatInt(s.Size, 10)} {
			fmt.Fprintf(h, "%d:%s", len(text), text)
		}
	}
	return registry.Digest(h.Sum(nil))
}
