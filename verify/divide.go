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
	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/engine"
	"github.com/kycmark/kycmark/verify/internal/recheck"
	"github.com/kycmark/kycmark/verify/registry"
)

// A Part says which files of a dump are examined: each Of-th, from Number (1 or more) on. The zero Part is all files.
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

func (s Part) files(all []dump.File) (out []dump.File) {
	if s == (Part{}) {
		return all
	}
	for i := s.Number - 1; i < len(all); i += s.Of {
		out = append(out, all[i])
	}
	return out
}

// A partHead is the first line of what [Investigation.WritePart] writes.
type partHead struct {
	stateHead
	Part
	Files         int                    `json:"files"`  // of the whole dump
	Listed        books.Digest           `json:"listed"` // their names and sizes
	Circumstances findings.Circumstances `json:"circumstances"`
	Containers    []findings.Container   `json:"containers"`
	Logged        []int64                `json:"logged"`
	Begun         time.Time              `json:"begun,omitzero"`
}

// A partLine is a leak of a part, with the pictures that a report shows of it.
type partLine struct {
	Finding *findings.Finding `json:"verdict"`
	Mosaic  []byte            `json:"mosaic,omitempty"`
	Preview []byte            `json:"preview,omitempty"` // with reveal alone
}

// partHead returns the first line for the part of this investigator's configuration.
func (v *Investigation) partHead(ctx context.Context) (partHead, error) {
	state, err := v.stateHead(ctx)
	h := partHead{stateHead: state, Part: v.cfg.Part, Circumstances: v.cfg.Circumstances, Logged: v.entries()}
	v.mu.Lock()
	h.Files, h.Listed, h.Containers, h.Begun = v.files, v.listed, v.containers, v.begun
	v.mu.Unlock()
	return h, err
}

// WritePart writes what this investigator, whose configuration has a Part, found out about it, for
// [Investigation.Join]. leaks are all findings that [Investigation.Files] yielded. With reveal it has
// recognisable thumbnails: without them, no report of the dump can have them.
func (v *Investigation) WritePart(ctx context.Context, w io.Writer, leaks []*findings.Finding, reveal bool) error {
	head, err := v.partHead(ctx)
	if err != nil {
		return err
	}
	out := json.NewEncoder(w)
	if err := out.Encode(head); err != nil {
		return err
	}
	for _, l := range leaks {
		line := partLine{Finding: l, Mosaic: l.Private.Leak.Mosaic}
		if reveal {
			line.Preview = l.Private.Leak.Preview
		}
		if err := out.Encode(line); err != nil {
			return err
		}
	}
	return nil
}

// A joining puts parts of a dump together.
type joining struct {
	cfg     config
	engine  *engine.Engine
	parts   int
	entered map[int64]books.Investigation // by the numbers of their entries
}

// read reads a part that is to be part number.
func (v *joining) read(text []byte, number int) (h partHead, leaks []*findings.Finding, err error) {
	line, rest, whole := bytes.Cut(text, []byte("\n"))
	if err := json.Unmarshal(line, &h); !whole || err != nil || h.Part != (Part{number, v.parts}) || h.Files < 0 || h.Files > v.cfg.MaxFiles {
		return h, nil, errors.New("it is no such part of a dump")
	}
	at := number - 1 // in the dump
	for ; len(rest) > 0; at += v.parts {
		var x partLine
		if line, rest, whole = bytes.Cut(rest, []byte("\n")); !whole || at >= h.Files || json.Unmarshal(line, &x) != nil || x.Finding == nil {
			return h, nil, fmt.Errorf("it is damaged: file %d of the dump", at+1)
		}
		x.Finding.Private.Leak = findings.Look{Mosaic: x.Mosaic, Preview: x.Preview}
		leaks = append(leaks, x.Finding)
	}
	if at < h.Files {
		return h, nil, fmt.Errorf("it is cut short: file %d of the dump is not in it", at+1)
	}
	return h, leaks, nil
}

