package jobs_test

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/kycmark/kycmark/internal/jobs"
	"github.com/kycmark/kycmark/verify/registry"
)

// rowsOfFile is rows for the queue beside a registry's file.
func rowsOfFile(t *testing.T, path, where string) (out []string) {
	t.Helper()
	db, err := sql.Open("sqlite", path+".queue?_pragma=busy_timeout(20000)")
	require.NoError(t, err)
	defer db.Close()
	r, err := db.QueryContext(t.Context(), "SELECT concat(id, ' ', queue, ' ', state, ' ', json(args), json(metadata), json(errors), json(attempted_by)) FROM river_job WHERE "+where)
	require.NoError(t, err)
	defer r.Close()
	for r.Next() {
		var text string
		require.NoError(t, r.Scan(&text))
		out = append(out, text)
	}
	require.NoError(t, r.Err())
	return out
}

// The queue's file, and what SQLite keeps beside it, show nothing of a job, and are the owner's alone.
func TestFileShowsNothing(t *testing.T) {
	t.Parallel()
	q, path := openFile(t, registry.GenerateSealKey())
	work(t, q, map[string]jobs.Func{"audit": func(context.Context, []byte) (any, error) { return "outcome-4711", nil }})
	require.Equal(t, []string{`"outcome-4711"`}, run(t, q, jobs.Job{Kind: "audit", Do: "subject-4712", Once: "once-4713"}))
	files, err := filepath.Glob(path + ".queue*")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NotRegexp(t, "outcome-4711|subject-4712|once-4713", string(data))
		info, err := os.Stat(file)
		require.NoError(t, err)
		assert.Zero(t, info.Mode().Perm()&0o077, file)
	}
}

// Processes that make one queue at the same time all have it.
func TestFileIsMadeOnce(t *testing.T) {
	t.Parallel()
	path, key := filepath.Join(t.TempDir(), "registry.db"), registry.GenerateSealKey()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			q, err := jobs.OpenFile(t.Context(), path, "registry", key)
			if assert.NoError(t, err) {
				q.Close()
			}
		})
	}
	wg.Wait()
	q := again(t, path, key)
	work(t, q, map[string]jobs.Func{"audit": func(context.Context, []byte) (any, error) { return "holds", nil }})
	require.Equal(t, []string{`"holds"`}, run(t, q, jobs.Job{Kind: "audit"}))
}

// TestKilledWorker kills the process of a worker amid its job. Another worker does the job, once.
func TestKilledWorker(t *testing.T) {
	if path := os.Getenv("KYCMARK_QUEUE"); path != "" { // the process to be killed
		key, err := registry.ParseSealKey(os.Getenv("KYCMARK_QUEUE_KEY"))
		require.NoError(t, err)
		work(t, again(t, path, key), map[string]jobs.Func{"audit": func(ctx context.Context, _ []byte) (any, error) {
			fmt.Println("begun")
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		time.Sleep(time.Minute)
		return
	}
	t.Parallel()
	key := registry.GenerateSealKey()
	q, path := openFile(t, key)
	answer := make(chan []string, 1)
	go func() { answer <- run(t, q, jobs.Job{Kind: "audit"}) }()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestKilledWorker$")
	child.Env = append(os.Environ(), "KYCMARK_QUEUE="+path, "KYCMARK_QUEUE_KEY="+key.Secret())
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "begun" {
	}
	require.Equal(t, "begun", lines.Text())
	require.NoError(t, child.Process.Kill())
	require.Error(t, child.Wait())
	work(t, again(t, path, key), map[string]jobs.Func{"audit": func(context.Context, []byte) (any, error) { return "done", nil }})
	require.Equal(t, []string{`"done"`}, <-answer)
	require.Len(t, rows(t, path, "state = 'completed' AND attempt = 2"), 1)
}

// BenchmarkFileJob runs empty jobs, 100 at a time, through the queue beside a file.
func BenchmarkFileJob(b *testing.B) {
	q, err := jobs.OpenFile(b.Context(), filepath.Join(b.TempDir(), "registry.db"), "registry", registry.GenerateSealKey())
	require.NoError(b, err)
	defer q.Close()
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- q.Work(ctx, 2, map[string]jobs.Func{"audit": func(context.Context, []byte) (any, error) { return "holds", nil }}, func(jobs.Done) {})
	}()
	all := make([]jobs.Job, 100)
	for i := range all {
		all[i] = jobs.Job{Kind: "audit"}
	}
	for b.Loop() {
		require.NoError(b, q.Run(b.Context(), list(all...), func(_ jobs.Job, _ json.RawMessage, err error) error { return err }, nil))
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N*len(all)), "ms/job")
	cancel()
	require.NoError(b, <-ended)
}
