//go:build study

package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestDivisions investigates a dump by one process, and by 1, 2 and 4 workers in random numbers of parts: findings
// and verdicts are the same, byte for byte. KYCMARK_LEAKS and KYCMARK_DIVISIONS say how many.
func TestDivisions(t *testing.T) {
	number := func(name string, n int) int {
		if text := os.Getenv(name); text != "" {
			var err error
			n, err = strconv.Atoi(text)
			require.NoError(t, err)
		}
		return n
	}
	leaks, divisions := number("KYCMARK_LEAKS", 200), number("KYCMARK_DIVISIONS", 10)
	c := &crew{t: t, dir: t.TempDir(), over: make(chan struct{})}
	c.home = filepath.Join(c.dir, "kyc")
	base := server.DSN(t)
	c.run("init", "--registry", base, c.home)
	c.run("recipient", "add", "vendor-a", "--kind", "vendor")
	c.run("recipient", "add", "vendor-b", "--kind", "vendor")
	up := filepath.Join(c.dir, "up")
	require.NoError(t, os.Mkdir(up, 0o700))
	for k := range leaks {
		require.NoError(t, os.WriteFile(filepath.Join(up, fmt.Sprintf("subject-%d.jpg", k)), tiny(t, k), 0o600))
	}
	c.run("submit", "--subject-from", "name", up)
	c.run("issue", "--all", "--allow-weak", "--to", "vendor-a", "--to", "vendor-b", "--out", "out")
	require.NoError(t, os.Mkdir(filepath.Join(c.dir, "leaks"), 0o700))
	for k, to := range []string{"vendor-a", "vendor-b", ""} {
		dir := filepath.Join(c.dir, "out", to)
		if to == "" {
			dir = up
		}
		files, err := os.ReadDir(dir)
		require.NoError(t, err)
		for i, f := range files {
			if i%3 == k && !f.IsDir() {
				require.NoError(t, os.Link(filepath.Join(dir, f.Name()), filepath.Join(c.dir, "leaks", fmt.Sprintf("%d-%s", i, f.Name()))))
			}
		}
	}

	// examine investigates a fresh copy of the registry and returns what is printed, without the record.
	examine := func(workers, parts int) string {
		home, dsn := filepath.Join(t.TempDir(), "kyc"), server.DSN(t)
		c.run("copy-registry", base, dsn)
		require.NoError(t, os.CopyFS(home, os.DirFS(c.home)))
		config := filepath.Join(home, "kycmark.toml")
		text, err := os.ReadFile(config)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(config, []byte(strings.ReplaceAll(string(text), base[strings.Index(base, "search_path"):], dsn[strings.Index(dsn, "search_path"):])), 0o600))
		one := &crew{t: t, dir: c.dir, home: home, over: make(chan struct{})}
		for range workers {
			one.wg.Go(func() { one.work(func() (time.Duration, func()) { return 0, nil }) })
		}
		defer sync.OnceFunc(func() { close(one.over); one.wg.Wait() })()
		args := []string{"investigate", "leaks", "--json"}
		if workers > 0 {
			args = append(args, "--queue", "--parts", strconv.Itoa(parts))
		}
		out := one.run(args...)
		lines := strings.Split(strings.TrimSpace(out), "\n")
		require.Len(t, lines, leaks+1)
		var last struct{ Verdict map[string]json.RawMessage }
		require.NoError(t, json.Unmarshal([]byte(lines[leaks]), &last))
		delete(last.Verdict, "record")
		verdict, err := json.Marshal(last.Verdict)
		require.NoError(t, err)
		return strings.Join(lines[:leaks], "\n") + "\n" + string(verdict)
	}
	want := examine(0, 0)
	random := rand.New(rand.NewPCG(20, 4))
	for i := range divisions {
		workers, parts := []int{1, 2, 4}[i%3], 1+random.IntN(leaks)
		require.Equal(t, want, examine(workers, parts), "%d workers, %d parts", workers, parts)
		t.Logf("%d workers, %d parts: as one process", workers, parts)
	}
}
