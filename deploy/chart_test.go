// Package deploy has only tests: of the Helm chart by Helm itself, and of the dashboard by Prometheus.
package deploy

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/kycmark/kycmark/internal/home"
	"github.com/kycmark/kycmark/internal/memory"
	"github.com/kycmark/kycmark/internal/service"
)

// render returns the chart's objects, as the API of Kubernetes reads them. A field that the API does not know ends the test.
func render(t *testing.T, values map[string]any) (config string, services map[string]core.Service, processes map[string]apps.Deployment) {
	t.Helper()
	text, err := rendered(t, values)
	require.NoError(t, err)
	services, processes = map[string]core.Service{}, map[string]apps.Deployment{}
	for object := range strings.SplitSeq(text, "\n---\n") {
		var kind struct{ Kind string }
		require.NoError(t, yaml.Unmarshal([]byte(object), &kind), object)
		switch kind.Kind {
		case "ConfigMap":
			config = decoded[core.ConfigMap](t, object).Data["kycmark.toml"]
		case "Service":
			s := decoded[core.Service](t, object)
			services[s.Name] = s
		default:
			d := decoded[apps.Deployment](t, object)
			require.Equal(t, "Deployment", d.Kind)
			processes[d.Name] = d
		}
	}
	return config, services, processes
}

func decoded[T any](t *testing.T, object string) (out T) {
	t.Helper()
	require.NoError(t, yaml.UnmarshalStrict([]byte(object), &out), object)
	return out
}

func rendered(t *testing.T, values map[string]any) (string, error) {
	t.Helper()
	c, err := loader.Load("chart")
	require.NoError(t, err)
	all, err := util.ToRenderValues(c, values, common.ReleaseOptions{Name: "kyc", Namespace: "default"}, nil)
	require.NoError(t, err)
	out, err := engine.Render(c, all)
	return out["kycmark/templates/roles.yaml"], err
}

func TestLint(t *testing.T) {
	for _, m := range lint.RunAll("chart", nil, "default").Messages {
		assert.Less(t, m.Severity, support.WarningSev, m.Error())
	}
}

// Each process mounts the key files that its role opens, and no others. Without any of them it does not start.
func TestKeysOfProcesses(t *testing.T) {
	config, _, processes := render(t, nil)
	full := filepath.Join(t.TempDir(), "kyc")
	_, err := home.Create(t.Context(), full, "", nil)
	require.NoError(t, err)
	require.Len(t, processes, len(service.Roles()))
	for _, role := range service.Roles() {
		d, ok := processes["kyc-"+string(role)]
		require.True(t, ok, role)
		var files []string
		for _, source := range d.Spec.Template.Spec.Volumes[0].Projected.Sources {
			if source.Secret != nil {
				require.Len(t, source.Secret.Items, 1)
				require.Equal(t, "keys/"+source.Secret.Items[0].Key, source.Secret.Items[0].Path)
				files = append(files, source.Secret.Items[0].Path)
			}
		}
		for missing := -1; missing < len(files); missing++ {
			dir := t.TempDir()
			require.NoError(t, os.Mkdir(filepath.Join(dir, "keys"), 0o700))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "kycmark.toml"), []byte(config), 0o600))
			for i, file := range files {
				data, err := os.ReadFile(filepath.Join(full, file))
				require.NoError(t, err)
				if i != missing {
					require.NoError(t, os.WriteFile(filepath.Join(dir, file), data, 0o600))
				}
			}
			h, err := home.Open(dir)
			require.NoError(t, err)
			k, err := service.KeysOf(h, []service.Role{role})
			switch {
			case missing < 0:
				require.NoError(t, err, role)
			case files[missing] == "keys/report.key": // without it no bundle is signed
				require.Nil(t, k.Report)
			default:
				require.Error(t, err, "%s mounts %s, which it does not open", role, files[missing])
			}
		}
	}
}

// Opponent's story: kycmark.toml has a hook and a webhook, and no process of the chart starts, since none has the files of their
// secrets. Each role gets the files that its values name, beside its keys.
func TestSecretsOfHooks(t *testing.T) {
	extra := map[string][]string{"intake": {"hook.secret", "hook.token"}, "investigate": {"webhook.secret"}, "audit": {"webhook.secret"}, "admin": {"webhook.secret"}}
	values := map[string]any{}
	for role, files := range extra {
		secrets := map[string]any{}
		for _, file := range files {
			secrets[file] = "kycmark-" + strings.TrimSuffix(file, filepath.Ext(file))
		}
		values[role] = map[string]any{"extraSecrets": secrets}
	}
	own, _, _ := render(t, nil)
	config, _, processes := render(t, map[string]any{"roles": values, "config": own + `
[hooks.eu]
vendor = "sumsub"
recipient = "vendor-a"
api = "https://api.example.com"
secret = "keys/hook.secret"
token = "keys/hook.token"
[webhooks.siem]
url = "https://siem.example.com"
secret = "keys/webhook.secret"
`})
	_, _, plain := render(t, nil)
	for _, role := range service.Roles() {
		dir, sources := t.TempDir(), processes["kyc-"+string(role)].Spec.Template.Spec.Volumes[0].Projected.Sources
		require.Len(t, sources, len(plain["kyc-"+string(role)].Spec.Template.Spec.Volumes[0].Projected.Sources)+len(extra[string(role)]))
		require.NoError(t, os.Mkdir(filepath.Join(dir, "keys"), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "kycmark.toml"), []byte(config), 0o600))
		for _, source := range sources {
			if source.Secret != nil {
				item := source.Secret.Items[0]
				require.Equal(t, "keys/"+item.Key, item.Path)
				require.NoError(t, os.WriteFile(filepath.Join(dir, item.Path), []byte(item.Key+" of "+source.Secret.Name), 0o600))
			}
		}
		h, err := home.Open(dir)
		require.NoError(t, err)
		if role == service.Intake { // as internal/cli/serve asks
			all, err := home.HooksOf(h)
			require.NoError(t, err)
			require.Equal(t, "hook.secret of kycmark-hook", all["eu"].Secret)
			require.Equal(t, "hook.token of kycmark-hook", all["eu"].Token)
		} else if role != service.Issue {
			all, err := home.WebhooksOf(h)
			require.NoError(t, err, role)
			require.Equal(t, "webhook.secret of kycmark-webhook", all["siem"].Secret)
		}
	}
}

