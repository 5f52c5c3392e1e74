package experiments

import (
	"context"
	"fmt"
	"image"
	"math"
	"math/rand/v2"

	"github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/watermark"
)

// Pooled is what so many leaks of one copy tell together, over all pictures.
type Pooled struct {
	Attack  string `json:"attack"`
	Leaks   int    `json:"leaks"`   // pooled
	Subsets int    `json:"subsets"` // of the leaks of each picture, that share none
	Named   int    `json:"named"`   // of these
	Score   Spread `json:"score"`
	Payload Spread `json:"payload"`
	LogP    Spread `json:"log10_p"`
	At6     int    `json:"innocents_1e-6"` // innocent copies with a p of at most 1e-6: must be 0
}

// pooled is one subset of leaks.
type pooled struct {
	leaks int
	right watermark.CopyEvidence
	named bool
	at6   int // innocents
}

// poolLeaks makes several leaks of a picture's copy and pools them: singly, by twos,
// by fours and so on, no leak in two subsets of a size.
func (r *traceRun) poolLeaks(ctx context.Context, s *suspect, a attack.Attack) ([]pooled, error) {
	traced := make([]*watermark.TraceResult, r.cfg.PoolLeaks)
	for n := range traced {
		seed := r.cfg.draw(fmt.Sprintf("pool %s %d", a.Name, n), s.content)
		var seen sighting
		if traced[n] = r.look(ctx, s, a.Apply(handled(s.marked, seed, n), seed), 1, &seen); seen.err != nil {
			return nil, seen.err
		}
	}
	var out []pooled
	for size := 1; size <= len(traced); size *= 2 {
		for at := 0; at+size <= len(traced); at += size {
			p, err := r.poolOf(traced[at:at+size], s.ids[0])
			if err != nil {
				return nil, err
			}
			out = append(out, p)
		}
	}
	return out, nil
}

// handled is a copy as one of its many handlers passes it on: the first as it is,
// others with up to 6 % cut off each side, so that no two leaks are the same.
func handled(p *image.NRGBA, seed uint64, n int) *image.NRGBA {
	if n == 0 {
		return p
	}
	random := rand.New(rand.NewPCG(seed, uint64(n)))
	cut := func(side int) int { return int(.06 * random.Float64() * float64(side)) }
	w, h := p.Rect.Dx(), p.Rect.Dy()
	out, _ := p.SubImage(image.Rect(cut(w), cut(h), w-cut(w), h-cut(h))).(*image.NRGBA) // always one
	return out
}

// poolOf pools those of the leaks that lie on the original.
func (r *traceRun) poolOf(leaks []*watermark.TraceResult, guilty watermark.CopyID) (pooled, error) {
	out := pooled{leaks: len(leaks)}
	var shown []*watermark.TraceResult
	for _, t := range leaks {
		if len(t.Copies) > 0 {
			shown = append(shown, t)
		}
	}
	if len(shown) == 0 {
		return out, nil
	}
	copies, err := r.pool(shown)
	if err != nil {
		return out, err
	}
	least := math.Inf(1)
	for _, c := range copies {
		switch {
		case c.Copy == guilty:
			out.right = c
		default:
			least = min(least, c.LogP)
			if c.LogP <= likelyAt {
				out.at6++
			}
		}
	}
	out.named = out.right.LogP <= namedAt && out.right.LogP < least
	return out, nil
}

// pools adds up the subsets of task k by size.
func (r *traceRun) pools(k int) []Pooled {
	var out []Pooled
	for size := 1; size <= r.cfg.PoolLeaks; size *= 2 {
		p := Pooled{Attack: r.plan[k].attack.Name, Leaks: size}
		var scores, payloads, logs []float64
		for s := range r.measured {
			for _, one := range s.pooled[k] {
				if one.leaks != size {
					continue
				}
				p.Subsets++
				if one.named {
					p.Named++
				}
				p.At6 += one.at6
				scores, payloads, logs = append(scores, one.right.Score), append(payloads, one.right.Payload), append(logs, one.right.LogP)
			}
		}
		p.Score, p.Payload, p.LogP = spreadOf(scores), spreadOf(payloads), spreadOf(logs)
		out = append(out, p)
	}
	return out
}
