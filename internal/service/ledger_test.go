package service_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify/books"
)

// A monitor reads the ledger's entries from where it was, and finds each once, without personal data.
func TestEvents(t *testing.T) {
	w := begin(t)
	w.stocked()
	var all []books.Entry
	next := int64(0)
	for {
		got := w.must(call{method: "GET", path: fmt.Sprintf("/v1/events?limit=2&after=%d", next), as: "audit"})
		var page struct {
			Events []books.Entry
			Next   int64
		}
		require.NoError(t, json.Unmarshal(got.body, &page))
		if len(page.Events) == 0 {
			require.Equal(t, next, page.Next)
			break
		}
		all, next = append(all, page.Events...), page.Next
		assert.NotContains(t, string(got.body), "vendor")
	}
	require.EqualValues(t, w.size(), len(all))
	kinds := make(map[string]int)
	for i, e := range all {
		require.EqualValues(t, i+1, e.Number)
		kinds[e.Kind]++
	}
	require.Equal(t, 1, kinds["issue"])
	for _, wrong := range []string{"after=-1", "after=x", "limit=0", "limit=1001", "before=2"} {
		got := w.do(call{method: "GET", path: "/v1/events?" + wrong, as: "audit"})
		require.Equal(t, 422, got.status, wrong)
		got.problem(t)
	}
}
