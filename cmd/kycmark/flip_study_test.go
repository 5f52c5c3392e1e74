//go:build study && linux

package main

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/pgtest"
	"github.com/kycmark/kycmark/verify/books"
)

// TestFlippedBitsByCommand flips one bit in each table and index of a registry ($KYCMARK_FLIPS: so many in each, and
// a fifth more), anywhere but in empty bytes; each sixth in an ID or a subject there. After each, every command that ends with 0
// must answer as before. After an erasure the sealed originals of the subject are gone. $KYCMARK_FLIPS_IN=postgres: in a server that
// ignores its checksums.
func TestFlippedBitsByCommand(t *testing.T) {
	n := 1
	if s := os.Getenv("KYCMARK_FLIPS"); s != "" {
		fmt.Sscan(s, &n)
	}
	server := pgtest.Server{Settings: []string{"autovacuum=off", "ignore_checksum_failure=on", "fsync=on", "log_min_messages=error"}}
	t.Cleanup(server.Stop)
	dsn := ""
	if os.Getenv("KYCMARK_FLIPS_IN") == "postgres" {
		dsn = strings.Replace(server.DSN(t), "///postgres?", "///made?", 1)
		sqlExec(t, &server, "CREATE DATABASE made")
	}
	x := newIssuing(t, dsn, 2)
	home, whole := filepath.Join(x.dir, "kyc"), filepath.Join(x.dir, "whole")
	for i := range 2 {
		path := filepath.Join(x.dir, fmt.Sprintf("customer%d.jpg", i))
		require.NoError(t, os.WriteFile(path, tiny(t, 10+i), 0o600))
		x.run("submit", "--subject", "customer-1", path)
	}
	x.run("custody", "add", "vendor-a", "--from", "2018-02", "--to", "2018-02", "--note", "contract")
	x.run(x.issue("copies")...)
	x.run("checkpoint")
	var first books.Copy
	lines := []byte(x.run("list", "copies", "--json"))
	require.NoError(t, json.Unmarshal(lines[:bytes.IndexByte(lines, '\n')], &first))
	leaks := filepath.Join(x.dir, "leaks")
	require.NoError(t, os.Mkdir(leaks, 0o700))
	data, err := os.ReadFile(filepath.Join(x.dir, "copies", first.Submission.String()+".jpg"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(leaks, "copy.jpg"), data, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(leaks, "upload.jpg"), tiny(t, 10), 0o600))

	var files map[string][]byte
	var put func(part string, file []byte) // a new registry with these bytes of a part
	if dsn == "" {
		files, put = inFile(t, filepath.Join(home, "registry.db"))
	} else {
		files, put = inServer(t, &server, filepath.Join(home, "kycmark.toml"))
	}
	require.NoError(t, exec.Command("cp", "-a", home, whole).Run())

	out := filepath.Join(x.dir, "out")
	commands := map[string][]string{
		"investigate": {"investigate", "--json", leaks},
		"erase":       {"erase", "--subject", "customer-1", "--yes", "--json"},
		"issue":       {"issue", "--to", "vendor-a", "--all", "--allow-weak", "--purpose", "copies", "--out", out, "--json"},
		"show":        {"show", first.Submission.String(), "--json"},
		"show copy":   {"show", first.ID.String(), "--json"},
		"prove":       {"prove", first.ID.String(), "--json"},
		"list":        {"list", "submissions", "--json"},
	}
	// answer runs a command on a registry of these bytes, and returns its answer without what changes from run to run.
	answer := func(name, part string, file []byte) (said string, code int) {
		require.NoError(t, os.RemoveAll(out))
		require.NoError(t, os.RemoveAll(home))
		require.NoError(t, exec.Command("cp", "-a", whole, home).Run())
		put(part, file)
		cmd := x.command(commands[name]...)
		raw, _ := cmd.Output()
		if code = cmd.ProcessState.ExitCode(); code != 0 {
			return "", code
		}
		switch name {
		case "investigate":
			for line := range bytes.Lines(raw) {
				var v struct {
					File, Finding, Submission, Copy, Note string
					Recipients                            []string

					Verdict struct {
						Headline                 string
						Named, Weakens, ShowsNot []string
						Case                     json.RawMessage // with all counts
					}
				}
				require.NoError(t, json.Unmarshal(line, &v))
				said += fmt.Sprintf("%s %s %s %s %s %s\n%s %q %q %q %s\n", v.File, v.Finding, v.Submission, v.Copy, v.Recipients, v.Note, v.Verdict.Headline, v.Verdict.Named, v.Verdict.Weakens, v.Verdict.ShowsNot, v.Verdict.Case)
			}
			return said, 0
		case "erase":
			blobs := 0
			_ = filepath.WalkDir(filepath.Join(home, "blobs"), func(_ string, e os.DirEntry, err error) error {
				if err == nil && e.Type().IsRegular() {
					blobs++
				}
				return err
			})
			return fmt.Sprint(bytes.Count(raw, []byte("\n")), " lines, left ", blobs), 0
		case "issue":
			files, err := filepath.Glob(filepath.Join(out, "*"))
			require.NoError(t, err)
			for _, f := range files {
				data, err := os.ReadFile(f)
				require.NoError(t, err)
				said += fmt.Sprintf("%s %x\n", filepath.Base(f), sha256.Sum256(data))
			}
			return said, 0
		}
		return string(raw), 0
	}
	want := make(map[string]string)
	for name := range commands {
		var code int
		want[name], code = answer(name, "", nil)
		require.Zero(t, code, name)
		require.NotEmpty(t, want[name], name)
		again, _ := answer(name, "", nil)
		require.Equal(t, want[name], again, name)
		t.Logf("%s: %.3000s", name, want[name])
	}
	random := rand.New(rand.NewPCG(21, uint64(n)))
	runs, refused, flips := 0, 0, 0
	aims := [][]byte{first.Submission[:], []byte("customer-1"), []byte("vendor-a"), []byte(first.KeyID)}
	for round := range n + n/5 + 1 { // an end ahead of time leaves no part out
		for _, part := range slices.Sorted(maps.Keys(files)) {
			made := files[part]
			var full, aimed []int
			for at, v := range made {
				if v != 0 {
					full = append(full, at)
				}
			}
			for _, text := range aims {
				if at := bytes.Index(made, text); at >= 0 {
					aimed = append(aimed, at, at+len(text)-1)
				}
			}
			from := full
			if round%6 == 0 && len(aimed) > 0 {
				from = aimed
			}
			if len(from) == 0 {
				continue
			}
			at, bit := from[random.IntN(len(from))], random.IntN(8)
			damaged := bytes.Clone(made)
			damaged[at] ^= 1 << bit
			flips++
			for _, name := range slices.Sorted(maps.Keys(commands)) {
				said, code := answer(name, part, damaged)
				if runs++; code != 0 {
					refused++
				} else if said != want[name] {
					t.Errorf("%s, bit %d of byte %d: %s answers %.2000s\nbefore %.2000s", part, bit, at, name, said, want[name])
				}
			}
			if flips%10 == 0 {
				t.Logf("%d flips, %d runs of commands, %d did not end with 0", flips, runs, refused)
			}
		}
	}
}

