package verify

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/kycmark/kycmark/internal/dump"
	"github.com/kycmark/kycmark/verify/internal/findings"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// A Part says which files of a dump are examined: every Of-th, from the Number-th on, counted from 1.
// The zero Part is all files.
type Part struct {
	Number int `json:"number"`
	Of     int `json:"of"`
}

// String writes a part as "3/50".
func (s Part) String() string { return fmt.Sprintf("%d/%d", s.Number, s.Of) }

// check returns an error if there is no such part.
func (s Part) check() error {
	if s != (Part{}) && (s.Number < 1 || s.Number > s.Of) {
		return fmt.Errorf("part %s, want 1/N to N/N", s)
	}
	return nil
}

// files returns the files of the part, in their order.
func (s Part) files(all []dump.File) (out []dump.File) {
	if s == (Part{}) {
		return all
	}
	for i := s.Number - 1; i < len(all); i += s.Of {
		out = append(out, all[i])
	}
	return out
}

// A partHead is the first line of what [Investigator.WritePart] writes.
type partHead struct {
	stateHead
	Part
	Files         int                  `json:"files"`  // of the whole dump
	Listed        registry.Digest      `json:"listed"` // their names and sizes
	Circumstances Circumstances        `json:"circumstances"`
	Containers    []findings.Container `json:"containers"`
	Logged        []int64              `json:"logged"`
	Begun         time.Time            `json:"begun,omitzero"`
	Reveals       bool                 `json:"reveals"`

	leaks []*Verdict
}

// A partLine is a leak of a part, with the pictures that a report shows of it.
type partLine struct {
	Verdict *Verdict `json:"verdict"`
	Mosaic  []byte   `json:"mosaic,omitempty"`
	Preview []byte   `json:"preview,omitempty"` // with reveal alone
}

// WritePart writes what this investigator, whose configuration has a Part, found out about it, for
// [Investigator.Join]. leaks are all verdicts that [Investigator.InvestigateFiles] yielded. The file has
// recognisable thumbnails with reveal; without it, no report of the dump can have them.
func (v *Investigator) WritePart(ctx context.Context, w io.Writer, leaks []*Verdict, reveal bool) error {
	state, err := v.stateHead(ctx)
	if err != nil {
		return err
	}
	head := partHead{stateHead: state, Part: v.cfg.Part, Circumstances: v.cfg.Circumstances, Reveals: reveal, Logged: v.entries()}
	v.mu.Lock()
	head.Files, head.Listed, head.Containers, head.Begun = v.files, v.listed, v.containers, v.begun
	v.mu.Unlock()
	out := json.NewEncoder(w)
	if err := out.Encode(head); err != nil {
		return err
	}
	for _, l := range leaks {
		line := partLine{Verdict: l, Mosaic: l.leak.mosaic}
		if reveal {
			line.Preview = l.leak.preview
		}
		if err := out.Encode(line); err != nil {
			return err
		}
	}
	return nil
}

// Parts are the parts of one dump, as [ReadParts] returns them.
type Parts struct {
	Reveals bool // a report may show recognisable thumbnails

	heads []*partHead // by Number
}

// ReadParts reads what [Investigator.WritePart] wrote: every part of one dump, in any order. The
// error wraps [registry.ErrInput]. It names what is missing, double, damaged, or of another dump.
func ReadParts(files ...[]byte) (*Parts, error) {
	p := &Parts{Reveals: true}
	for _, text := range files {
		h, err := readPart(text)
		if err == nil {
			err = p.add(h)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", registry.ErrInput, err)
		}
	}
	if len(p.heads) == 0 {
		return nil, fmt.Errorf("%w: no parts", registry.ErrInput)
	}
	for i := range p.heads[0].Of {
		if i == len(p.heads) || p.heads[i].Number > i+1 {
			return nil, fmt.Errorf("%w: part %s is missing", registry.ErrInput, Part{i + 1, p.heads[0].Of})
		}
	}
	return p, nil
}

// add adds a part, unless it does not go with the others.
func (p *Parts) add(h *partHead) error {
	if len(p.heads) > 0 && !h.with(p.heads[0]) {
		return fmt.Errorf("part %s is of another dump, registry, program or set of keys than part %s", h.Part, p.heads[0].Part)
	}
	at, twice := slices.BinarySearchFunc(p.heads, h.Number, func(o *partHead, n int) int { return o.Number - n })
	if twice {
		return fmt.Errorf("part %s is there twice", h.Part)
	}
	p.heads, p.Reveals = slices.Insert(p.heads, at, h), p.Reveals && h.Reveals
	return nil
}

