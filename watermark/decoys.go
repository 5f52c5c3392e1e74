package watermark

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/kycmark/kycmark/internal/mark/code"
)

// Decoys are the scores, comparable with [CopyTrace].Score, that n copies which were never
// issued have in the leak, under the key of the strongest copy: what chance gives in this
// very picture. They are the same at every call and in memory at once, 1 kB each. It is nil
// where nothing was scored.
func (t *Traced) Decoys(n int) []float64 {
	if t.Best < 0 || n < 1 {
		return nil
	}
	for i, s := range t.tracer.under {
		if slices.Contains(s.at, t.Best) {
			return t.evidence[i].tracer.scores(s.decoys(n, t.tracer.copies))
		}
	}
	return nil
}

// decoys are the tracers of n copies that are not among those issued.
func (s *suspects) decoys(n int, issued []Issued) []*code.Stream {
	known := make(map[CopyID]bool, len(issued))
	for _, c := range issued {
		known[c.Copy] = true
	}
	out := make([]*code.Stream, 0, n)
	for i := uint64(0); len(out) < n; i++ {
		sum := sha256.Sum256(binary.BigEndian.AppendUint64(append([]byte("kycmark decoy"), s.sub[:]...), i))
		if id := CopyID(binary.BigEndian.Uint64(sum[:])); !known[id] {
			out = append(out, s.kd.TracerStream(s.sub, uint64(id)))
		}
	}
	return out
}
