package jobs_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/jobs"
	"github.com/kycmark/kycmark/verify/registry"
)

// An office is a queue whose workers note what they do, and a person who writes to its table but has no key.
type office struct {
	t     *testing.T
	q     *jobs.Queue
	table string
	sql   *pgx.Conn
	mu    sync.Mutex
	did   map[string]int // tasks, by their text
	past  map[string]int // jobs of yesterday that were made ready, by their kind
	gate  chan struct{}  // closed: the jobs that hold a command up are over
}

// openOffice opens an office.
func openOffice(t *testing.T, key *registry.SealKey) (*office, string) {
	o := &office{t: t, did: make(map[string]int), past: make(map[string]int), gate: make(chan struct{})}
	var dsn string
	o.q, dsn = open(t, key)
	var err error
	o.sql, err = pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(func() { o.sql.Close(context.Background()) })
	require.NoError(t, o.sql.QueryRow(t.Context(), "SELECT current_schema() || '_queue.river_job'").Scan(&o.table))
	return o, dsn
}

// exec runs SQL, in which river_job stands for the queue's table.
func (o *office) exec(sql string, args ...any) {
	o.t.Helper()
	_, err := o.sql.Exec(o.t.Context(), strings.ReplaceAll(sql, "river_job", o.table), args...)
	require.NoError(o.t, err, sql)
}

// number is the only number of a query.
func (o *office) number(sql string, args ...any) (n int64) {
	o.t.Helper()
	require.NoError(o.t, o.sql.QueryRow(o.t.Context(), strings.ReplaceAll(sql, "river_job", o.table), args...).Scan(&n), sql)
	return n
}

// kinds does every job by noting it. Its answer repeats the task.
func (o *office) kinds() map[string]jobs.Func {
	do := func(_ context.Context, do []byte) (any, error) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.did[string(do)]++
		if strings.Contains(string(do), "fails") {
			return nil, fmt.Errorf("yesterday it failed")
		}
		return "answer to " + string(do), nil
	}
	return map[string]jobs.Func{"audit": do, "erase": do, "investigate": do}
}

// A way is what the person does to the rows of a command's first job, $1 in SQL, of a kind. The command's second job is $2, and
// $3 is yesterday's job of the kind.
type way struct {
	name, kind string
	sql        string
	ids        [3]int64
	answers    map[string]string // that the command believes, by the task
	heard      atomic.Int32      // jobs that are over for the command
	over       chan struct{}
}

// others are, for each kind, another kind.
var others = map[string]string{"audit": "erase", "erase": "investigate", "investigate": "audit"}

// output sets the outcome of $1 to a value of SQL.
func output(value string) string {
	return "UPDATE river_job SET metadata = metadata || jsonb_build_object('output', " + value + ") WHERE id = $1"
}

// of is the outcome of another job.
func of(where string) string {
	return "(SELECT metadata->'output' FROM river_job WHERE " + where + ")"
}

