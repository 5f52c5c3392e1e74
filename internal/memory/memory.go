// Package memory admits pictures by the memory that they need. Many workers, or a few hostile files, do not take all.
package memory

import (
	"context"
	"errors"
	"math"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/picture/codec"
)

// ofOriginals is the share of a budget that only uploads may take with which a picture is compared. A picture has memory
// while it waits for its upload, so that without this share all could wait for each other. Chosen.
const ofOriginals = 4 // one of so many

// ErrBusy is wrapped when other pictures have the memory for longer than a caller waits.
var ErrBusy = errors.New("verify: other pictures have the memory")

// A Budget is the memory that the pictures of a process may take together: a semaphore of bytes, for concurrent use.
type Budget struct {
	room        *semaphore.Weighted
	max, spared int64         // bytes of room, and bytes that one original may take beside it
	original    chan struct{} // holds a value while an original has the spared bytes

	// Wait is how long Take of a lease waits before its error wraps [ErrBusy]; 0: until its ctx ends. It is set before leases.
	Wait time.Duration
}

// New returns a budget of limit bytes. 0 means [Limit].
func New(limit int64) *Budget {
	if limit <= 0 {
		limit = Limit()
	}
	spared := limit / ofOriginals
	return &Budget{room: semaphore.NewWeighted(limit - spared), max: limit - spared, spared: spared, original: make(chan struct{}, 1)}
}

// Bytes returns the limit of b.
func (b *Budget) Bytes() int64 { return b.max + b.spared }

// A Lease is the memory of one picture after another. It is not for concurrent use.
type Lease struct {
	of   *Budget
	held int64
}

func (b *Budget) Lease() *Lease { return &Lease{of: b} }

// Take gives back what l has, then waits until n bytes are free, and takes them. The error is a
// *[picture.LimitError] if one picture may not have so many, wraps [ErrBusy], or is ctx's.
func (l *Lease) Take(ctx context.Context, n int64) error {
	l.Give()
	if err := Check(n, l.of.max); err != nil {
		return err
	}
	waiting := ctx
	if l.of.Wait > 0 {
		var cancel context.CancelFunc
		waiting, cancel = context.WithTimeout(ctx, l.of.Wait)
		defer cancel()
	}
	if err := l.of.room.Acquire(waiting, n); err != nil {
		if ctx.Err() == nil {
			err = ErrBusy
		}
		return err
	}
	l.held = n
	return nil
}

// Try takes n bytes more, and reports whether so many are free now. l has at most all that one picture may have.
func (l *Lease) Try(n int64) bool {
	n = min(n, l.of.max-l.held)
	ok := l.of.room.TryAcquire(n)
	if ok {
		l.held += n
	}
	return ok
}

// TakeFile is Take for the n bytes of a file, which has limits of its own: a file never is too large. The error is ctx's.
func (l *Lease) TakeFile(ctx context.Context, n int64) error { return l.Take(ctx, min(n, l.of.max)) }

func (l *Lease) Give() {
	l.of.room.Release(l.held)
	l.held = 0
}

// Within returns lim for pictures that are decoded one after the other with memory of l. need says how many bytes a
// picture needs that takes so many to be decoded.
func (l *Lease) Within(ctx context.Context, lim picture.Limits, need func(decoding, pixels int64) int64) picture.Limits {
	lim.Admit = func(decoding, pixels int64) error { return l.Take(ctx, need(decoding, pixels)) }
	return lim
}

// Original takes n bytes for an upload that a picture is compared with, until give is called. It waits for no picture: if
// there is no room, it waits for other originals, which come to an end. The error is a *[picture.LimitError] if an original may not have so
// many bytes, or ctx's.
func (b *Budget) Original(ctx context.Context, n int64) (give func(), err error) {
	if err := Check(n, b.spared); err != nil {
		return nil, err
	}
	if b.room.TryAcquire(n) {
		return func() { b.room.Release(n) }, nil
	}
	select {
	case b.original <- struct{}{}:
		return func() { <-b.original }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Check returns a *[picture.LimitError] if n bytes are more than limit.
func Check(n, limit int64) error {
	if n > limit {
		return &picture.LimitError{What: codec.MemoryBytes, Got: n, Max: limit}
	}
	return nil
}

// Memory of the examination of a picture, measured with pictures of 3, 12 and 24 megapixels. The largest resident size of
// "kycmark investigate" on one processor was 350, 420, 560 MB, and with an upload of that size 300, 400, 720 MB.
const (
	examineBytes = 224 << 20 // bytes
	examinePixel = 12        // bytes a pixel
)

// Examining returns how many bytes it takes to decode a picture in so many bytes, and to examine it.
func Examining(decoding, pixels int64) int64 {
	return examineBytes + max(decoding, examinePixel*pixels)
}

// Memory of making a copy, measured by the largest resident size of "kycmark issue" on one processor: 190, 310, 440 MB
// for pictures of 3, 12 and 24 megapixels.
const (
	issueBytes = 112 << 20 // bytes
	issuePixel = 14        // bytes a pixel
)

// Issuing returns how many bytes it takes to decode a picture in so many bytes, and to make a copy of it.
func Issuing(decoding, pixels int64) int64 { return issueBytes + max(decoding, issuePixel*pixels) }

// usable is the share of the memory of a machine that pictures may take: the rest is for the program itself,
// what waits for the garbage collector, and other programs. Chosen.
const usable = 0.65

// unknown stands for the memory of a machine that does not tell, bytes. Chosen.
const unknown = 2 << 30

// Limit returns how many bytes the pictures of this process may take together: [usable] times the min of
// what control groups, limits of the process and the machine allow.
func Limit() int64 {
	smallest := min(ofGroups(os.ReadFile), ofProcess(), ofMachine())
	if smallest > 1<<62 {
		smallest = unknown
	}
	return int64(usable * float64(smallest))
}

// groupsFolder is where Linux shows control groups.
const groupsFolder = "/sys/fs/cgroup"

// ofGroups returns the min limit of the control group of this process and of the groups above it, of version 2 or 1, bytes;
// math.MaxUint64 without a limit. It reads files with read.
func ofGroups(read func(file string) ([]byte, error)) uint64 {
	smallest := uint64(math.MaxUint64)
	groups, _ := read("/proc/self/cgroup") // without the file there are no groups
	for line := range strings.Lines(string(groups)) {
		kinds, group, _ := strings.Cut(strings.TrimSpace(line[strings.Index(line, ":")+1:]), ":")
		folder, name := groupsFolder, "memory.max"
		switch {
		case kinds == "": // version 2
		case strings.Contains(","+kinds+",", ",memory,"):
			folder, name = groupsFolder+"/memory", "memory.limit_in_bytes"
		default:
			continue
		}
		for ; ; group = path.Dir(group) { // in a container the group may lie above the folder: then its files are not there
			text, _ := read(path.Join(folder, group, name))
			if n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64); err == nil && n > 0 {
				smallest = min(smallest, n)
			}
			if group == path.Dir(group) {
				break
			}
		}
	}
	return smallest
}
