//go:build long

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/home"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/registry"
)

// What the service takes beside the library for the same uploads and copies, CPU time.
//
//	go test -tags long -v -run ServedOverhead ./cmd/kycmark
func TestServedOverhead(t *testing.T) {
	const n = 200
	c := &crowd{issuing: newIssuing(t, "", 1), base: tiny(t, 0), address: "127.0.0.1:0",
		uploads: map[string]bool{}, copies: map[string]books.Digest{}, times: map[string][]time.Duration{}}
	c.start()
	idle := c.cpuNow()
	random := rand.New(rand.NewPCG(1, 1))
	for k := range n {
		text, _ := c.send(t.Context(), "upload", "/v1/submissions", fmt.Sprintf("upload-%016d", k), map[string]string{"Content-Type": "image/jpeg"}, c.file(fmt.Sprint("upload ", k)), random)
		var up struct{ Submission string }
		require.NoError(t, json.Unmarshal(text, &up))
		c.send(t.Context(), "copy", "/v1/submissions/"+up.Submission+"/copies", fmt.Sprintf("copy-%016d", k), map[string]string{"Content-Type": "application/json"},
			[]byte(`{"recipient":"vendor-a","allow_weak":true}`), random)
	}
	served := c.cpuNow() - idle
	c.end(os.Interrupt)

	x := newIssuing(t, "", 1)
	h, err := home.Open(filepath.Join(x.dir, "kyc"))
	require.NoError(t, err)
	r, err := h.Registry(t.Context())
	require.NoError(t, err)
	defer r.Close()
	keys, seal, err := h.Keys()
	require.NoError(t, err)
	issuer, err := registry.NewIssuer(registry.Config{Registry: r, Keys: keys, Key: keys[0], SealKey: seal})
	require.NoError(t, err)
	before := cpuOf(t, os.Getpid())
	for k := range n {
		row, _, err := issuer.Submit(t.Context(), bytes.NewReader(c.file(fmt.Sprint("upload ", k))), "", time.Time{}, nil)
		require.NoError(t, err)
		_, err = issuer.Issue(t.Context(), row.ID, "vendor-a", func(*books.Copy, []byte) error { return nil }, &registry.IssueOptions{AllowWeak: true})
		require.NoError(t, err)
	}
	library := cpuOf(t, os.Getpid()) - before
	t.Logf("%d uploads and copies: service %.2f s, library %.2f s, %.2f times", n, served.Seconds(), library.Seconds(), served.Seconds()/library.Seconds())
}

func (c *crowd) cpuNow() time.Duration { return cpuOf(c, c.process.cmd.Process.Pid) }

// cpuOf is the CPU time of a process until now.
func cpuOf(t testing.TB, pid int) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	require.NoError(t, err)
	_, rest, is := strings.Cut(string(text), ") ")
	require.True(t, is)
	f := strings.Fields(rest)
	user, err := strconv.Atoi(f[11])
	require.NoError(t, err)
	system, err := strconv.Atoi(f[12])
	require.NoError(t, err)
	return time.Duration(user+system) * 10 * time.Millisecond // USER_HZ is 100
}
