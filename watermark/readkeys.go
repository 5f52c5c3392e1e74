package watermark

import (
	"sync"

	"github.com/kycmark/kycmark/internal/dsp"
)

// readKeys are what follows from a mark key, and the tables that reading makes of it when
// they are first needed. They are safe for concurrent use.
type readKeys struct {
	*keyed
	grids  [gridN]func() *displacements
	shifts func() *dsp.ToneGrid
}

func newReadKeys(kd *keyed) *readKeys {
	k := &readKeys{keyed: kd, shifts: sync.OnceValue(func() *dsp.ToneGrid { return newShiftGrid(kd) })}
	for i := range k.grids {
		k.grids[i] = sync.OnceValue(func() *displacements { return newDisplacements(kd, reaches[i], steps[i]) })
	}
	return k
}
