package engine

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/mapfile"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/parts"
	"github.com/kycmark/kycmark/verify/internal/sealing"
)

// A segment has the features of its uploads, and a roll. The roll has for each submission 8 bytes: its number times 16,
// and flags. A submission that can be searched by its hash has 32 bytes of that too. All words are little-endian.
const (
	rollHashed = 1 << iota
	rollFeatured
	rollKept
	rollDamaged
	rollBits = 4
	rollHash = 32 // bytes
)

// errDamaged is the error of a submission whose row was damaged when its segment was made.
var errDamaged = fmt.Errorf("%w: it was damaged when its segment was made", records.ErrTampered)

// A Segment is a file with what submissions are found by.
type Segment struct {
	records.Segment
	roll []byte
}

// Found yields what each submission in the segment is found by. Its features are mounted.
func (s *Segment) Found() iter.Seq[*Found] {
	return func(yield func(*Found) bool) {
		for b := s.roll; len(b) >= 8; {
			v := binary.LittleEndian.Uint64(b)
			f := &Found{Number: int64(v >> rollBits), Kept: v&rollKept != 0, Mounted: v&rollFeatured != 0}
			if v&rollDamaged != 0 {
				f.FeaturesErr = errDamaged
			}
			b = b[8:]
			if v&rollHashed != 0 && len(b) >= rollHash {
				f.Quality, f.Hash.Kind = phash.MinQuality, phash.Area
				for k := range f.Hash.Bits {
					f.Hash.Bits[k] = binary.LittleEndian.Uint64(b[8*k:])
				}
				b = b[rollHash:]
			}
			if !yield(f) {
				return
			}
		}
	}
}

func (s *Segment) Close() { s.roll = nil }

// enroll appends a submission to a roll.
func enroll(roll []byte, f *Found) []byte {
	v := uint64(f.Number) << rollBits
	for flag, set := range map[uint64]bool{
		rollHashed:   f.HashErr == nil && f.Quality >= phash.MinQuality,
		rollFeatured: f.Features != nil,
		rollKept:     f.Kept,
		rollDamaged:  f.HashErr != nil || f.FeaturesErr != nil,
	} {
		if set {
			v |= flag
		}
	}
	roll = binary.LittleEndian.AppendUint64(roll, v)
	if v&rollHashed != 0 {
		for _, w := range f.Hash.Bits {
			roll = binary.LittleEndian.AppendUint64(roll, w)
		}
	}
	return roll
}

// aboutSegment is what the file of a segment authenticates of its row and of the ledger.
func aboutSegment(s *records.Segment) []byte {
	about := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, uint64(s.First)), uint64(s.Last))
	return append(about, s.Root[:]...)
}

// Segments mounts the segments of the registry in x, and returns all, in the order of their numbers. A segment with Err
// is not in x. Submissions that were erased may be in a segment: the caller follows [Engine.ErasedAfter].
func (e *Engine) Segments(ctx context.Context, key *sealing.Key, x *parts.Index) ([]Segment, error) {
	return e.segments(ctx, key, x, false)
}

// segments is [Engine.Segments]. With fresh, copies of objects are fetched anew.
func (e *Engine) segments(ctx context.Context, key *sealing.Key, x *parts.Index, fresh bool) ([]Segment, error) {
	rolls := make(map[string][]byte)
	all, err := e.store.Segments(ctx, fresh, func(s *records.Segment, f *mapfile.File) error {
		aead, err := sealing.OpenSegmentKey(key, s.Name, s.Wrapped)
		if err != nil {
			return err
		}
		if rolls[s.File], err = x.Mount(s.File, f.Bytes(), aead, aboutSegment(s)); err != nil {
			return err
		}
		runtime.AddCleanup(x, func(f *mapfile.File) { _ = f.Close() }, f)
		return nil
	})
	return each.Of(all, func(s records.Segment) Segment { return Segment{s, rolls[s.File]} }), err
}

// BuildSegments makes the segments that are due or were found altered. Without key none is made. Others may use the
// registry meanwhile, and it may be interrupted and run again.
func (e *Engine) BuildSegments(ctx context.Context, key *sealing.Key) error {
	if key == nil {
		return nil
	}
	return e.store.BuildSegments(ctx, func(ctx context.Context, f parts.WriterReader, s *records.Segment) ([]byte, int64, error) {
		aead, wrapped, err := sealing.NewSegmentKey(key, s.Name)
		if err != nil {
			return nil, 0, err
		}
		n, err := e.content(ctx, key, s, func(all iter.Seq2[int64, *parts.Features], roll func() []byte) error {
			return parts.WriteSealed(f, aead, all, roll, aboutSegment(s))
		})
		return wrapped, n, err
	})
}

// content gives write the features of the submissions that a segment covers, and then their roll. It returns how many they are.
func (e *Engine) content(ctx context.Context, key *sealing.Key, s *records.Segment, write func(all iter.Seq2[int64, *parts.Features], roll func() []byte) error) (n int64, err error) {
	var roll []byte
	var failed error
	err = write(func(yield func(int64, *parts.Features) bool) {
		_, failed = e.FoundBy(ctx, key, s.First-1, s.Last, func(f *Found) error {
			roll = enroll(roll, f)
			n++
			if f.Features != nil && !yield(f.Number, f.Features) {
				return io.ErrShortWrite // write says why
			}
			return nil
		})
	}, func() []byte { return roll })
	return n, cmp.Or(err, failed)
}

// CheckSegments compares segments with uploads' rows. The error wraps [records.ErrTampered] and names the segment.
func (e *Engine) CheckSegments(ctx context.Context, key *sealing.Key) error {
	x := new(parts.Index)
	all, err := e.segments(ctx, key, x, true)
	for _, s := range all {
		wrong := s.Err
		if wrong == nil {
			_, wrong = e.content(ctx, key, &s.Segment, func(all iter.Seq2[int64, *parts.Features], roll func() []byte) error {
				return x.CheckMounted(s.File, all, roll, aboutSegment(&s.Segment))
			})
		}
		if wrong == nil {
			continue
		}
		if s.Err == nil && !errors.Is(wrong, parts.ErrSnapshot) {
			return wrong
		}
		used, err := s.Leave(ctx) // it may have been replaced meanwhile
		if err != nil {
			return err
		}
		if used {
			return fmt.Errorf("%w: %w (%s)", records.ErrTampered, wrong, records.MakeSegments)
		}
	}
	return err
}
