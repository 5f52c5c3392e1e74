//go:build study

package odds_test

import "testing"

// go test -tags study -timeout 4h -v -run VerdictStudy ./verify/odds
func TestVerdictStudy(t *testing.T) {
	s := simulate(t, 2, 2_000)
	t.Log("\n" + s.String())
	s.calibrated(t)
}

// The same as TestThirdPartiesBesideCoalitions, in more dumps.
func TestThirdPartyStudy(t *testing.T) { thirdParties(t, 5000) }