// inFile returns the pages of each table and index of a registry in a file, and a function that writes the file with others.
func inFile(t *testing.T, path string) (files map[string][]byte, put func(part string, file []byte)) {
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer db.Close()
	_, err = db.Exec("PRAGMA wal_checkpoint(TRUNCATE)")
	require.NoError(t, err)
	made, err := os.ReadFile(path)
	require.NoError(t, err)
	rows, err := db.Query("SELECT name, (pageno - 1) * pgsize, pgsize FROM dbstat")
	require.NoError(t, err)
	files, places := make(map[string][]byte), make(map[string][][2]int)
	for rows.Next() {
		var name string
		var at, size int
		require.NoError(t, rows.Scan(&name, &at, &size))
		files[name], places[name] = append(files[name], made[at:at+size]...), append(places[name], [2]int{at, size})
	}
	require.NoError(t, rows.Err())
	return files, func(part string, file []byte) {
		out := bytes.Clone(made)
		for _, place := range places[part] {
			copy(out[place[0]:], file[:place[1]])
			file = file[place[1]:]
		}
		require.NoError(t, os.WriteFile(path, out, 0o600))
	}
}

// sqlExec runs statements in the server's own database, one by one.
func sqlExec(t *testing.T, server *pgtest.Server, statements ...string) {
	db, err := sql.Open("pgx", server.DSN(t))
	require.NoError(t, err)
	defer db.Close()
	for _, s := range statements {
		_, err := db.Exec(s)
		require.NoError(t, err, s)
	}
}

// inServer returns the file of each table and index of a registry in the database "made", and a function that makes the database
// "run" of it, with another file, and names that in settings.
func inServer(t *testing.T, server *pgtest.Server, settings string) (files map[string][]byte, put func(part string, file []byte)) {
	sqlExec(t, server, "CHECKPOINT", "CREATE DATABASE run")
	text, err := os.ReadFile(settings)
	require.NoError(t, err)
	text = bytes.Replace(text, []byte("///made?"), []byte("///run?"), 1)
	folder := func(database string) string {
		db, err := sql.Open("pgx", server.DSN(t))
		require.NoError(t, err)
		defer db.Close()
		var oid int
		require.NoError(t, db.QueryRow("SELECT oid FROM pg_database WHERE datname = $1", database).Scan(&oid))
		return filepath.Join(server.Data(), "base", fmt.Sprint(oid))
	}
	db, err := sql.Open("pgx", strings.Replace(server.DSN(t), "///postgres?", "///made?", 1))
	require.NoError(t, err)
	rows, err := db.Query(`SELECT coalesce(o.relname || ' out of line', c.relname), c.relfilenode FROM pg_class c LEFT JOIN pg_class o ON o.reltoastrelid = c.oid
		WHERE (c.relnamespace = 'test1'::regnamespace OR o.relnamespace = 'test1'::regnamespace) AND c.relkind IN ('r', 'i', 't')`)
	require.NoError(t, err)
	files, nodes := make(map[string][]byte), make(map[string]int)
	for rows.Next() {
		var name string
		var node int
		require.NoError(t, rows.Scan(&name, &node))
		data, err := os.ReadFile(filepath.Join(folder("made"), fmt.Sprint(node)))
		require.NoError(t, err)
		if len(data) > 0 {
			files[name], nodes[name] = data, node
		}
	}
	require.NoError(t, rows.Err())
	require.NoError(t, db.Close())
	return files, func(part string, file []byte) {
		server.Ready(t)
		sqlExec(t, server, "DROP DATABASE run WITH (FORCE)", "CREATE DATABASE run TEMPLATE made STRATEGY file_copy")
		if part != "" {
			require.NoError(t, os.WriteFile(filepath.Join(folder("run"), fmt.Sprint(nodes[part])), file, 0o600))
		}
		require.NoError(t, os.WriteFile(settings, text, 0o600))
	}
}
