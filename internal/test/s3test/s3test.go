// Package s3test runs an S3 server that is thrown away with the test that started it: versitygw, which
// keeps objects as files of a folder.
package s3test

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kycmark/kycmark/internal/test/skip"
)

// startTime is how long a server may take to answer.
const startTime = time.Minute

// A Server is a running server with an empty bucket.
type Server struct {
	Address string // of the bucket: "s3://kyc/originals?endpoint=…"
	Dir     string // of the bucket's files
	URL     string

	bin, root, meta string
	cmd             *exec.Cmd
}

// Start starts a server, and sets the keys in the environment of the test. It skips the test where
// no server is installed.
func Start(t testing.TB) *Server {
	t.Helper()
	bin, err := exec.LookPath("versitygw")
	if err != nil {
		skip.Test(t, "no S3 server is installed: go install github.com/versity/versitygw/cmd/versitygw@v1.8.0")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	host := l.Addr().String()
	l.Close()
	dir := t.TempDir()
	s := &Server{bin: bin, root: filepath.Join(dir, "objects"), meta: filepath.Join(dir, "meta"), URL: "http://" + host, Address: "s3://kyc/originals?endpoint=http://" + host + "&region=us-east-1"}
	s.Dir = filepath.Join(s.root, "kyc")
	for _, dir := range []string{s.Dir, s.meta} { // not every file system keeps with a file what the server notes of it
		check(t, os.MkdirAll(dir, 0o700))
	}
	if set, ok := t.(interface{ Setenv(string, string) }); ok {
		set.Setenv("AWS_ACCESS_KEY_ID", "test")
		set.Setenv("AWS_SECRET_ACCESS_KEY", "testsecret")
	}
	s.Run(t)
	t.Cleanup(s.Kill)
	return s
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Run starts the server again, after Kill.
func (s *Server) Run(t testing.TB) {
	t.Helper()
	s.cmd = exec.Command(s.bin, "--quiet", "--access", "test", "--secret", "testsecret", "--port", strings.TrimPrefix(s.URL, "http://"), "posix", "--sidecar", s.meta, s.root)
	s.cmd.Stderr = os.Stderr
	check(t, s.cmd.Start())
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL, nil)
		check(t, err)
		if r, err := http.DefaultClient.Do(req); err == nil {
			r.Body.Close()
			return
		}
		if ctx.Err() != nil {
			t.Fatal("versitygw does not answer")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Kill ends the server at once, as kill -9 does.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}
