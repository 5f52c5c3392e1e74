package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/jobs"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify/registry"
)

// queue measures what workers and their queue cost, against one process without a queue.
func queue() *ruler.Experiment {
	uploads, side, address := 64, uploadSide, ""
	return &ruler.Experiment{
		Name: "queue", Short: "What workers do in a time, and what their queue costs", Plain: true,
		Long: `Submit invented pictures, issue a copy of each and investigate the copies: by one process without a queue, by
one worker and by two. Each process has one processor. "CPU s" is of the commands and workers, "server" of
PostgreSQL. Jobs that do nothing show the processor time of the queue alone. Jobs that rest for 100 ms show the time that
passes between jobs, also on a machine that is busy.`,
		Flags: func(fs *pflag.FlagSet) {
			fs.IntVar(&uploads, "uploads", uploads, "`number` of pictures")
			fs.IntVar(&side, "side", side, "long side of a picture, `pixels`")
			fs.StringVar(&address, "postgres", "", "`address` of a PostgreSQL database on this machine, for schemas that this makes (required)")
		},
		Cases: func(context.Context, *ruler.Env) ([]ruler.Case, error) {
			if address == "" {
				return nil, fmt.Errorf("--postgres: no address")
			}
			return []ruler.Case{func(ctx context.Context, emit func(ruler.Trial)) {
				tmp := ruler.Must(os.MkdirTemp("", "kycmark-bench-"))
				defer os.RemoveAll(tmp)
				c := &crew{program: buildCommand(ctx, tmp), address: address, uploads: uploads, emit: emit}
				c.up = filepath.Join(tmp, "up")
				ruler.Check(os.Mkdir(c.up, 0o700))
				for i := range uploads {
					ruler.Check(os.WriteFile(filepath.Join(c.up, fmt.Sprintf("%d.jpg", i)), asJPEG(specimen.Landscape(uint64(i), side, side*3/4)), 0o600))
				}
				defer c.remove(context.WithoutCancel(ctx))
				for n := range 3 {
					c.run(ctx, filepath.Join(tmp, strconv.Itoa(n)), n)
				}
				c.idle(ctx, "empty jobs", 1, 2000, 0)
				for _, n := range []int{1, 2, 4} {
					c.idle(ctx, "jobs of 100 ms", n, 100*n, 100*time.Millisecond)
				}
			}}, nil
		},
		Tables: []ruler.Table{{
			Name: "scale", Doc: true, By: []string{"stage", "how"}, Heads: []string{"", "by"}, Where: ruler.Is("stage", "issue", "investigate"), Columns: []ruler.Column{
				ruler.Means("s", "wall_s", 1), ruler.Means("CPU s", "cpu_s", 1), ruler.Means("PostgreSQL, CPU s", "server_s", 2),
			},
		}, {Name: "stages", By: []string{"stage", "how"}, Columns: []ruler.Column{
			ruler.Sums("uploads or jobs", "done"), ruler.Means("wall s", "wall_s", 2), ruler.Means("CPU s", "cpu_s", 2), ruler.Means("server", "server_s", 2),
		}}},
	}
}

// A crew is a home, and workers.
type crew struct {
	program, address, up string
	uploads              int
	emit                 func(ruler.Trial)

	dir, home, dsn, how string
	workers             []*exec.Cmd
	postmaster          int
}

// run makes a home in dir and has n workers do all stages; 0: one process without a queue.
func (c *crew) run(ctx context.Context, dir string, n int) {
	c.dir, c.home, c.workers, c.how = dir, filepath.Join(dir, "kyc"), nil, []string{"one process", "1 workers", "2 workers"}[n]
	ruler.Check(os.Mkdir(dir, 0o700))
	u := ruler.Must(url.Parse(c.address))
	q := u.Query()
	q.Set("search_path", schemaOf(n))
	u.RawQuery = q.Encode()
	c.dsn = u.String()
	conn := ruler.Must(pgx.Connect(ctx, c.address))
	defer conn.Close(ctx)
	var backend int
	ruler.Check(conn.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&backend))
	c.postmaster = parentOf(backend)
	c.command(ctx, "init", "--registry", c.dsn, c.home)
	c.command(ctx, "recipient", "add", "vendor", "--kind", "vendor")
	for range n {
		w := c.process(ctx, "work", "--jobs", "1")
		ruler.Check(w.Start())
		c.workers = append(c.workers, w)
	}
	flags := []string{"--queue"}[:min(n, 1)]
	time.Sleep(2 * time.Second) // until the workers wait
	c.stage(ctx, "submit", append(flags, "--subject-from", "name", c.up)...)
	c.stage(ctx, "issue", append(flags, "--to", "vendor", "--all", "--allow-weak", "--out", "out")...)
	c.stage(ctx, "investigate", append(flags, "out")...)
	for _, w := range c.workers {
		ruler.Check(w.Process.Signal(os.Interrupt))
		ruler.Check(w.Wait())
	}
}

