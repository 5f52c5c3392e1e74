package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/home"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/skip"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// A crowd of clients sends uploads to a service and has copies of them, while the service is killed.
type crowd struct {
	*issuing
	base    []byte
	address string // kept by each process
	token   string

	mu      sync.Mutex
	process *serving
	uploads map[string]bool         // submissions that were acknowledged
	copies  map[string]books.Digest // copies whose every byte came, by ID: SHA-256
	times   map[string][]time.Duration
	cut     int
	cpu     time.Duration // of processes that are over
	memory  int64         // the most that a process had, bytes
}

// start starts the service again, at its address.
func (c *crowd) start() {
	cmd := c.command("serve", "--listen", c.address, "--json", "--max-memory", "1024")
	out, err := cmd.StdoutPipe()
	require.NoError(c, err)
	require.NoError(c, cmd.Start())
	var begun struct{ URL, Token string }
	require.NoError(c, json.NewDecoder(out).Decode(&begun))
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token == "" {
		c.token, c.address = begun.Token, strings.TrimPrefix(begun.URL, "http://")
	}
	c.process = &serving{cmd: cmd, url: begun.URL, token: c.token}
}

// end ends the process with a signal, and counts what it took.
func (c *crowd) end(by os.Signal) {
	p := c.process.cmd
	if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Process.Pid)); err == nil {
		for line := range strings.Lines(string(text)) {
			if f := strings.Fields(line); f[0] == "VmHWM:" {
				kib, err := strconv.ParseInt(f[1], 10, 64)
				require.NoError(c, err)
				c.memory = max(c.memory, kib<<10)
			}
		}
	}
	require.NoError(c, p.Process.Signal(by))
	_ = p.Wait()
	c.cpu += p.ProcessState.UserTime() + p.ProcessState.SystemTime()
}

// send makes a request again and again until it is answered, with one idempotency key. One time in a hundred the client
// goes away in between.
func (c *crowd) send(ctx context.Context, what, path, key string, head map[string]string, body []byte, random *rand.Rand) (answer []byte, h http.Header) {
	for ctx.Err() == nil {
		patience := 30 * time.Second
		cut := random.IntN(100) == 0
		if cut {
			patience = time.Duration(random.IntN(200)) * time.Millisecond
		}
		limited, stop := context.WithTimeout(ctx, patience)
		r, err := http.NewRequestWithContext(limited, http.MethodPost, "http://"+c.address+path, bytes.NewReader(body))
		require.NoError(c, err)
		r.Header.Set("Authorization", "Bearer "+c.token)
		r.Header.Set("Idempotency-Key", key)
		for k, v := range head {
			r.Header.Set(k, v)
		}
		begun := time.Now()
		got, err := http.DefaultClient.Do(r)
		if err == nil {
			answer, err = io.ReadAll(got.Body)
			got.Body.Close()
		}
		stop()
		if err == nil && got.StatusCode == http.StatusOK {
			c.mu.Lock()
			c.times[what] = append(c.times[what], time.Since(begun))
			c.mu.Unlock()
			return answer, got.Header
		}
		if err == nil && got.StatusCode != http.StatusTooManyRequests && got.StatusCode != http.StatusServiceUnavailable {
			c.Errorf("%s: %d %s", path, got.StatusCode, answer)
			return nil, nil
		}
		if cut && err != nil {
			c.mu.Lock()
			c.cut++
			c.mu.Unlock()
			continue
		}
		time.Sleep(100 * time.Millisecond) // it is away, or busy
	}
	return nil, nil
}

// out returns how many copies clients have.
func (c *crowd) out() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.copies)
}

