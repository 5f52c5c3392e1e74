//go:build study

package verify

import (
	"fmt"
	"sort"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/testdata"
	"github.com/kycmark/kycmark/watermark"
)

// TestReadScoreStudy compares what tracing expects of a mark in a leak with whether reading alone, among 1,000 IDs, finds it:
//
//	go test -tags study -timeout 2h -v -run ReadScoreStudy ./verify
func TestReadScoreStudy(t *testing.T) {
	key := watermark.GenerateKey()
	var ids []watermark.CopyID
	for i := range 1000 {
		ids = append(ids, watermark.CopyID(1+i*7919))
	}
	list := watermark.NewList(key, ids)
	type trial struct {
		expected float64
		read     bool
		what     string
	}
	var all []trial
	for i, e := range testdata.Manifest() {
		data, err := testdata.Pictures.ReadFile(e.File)
		require.NoError(t, err)
		p, err := picture.Decode(data, picture.Limits{})
		require.NoError(t, err)
		upload := picture.Fit(p.Image, []int{1200, 900, 640}[i%3])
		id := ids[i]
		marked, err := watermark.Embed(key, id, upload, nil)
		require.NoError(t, err)
		for _, a := range attack.All() {
			leak := a.Apply(marked, uint64(i+1))
			tr, err := watermark.Trace(t.Context(), leak, upload, []watermark.Candidate{{Copy: id, Key: key}}, nil)
			if err != nil || !tr.Registered {
				continue
			}
			r, err := watermark.Read(t.Context(), leak, key)
			read := false
			if err == nil {
				for _, m := range append(r.Marks, r.Among(list)...) {
					read = read || m.Copy == id
				}
			}
			all = append(all, trial{tr.Expected, read, fmt.Sprintf("%s %s", e.File, a.Name)})
		}
		t.Logf("%d pictures, %d leaks", i+1, len(all))
	}
	sort.Slice(all, func(i, j int) bool { return all[i].expected > all[j].expected })
	missed := 0
	for n, x := range all {
		if !x.read {
			missed++
			t.Logf("missed at %.1f, the %d. of %d: %s", x.expected, n+1, len(all), x.what)
		}
	}
	for _, from := range []float64{15, 20, 25, 30, 35, 40, 50, 60} {
		n, m := 0, 0
		for _, x := range all {
			if x.expected >= from {
				n++
				if !x.read {
					m++
				}
			}
		}
		t.Logf("expected %2.0f or more: %d of %d missed", from, m, n)
	}
}
