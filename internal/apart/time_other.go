//go:build !unix

package apart

import "time"

var began = time.Now()

// processorTime returns the time since this process began: this system is not asked for more.
func processorTime() time.Duration { return time.Since(began) }
