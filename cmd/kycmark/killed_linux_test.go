package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/home"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// A killing runs commands, kills each at a random moment of its time, and runs it again.
type killing struct {
	*issuing
	took  map[string]time.Duration // by verb, what the last whole run took
	kills map[string]int           // by verb, kills before the command's end
}

// kill kills a command, runs it again, which must end with 0, and returns what that printed.
func (x *killing) kill(verb string, args ...string) string {
	x.Helper()
	cmd := x.command(args...)
	require.NoError(x, cmd.Start())
	if x.took[verb] == 0 {
		x.took[verb] = 40 * time.Millisecond
	}
	time.Sleep(time.Duration(x.random.Float64() * float64(x.took[verb])))
	_ = cmd.Process.Kill()
	if cmd.Wait() != nil {
		x.kills[verb]++
	}
	began := time.Now()
	out := x.run(args...)
	x.took[verb] = time.Since(began)
	return out
}

// broken refuses all bytes, of which some may have been written.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

// Each command that writes is killed at a random moment. The same command, run again, ends with 0, and nothing is to be
// cleaned by hand: the ledger holds, originals open, and no command's temporary file is left.
func TestKilledCommandsEndWell(t *testing.T) {
	t.Parallel()
	for name, dsn := range map[string]func() string{"file": func() string { return "" }, "postgres": func() string { return server.DSN(t) }} {
		if name == "postgres" && !long.On {
			continue // the same commands, and a database that has its own tests
		}
		t.Run(name, func(t *testing.T) {
			x := &killing{newIssuing(t, dsn(), 1), make(map[string]time.Duration), make(map[string]int)}
			x.random = rand.New(rand.NewPCG(49, 8))
			dir := filepath.Join(x.dir, "kyc")
			h, err := home.Open(dir)
			require.NoError(t, err)
			r, err := h.Registry(t.Context())
			require.NoError(t, err)
			defer r.Close()
			keys, seal, err := h.Keys()
			require.NoError(t, err)
			issuer, err := registry.NewIssuer(registry.Config{Registry: r, Key: keys[0], SealKey: seal})
			require.NoError(t, err)
			first := x.submitted("up", "")
			config, err := os.ReadFile(filepath.Join(dir, "kycmark.toml"))
			require.NoError(t, err)

			from := filepath.Join(dir, "registry.db")
			if name == "postgres" {
				from = h.Address()
			}
			markKey := func() string {
				key := watermark.GenerateKey()
				_, err := r.Ledger().AddMarkKey(t.Context(), key)
				require.NoError(t, err)
				return key.ID()
			}
			verbs := []struct {
				name string
				do   func(n int)
			}{
				{"init", func(n int) {
					at := fmt.Sprintf("home-%d", n)
					args := []string{"init", at}
					if name == "postgres" {
						args = []string{"init", "--registry", server.DSN(t), at}
					}
					x.kill("init", args...)
					x.run("doctor", "--home", at)
					x.run("checkpoint", "--home", at)
				}},
				{"erase", func(n int) {
					subject := fmt.Sprint("subject-", n)
					id := x.submitted(x.upload(n), subject)
					if n%2 == 0 {
						x.kill("erase", "erase", "--subject", subject, "--yes")
					} else {
						x.kill("erase", "erase", "--submission", id, "--yes")
					}
					_, err := r.Submission(t.Context(), submissionID(t, id))
					require.ErrorIs(t, err, registry.ErrErased)
				}},
				{"key end", func(n int) {
					if n%2 == 0 {
						x.kill("key end", "key", "end", "--retired", markKey())
					} else {
						x.kill("key end", "key", "end", "--lost", "--since", "2026-01-01", "--note", "a tape", markKey())
					}
				}},
				{"custody", func(n int) {
					note := fmt.Sprint("fact ", n)
					x.kill("custody", "custody", "add", "vendor-a", "--from", "2018-02", "--to", "2018-03", "--note", note)
					facts, err := r.Custody(t.Context(), registry.CustodyFilter{Recipient: "vendor-a"})
					require.NoError(t, err)
					said := 0
					for _, f := range facts {
						if f.Note == note {
							said++
						}
					}
					require.Equal(t, 1, said, "entered once")
				}},
				{"void", func(n int) {
					purpose := fmt.Sprint("void ", n)
					_, err := issuer.Issue(t.Context(), submissionID(t, first), "vendor-a", registry.WriteTo(broken{}), &registry.IssueOptions{Purpose: purpose, AllowWeak: true})
					require.Error(t, err)
					copies, err := r.Copies(t.Context(), submissionID(t, first))
					require.NoError(t, err)
					for _, c := range copies {
						if c.Purpose == purpose {
							x.kill("void", "issue", "--void", c.ID.String(), "--note", "nothing left")
							now, err := r.Copy(t.Context(), c.ID)
							require.NoError(t, err)
							require.Equal(t, books.CopyVoid, now.State)
						}
					}
				}},
				{"key add", func(n int) {
					file := fmt.Sprintf("keys/more-%d.key", n)
					x.run("keygen", "--out", filepath.Join("kyc", file))
					more := regexp.MustCompile(`(?m)^mark = \[(.*)\]`).ReplaceAllString(string(config), `mark = [$1, "`+file+`"]`)
					require.NotEqual(t, more, string(config))
					require.NoError(t, os.WriteFile(filepath.Join(dir, "kycmark.toml"), []byte(more), 0o600))
					require.Contains(t, x.kill("key add", "key", "add"), "commitment entered")
					require.NoError(t, os.WriteFile(filepath.Join(dir, "kycmark.toml"), config, 0o600))
				}},
				{"key report", func(n int) {
					require.NoError(t, os.Remove(filepath.Join(dir, "keys", "report.key")))
					require.NoError(t, os.Remove(filepath.Join(dir, "keys", "report.pub")))
					made := x.kill("key report", "key", "report", "--create")
					require.Equal(t, made, x.run("key", "report"))
				}},
				{"recipient", func(n int) {
					x.kill("recipient", "recipient", "add", fmt.Sprint("vendor-", n), "--kind", "vendor")
				}},
				{"submit", func(n int) { x.kill("submit", "submit", "--subject", fmt.Sprint("s", n), x.upload(n)) }},
				{"issue", func(n int) {
					out := fmt.Sprint("out-", n)
					x.kill("issue", x.copy(first, n)...)
					left, err := filepath.Glob(filepath.Join(x.dir, out, "[^.]*"))
					require.NoError(t, err)
					require.Len(t, left, 1)
				}},
				{"checkpoint", func(int) { x.kill("checkpoint", "checkpoint") }},
				{"copy-registry", func(n int) {
					x.kill("copy-registry", "copy-registry", from, fmt.Sprintf("backup/%d.db", n), "--blobs", "backup/originals")
				}},
			}
			runs, killed := 0, 0
			for ; killed < long.Number(5, 200); runs++ {
				verbs[runs%len(verbs)].do(runs)
				killed = 0
				for _, n := range x.kills {
					killed += n
				}
			}
			left := x.agedTemporaries()
			for n := range runs { // what follows cleans the folders of copies, of keys, of backups and of originals
				if verbs[n%len(verbs)].name == "issue" {
					x.run(x.copy(first, n)...)
				}
			}
			x.run("copy-registry", from, "backup/last.db", "--blobs", "backup/originals")
			x.run("keygen", "--out", filepath.Join("kyc", "keys", "last.key"))
			require.Contains(t, x.run("audit", "--originals"), "the ledger holds")
			t.Logf("%d commands of %d were killed before their end: %v; %d temporary files were left, %d are", killed, runs, x.kills, left, x.agedTemporaries())
			require.Zero(t, x.agedTemporaries())
		})
	}
}

