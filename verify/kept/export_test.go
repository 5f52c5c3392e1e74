package kept

import "time"

// SetClock sets the clock by which items expire.
func (s *Store) SetClock(now func() time.Time) { s.now = now }

// Chunk is how many bytes are sealed at a time.
const Chunk = chunk
