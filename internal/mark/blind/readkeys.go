package blind

import (
	"sync"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/mark/pattern"
)

// Keys are what follows from a mark key, and the tables that reading makes of it when
// they are first needed. They are safe for concurrent use.
type Keys struct {
	*pattern.Keys
	grids  [gridN]func() *displacements
	shifts func() *dsp.ToneGrid
}

// NewKeys returns the keys of a blind reader. The tables are computed when they are first
// needed, once, because marking needs none of them.
func NewKeys(kd *pattern.Keys) *Keys {
	k := &Keys{Keys: kd, shifts: sync.OnceValue(func() *dsp.ToneGrid { return newShiftGrid(kd) })}
	for i := range k.grids {
		k.grids[i] = sync.OnceValue(func() *displacements { return newDisplacements(kd, reaches[i], steps[i]) })
	}
	return k
}
