package service_test

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify/registry"
)

// An erasure whose original could not be removed says so, and when it is sent again the original goes: under the same key of the
// request, or by the upload's ID.
func TestStuckErasureAgain(t *testing.T) {
	dir := t.TempDir()
	w := beginAt(t, "", &registry.CreateOptions{Originals: dir})
	objects := func() (out []string) {
		require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				out = append(out, path)
			}
			return err
		}))
		return out
	}
	for _, keyless := range []bool{false, true} {
		id := w.must(call{method: "POST", path: "/v1/submissions", body: small(t, map[bool]string{false: "bruno_passport", true: "chidi_idcard"}[keyless]), head: map[string]string{"Kycmark-Subject": "subject-2"}}).field(t, "submission")
		erase := keyed("/v1/erasures", map[string]any{"subject": "subject-2", "note": "asked for"}, "stuck")
		if keyless {
			erase = call{method: "POST", path: "/v1/erasures", body: map[string]any{"submissions": []string{id}, "note": "asked for"}}
		}
		object := objects()[0]
		require.NoError(t, os.Rename(object, object+".kept"))
		require.NoError(t, os.MkdirAll(filepath.Join(object, "x"), 0o700)) // with something in it, it cannot be removed
		assert.Equal(t, http.StatusInternalServerError, w.do(erase).status)
		require.NoError(t, os.RemoveAll(object))
		require.NoError(t, os.Rename(object+".kept", object))
		assert.Equal(t, map[bool]int{false: http.StatusOK, true: http.StatusGone}[keyless], w.do(erase).status)
		assert.Empty(t, objects())
	}
}

// The same of a reviewer's name: what cannot be freed is said until it is, with and without a key of the request.
func TestStuckErasureOfReviewer(t *testing.T) {
	dir := t.TempDir()
	w := beginAt(t, "", &registry.CreateOptions{Originals: dir})
	w.must(call{method: "POST", path: "/v1/submissions", body: small(t, "bruno_passport"), head: map[string]string{"Kycmark-Subject": "subject-2"}})
	objects, err := filepath.Glob(filepath.Join(dir, "*", "*", "*"))
	require.NoError(t, err)
	require.Len(t, objects, 1)
	require.NoError(t, os.Rename(objects[0], objects[0]+".kept"))
	require.NoError(t, os.MkdirAll(filepath.Join(objects[0], "x"), 0o700)) // with something in it, it cannot be removed
	assert.Equal(t, http.StatusInternalServerError, w.do(keyed("/v1/erasures", map[string]any{"subject": "subject-2", "note": "asked for"}, "stuck")).status)

	w.must(call{method: "POST", path: "/v1/recipients", body: map[string]string{"name": "vendor-x", "kind": "vendor"}})
	w.must(call{method: "POST", path: "/v1/recipients", body: map[string]string{"name": "ada", "kind": "reviewer", "of": "vendor-x"}})
	erase := keyed("/v1/erasures", map[string]any{"recipient": "ada", "note": "left in May"}, "reviewer")
	keyless := call{method: "POST", path: "/v1/erasures", body: erase.body}
	for _, c := range []call{erase, erase, keyless} {
		assert.Equal(t, http.StatusInternalServerError, w.do(c).status)
	}
	require.NoError(t, os.RemoveAll(objects[0]))
	require.NoError(t, os.Rename(objects[0]+".kept", objects[0]))
	assert.Equal(t, http.StatusNotFound, w.do(keyless).status)
	assert.NoFileExists(t, objects[0])
	assert.Equal(t, http.StatusOK, w.do(erase).status)
}
