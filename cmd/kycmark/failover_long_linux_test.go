//go:build long

package main

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/pgtest"
)

// A server is killed while copies are issued, and its standby takes over: the issue ends with the exit code 0, and
// each upload has one released copy.
func TestReleasedOverFailOver(t *testing.T) {
	t.Parallel()
	const rounds = 8
	pair := pgtest.NewPair(t)
	x := newIssuing(t, pair.DSN("kyc"), 4)
	began := time.Now()
	x.run(x.issue("first")...)
	whole := time.Since(began)
	waited := 0
	for k := range rounds {
		purpose := fmt.Sprintf("round-%d", k)
		cmd := x.command(x.issue(purpose)...)
		var errs bytes.Buffer
		cmd.Stderr = &errs
		require.NoError(t, cmd.Start())
		time.Sleep(time.Duration((0.1 + 0.8*x.random.Float64()) * float64(whole)))
		away := time.Duration(x.random.Float64() * float64(3*time.Second))
		if k%10 == 9 {
			away = 25 * time.Second
		}
		began := time.Now()
		pair.FailOver(t, away)
		require.NoError(t, cmd.Wait(), "%s", &errs)
		if time.Since(began) > away {
			waited++
		}
		x.settled(purpose)
	}
	x.run("audit")
	t.Logf("%d fail-overs, %d issues waited for the standby", rounds, waited)
}
