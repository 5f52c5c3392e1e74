package verify

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/kycmark/kycmark/phash"
)

// A Record says who examined what with which tool, so that it can be repeated.
type Record struct {
	Time       time.Time         `json:"time"` // UTC, by the clock of the machine
	Actor      string            `json:"actor,omitempty"`
	Command    []string          `json:"command,omitempty"`
	Version    string            `json:"version"` // of kycmark
	Go         string            `json:"go"`
	Platform   string            `json:"platform"`
	Build      map[string]string `json:"build"` // settings of the build
	Registry   string            `json:"registry"`
	Indexed    int               `json:"indexed"` // submissions whose hashes were searched
	Search     string            `json:"search"`  // where: [SearchMemory] or [SearchStore]
	LedgerSize int64             `json:"ledger_size"`
	LedgerHead string            `json:"ledger_head"`
	Logged     []int64           `json:"logged"` // entries of the ledger that say that these investigations began
	Keys       []string          `json:"keys"`   // IDs of the mark keys that were tried
	SealKey    string            `json:"seal_key,omitempty"`
	Parameters map[string]string `json:"parameters"`
}

// Parameters that conclusions depend on.
const (
	foundOn       = "leaks found on" // RFC 3339, or notStated
	notStated     = "not stated"
	originalsOpen = "originals could be opened" // true or false
)

// modulePath is how a build names this module.
const modulePath = "github.com/kycmark/kycmark"

func (v *Investigator) record(ctx context.Context) (*Record, error) {
	size, head, err := v.cfg.Registry.Head(ctx)
	if err != nil {
		return nil, err
	}
	where, err := v.searches(ctx)
	if err != nil {
		return nil, err
	}
	indexed, err := v.searched(ctx, where)
	if err != nil {
		return nil, err
	}
	r := &Record{
		Time: v.now().UTC().Truncate(time.Microsecond), Actor: v.cfg.Actor, Command: v.cfg.Command,
		Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Registry: v.cfg.Registry.ID(), Indexed: indexed, Search: where,
		LedgerSize: size, LedgerHead: head,
		Logged: v.entries(), Keys: []string{}, Parameters: v.parameters(where),
	}
	r.Version, r.Build = buildInfo()
	for _, k := range v.cfg.Keys {
		r.Keys = append(r.Keys, k.ID())
	}
	if v.cfg.SealKey != nil {
		r.SealKey = v.cfg.SealKey.ID()
	}
	return r, nil
}

func (v *Investigator) parameters(where string) map[string]string {
	p := map[string]string{
		"hash":                   searched.Chain(),
		"hash radius":            fmt.Sprintf("%d of 256 bits", phash.MatchRadius),
		"least hash quality":     strconv.Itoa(phash.MinQuality),
		"radius of near ones":    beyond(where),
		"compared by pixels":     fmt.Sprintf("the nearest %d", maxCompared),
		"traced against":         fmt.Sprintf("%d submissions at most", maxTraced),
		"found by a trace":       fmt.Sprintf("p of %g at most, over all copies traced", traceLevel),
		"least power of absence": fmt.Sprint(leastPower),
		"most bytes of a file":   strconv.FormatInt(v.cfg.limits().MaxBytes, 10),
		foundOn:                  "not stated",
		originalsOpen:            strconv.FormatBool(v.cfg.SealKey != nil),
	}
	if !v.cfg.Found.IsZero() {
		p[foundOn] = v.cfg.Found.UTC().Format(time.RFC3339Nano)
	}
	return p
}

// buildInfo is what the program knows of its own making.
func buildInfo() (version string, settings map[string]string) {
	settings = make(map[string]string)
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown", settings
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