// readPart reads one part.
func readPart(text []byte) (*partHead, error) {
	h := new(partHead)
	line, rest, whole := bytes.Cut(text, []byte("\n"))
	if err := json.Unmarshal(line, h); !whole || !bytes.HasPrefix(line, []byte(stateMark)) || err != nil || h.Part == (Part{}) || h.check() != nil || h.Files < 0 {
		return nil, errors.New("it is no part of a dump")
	}
	at := h.Number - 1 // in the dump
	for ; len(rest) > 0; at += h.Of {
		var x partLine
		if line, rest, whole = bytes.Cut(rest, []byte("\n")); !whole || at >= h.Files || json.Unmarshal(line, &x) != nil || x.Verdict == nil {
			return nil, fmt.Errorf("part %s is damaged: file %d of the dump", h.Part, at+1)
		}
		x.Verdict.leak = look{x.Mosaic, x.Preview}
		h.leaks = append(h.leaks, x.Verdict)
	}
	if at < h.Files {
		return nil, fmt.Errorf("part %s is cut short: file %d of the dump is not in it", h.Part, at+1)
	}
	return h, nil
}

// Config returns the configuration of an investigator that joins the parts: cfg with the circumstances
// and the comparisons of the parts.
func (p *Parts) Config(cfg Config) (Config, error) {
	h := p.heads[0]
	cfg.Part, cfg.Circumstances, cfg.References, cfg.Against = Part{}, h.Circumstances, h.Others, nil
	for _, text := range h.Against {
		id, err := watermark.ParseSubmission(text)
		if err != nil {
			return cfg, fmt.Errorf("%w: part %s: %w", registry.ErrInput, h.Part, err)
		}
		cfg.Against = append(cfg.Against, id)
	}
	return cfg, nil
}

// with reports whether two parts are of one dump, examined in the same way.
func (h *partHead) with(other *partHead) bool {
	a, b := *h, *other
	for _, x := range []*partHead{&a, &b} {
		x.stateHead = x.timeless()
		x.Number, x.Logged, x.Begun, x.Reveals, x.leaks = 0, nil, time.Time{}, false, nil
	}
	return sameJSON(a, b)
}

// sameJSON reports whether two values have the same JSON: times of one moment are equal in all zones.
func sameJSON(a, b any) bool {
	x, err := json.Marshal(a)
	y, also := json.Marshal(b)
	return err == nil && also == nil && bytes.Equal(x, y)
}

// Join returns the verdicts of all parts in the order of the dump, as one investigator would have
// yielded them. It takes over their entries in the ledger, for [Investigator.Weigh]. The configuration
// is that of [Parts.Config], with the registry and keys of the parts.
//
// What does not follow from its own evidence, and what the ledger does not say was examined, is an
// error that wraps [registry.ErrInput].
func (v *Investigator) Join(ctx context.Context, p *Parts) ([]*Verdict, error) {
	want, err := v.stateHead(ctx)
	if err != nil {
		return nil, err
	}
	all, err := v.cfg.Registry.Ledger().Investigations(ctx)
	if err != nil {
		return nil, err
	}
	entered := make(map[int64]registry.Investigation)
	for _, x := range all {
		entered[x.Entry] = x
	}
	leaks := make([]*Verdict, p.heads[0].Files)
	for _, h := range p.heads {
		if !sameJSON(h.timeless(), want.timeless()) || !sameJSON(h.Circumstances, v.cfg.Circumstances) {
			return nil, fmt.Errorf("%w: part %s: it was examined with another registry, program, set of keys or search", registry.ErrInput, h.Part)
		}
		if err := v.joins(h, entered); err != nil {
			return nil, fmt.Errorf("%w: part %s: %w", registry.ErrInput, h.Part, err)
		}
		for i, l := range h.leaks {
			leaks[h.Number-1+i*h.Of] = l
		}
	}
	v.mu.Lock()
	for _, h := range p.heads {
		v.logged = append(v.logged, h.Logged...)
		v.containers = h.Containers
		if v.begun.IsZero() || !h.Begun.IsZero() && h.Begun.Before(v.begun) {
			v.begun = h.Begun
		}
	}
	v.mu.Unlock()
	for i, l := range leaks {
		if l.upload, err = v.uploadLook(ctx, l); err != nil {
			return nil, err
		}
		if v.cfg.Progress != nil {
			v.cfg.Progress(i+1, len(leaks))
		}
	}
	return leaks, ctx.Err()
}

// joins checks the leaks of a part. Each verdict follows from its evidence. The part's entry in the
// ledger has each file that was read; a part without a picture has no entry.
func (v *Investigator) joins(h *partHead, entered map[int64]registry.Investigation) error {
	for _, n := range h.Logged {
		if _, is := entered[n]; !is {
			return fmt.Errorf("entry %d of the ledger is no investigation", n)
		}
	}
	for _, l := range h.leaks {
		if err := l.recheck(v.cfg.SealKey != nil, true); err != nil {
			return fmt.Errorf("%.200q: %w", l.File, err)
		}
		if !l.Examined() {
			continue
		}
		raw, err := hex.DecodeString(l.SHA256)
		if err != nil || len(raw) != len(registry.Digest{}) {
			return fmt.Errorf("%.200q: SHA-256 %.100q", l.File, l.SHA256)
		}
		if !slices.ContainsFunc(h.Logged, func(n int64) bool { return v.engine().Examined(entered[n], [32]byte(raw)) }) {
			return fmt.Errorf("%.200q: the ledger does not say that it was examined", l.File)
		}
	}
	return nil
}