// remove drops what runs made in the database.
func (c *crew) remove(ctx context.Context) {
	conn := ruler.Must(pgx.Connect(ctx, c.address))
	defer conn.Close(ctx)
	for n := range 3 {
		_, err := conn.Exec(ctx, fmt.Sprintf("DROP SCHEMA IF EXISTS %[1]s, %[1]s_queue CASCADE", schemaOf(n)))
		ruler.Check(err)
	}
}

// schemaOf names the schema of a registry with n workers.
func schemaOf(n int) string { return fmt.Sprintf("kycmark_bench_%d_%d", os.Getpid(), n) }

// process is kycmark with one processor.
func (c *crew) process(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.program, args...)
	cmd.Dir, cmd.Env = c.dir, append(os.Environ(), "KYCMARK_HOME="+c.home, "GOMAXPROCS=1")
	return cmd
}

// command runs kycmark and returns its processor time.
func (c *crew) command(ctx context.Context, args ...string) time.Duration {
	cmd := c.process(ctx, args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		ruler.Failf("kycmark %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}

// others returns the processor time of the workers, and of the server.
func (c *crew) others() (workers, server time.Duration) {
	for _, w := range c.workers {
		workers += otherTime(strconv.Itoa(w.Process.Pid))
	}
	return workers, treeTime(c.postmaster)
}

// stage runs a command and emits what it took.
func (c *crew) stage(ctx context.Context, name string, args ...string) {
	workers, server := c.others()
	began := time.Now()
	cpu := c.command(ctx, append([]string{name}, args...)...)
	wall := time.Since(began)
	moreWorkers, moreServer := c.others()
	c.emit(ruler.Trial{Labels: map[string]string{"stage": name, "how": c.how}, Values: map[string]float64{
		"done": float64(c.uploads), "wall_s": wall.Seconds(), "cpu_s": (cpu + moreWorkers - workers).Seconds(), "server_s": (moreServer - server).Seconds(),
	}})
}

// idle runs n jobs that rest, with workers in this process.
func (c *crew) idle(ctx context.Context, stage string, workers, n int, rest time.Duration) {
	q := ruler.Must(jobs.Open(ctx, c.dsn, "bench", registry.GenerateSealKey()))
	defer q.Close()
	working, stop := context.WithCancel(ctx)
	ended := make(chan error, workers)
	kinds := map[string]jobs.Func{"idle": func(context.Context, []byte) (any, error) { time.Sleep(rest); return nil, nil }}
	for range workers {
		go func() { ended <- q.Work(working, 1, kinds, func(jobs.Done) {}) }()
	}
	time.Sleep(2 * time.Second) // until they wait
	cpu, server, began := processTime(), treeTime(c.postmaster), time.Now()
	ruler.Check(q.Run(ctx, func(yield func(jobs.Job, error) bool) {
		for range n {
			if !yield(jobs.Job{Kind: "idle"}, nil) {
				return
			}
		}
	}, func(_ jobs.Job, _ json.RawMessage, err error) error { return err }, nil))
	c.emit(ruler.Trial{Labels: map[string]string{"stage": stage, "how": fmt.Sprintf("%d workers", workers)}, Values: map[string]float64{
		"done": float64(n), "wall_s": time.Since(began).Seconds(), "cpu_s": (processTime() - cpu).Seconds(), "server_s": (treeTime(c.postmaster) - server).Seconds(),
	}})
	stop()
	for range workers {
		ruler.Check(<-ended)
	}
}
