package service_test

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/watermark"
)

var update = flag.Bool("update", false, "write docs/openapi.json anew")

// The document in the tree is the document of the code.
func TestOpenAPIFile(t *testing.T) {
	const name = "../../docs/openapi.json"
	got, err := begin(t).srv.OpenAPI()
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.WriteFile(name, append(got, '\n'), 0o644))
	}
	want, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got)+"\n", "go test ./internal/service -run OpenAPIFile -update")
}

// documented lists the operations of the document, as "GET /livez".
func (w *world) documented() (out []string) {
	w.t.Helper()
	data, err := w.srv.OpenAPI()
	require.NoError(w.t, err)
	var doc struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	require.NoError(w.t, json.Unmarshal(data, &doc))
	for path, methods := range doc.Paths {
		for method := range methods {
			out = append(out, strings.ToUpper(method)+" "+path)
		}
	}
	return out
}

func parseSubmission(s string) (watermark.Submission, error) { return watermark.ParseSubmission(s) }
