package trace

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/kycmark/kycmark/internal/mark/code"
)

// Decoys returns the scores of n copies that were never issued, under the key of the strongest
// copy: what chance gives in this very leak. They are the same at every call and in memory at once,
// 1 kB each. Decoys returns nil if no copy was scored or n is below 1.
func (r *Result) Decoys(n int) []float64 {
	if r.Best < 0 || n < 1 {
		return nil
	}
	for i, s := range r.tracer.under {
		if slices.Contains(s.at, r.Best) {
			return r.evidence[i].tracer.scores(s.never(n, r.tracer.copies))
		}
	}
	return nil
}

// never returns the streams of the tracers of n copies whose IDs are not among those issued. The
// IDs are drawn from the submission, the same at every call and for every key.
func (s *suspects) never(n int, issued []Candidate) []*code.Stream {
	known := make(map[uint64]bool, len(issued))
	for _, c := range issued {
		known[c.ID] = true
	}
	out := make([]*code.Stream, 0, n)
	for i := uint64(0); len(out) < n; i++ {
		sum := sha256.Sum256(binary.BigEndian.AppendUint64(append([]byte("kycmark decoy"), s.sub[:]...), i))
		if id := binary.BigEndian.Uint64(sum[:]); !known[id] {
			out = append(out, s.kd.TracerStream(s.sub, id))
		}
	}
	return out
}
