package investigations

import "time"

// SetNow sets the clock.
func (o *Office) SetNow(now func() time.Time) { o.now = now }

// SetSave sets how often an investigation is saved.
func (o *Office) SetSave(every time.Duration) { o.save = every }
