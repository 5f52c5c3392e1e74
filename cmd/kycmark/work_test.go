package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"image"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/disintegration/imaging"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/cli"
	"github.com/kycmark/kycmark/internal/cli/judge"
	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/home"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/s3test"
	"github.com/kycmark/kycmark/internal/test/skip"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/testdata"
)

// kills is how many workers are killed. Each tenth time it is the database, and
// each fifth time the S3 server.
var kills = long.Number(6, 30)

// A crew is a home with two workers that are killed and started again.
type crew struct {
	t      *testing.T
	dir    string
	home   string
	bucket *s3test.Server
	random *rand.Rand
	left   int // kills
	over   chan struct{}
	wg     sync.WaitGroup
}

// command is kycmark in the home of the crew.
func (c *crew) command(args ...string) *exec.Cmd {
	cmd := exec.Command("kycmark", args...)
	cmd.Dir, cmd.Env = c.dir, append(os.Environ(), "KYCMARK_HOME="+c.home, "XDG_CACHE_HOME="+c.dir)
	return cmd
}

// patience is how long a command that loses its database is repeated: the database must recover.
const patience = time.Minute

// run runs kycmark until it ends with the exit code 0: a command that loses its database is repeated.
func (c *crew) run(args ...string) string {
	var out, errs bytes.Buffer
	for end := time.Now().Add(patience); time.Now().Before(end); {
		out.Reset()
		errs.Reset()
		cmd := c.command(args...)
		cmd.Stdout, cmd.Stderr = &out, &errs
		if cmd.Run() == nil {
			return out.String()
		}
		time.Sleep(100 * time.Millisecond)
	}
	require.Fail(c.t, strings.Join(args, " "), errs.String())
	return ""
}

// work keeps a worker running. Each is killed after a random time, until no kills are left.
func (c *crew) work(kill func() (after time.Duration, crash func())) {
	for {
		after, crash := kill()
		cmd := c.command("work", "--jobs", "1")
		if cmd.Start() != nil {
			return
		}
		ended := make(chan struct{})
		go func() { cmd.Wait(); close(ended) }()
		if after == 0 { // one that ends by itself, without its database, has a successor
			select {
			case <-ended:
			case <-c.over:
			}
		} else {
			select {
			case <-time.After(after):
				crash()
			case <-c.over:
			}
		}
		cmd.Process.Kill()
		<-ended
		select {
		case <-c.over:
			return
		default:
		}
	}
}

// tinyFiles keeps what tiny made, by its number.
var tinyFiles sync.Map

// setNumber returns the number that an environment variable has, or n if it is not set.
func setNumber(t *testing.T, name string, n int) int {
	t.Helper()
	if text := os.Getenv(name); text != "" {
		var err error
		n, err = strconv.Atoi(text)
		require.NoError(t, err)
	}
	return n
}

// tiny is a picture of 360 pixels on the long side: a shipped one for n from 0 to 3, else the selfie of person n, or a
// photograph of a document of that person.
func tiny(t *testing.T, n int) []byte {
	t.Helper()
	if file, ok := tinyFiles.Load(n); ok {
		return bytes.Clone(file.([]byte))
	}
	var img image.Image
	if names := []string{"bruno_passport", "elif_licence", "chidi_idcard", "farid_residence"}; n < len(names) {
		file, err := testdata.Pictures.ReadFile("pictures/" + names[n] + ".jpg")
		require.NoError(t, err)
		p, err := picture.Decode(file, picture.Limits{})
		require.NoError(t, err)
		img = imaging.Fit(p.Image, 360, 360, imaging.Lanczos)
	} else if seed, all := uint64(n), specimen.Templates(); n%2 == 0 {
		img = specimen.Selfie(specimen.NewPerson(seed), seed, 270, 360)
	} else {
		img = specimen.Photograph(specimen.Render(all[n/2%len(all)], specimen.NewPerson(seed), 320), seed, 360, 270)
	}
	var out bytes.Buffer
	require.NoError(t, imaging.Encode(&out, img, imaging.JPEG))
	tinyFiles.Store(n, bytes.Clone(out.Bytes()))
	return out.Bytes()
}