// outcomes are ways to exchange, repeat, truncate and alter an answer after it is there.
func outcomes(kind string) map[string]string {
	part := func(field, value string) string {
		return output("jsonb_set(metadata->'output', '{" + field + "}', " + value + ")")
	}
	yesterday, now := "id = $3", "id = $2"
	return map[string]string{
		"yesterday's":                          output(of(yesterday)),
		"yesterday's of another kind":          output(of("id = $3 + 1")),
		"yesterday's failure":                  output(of("id = (SELECT max(id) FROM river_job WHERE id < $1 AND queue = 'audit' AND state = 'cancelled')")),
		"of another key":                       output(of("id = (SELECT id FROM river_job WHERE queue = 'forged')")),
		"of another registry":                  output(of("id = (SELECT id FROM river_job WHERE queue = '" + kind + "' AND priority = 2)")),
		"of the other job":                     output(of(now)),
		"null":                                 output("'null'"),
		"an object":                            output("'{}'"),
		"a text":                               output(`'"holds"'`),
		"a list":                               output(of(yesterday)) + "; UPDATE river_job SET metadata = jsonb_build_array(metadata) WHERE id = $1",
		"in the clear":                         output(`'{"result": "answer to yesterday"}'`),
		"half a body":                          part("body", "to_jsonb(left(metadata->'output'->>'body', 40))"),
		"no body":                              part("body", `'""'`),
		"no key":                               part("wrapped", `'""'`),
		"half a key":                           part("wrapped", "to_jsonb(left(metadata->'output'->>'wrapped', 40))"),
		"another body":                         part("body", of(yesterday)+"->'body'"),
		"another wrapped key":                  part("wrapped", of(yesterday)+"->'wrapped'"),
		"another key's name":                   part("key", `'"seal-0000"'`),
		"a flipped byte":                       part("body", "to_jsonb(overlay(metadata->'output'->>'body' placing 'AAAA' from 9))"),
		"removed":                              "UPDATE river_job SET metadata = metadata - 'output' WHERE id = $1",
		"the row removed":                      "DELETE FROM river_job WHERE id = $1",
		"the rows exchanged":                   "UPDATE river_job SET id = -id WHERE id IN ($1, $2); UPDATE river_job SET id = CASE id WHEN -$1 THEN $2 ELSE $1 END WHERE id IN (-$1, -$2)",
		"the row of yesterday":                 "UPDATE river_job x SET args = y.args, metadata = y.metadata, state = y.state, finalized_at = y.finalized_at, attempt = y.attempt, errors = y.errors FROM river_job y WHERE x.id = $1 AND y.id = $3",
		"the row of yesterday, with its place": "DELETE FROM river_job WHERE id = $1; UPDATE river_job SET id = $1 WHERE id = $3",
	}
}

// early are ways to give an answer before a worker is there. Each then says that the job is over.
func early() map[string]string {
	all := make(map[string]string)
	for name, sql := range outcomes("audit") {
		switch name {
		case "yesterday's", "yesterday's of another kind", "yesterday's failure", "of another key", "of another registry", "an object", "in the clear":
			all[name] = sql + "; UPDATE river_job SET state = 'completed', finalized_at = now() WHERE id = $1"
		}
	}
	return all
}

// readied makes a job ready that is over, and yesterdays is how many such jobs there are of each kind.
const (
	readied    = "UPDATE river_job SET state = 'available', finalized_at = NULL, scheduled_at = now(), attempt = 0"
	yesterdays = 6
)

// tasks are ways to exchange, repeat, delay and truncate a task before a worker is there. Each is done by nobody.
func tasks(kind string) map[string]string {
	args := func(value string) string {
		return "UPDATE river_job SET args = jsonb_build_object('sealed', " + value + ") WHERE id = $1"
	}
	from := func(where string) string { return "(SELECT args->'sealed' FROM river_job WHERE " + where + ")" }
	return map[string]string{
		"yesterday's":                        args(from("id = $3")),
		"yesterday's, of its word":           args(from("id = $3")) + "; UPDATE river_job SET metadata = (SELECT metadata FROM river_job WHERE id = $3) WHERE id = $1",
		"of another kind":                    args(from("id = $3 + 1")),
		"of another key":                     args(from("queue = 'forged'")),
		"of another registry":                args(from("queue = '" + kind + "' AND priority = 2")),
		"of the other job":                   args(from("id = $2")),
		"null":                               args("'null'"),
		"a text":                             args(`'"all"'`),
		"in the clear":                       args(`'{"do": "all"}'`),
		"half":                               args("jsonb_set(args->'sealed', '{body}', to_jsonb(left(args->'sealed'->>'body', 40)))"),
		"of another kind's queue":            "UPDATE river_job SET queue = '" + others[kind] + "' WHERE id = $1",
		"repeated":                           "INSERT INTO river_job (kind, queue, args, metadata, max_attempts) SELECT kind, queue, args, metadata, 25 FROM river_job WHERE id = $3; DELETE FROM river_job WHERE id = $1",
		"yesterday's row again":              readied + " WHERE id = $3; DELETE FROM river_job WHERE id = $1",
		"yesterday's row without a word":     readied + ", metadata = '{}' WHERE id = $3; DELETE FROM river_job WHERE id = $1",
		"yesterday's row with a word":        readied + ", metadata = (SELECT metadata FROM river_job WHERE id = $1) WHERE id = $3; DELETE FROM river_job WHERE id = $1",
		"yesterday's row with a raised word": readied + ", metadata = jsonb_set(metadata, '{asked,at}', to_jsonb((extract(epoch FROM now()) * 1000000)::int8)) WHERE id = $3; DELETE FROM river_job WHERE id = $1",
	}
}

