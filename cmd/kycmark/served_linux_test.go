package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/skip"
	"github.com/kycmark/kycmark/verify"
)

// A serving process answers at an address until it is killed.
type serving struct {
	cmd        *exec.Cmd
	url, token string
}

// serve starts a service. The token is that of the first start, unless it is known.
func (x *issuing) serve(token string) *serving {
	x.Helper()
	s := &serving{cmd: x.command("serve", "--listen", "127.0.0.1:0", "--json")}
	s.cmd.Env = append(s.cmd.Environ(), "TMPDIR="+x.temporary())
	out, err := s.cmd.StdoutPipe()
	require.NoError(x, err)
	require.NoError(x, s.cmd.Start())
	line, err := bufio.NewReader(out).ReadBytes('\n')
	require.NoError(x, err)
	var begun struct{ URL, Token string }
	require.NoError(x, json.Unmarshal(line, &begun), "%s", line)
	if s.url, s.token = begun.URL, begun.Token; s.token == "" {
		s.token = token
	}
	return s
}

// temporary is the folder of temporary files of what serves.
func (x *issuing) temporary() string {
	folder := filepath.Join(x.dir, "temporary")
	require.NoError(x, os.MkdirAll(folder, 0o700))
	return folder
}

// call makes a request that must succeed, and returns the answer.
func (s *serving) call(t *testing.T, method, path, media string, body []byte, head map[string]string) []byte {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, bytes.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+s.token)
	r.Header.Set("Content-Type", media)
	for k, v := range head {
		r.Header.Set(k, v)
	}
	got, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer got.Body.Close()
	data, err := io.ReadAll(got.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, got.StatusCode, "%s", data)
	return data
}

// A dump is investigated over HTTP, and the process that examines is killed again and again. Beside a file it starts again,
// beside a server another process that runs goes on. The findings are, byte for byte, those of the command, and the
// ledger has one investigation. KYCMARK_LEAKS has the number of leaks.
func TestServedInvestigationKilled(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		skip.Test(t, "a dump is examined without -short only")
	}
	n := setNumber(t, "KYCMARK_LEAKS", long.Number(2, 40))
	for name, dsn := range map[string]func(*testing.T) string{"file": func(*testing.T) string { return "" },
		"server": func(t *testing.T) string { return server.DSN(t) }} {
		t.Run(name, func(t *testing.T) { servedKilled(t, newIssuing(t, dsn(t), n), n, name == "server") })
	}
}

func servedKilled(t *testing.T, x *issuing, n int, other bool) {
	x.run(x.issue("leaked")...)
	files, err := filepath.Glob(filepath.Join(x.dir, "leaked", "*.jpg"))
	require.NoError(t, err)
	require.Len(t, files, n)

	s := x.serve("")
	var made struct{ Investigation, Stage string }
	require.NoError(t, json.Unmarshal(s.call(t, "POST", "/v1/investigations", "application/json", []byte("{}"), nil), &made))
	path := "/v1/investigations/" + made.Investigation
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		s.call(t, "POST", path+"/files", "image/jpeg", data, map[string]string{"Kycmark-File": "leaked/" + filepath.Base(file)})
	}
	s.call(t, "POST", path+"/begin", "", nil, nil)
	kills, until, all := 0, 0, long.Number(1, 5) // each a part of the dump later
	var killed time.Time                         // zero: another process goes on
	for made.Stage != "done" {
		var state struct {
			Stage, Problem string
			Examined       int
		}
		require.NoError(t, json.Unmarshal(s.call(t, "GET", path, "", nil, nil), &state))
		require.NotEqual(t, "failed", state.Stage, state.Problem)
		made.Stage = state.Stage
		if state.Examined >= until && !killed.IsZero() {
			t.Logf("another process went on within %.0f s", time.Since(killed).Seconds())
			killed = time.Time{}
		}
		if kills < all && state.Stage == "examining" && state.Examined >= until {
			next := s
			if other {
				next = x.serve(s.token)
			}
			require.NoError(t, s.cmd.Process.Kill())
			_ = s.cmd.Wait()
			left, err := os.ReadDir(x.temporary())
			require.NoError(t, err)
			require.Empty(t, left, "what was examined does not stay in clear")
			kills, killed = kills+1, time.Now()
			until = max(state.Examined+1, kills*n/all)
			if s = next; !other {
				s = x.serve(s.token)
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	require.Positive(t, kills)
	got := s.call(t, "GET", path+"/findings", "", nil, nil)
	require.NoError(t, s.cmd.Process.Signal(os.Interrupt))
	require.NoError(t, s.cmd.Wait())

	x.run("investigate", "leaked", "--findings", "findings.json")
	want, err := os.ReadFile(filepath.Join(x.dir, "findings.json"))
	require.NoError(t, err)
	require.Equal(t, leaksIn(t, want), leaksIn(t, got))
	f, err := verify.ReadFindings(bytes.NewReader(want))
	require.NoError(t, err)
	require.Len(t, f.Verdict.Earlier, 1, "however often it was killed, it is one investigation")
	t.Logf("%d leaks, %d kills", n, kills)
}

// leaksIn returns the leaks of a findings file as JSON, without when they were first examined.
func leaksIn(t *testing.T, text []byte) string {
	t.Helper()
	f, err := verify.ReadFindings(bytes.NewReader(text))
	require.NoError(t, err)
	for _, l := range f.Leaks {
		l.Known = time.Time{}
	}
	out, err := json.Marshal(f.Leaks)
	require.NoError(t, err)
	return string(out)
}
