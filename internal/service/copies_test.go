package service_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/service"
	"github.com/kycmark/kycmark/testdata"
)

// A list of uploads is a zip of their copies, each released under its own ID. An upload that is not there, or was
// erased, is said and leaves the others. The same request has the same copies.
func TestCopiesAsZip(t *testing.T) {
	w := begin(t)
	first, _ := w.stocked()
	submit := func(name, subject string) string {
		return w.must(call{method: "POST", path: "/v1/submissions", body: small(t, name), head: map[string]string{"Kycmark-Subject": subject}}).field(t, "submission")
	}
	second, erased, absent := submit("bruno_passport", "subject-2"), submit("chidi_idcard", "subject-3"), strings.Repeat("0", 32)
	w.must(call{method: "POST", path: "/v1/erasures", body: map[string]string{"subject": "subject-3", "note": "asked for"}})
	asks := call{method: "POST", path: "/v1/copies", as: "issue", head: map[string]string{"Idempotency-Key": "0123456789abcdef"},
		body: map[string]any{"recipient": "vendor-a", "purpose": "a box", "submissions": []string{first, erased, absent, second}}}
	got := w.must(asks)
	assert.Equal(t, "application/zip", got.head.Get("Content-Type"))
	w.settle()
	size := w.size()
	assert.True(t, bytes.Equal(got.body, w.must(asks).body))
	assert.Equal(t, size, w.size())

	z, err := zip.NewReader(bytes.NewReader(got.body), int64(len(got.body)))
	require.NoError(t, err)
	files := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		require.NoError(t, err)
		files[f.Name], err = io.ReadAll(r)
		require.NoError(t, err)
	}
	require.Len(t, files, 3)
	var list []struct {
		Submission, Copy, File, SHA256 string
		Problem                        *struct{ Status int }
	}
	require.NoError(t, json.Unmarshal(files["copies.json"], &list))
	require.Len(t, list, 4)
	for i, of := range []string{first, erased, absent, second} {
		x := list[i]
		assert.Equal(t, of, x.Submission)
		if i == 1 || i == 2 {
			assert.Equal(t, []int{0, http.StatusGone, http.StatusNotFound}[i], x.Problem.Status)
			assert.Empty(t, x.File)
			continue
		}
		assert.Equal(t, fmt.Sprintf("%x", sha(files[x.File])), x.SHA256)
		row := w.must(call{method: "GET", path: "/v1/copies/" + x.Copy})
		assert.Equal(t, "released", row.field(t, "state"))
		assert.Equal(t, x.SHA256, row.field(t, "sha256"))
	}

	for what, body := range map[string]string{
		"none":    `{"recipient":"vendor-a","submissions":[]}`,
		"twice":   `{"recipient":"vendor-a","submissions":["` + first + `","` + first + `"]}`,
		"objects": `{"recipient":"vendor-a","submissions":[{}]}`,
		"nobody":  `{"recipient":"vendor-x","submissions":["` + first + `"]}`,
		"no IDs":  `{"recipient":"vendor-a","submissions":["x"]}`,
		"nothing": `{"recipient":"vendor-a"}`,
	} {
		p := w.do(call{method: "POST", path: "/v1/copies", body: body}).problem(t)
		assert.Contains(t, []int{http.StatusUnprocessableEntity, http.StatusNotFound, http.StatusBadRequest}, p.Status, what)
	}
}

// A client has the time of an answer for each copy of a zip, not for all of them: marking takes longer.
func TestZipOfSlowCopies(t *testing.T) {
	w := begin(t, func(c *service.Config) { c.Times.Write = 250 * time.Millisecond })
	w.must(call{method: "POST", path: "/v1/recipients", body: map[string]string{"name": "vendor-a", "kind": "vendor"}})
	var ids []string
	for _, name := range []string{"anna_passport", "bruno_passport", "chidi_idcard"} {
		file, err := testdata.Pictures.ReadFile("pictures/" + name + ".jpg") // as large as it is shipped
		require.NoError(t, err)
		ids = append(ids, w.must(call{method: "POST", path: "/v1/submissions", body: file}).field(t, "submission"))
	}
	got := w.must(call{method: "POST", path: "/v1/copies", body: map[string]any{"recipient": "vendor-a", "submissions": ids}})
	z, err := zip.NewReader(bytes.NewReader(got.body), int64(len(got.body)))
	require.NoError(t, err)
	require.Len(t, z.File, 4)
}
