package service_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/home"
	"github.com/kycmark/kycmark/internal/service"
	"github.com/kycmark/kycmark/verify/registry"
)

// marking are the fields of a row of a copy that differ, on the average, if the upload had a mark.
var marking = []string{"strength", "margin", "weak", "psnr", "ssim"}

// A thief who has tokens of intake and issue sends a marked copy and a picture without a mark. No answer of his roles
// tells them apart: neither its status nor its fields. None says how a copy was marked. The registry notices the mark all the same.
func TestNoRouteTellsMarks(t *testing.T) {
	for _, when := range []string{registry.MarkedAtIssue, registry.MarkedAtSubmit} {
		w := begin(t)
		h, err := home.Open(w.dir)
		require.NoError(t, err)
		keys, err := service.KeysOf(h, service.Roles())
		require.NoError(t, err)
		cfg := w.config(h, service.Roles()...)
		cfg.Issuer, err = registry.NewIssuer(registry.Config{Registry: w.reg, Key: keys.Mark[0], SealKey: keys.Seal, Marked: when})
		require.NoError(t, err)
		s, err := service.New(cfg)
		require.NoError(t, err)
		w.at.Config.Handler = s
		submission, copyID := w.stocked()
		copies := func(id string) call {
			return call{method: "POST", path: "/v1/submissions/" + id + "/copies", as: "issue", body: map[string]string{"recipient": "vendor-a"}}
		}
		marked := w.must(copies(submission)).body
		var seen [2][]string
		for i, picture := range [][]byte{marked, small(t, "bruno_passport")} {
			sent := w.must(call{method: "POST", path: "/v1/submissions", as: "intake", body: picture})
			id := sent.field(t, "submission")
			made := w.must(copies(id))
			seen[i] = slices.Sorted(maps.Keys(made.head))
			for _, answer := range [][]byte{
				sent.body, w.must(call{method: "GET", path: "/v1/submissions/" + id, as: "intake"}).body,
				w.must(call{method: "GET", path: "/v1/submissions/" + id + "/pages", as: "issue"}).body,
				w.must(call{method: "GET", path: "/v1/submissions/" + id + "/copies", as: "issue"}).body,
				w.must(call{method: "GET", path: "/v1/copies/" + made.head.Get("Kycmark-Copy"), as: "issue"}).body,
			} {
				seen[i] = append(seen[i], fields(t, answer)...)
			}
		}
		require.Equal(t, seen[1], seen[0], when)
		void := w.must(call{method: "POST", path: "/v1/copies/" + w.reserved(copyID) + "/void", body: map[string]string{"note": "kept"}})
		seen[0] = append(seen[0], fields(t, void.body)...)
		for _, name := range marking {
			require.NotContains(t, seen[0], name)
		}
		require.Len(t, w.query("SELECT submission FROM came_back"), 1, "the registry notices that a copy came back")
	}
}

// fields lists the names of the fields of an answer, or of the first element of a list.
func fields(t *testing.T, answer []byte) []string {
	t.Helper()
	var all map[string]any
	if answer[0] == '[' {
		var list []map[string]any
		require.NoError(t, json.Unmarshal(answer, &list))
		all = list[0]
	} else {
		require.NoError(t, json.Unmarshal(answer, &all))
	}
	return slices.Sorted(maps.Keys(all))
}