// Workers, the database and the S3 server are killed at random moments, while uploads are entered, issued to two recipients and
// investigated. Everything is done in the end; each copy was entered and released once, and each part of an
// investigation was entered once.
func TestKilledWorkers(t *testing.T) {
	if testing.Short() {
		skip.Test(t, "workers are killed without -short only")
	}
	c := &crew{t: t, dir: t.TempDir(), random: rand.New(rand.NewPCG(20, 3)), left: kills, over: make(chan struct{})}
	c.home = filepath.Join(c.dir, "kyc")
	dsn := server.DSN(t)
	c.bucket = s3test.Start(t)
	c.run("init", "--registry", dsn, "--blobs", c.bucket.Address, c.home)
	recipients := []string{"vendor-a", "vendor-b"}
	for _, to := range recipients {
		c.run("recipient", "add", to, "--kind", "vendor")
	}
	var mu, one sync.Mutex
	remaining := func() int { mu.Lock(); defer mu.Unlock(); return c.left }
	kill := func() (time.Duration, func()) {
		mu.Lock()
		defer mu.Unlock()
		if c.left == 0 {
			return 0, nil
		}
		c.left--
		life := c.random.Float64() // most are short, and some long enough for every job
		crash := func() {}
		switch c.left % 10 {
		case 5:
			crash = func() { server.Crash(t) }
		case 2, 7:
			away := time.Duration(c.random.Float64() * float64(time.Second))
			crash = func() {
				one.Lock()
				defer one.Unlock()
				c.bucket.Kill()
				time.Sleep(away)
				c.bucket.Run(t)
			}
		}
		return 200*time.Millisecond + time.Duration(8*life*life*float64(time.Second)), crash
	}
	for range 2 {
		c.wg.Go(func() { c.work(kill) })
	}
	end := sync.OnceFunc(func() { close(c.over); c.wg.Wait() })
	defer end() // no worker outlives a test that fails
	rounds, parts := 0, 0
	for ; rounds == 0 || remaining() > 0; rounds++ {
		up := filepath.Join(c.dir, fmt.Sprintf("up%d", rounds))
		require.NoError(t, os.Mkdir(up, 0o700))
		for k := range 3 {
			require.NoError(t, os.WriteFile(filepath.Join(up, fmt.Sprintf("subject-%d-%d.jpg", rounds, k)), tiny(t, 3*rounds+k), 0o600))
		}
		c.run("submit", "--subject-from", "name", up)
		issue := []string{"issue", "--allow-weak", "--purpose", fmt.Sprintf("round %d", rounds), "--out", fmt.Sprintf("out%d", rounds)}
		for _, to := range recipients {
			issue = append(issue, "--to", to)
		}
		for _, s := range c.rows(dsn, "SELECT encode(s.id, 'hex') FROM submission s WHERE NOT EXISTS (SELECT FROM copy WHERE submission = s.id)") {
			issue = append(issue, "--submission", s)
		}
		c.issue(issue, 3*len(recipients)*(rounds+1))
		if rounds%4 == 0 {
			of := fmt.Sprintf("out%d", rounds)
			if !long.On {
				of = filepath.Join(of, recipients[0])
			}
			c.run("investigate", of, "--queue")
			parts += 2 // at least: parts without a picture are not entered
		}
	}
	end()
	t.Logf("%d rounds", rounds)

	c.run("audit", "--originals")
	require.Len(t, c.rows(dsn, "SELECT 1 FROM submission"), 3*rounds)
	copies := c.rows(dsn, "SELECT DISTINCT encode(submission, 'hex'), recipient, purpose FROM copy")
	require.Len(t, copies, 6*rounds)
	logged := c.rows(dsn, "SELECT encode(sha256, 'hex') FROM copy")
	require.Len(t, logged, 6*rounds, "no copy is entered twice")
	released := c.released()
	require.Len(t, released, 6*rounds)
	for _, path := range released {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		sum := sha256.Sum256(data)
		require.Contains(t, logged, fmt.Sprintf("%x", sum), "%s was released and not entered", path)
	}
	entries := c.rows(dsn, "SELECT salt FROM investigation")
	require.GreaterOrEqual(t, len(entries), parts)
	require.Len(t, c.rows(dsn, "SELECT DISTINCT salt FROM investigation"), len(entries), "no part is entered twice")
}

