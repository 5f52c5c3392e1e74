package investigations

import (
	"context"
	"errors"
	"fmt"

	"github.com/kycmark/kycmark/verify/registry"
)

// begins counts how often an investigation was begun when it was so far, and its process died before it came further.
type begins struct {
	At    int64 // bytes of the state
	Times int
}

// maxDeaths is how many processes may die at the same place of an investigation: a file may take more memory than there is,
// and each death stops all else that the process does. Chosen.
const maxDeaths = 5

// noteBegin notes that an investigation begins, or goes on. The error says so if too many processes died.
func noteBegin(ctx context.Context, o *Office, in inside) error {
	was, now := begins{}, begins{Times: 1}
	for _, p := range in.Parts {
		if p.Name == partResume {
			now.At = p.Size
		}
	}
	if in.has(partBegins) {
		if err := in.read(ctx, partBegins, &was); err != nil && !errors.Is(err, registry.ErrNotFound) { // a worker that is lost replaced it
			return err
		}
	}
	if was.At == now.At {
		now.Times += was.Times
	}
	if now.Times > maxDeaths {
		return fmt.Errorf("%d processes died while they examined the files: one file may take too much memory; leave out the largest", maxDeaths)
	}
	return o.write(ctx, in.ID, partBegins, "", now)
}
