package verify

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/verify/findings"
)

// Parameters that conclusions depend on.
const (
	foundOn       = "leaks found on" // RFC 3339, or notStated
	notStated     = "not stated"
	perSubject    = "uploads without a subject that one person has" // the most, or notStated
	originalsOpen = "originals could be opened"                     // true or false
	comparedWith  = "compared with"                                 // allUploads, or how many that were named
	allUploads    = "all uploads that are searched"
)

// modulePath is how a build names this module.
const modulePath = "github.com/kycmark/kycmark"

// record returns the record of this investigation, dated now.
func (v *Investigator) record(ctx context.Context) (*findings.Record, error) {
	size, head, err := v.cfg.Registry.Ledger().Head(ctx)
	if err != nil {
		return nil, err
	}
	if err := v.found.follow(ctx, v.cfg.Registry, v.cfg.SealKey); err != nil {
		return nil, err
	}
	index := indexDigest(v.found.hashes)
	r := &findings.Record{
		Run:        findings.Run{Clock: clock(), Time: v.now().UTC().Truncate(time.Microsecond), Actor: v.cfg.Actor, Command: v.cfg.Command, Case: v.cfg.Case, Examiner: v.cfg.Examiner, FoundEvidence: v.cfg.Evidence},
		Program:    findings.Program{Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH},
		Searchable: findings.Searchable{Registry: v.cfg.Registry.ID(), Indexed: v.found.hashes.Len(), Index: hex.EncodeToString(index[:]), Segments: v.found.used(), LedgerSize: size, LedgerHead: head},
		Containers: []findings.Container{}, Logged: v.entries(), Keys: v.keyIDs(), SealKey: v.sealKeyID(), Parameters: v.parameters(),
	}
	if sum := v.cfg.EvidenceSHA256; sum != [32]byte{} {
		r.FoundSHA256 = sum.String()
	}
	r.Version, r.Build = buildInfo()
	r.Executable = executableDigest()
	v.mu.Lock()
	r.Began, r.Containers = v.begun, append(r.Containers, v.containers...)
	v.mu.Unlock()
	return r, nil
}

// indexDigest returns the SHA-256 of what a list of hashes of the kind searched holds: the version of the kind as
// text, a zero byte, and each entry in the order of the refs: the ref in 8 bytes and the words of the hash,
// little-endian.
func indexDigest(x *phash.List) (digest [sha256.Size]byte) {
	sum := sha256.New()
	sum.Write(append([]byte(searched.Version()), 0))
	for ref, h := range x.All() {
		entry := binary.LittleEndian.AppendUint64(nil, uint64(ref))
		for _, word := range h.Bits {
			entry = binary.LittleEndian.AppendUint64(entry, word)
		}
		sum.Write(entry)
	}
	return [sha256.Size]byte(sum.Sum(digest[:0]))
}

// keyIDs returns the IDs of the mark keys under which marks are read. It is never nil.
func (v *Investigator) keyIDs() []string {
	out := []string{}
	for _, k := range v.cfg.Keys {
		out = append(out, k.ID())
	}
	return out
}

// sealKeyID returns the ID of the sealing key, "" without a sealing key.
func (v *Investigator) sealKeyID() string {
	if v.cfg.SealKey == nil {
		return ""
	}
	return v.cfg.SealKey.ID()
}

// method returns the parameters that are the same in every investigation with this program. Names and values are text for a reader;
// [checkMethod] compares them.
func method() map[string]string {
	return map[string]string{
		"hash":                   searched.Version(),
		"hash radius":            fmt.Sprintf("%d of 256 bits", phash.MatchRadius),
		"least hash quality":     strconv.Itoa(phash.MinQuality),
		"radius of near ones":    fmt.Sprintf("%d of 256 bits, the nearest %d by their pixels", nearRadius, maxNear),
		"compared by pixels":     fmt.Sprintf("the nearest %d", maxCompared),
		"traced against":         fmt.Sprintf("%d submissions at most", maxTraced),
		"found by a trace":       fmt.Sprintf("p of %g at most, over all copies traced; %g more for further uploads of the same picture", traceLevel, siblingLevel),
		"least power of absence": fmt.Sprint(minPower),
		"recall of the search":   recallRecord(),
	}
}

// parameters returns the parameters of [method] and the parameters that depend on the configuration.
func (v *Investigator) parameters() map[string]string {
	p := method()
	p["other uploads a leak is held against"] = v.cfg.referenceRecord()
	p["most bytes of a file"] = strconv.FormatInt(v.cfg.MaxBytes, 10)
	p[foundOn], p[comparedWith], p[perSubject] = notStated, allUploads, notStated
	p[originalsOpen] = strconv.FormatBool(v.cfg.SealKey != nil)
	if n := len(v.cfg.Against); n > 0 {
		p[comparedWith] = strconv.Itoa(n)
	}
	if n := v.cfg.UploadsPerSubject; n > 0 {
		p[perSubject] = strconv.Itoa(n)
	}
	if !v.cfg.Found.IsZero() {
		p[foundOn] = v.cfg.Found.UTC().Format(time.RFC3339Nano)
	}
	return p
}

// Versions that name no state of the code.
const (
	unknownVersion = "unknown"
	develVersion   = "(devel)"
)

// buildInfo returns the version of this module in the running program, and the settings of the build that a
// repetition needs.
func buildInfo() (version string, settings map[string]string) {
	settings = make(map[string]string)
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return unknownVersion, settings
	}
	version = info.Main.Version
	if info.Main.Path != modulePath {
		for _, d := range info.Deps {
			if d.Path == modulePath {
				version = d.Version
			}
		}
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision", "vcs.time", "vcs.modified", "CGO_ENABLED", "-tags", "GOAMD64", "GOARM64":
			settings[s.Key] = s.Value
		}
	}
	return version, settings
}

// executableDigest is SHA-256 of the program's file, hex; "" where it cannot be read.
var executableDigest = sync.OnceValue(func() string {
	path, err := os.Executable()
	if err != nil {
		return ""
	}
	f, err := intake.OpenRegular(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil))
})