// released lists the copies that are there. A worker that is killed may leave .kycmark-*.tmp beside them.
func (c *crew) released() []string {
	found, err := filepath.Glob(filepath.Join(c.dir, "out*", "*", "[^.]*"))
	require.NoError(c.t, err)
	return found
}

// issue runs issue until that many files are there. A command that loses its database may leave some to
// the next: files that are there are then errors of it, and no second copies.
func (c *crew) issue(args []string, files int) {
	var last []byte
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		last, _ = c.command(args...).CombinedOutput()
		if len(c.released()) == files {
			return
		}
	}
	require.Fail(c.t, "copies are missing", string(last))
}

// rows returns the only column of a query, or the columns as a text.
func (c *crew) rows(dsn, sql string) []string {
	var last error
	for end := time.Now().Add(patience); time.Now().Before(end); {
		ctx := context.Background()
		conn, err := pgx.Connect(ctx, dsn)
		if err == nil {
			var rows pgx.Rows
			if rows, err = conn.Query(ctx, "SELECT trim(both '()' from x::text) FROM ("+sql+") x"); err == nil {
				var out []string
				if out, err = pgx.CollectRows(rows, pgx.RowTo[string]); err == nil {
					conn.Close(ctx)
					return out
				}
			}
			conn.Close(ctx)
		}
		last = err
		time.Sleep(100 * time.Millisecond)
	}
	require.NoError(c.t, last)
	return nil
}

// A part of an investigation that is done twice, because its worker died before it could say so, has one entry.
func TestJobsTwice(t *testing.T) {
	c := &crew{t: t, dir: t.TempDir()}
	c.home = filepath.Join(c.dir, "kyc")
	c.run("init", c.home)
	h, err := home.Open(c.home)
	require.NoError(t, err)
	r, err := h.Registry(t.Context())
	require.NoError(t, err)
	defer r.Close()
	b, err := (&ui.Desk{UI: ui.NewUI(io.Discard, io.Discard), Home: h, Registry: r}).AsWorker()
	require.NoError(t, err)
	before, _, err := r.Ledger().Head(t.Context())
	require.NoError(t, err)
	do := cli.Kinds(b)[judge.KindPart]
	_, err = do(t.Context(), []byte(`{"Later":1}`))
	require.ErrorContains(t, err, `another version than this worker's asks for it: json: unknown field "Later"`)

	dot := image.NewGray(image.Rect(0, 0, 9, 9)) // too small to be read
	var dotFile bytes.Buffer
	require.NoError(t, picture.Encode(&dotFile, dot, "png", 0))
	require.NoError(t, os.WriteFile(filepath.Join(c.dir, "dot.png"), dotFile.Bytes(), 0o600))
	text, err := json.Marshal(judge.InvestigateJob{Actor: "a", Dir: c.dir, Command: []string{"kycmark"}, Dump: []string{"dot.png"}}.ForPart(1, 1).Do)
	require.NoError(t, err)
	for range 2 {
		_, err := do(t.Context(), text)
		require.NoError(t, err)
	}
	after, _, err := r.Ledger().Head(t.Context())
	require.NoError(t, err)
	require.Equal(t, before+1, after, "one investigation")
}
