package unpack

import "testing"

// Archive writes the files of an archive.
var Archive = archive

// Within gives archives so many seconds of processor time while the test runs.
func Within(t *testing.T, seconds int64) {
	was := baseTime
	baseTime = seconds
	t.Cleanup(func() { baseTime = was })
}