// client sends uploads and has a copy of each, until ctx ends.
func (c *crowd) client(ctx context.Context, n int) {
	random := rand.New(rand.NewPCG(53, uint64(n)))
	for k := 0; ctx.Err() == nil; k++ {
		name := fmt.Sprintf("client-%d-upload-%d-abcdef", n, k)
		text, _ := c.send(ctx, "upload", "/v1/submissions", name, map[string]string{"Content-Type": "image/jpeg", "Kycmark-Subject": name}, c.file(name), random)
		if text == nil {
			return
		}
		var up struct{ Submission string }
		assert.NoError(c, json.Unmarshal(text, &up))
		c.mu.Lock()
		c.uploads[up.Submission] = true
		c.mu.Unlock()
		body := []byte(`{"recipient":"vendor-a","purpose":"checks","allow_weak":true}`)
		data, h := c.send(ctx, "copy", "/v1/submissions/"+up.Submission+"/copies", "copy-"+name, map[string]string{"Content-Type": "application/json"}, body, random)
		if data == nil {
			return
		}
		sum := sha256.Sum256(data)
		assert.Equal(c, "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":", h.Get("Repr-Digest"))
		c.mu.Lock()
		c.copies[h.Get("Kycmark-Copy")] = sum
		c.mu.Unlock()
	}
}

// Clients send uploads and have copies while one request in a hundred is cut off and the service is killed. Nothing that
// was acknowledged is lost, nothing is entered twice, and each copy that a client has is in the registry as it is.
//
//	KYCMARK_SECONDS=600 KYCMARK_KILLS=20 go test -tags long -timeout 1h -v -run ServedLoad ./cmd/kycmark
func TestServedLoad(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		skip.Test(t, "a service is loaded without -short only")
	}
	seconds, kills := setNumber(t, "KYCMARK_SECONDS", long.Number(8, 60)), setNumber(t, "KYCMARK_KILLS", 2)
	clients := setNumber(t, "KYCMARK_CLIENTS", long.Number(8, 32))
	c := &crowd{issuing: newIssuing(t, "", 1), base: tiny(t, 0), address: "127.0.0.1:0",
		uploads: map[string]bool{}, copies: map[string]books.Digest{}, times: map[string][]time.Duration{}}
	c.start()
	begun := time.Now()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var working sync.WaitGroup
	for n := range clients {
		working.Go(func() { c.client(ctx, n) })
	}
	pause := time.Duration(seconds) * time.Second / time.Duration(kills+1)
	for k := range kills + 1 {
		had := c.out()
		time.Sleep(pause)
		require.Eventually(t, func() bool { return c.out() > had }, 3*time.Minute, 50*time.Millisecond, "a copy between two kills, however busy the machine is")
		if k < kills {
			c.end(os.Kill)
			c.start()
		}
	}
	stop()
	working.Wait()
	took := time.Since(begun)
	c.end(os.Interrupt)

	h, err := home.Open(filepath.Join(c.dir, "kyc"))
	require.NoError(t, err)
	r, err := h.Registry(t.Context())
	require.NoError(t, err)
	defer r.Close()
	of := map[string]int{}
	for id, sum := range c.copies {
		parsed, err := watermark.ParseCopyID(id)
		require.NoError(t, err)
		row, err := r.Copy(t.Context(), parsed)
		require.NoError(t, err, "a copy that is out")
		require.Equal(t, sum, row.SHA256)
		require.NotEqual(t, books.CopyVoid, row.State)
		of[row.Submission.String()]++
	}
	reserved := 0
	for id := range c.uploads {
		_, err := r.Submission(t.Context(), submissionID(t, id))
		require.NoError(t, err)
		all, err := r.Copies(t.Context(), submissionID(t, id))
		require.NoError(t, err)
		all = slices.DeleteFunc(all, func(x books.Copy) bool { return x.State == books.CopyVoid })
		require.LessOrEqual(t, len(all), 1, "one copy of %s", id)
		for _, x := range all {
			if x.State == books.CopyReserved {
				reserved++
			}
		}
	}
	for id, n := range of {
		require.Equal(t, 1, n, "copies of %s", id)
	}
	require.NotEmpty(t, c.copies)
	a, err := r.Ledger().Audit(t.Context(), registry.AuditOptions{})
	require.NoError(t, err)
	require.Empty(t, a.Problems)
	for what, all := range c.times {
		slices.Sort(all)
		t.Logf("%s: %d, %.1f a second, p50 %d ms, p99 %d ms", what, len(all), float64(len(all))/took.Seconds(),
			all[len(all)/2].Milliseconds(), all[len(all)*99/100].Milliseconds())
	}
	t.Logf("%d clients, %d kills, %d requests cut off, %d copies reserved, CPU %.1f s, most memory %d MB",
		clients, kills, c.cut, reserved, c.cpu.Seconds(), c.memory>>20)
}

// file is an upload of its own, with the same picture and a comment.
func (c *crowd) file(name string) []byte {
	return slices.Concat(c.base[:2], []byte{0xff, 0xfe, 0, byte(2 + len(name))}, []byte(name), c.base[2:])
}
