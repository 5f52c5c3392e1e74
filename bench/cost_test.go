package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/test/skip"
)

// Jobs take as many steps as the committed results say, no more and no fewer. If a change is meant
// to change them, renew the results: go -C bench run . cost --results results/cost.jsonl
func TestCost(t *testing.T) {
	if testing.Short() {
		skip.Test(t, "builds a program with counters: a minute")
	}
	kept, err := ruler.ReadResults("results/cost.jsonl")
	require.NoError(t, err)
	want := kept.Trials()
	got := measure(t, cost(), &ruler.Env{Workers: 1}).Trials
	require.Len(t, got, len(want))
	for i := range got {
		require.Equal(t, want[i].Labels["job"]+": "+want[i].Labels["step"], got[i].Labels["job"]+": "+got[i].Labels["step"])
		within := 0.
		if got[i].Labels["step"] == "MB allocated" {
			within = 2 + want[i].Values["count"]/20
		}
		assert.InDelta(t, want[i].Values["count"], got[i].Values["count"], within, "%s: %s", got[i].Labels["job"], got[i].Labels["step"])
	}
}
