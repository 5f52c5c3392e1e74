package verify

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/kycmark/kycmark/internal/dump"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/recheck"
	"github.com/kycmark/kycmark/verify/internal/tuning"
)

// record returns the record of this investigation, dated now.
func (v *Investigation) record(ctx context.Context) (*findings.Record, error) {
	size, head, err := v.cfg.Registry.Ledger().Head(ctx)
	if err != nil {
		return nil, err
	}
	if err := v.x.Found.Follow(ctx); err != nil {
		return nil, err
	}
	index := indexDigest(v.x.Found.Hashes)
	r := &findings.Record{
		Run:        findings.Run{Clock: "clock of the machine", Time: v.now().UTC().Truncate(time.Microsecond), Actor: v.cfg.Actor, Command: v.cfg.Command, Case: v.cfg.Case, Examiner: v.cfg.Examiner, FoundEvidence: v.cfg.Evidence},
		Program:    findings.Program{Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH},
		Searchable: findings.Searchable{Registry: v.cfg.Registry.ID(), Indexed: v.x.Found.Hashes.Len(), Index: hex.EncodeToString(index[:]), Segments: v.x.Found.Used(), LedgerSize: size, LedgerHead: head},
		Containers: []findings.Container{}, Logged: v.entries(), Keys: v.cfg.keyIDs(), SealKey: v.cfg.sealKeyID(), Parameters: v.cfg.parameters(),
	}
	if sum := v.cfg.EvidenceSHA256; sum != [32]byte{} {
		r.FoundSHA256 = sum.String()
	}
	r.Version, r.Build = recheck.BuildInfo()
	r.Executable = recheck.ExecutableDigest()
	v.mu.Lock()
	r.Began, r.Containers = v.begun, append(r.Containers, v.containers...)
	v.mu.Unlock()
	return r, nil
}

// indexDigest returns the SHA-256 of what a list of hashes of the kind searched holds: the version of the kind as text,
// a zero byte, and each entry in the order of the refs: the ref in 8 bytes and the words of the hash, little-endian.
func indexDigest(x *phash.List) (digest [sha256.Size]byte) {
	sum := sha256.New()
	sum.Write(append([]byte(tuning.Searched.Version()), 0))
	for ref, h := range x.All() {
		entry := binary.LittleEndian.AppendUint64(nil, uint64(ref))
		for _, word := range h.Bits {
			entry = binary.LittleEndian.AppendUint64(entry, word)
		}
		sum.Write(entry)
	}
	return [sha256.Size]byte(sum.Sum(digest[:0]))
}

// log enters into the ledger that an investigation of the files all begins. Nothing may be examined
// before. It also refuses a sealing key that does not open the registry's uploads. Files are
// entered by [inputDigest], not by name. once is as in [Config]; sums has the SHA-256 of each file that could be read.
func (v *Investigation) log(ctx context.Context, once [32]byte, all []dump.File, sums [][32]byte) error {
	if err := v.checkSealKey(ctx); err != nil {
		return err
	}
	now := v.now().UTC().Truncate(time.Microsecond)
	entry, err := v.x.Engine().LogInvestigation(ctx, books.Investigation{
		Salt: once, Actor: v.cfg.Actor, Command: intake.ShellLine(v.cfg.Command...), Input: inputDigest(all), Files: int64(len(all)),
		Found: v.cfg.Found, Evidence: v.cfg.Evidence, EvidenceSHA256: v.cfg.EvidenceSHA256, Published: v.cfg.Published,
	}, sums...)
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

// checkSealKey returns an error that wraps [registry.ErrSealed] if the sealing key does not open the registry's
// uploads. It checks only before the first investigation. It also notes which records cannot be read: see
// [examine.Examiner.CheckRecords].
func (v *Investigation) checkSealKey(ctx context.Context) error {
	v.mu.Lock()
	first := v.begun.IsZero()
	v.mu.Unlock()
	if !first {
		return nil
	}
	if err := v.x.CheckRecords(ctx); err != nil {
		return fmt.Errorf("the investigation was not begun: %w", err)
	}
	if v.cfg.SealKey == nil {
		return nil
	}
	if err := v.x.Engine().CheckSealKey(ctx, v.cfg.SealKey); err != nil {
		return fmt.Errorf("the investigation was not begun: %w", err)
	}
	return nil
}

// entries returns the numbers of the ledger's entries of all investigations that this investigator has begun,
// ascending.
func (v *Investigation) entries() []int64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	out := append([]int64{}, v.logged...)
	slices.Sort(out)
	return out
}

// inputDigest returns a SHA-256 over names and announced sizes of the files in their order, each text after its length.
func inputDigest(all []dump.File) books.Digest {
	h := sha256.New()
	for _, s := range all {
		for _, text := range []string{s.Name, strconv.FormatInt(s.Size, 10)} {
			fmt.Fprintf(h, "%d:%s", len(text), text)
		}
	}
	return books.Digest(h.Sum(nil))
}