// with reports whether two parts are of one dump, examined in the same way.
func (h partHead) with(other partHead) bool {
	for _, x := range []*partHead{&h, &other} {
		x.stateHead, x.Number, x.Logged, x.Begun = x.timeless(), 0, nil, time.Time{}
	}
	return sameJSON(h, other)
}

// sameJSON reports whether two values have the same JSON: times of one moment are equal in all zones.
func sameJSON(a, b any) bool {
	x, err := json.Marshal(a)
	y, also := json.Marshal(b)
	return err == nil && also == nil && bytes.Equal(x, y)
}

// Join returns the findings of all parts of a dump in the order of its files, as one investigator would have
// yielded them. parts are what [Investigation.WritePart] wrote, from part 1 on. This investigator takes over their
// entries in the ledger, for [Investigation.Weigh]. It has the configuration of the parts, without a Part.
//
// A part that is missing, damaged or of another dump is an error that wraps [registry.ErrInput]. So is what does not
// follow from its own evidence, and what the ledger does not say was examined. So is a file with another digest than Sums has.
func (v *Investigation) Join(ctx context.Context, parts ...[]byte) (leaks []*findings.Finding, err error) {
	want, err := v.partHead(ctx)
	if err != nil {
		return nil, err
	}
	all, err := v.cfg.Registry.Ledger().Investigations(ctx)
	if err != nil {
		return nil, err
	}
	entered := each.Map(all, func(x books.Investigation) (int64, books.Investigation) { return x.Entry, x })
	j := joining{v.cfg, v.x.Engine(), len(parts), entered}
	for k, text := range parts {
		h, own, err := j.read(text, k+1)
		if err == nil {
			if k == 0 { // what is known of the dump
				want.Of, want.Files, want.Listed, want.Containers = h.Of, h.Files, h.Listed, h.Containers
				leaks = make([]*findings.Finding, h.Files)
			}
			if !h.with(want) {
				err = errors.New("it is of another dump, or was examined with another registry, program, set of keys or search")
			}
		}
		if err == nil {
			err = j.check(&h, own)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: part %s: %w", registry.ErrInput, Part{k + 1, len(parts)}, err)
		}
		for i, l := range own {
			leaks[k+i*len(parts)] = l
		}
		v.mu.Lock()
		v.logged, v.containers = append(v.logged, h.Logged...), h.Containers
		if v.begun.IsZero() || !h.Begun.IsZero() && h.Begun.Before(v.begun) {
			v.begun = h.Begun
		}
		v.mu.Unlock()
	}
	for i, l := range leaks {
		if l.Private.Upload, err = v.x.UploadLook(ctx, l); err != nil {
			return nil, err
		}
		if v.cfg.Progress != nil {
			v.cfg.Progress(i+1, len(leaks))
		}
	}
	return leaks, ctx.Err()
}

// check checks that each finding of a part follows from its evidence. It also checks that the part's entry in the ledger has
// each file that was read. A part without a picture has no entry.
func (v *joining) check(h *partHead, leaks []*findings.Finding) error {
	for _, n := range h.Logged {
		if _, is := v.entered[n]; !is {
			return fmt.Errorf("entry %d of the ledger is no investigation", n)
		}
	}
	for _, l := range leaks {
		if err := recheck.Recheck(l, v.cfg.given(), true); err != nil {
			return fmt.Errorf("%.200q: %w", l.File, err)
		}
		if !l.Examined() {
			continue
		}
		raw, err := hex.DecodeString(l.SHA256)
		if err != nil || len(raw) != len(books.Digest{}) {
			return fmt.Errorf("%.200q: SHA-256 %.100q", l.File, l.SHA256)
		}
		if want, known := v.cfg.Sums[l.File]; known && want != books.Digest(raw) {
			return fmt.Errorf("%.200q: SHA-256 %s, want %s", l.File, l.SHA256, want)
		}
		if !slices.ContainsFunc(h.Logged, func(n int64) bool { return v.engine.Examined(v.entered[n], [32]byte(raw)) }) {
			return fmt.Errorf("%.200q: the ledger does not say that it was examined", l.File)
		}
	}
	return nil
}