// ask has a command ask for two jobs of a kind. Those behind the gate come after a job that is done when the gate opens.
func (o *office) ask(ctx context.Context, w *way, behind bool) {
	all := []jobs.Job{{Kind: w.kind, Do: w.name + " first"}, {Kind: w.kind, Do: w.name + " second"}}
	if behind {
		all = append([]jobs.Job{{Kind: "gate"}}, all...)
	}
	w.answers, w.over = make(map[string]string), make(chan struct{})
	before := o.number("SELECT coalesce(max(id), 0) FROM river_job")
	go func() {
		defer close(w.over)
		_ = o.q.Run(ctx, list(all...), func(job jobs.Job, result json.RawMessage, err error) error {
			w.heard.Add(1)
			if err == nil && job.Kind == w.kind {
				w.answers[fmt.Sprint(job.Do)] = string(result)
			}
			return nil
		}, nil)
	}()
	require.Eventually(o.t, func() bool {
		return o.number("SELECT count(*) FROM river_job WHERE id > $1", before) == int64(len(all))
	}, time.Minute, time.Millisecond)
	for i := range 2 {
		w.ids[i] = o.number("SELECT id FROM river_job WHERE id > $1 AND queue <> 'gate' ORDER BY id LIMIT 1 OFFSET $2", before, i)
	}
	if w.ids[2] = o.number("SELECT min(id) FROM river_job WHERE queue = $1", w.kind); strings.Contains(w.sql, readied) {
		o.past[w.kind]++ // a job of its own
		w.ids[2] += int64(3 * o.past[w.kind])
	}
}

// do does to the rows of a command what a way says.
func (o *office) do(w *way) {
	for _, sql := range strings.Split(w.sql, "; ") {
		for i, id := range w.ids {
			sql = strings.ReplaceAll(sql, fmt.Sprintf("$%d", i+1), fmt.Sprint(id))
		}
		o.exec(sql)
	}
}

// believed requires that a command believed the answers to its own tasks alone.
func (o *office) believed(w *way) {
	for task, answer := range w.answers {
		text, err := json.Marshal(fmt.Sprintf("answer to %q", task))
		require.NoError(o.t, err)
		assert.Equal(o.t, string(text), answer, w.name)
	}
}

