package main

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kycmark/kycmark/internal/cli/ui"
)

func TestByteSize(t *testing.T) {
	for s, want := range map[string]int64{
		"800000": 800_000, "500KB": 500_000, "500 kb": 500_000, "1MB": 1_000_000, "1.5MB": 1_500_000, "2MiB": 2 << 20, "1k": 1000, "7B": 7,
	} {
		var b ui.ByteSize
		if assert.NoError(t, b.Set(s), s) {
			assert.EqualValues(t, want, b, s)
		}
	}
	for _, s := range []string{"", "0", "-1", "MB", "x", "1GB", "nan", "inf", "1e300", "0.5", "1 2", "99999999999"} {
		var b ui.ByteSize
		assert.Error(t, b.Set(s), "%q", s)
	}
}

// A script's unset variable beside an ID is a mistake, not fewer IDs.
func TestEmptyIDBesideOthers(t *testing.T) {
	const id = "00112233445566778899aabbccddeeff"
	for _, texts := range [][]string{{"", id}, {id, ""}, {id + ","}} {
		l, err := ui.SubmissionIDs(), error(nil)
		for _, text := range texts {
			if err == nil {
				err = l.Set(text)
			}
		}
		assert.Error(t, err, "%q", texts)
	}
	l := ui.SubmissionIDs()
	assert.NoError(t, l.Set(id+", "+id))
	assert.Len(t, l.IDs, 1)
}
