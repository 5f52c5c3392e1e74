package investigations

import "time"

// SetSave sets how often an investigation is saved.
func (o *Office) SetSave(every time.Duration) { o.save = every }