// Who may write to the table of the queue but has no key can have nothing believed: no answer of yesterday, of another job or
// of his own, and no task is done that a living command has not asked for.
func TestForgedOutcomesAndTasks(t *testing.T) {
	t.Parallel()
	key := registry.GenerateSealKey()
	o, dsn := openOffice(t, key)
	end := work(t, o.q, o.kinds())
	for range yesterdays {
		for _, kind := range []string{"audit", "erase", "investigate"} {
			run(t, o.q, jobs.Job{Kind: kind, Do: "yesterday"})
		}
	}
	run(t, o.q, jobs.Job{Kind: "audit", Do: "yesterday, which fails"})
	end()
	// Another registry of the same key, and another key.
	for _, x := range []struct {
		of    string
		key   *registry.SealKey
		kinds []string
	}{{"another registry", key, []string{"audit", "erase", "investigate"}}, {"registry", registry.GenerateSealKey(), []string{"audit"}}} {
		q, err := jobs.OpenServer(t.Context(), dsn, x.of, x.key)
		require.NoError(t, err)
		end := work(t, q, o.kinds())
		for _, kind := range x.kinds {
			run(t, q, jobs.Job{Kind: kind, Do: "elsewhere"})
		}
		end()
		q.Close()
		if x.of == "registry" {
			o.exec("UPDATE river_job SET queue = 'forged' WHERE id = (SELECT max(id) FROM river_job)")
		} else {
			o.exec("UPDATE river_job SET priority = 2 WHERE id > (SELECT max(id) FROM river_job) - 3")
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var late, soon, asked []*way
	for kind := range others {
		for _, x := range []struct {
			what string
			list *[]*way
			all  map[string]string
		}{{"answer", &late, outcomes(kind)}, {"early answer", &soon, early()}, {"task", &asked, tasks(kind)}} {
			for name, sql := range x.all {
				*x.list = append(*x.list, &way{name: fmt.Sprintf("%s, %s: %s", kind, x.what, name), kind: kind, sql: sql})
			}
		}
	}
	t.Logf("%d ways", len(late)+len(soon)+len(asked))

	// Before a worker is there.
	for _, w := range soon {
		alone, stop := context.WithCancel(ctx)
		o.ask(alone, w, false)
		o.do(w)
		require.Eventually(t, func() bool { return w.heard.Load() > 0 }, time.Minute, time.Millisecond, w.name)
		stop()
		<-w.over
		require.Empty(t, w.answers, w.name)
	}

	// Behind a gate, after the answers are there.
	endGate := workAt(t, o.q, len(late), map[string]jobs.Func{"gate": func(context.Context, []byte) (any, error) { <-o.gate; return nil, nil }})
	end = work(t, o.q, o.kinds())
	for _, w := range late {
		o.ask(ctx, w, true)
	}
	for _, w := range late {
		require.Eventually(t, func() bool {
			return o.number("SELECT count(*) FROM river_job WHERE id IN ($1, $2) AND state = 'completed'", w.ids[0], w.ids[1]) == 2
		}, time.Minute, time.Millisecond)
	}
	end()
	o.exec("CREATE TEMPORARY TABLE kept AS SELECT * FROM river_job")
	for _, w := range late {
		o.do(w)
		o.exec("INSERT INTO river_job SELECT * FROM kept WHERE id = $1 ON CONFLICT DO NOTHING", w.ids[2])
	}
	close(o.gate)
	for _, w := range late {
		<-w.over
		o.believed(w)
		require.NotContains(t, w.answers, w.name+" first", w.name)
	}
	endGate()

	// Tasks.
	time.Sleep(jobs.Word) // yesterday is over
	o.mu.Lock()
	before := len(o.did)
	o.mu.Unlock()
	for _, w := range asked {
		o.ask(ctx, w, false)
		o.do(w)
	}
	work(t, o.q, o.kinds())
	require.Eventually(t, func() bool {
		return o.number("SELECT count(*) FROM river_job WHERE state IN ('available', 'running') AND errors IS NULL") == 0
	}, time.Minute, 10*time.Millisecond)
	cancel()
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, w := range asked {
		<-w.over
		o.believed(w)
		require.NotContains(t, w.answers, w.name+" first", w.name)
		require.Zero(t, o.did[fmt.Sprintf("%q", w.name+" first")], w.name)
	}
	for task, n := range o.did {
		want := map[string]int{`"yesterday"`: 3 * yesterdays, `"elsewhere"`: 4}[task]
		require.Equal(t, max(want, 1), n, task)
	}
	require.Equal(t, before+len(asked), len(o.did), "the second jobs were done")
}
