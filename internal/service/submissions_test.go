package service_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An upload that is not whole is entered, and its answer says so: also the answer to the same request, and to the same
// file under another subject.
func TestWarnings(t *testing.T) {
	w := begin(t)
	whole := small(t, "anna_passport")
	send := func(file []byte, head map[string]string) (duplicate bool, warnings []string) {
		var got struct {
			Duplicate bool
			Warnings  []string
		}
		require.NoError(t, json.Unmarshal(w.must(call{method: "POST", path: "/v1/submissions", body: file, head: head}).body, &got))
		return got.Duplicate, got.Warnings
	}
	_, none := send(whole, nil)
	require.Empty(t, none)
	cut, head := whole[:len(whole)*9/10], map[string]string{"Kycmark-Subject": "subject-1", "Idempotency-Key": "upload-that-is-cut-off"}
	for range 2 {
		duplicate, warnings := send(cut, head)
		assert.False(t, duplicate)
		require.Len(t, warnings, 1)
		assert.Regexp(t, "^the file is not whole: .*rows are missing", warnings[0])
	}
	duplicate, warnings := send(cut, map[string]string{"Kycmark-Subject": "subject-2"})
	assert.True(t, duplicate)
	require.Len(t, warnings, 2)
	assert.Contains(t, warnings[1], "under another subject")
}

// What may be in a field is said.
func TestChoices(t *testing.T) {
	w := begin(t)
	submission, _ := w.stocked()
	p := w.do(call{method: "POST", path: "/v1/submissions/" + submission + "/copies", body: map[string]string{"recipient": "vendor-a", "format": "gif"}}).problem(t)
	assert.Contains(t, p.Detail, "jpeg, png, webp")
	assert.NotContains(t, p.Detail, "gif")
}