// agedTemporaries counts the temporary files of killed commands, and makes them two hours old.
func (x *killing) agedTemporaries() (n int) {
	require.NoError(x, filepath.WalkDir(x.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasPrefix(d.Name(), ".kycmark-") {
			n++
			old := time.Now().Add(-2 * time.Hour)
			err = os.Chtimes(path, old, old)
		}
		return err
	}))
	return n
}

// copy are the arguments that issue a copy into a folder.
func (x *killing) copy(of string, n int) []string {
	out := fmt.Sprint("out-", n)
	return []string{"issue", "--to", "vendor-a", "--submission", of, "--allow-weak", "--purpose", out, "--out", out}
}

// upload makes a file of its own digest, and returns its name.
func (x *killing) upload(n int) string {
	name := fmt.Sprintf("upload-%d.jpg", n)
	require.NoError(x, os.WriteFile(filepath.Join(x.dir, name), append(tiny(x.T, 0), fmt.Sprint(n)...), 0o600))
	return name
}

// submitted submits a file and returns its ID.
func (x *killing) submitted(file, subject string) string {
	args := []string{"submit", "--json", file}
	if subject != "" {
		args = append(args, "--subject", subject)
	}
	return regexp.MustCompile(`"submission":"([0-9a-f]{32})"`).FindStringSubmatch(x.run(args...))[1]
}

func submissionID(t *testing.T, text string) watermark.Submission {
	id, err := watermark.ParseSubmission(text)
	require.NoError(t, err)
	return id
}