// A process runs without rights on a root that it cannot write, and its probes, port and service fit its address.
func TestProcesses(t *testing.T) {
	for secret, want := range map[string]struct {
		scheme core.URIScheme
		port   int32
		args   []string
	}{
		"":    {core.URISchemeHTTP, 80, []string{"--behind-proxy"}},
		"tls": {core.URISchemeHTTPS, 443, []string{"--tls-cert=/tls/tls.crt", "--tls-key=/tls/tls.key"}},
	} {
		_, services, processes := render(t, map[string]any{"tlsSecret": secret})
		require.ElementsMatch(t, slices.Collect(maps.Keys(services)), slices.Collect(maps.Keys(processes)))
		for name, d := range processes {
			pod, c := d.Spec.Template.Spec, d.Spec.Template.Spec.Containers[0]
			role := strings.TrimPrefix(name, "kyc-")
			require.Equal(t, append([]string{"serve", "--home=/home/kycmark", "--listen=0.0.0.0:8080", "--roles=" + role}, want.args...), c.Args)
			require.True(t, *pod.SecurityContext.RunAsNonRoot)
			require.True(t, *c.SecurityContext.ReadOnlyRootFilesystem)
			require.False(t, *c.SecurityContext.AllowPrivilegeEscalation)
			require.False(t, *pod.AutomountServiceAccountToken)
			require.Equal(t, []core.Capability{"ALL"}, c.SecurityContext.Capabilities.Drop)
			require.Equal(t, "/livez", c.LivenessProbe.HTTPGet.Path)
			require.Equal(t, "/readyz", c.ReadinessProbe.HTTPGet.Path)
			require.Equal(t, want.scheme, c.LivenessProbe.HTTPGet.Scheme)
			require.Equal(t, want.scheme, c.ReadinessProbe.HTTPGet.Scheme)
			require.Equal(t, "kycmark-"+role, c.EnvFrom[0].SecretRef.Name)
			require.NotEmpty(t, c.Resources.Limits)
			require.Subset(t, d.Spec.Template.Labels, d.Spec.Selector.MatchLabels)
			s := services[name].Spec
			require.Subset(t, d.Spec.Template.Labels, s.Selector)
			require.Equal(t, want.port, s.Ports[0].Port)
			require.Equal(t, c.Ports[0].Name, s.Ports[0].TargetPort.StrVal)
			volumes := map[string]bool{}
			for _, v := range pod.Volumes {
				volumes[v.Name] = true
			}
			for _, m := range c.VolumeMounts {
				require.True(t, volumes[m.Name], m.Name)
				require.Equal(t, m.Name != "tmp", m.ReadOnly, m.Name)
			}
		}
	}
}

// Limits of memory do for what telephones make: HEIC of 12 megapixels, also as the upload that a leak is compared with.
func TestMemory(t *testing.T) {
	const pixels = 4032 * 3024
	const decoding = 38*pixels + 96<<20 // internal/picture/tuning.go
	_, _, processes := render(t, nil)
	pictures := func(role service.Role) int64 { // as internal/cli/serve divides them
		return int64(0.65 * 3 / 4 * float64(processes["kyc-"+string(role)].Spec.Template.Spec.Containers[0].Resources.Limits.Memory().Value()))
	}
	require.NoError(t, memory.New(pictures(service.Intake)).Lease().Take(t.Context(), decoding+32<<20)) // verify/registry/config.go
	require.NoError(t, memory.New(pictures(service.Issue)).Lease().Take(t.Context(), memory.Issuing(decoding, pixels)))
	budget := memory.New(pictures(service.Investigate))
	const file = 4 << 20
	require.NoError(t, budget.Lease().Take(t.Context(), file+memory.Examining(decoding, pixels)))
	_, err := budget.Original(t.Context(), decoding)
	require.NoError(t, err)
}

// Wrong values are refused, and a role without replicas is left out.
func TestValues(t *testing.T) {
	_, services, processes := render(t, map[string]any{"roles": map[string]any{"audit": map[string]any{"replicas": 0}}})
	require.Len(t, processes, len(service.Roles())-1)
	require.NotContains(t, processes, "kyc-audit")
	require.NotContains(t, services, "kyc-audit")
	for want, values := range map[string]map[string]any{
		`got "root"`:               {"roles": map[string]any{"root": map[string]any{"replicas": 1}}},
		"no Secret has ledger.key": {"keys": map[string]any{"ledger.key": nil}},
	} {
		_, err := rendered(t, values)
		require.ErrorContains(t, err, want)
	}
}
