package service_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify/books"
)

// What a reviewer is handed counts for the employer, and the reviewer's name is erased like a subject's pictures.
func TestReviewers(t *testing.T) {
	w := begin(t)
	w.must(call{method: "POST", path: "/v1/recipients", body: map[string]string{"name": "vendor-x", "kind": "vendor"}})
	w.must(call{method: "POST", path: "/v1/recipients", body: map[string]string{"name": "planted-person", "kind": "reviewer", "of": "vendor-x"}})
	nobody := w.do(call{method: "POST", path: "/v1/recipients", body: map[string]string{"name": "x", "kind": "reviewer", "of": "nobody"}})
	require.Equal(t, 404, nobody.status, string(nobody.body))
	nobody.problem(t)
	id := w.must(call{method: "POST", path: "/v1/submissions", body: small(t, "anna_passport")}).field(t, "submission")
	w.must(call{method: "POST", path: "/v1/submissions/" + id + "/copies", body: map[string]string{"recipient": "planted-person", "purpose": "review"}})
	listed := w.must(call{method: "GET", path: "/v1/submissions/" + id + "/copies"})
	require.Contains(t, string(listed.body), `"recipient":"vendor-x"`)

	kept := w.created(map[string][]byte{"leak.jpg": small(t, "anna_passport")}) // its results may have the name
	erasure := call{method: "POST", path: "/v1/erasures", head: map[string]string{"Idempotency-Key": "erase-a-reviewer-1"},
		body: map[string]string{"recipient": "planted-person", "note": "left in May"}}
	for range 2 {
		require.JSONEq(t, `{"erased":[],"investigations":["`+strings.TrimPrefix(kept, "/v1/investigations/")+`"]}`, string(w.must(erasure).body))
	}
	again := w.do(call{method: "POST", path: "/v1/erasures", body: erasure.body})
	require.Equal(t, 404, again.status, string(again.body))
	require.NotContains(t, string(w.must(call{method: "GET", path: "/v1/recipients"}).body), "planted-person")
	both := w.do(call{method: "POST", path: "/v1/erasures", body: map[string]string{"recipient": "x", "subject": "y", "note": "z"}})
	require.Equal(t, 422, both.status)
	_, _, err := w.reg.Ledger().Check(t.Context())
	require.NoError(t, err)
	assert.NotContains(t, w.logs.String(), "planted-person")
}

// A list without items is no null: clients of typed languages would fail on it.
func TestEmptyListOfCustody(t *testing.T) {
	w := begin(t)
	for range 2 {
		require.JSONEq(t, "[]", string(w.must(call{method: "GET", path: "/v1/custody"}).body))
	}
}

// A fact is taken as answers have it.
func TestCustodyAsAnswered(t *testing.T) {
	w := begin(t)
	submission, _ := w.stocked()
	fact := map[string]any{"recipient": "vendor-a", "note": "contract", "submissions": []string{submission}}
	w.must(call{method: "POST", path: "/v1/custody", body: map[string]any{"facts": []any{fact}}})
	var facts []books.Custody
	require.NoError(t, json.Unmarshal(w.must(call{method: "GET", path: "/v1/custody"}).body, &facts))
	require.Len(t, facts, 1)
	size := w.size()
	fact["from"], fact["to"] = facts[0].From, facts[0].To
	w.must(call{method: "POST", path: "/v1/custody", body: map[string]any{"facts": []any{fact}}})
	require.Equal(t, size, w.size(), "it is entered already")
}

// Lists that have an upload in common are erased at once, each to its end.
func TestErasuresAtOnce(t *testing.T) {
	w := begin(t)
	for round := range 6 {
		var ids [4]string
		for i := range ids {
			picture := append(small(t, "anna_passport"), byte(round), byte(i))
			ids[i] = w.must(call{method: "POST", path: "/v1/submissions", body: picture}).field(t, "submission")
		}
		var all [3]answered
		var erasing sync.WaitGroup
		for i := range all {
			c := call{method: "POST", path: "/v1/erasures", body: map[string]any{"submissions": []string{ids[0], ids[i+1]}, "note": "asked for"}}
			if round%2 == 0 {
				c.head = map[string]string{"Idempotency-Key": fmt.Sprintf("erasure-%02d-%02d-at-once", round, i)}
			}
			erasing.Go(func() { all[i] = w.do(c) })
		}
		erasing.Wait()
		for i, x := range all {
			require.Equal(t, 200, x.status, string(x.body))
			require.Contains(t, string(x.body), ids[i+1])
		}
		for _, id := range ids {
			require.Equal(t, 410, w.do(call{method: "GET", path: "/v1/submissions/" + id}).status)
		}
	}
}

// Opponent's story: an erasure whose note names the subject is refused, and sent again it is done, so that the ledger has the
// reference for good.
func TestErasureWhoseNoteNamesTheSubject(t *testing.T) {
	w := begin(t)
	id := w.must(call{method: "POST", path: "/v1/submissions", body: small(t, "anna_passport"), head: map[string]string{"Kycmark-Subject": "planted-7f31"}}).field(t, "submission")
	size := w.size()
	erasure := call{method: "POST", path: "/v1/erasures", head: map[string]string{"Idempotency-Key": "erase-a-subject-01"},
		body: map[string]string{"subject": "planted-7f31", "note": "request of planted-7f31"}}
	byID := erasure
	byID.head, byID.body = map[string]string{"Idempotency-Key": "erase-a-subject-00"}, map[string]any{"submissions": []string{id}, "note": "request of planted-7f31"}
	for range 3 {
		for _, x := range []call{erasure, byID} {
			p := w.do(x).problem(t)
			require.Equal(t, 422, p.Status)
			require.Contains(t, p.Detail, "the note names the subject")
		}
	}
	require.Equal(t, size, w.size(), "nothing is entered")
	w.must(call{method: "GET", path: "/v1/submissions/" + id})
	erasure.head, erasure.body = map[string]string{"Idempotency-Key": "erase-a-subject-02"}, map[string]string{"subject": "planted-7f31", "note": "asked for"}
	for range 2 {
		require.Equal(t, id, strings.Split(string(w.must(erasure).body), `"`)[3])
	}
	require.Equal(t, 410, w.do(call{method: "GET", path: "/v1/submissions/" + id}).status)
}
