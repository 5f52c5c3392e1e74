package deploy

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
)

// Prometheus reads every question of the dashboard. Package service checks that the metrics are there.
func TestDashboard(t *testing.T) {
	data, err := os.ReadFile("dashboard.json")
	require.NoError(t, err)
	var dashboard struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	require.NoError(t, json.Unmarshal(data, &dashboard))
	require.NotEmpty(t, dashboard.Panels)
	variables := strings.NewReplacer("$__rate_interval", "5m", "$job", "kycmark") // Grafana puts them in
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			_, err := parser.NewParser(parser.Options{}).ParseExpr(variables.Replace(target.Expr))
			require.NoError(t, err, target.Expr)
		}
	}
}
