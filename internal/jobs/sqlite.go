//go:build !386 && !arm && !mips && !mipsle

package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
)

// queueEnd ends the name of the file of a queue, after that of the registry's file.
const queueEnd = ".queue"

// A file has the rows of a queue in a SQLite file of its own, beside the registry's. Processes of one machine use it. It has no lock that
// ends with a process: the workers of processes that are gone are dead.
type file struct {
	fileQuerier
	db      *sql.DB
	queries statements
}

// openFile opens the queue of the registry in the file at path, and makes it if it is missing.
func openFile(ctx context.Context, path string) (*file, error) {
	path, err := filepath.Abs(path + queueEnd)
	if err != nil {
		return nil, err
	}
	made, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := made.Close(); err != nil {
		return nil, err
	}
	if filepath.VolumeName(path) != "" {
		path = "/" + path // file:/C:/… (sqlite.org/uri.html, section 3.1)
	}
	at := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path), RawQuery: url.Values{"_txlock": {"immediate"},
		"_pragma": {"busy_timeout(20000)", "journal_mode(WAL)", "synchronous(FULL)", "secure_delete(1)"}}.Encode()}
	db, err := sql.Open("sqlite", at.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // as River's driver asks for
	f := &file{fileQuerier: fileQuerier{db}, db: db, queries: fileWords()}
	if err := f.prepare(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return f, nil
}

// prepare makes the tables. Another process may make them at the same time, and then one of both fails.
func (f *file) prepare(ctx context.Context) error {
	m, err := rivermigrate.New(riversqlite.New(f.db), &rivermigrate.Config{Logger: quiet})
	if err != nil {
		return err
	}
	for begun := time.Now(); ; {
		v, err := m.Validate(ctx, nil)
		if err == nil && v.OK {
			return nil
		}
		if err == nil {
			_, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil)
		}
		if err == nil || time.Since(begun) > takeBackTime {
			return err
		}
		select {
		case <-time.After(maxPoll):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func fileWords() statements {
	const back, now = "($4 = 'available' AND metadata->'cancel_attempted_at' IS NOT NULL)", "datetime('now', 'subsec')"
	since := fmt.Sprintf("unixepoch('subsec') - %g", Lease.Seconds())
	return statements{
		table: "river_job", among: "id IN (SELECT value FROM json_each($1))", by: "json_extract(attempted_by, '$[#-1]')",
		micros:   "CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
		taken:    "coalesce(unixepoch('subsec') - unixepoch(coalesce(attempted_at, created_at), 'subsec'), 0.0)",
		add:      "args = jsonb_set(args, '$.sealed', jsonb($2)), metadata = jsonb_object('asked', jsonb($3))",
		asked:    "metadata = jsonb_set(metadata, '$.asked', jsonb($2))",
		renewed:  "metadata = jsonb_set(metadata, '$.renewed', unixepoch('subsec'))",
		leased:   "(coalesce(unixepoch(attempted_at, 'subsec') > " + since + ", 0) OR coalesce(json_extract(metadata, '$.renewed') > " + since + ", 0))",
		attended: "1",
		settle: `attempt = attempt - $5, scheduled_at = datetime('now', 'subsec', '+' || $6 || ' seconds'),
			state = CASE WHEN ` + back + ` THEN 'cancelled' ELSE $4 END,
			finalized_at = CASE WHEN $4 <> 'available' OR ` + back + ` THEN ` + now + ` END,
			errors = CASE WHEN $7 = '' THEN errors ELSE jsonb_insert(coalesce(errors, jsonb('[]')), '$[#]',
				jsonb_object('at', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'attempt', attempt, 'error', $7, 'trace', '')) END,
			metadata = CASE WHEN $8 IS NULL THEN metadata ELSE jsonb_set(metadata, '$.output', jsonb($8)) END`,
		abandon: "state = CASE WHEN attempt >= max_attempts THEN 'discarded' ELSE 'available' END, finalized_at = CASE WHEN attempt >= max_attempts THEN " + now + " END",
	}
}

func (f *file) close() { f.db.Close() }

func (f *file) client(cfg *river.Config) (client, error) {
	return river.NewClient(riversqlite.New(f.db), cfg)
}

// A fileQuerier is a file or a transaction.
type fileQuerier struct {
	q interface {
		ExecContext(context.Context, string, ...any) (sql.Result, error)
		QueryContext(context.Context, string, ...any) (*sql.Rows, error)
	}
}

func (f fileQuerier) rows(ctx context.Context, each func(scan func(...any) error) error, query string, args ...any) error {
	rows, err := f.q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	return eachRow(rows, each)
}

func (f fileQuerier) many(ctx context.Context, query string, args [][]any) error {
	for _, x := range args {
		if _, err := f.q.ExecContext(ctx, query, x...); err != nil {
			return err
		}
	}
	return nil
}

func (f *file) many(ctx context.Context, query string, args [][]any) error {
	return f.begin(ctx, func(tx *sql.Tx) error { return fileQuerier{tx}.many(ctx, query, args) })
}

func (f *file) begin(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := f.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after a commit
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit()
}

func (f *file) exec(ctx context.Context, query string, args ...any) (int64, error) {
	done, err := f.db.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return done.RowsAffected()
}

func (f *file) insert(ctx context.Context, c client, params []river.InsertManyParams, then func(querier, []*rivertype.JobInsertResult) error) error {
	return f.begin(ctx, func(tx *sql.Tx) error {
		results, err := c.(*river.Client[*sql.Tx]).InsertManyTx(ctx, tx, params)
		if err != nil {
			return err
		}
		return then(fileQuerier{tx}, results)
	})
}

func (f *file) live(context.Context, int32) (living, error) { return unlocked{f}, nil }

type unlocked struct{ *file }

// exec also gives back the jobs of workers whose processes are gone.
func (u unlocked) exec(ctx context.Context, query string) error {
	var dead [][]any
	err := u.rows(ctx, func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		if ran(name) {
			dead = append(dead, []any{name})
		}
		return err
	}, "SELECT DISTINCT coalesce("+u.queries.by+", '') FROM river_job WHERE state = 'running'")
	if err == nil {
		err = u.many(ctx, "UPDATE river_job SET "+u.queries.abandon+" WHERE state = 'running' AND "+u.queries.by+" = $1", dead)
	}
	if err == nil {
		_, err = u.file.exec(ctx, query)
	}
	return err
}

func (u unlocked) close(context.Context) {}
