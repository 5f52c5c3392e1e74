package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/home"
	"github.com/kycmark/kycmark/internal/keyfile"
	"github.com/kycmark/kycmark/internal/test/kmstest"
	"github.com/kycmark/kycmark/internal/test/long"
)

// secretsOf opens all keys of a home and returns their texts.
func secretsOf(t *testing.T, h *home.Home) []string {
	t.Helper()
	mark, seal, err := h.Keys()
	require.NoError(t, err)
	ledger, err := h.LedgerKey()
	require.NoError(t, err)
	report, err := h.ReportKey()
	require.NoError(t, err)
	return []string{mark[0].Secret(), seal.Secret(), ledger, string(report)}
}

// key protect is killed at random moments, from each way of keeping keys to each other. All keys open afterwards, the next run ends with
// 0, and nothing is left beside them.
func TestProtectKilled(t *testing.T) {
	kmstest.New(t)
	x := newIssuing(t, "", 1)
	h, err := home.Open(filepath.Join(x.dir, "kyc"))
	require.NoError(t, err)
	pass := filepath.Join(x.dir, "pass")
	require.NoError(t, os.WriteFile(pass, []byte("words\n"), 0o600))
	t.Setenv("KYCMARK_PASSPHRASE_FILE", pass) // each run can open what the runs before left
	want := secretsOf(t, h)
	ways := []struct {
		args     []string
		kms      string
		fileSays string
		took     time.Duration
	}{{[]string{"key", "protect"}, "transit/kyc", "kycmark-transit", 0}, {[]string{"key", "protect"}, "", "scrypt", 0}, {[]string{"key", "protect", "--plain"}, "", "", 0}}
	killed := 0
	for n := range long.Number(6, 200) {
		way := &ways[n%len(ways)]
		t.Setenv("KYCMARK_KMS_KEY", way.kms)
		cmd := x.command(way.args...)
		require.NoError(t, cmd.Start())
		time.Sleep(time.Duration(x.random.Float64() * float64(max(way.took, 100*time.Millisecond))))
		_ = cmd.Process.Kill()
		if cmd.Wait() != nil {
			killed++
		}
		require.Equal(t, want, secretsOf(t, h), "after a kill")
		began := time.Now()
		said := x.run(way.args...)
		way.took = time.Since(began)
		require.Equal(t, want, secretsOf(t, h))
		for _, file := range h.KeyFiles() {
			assert.Contains(t, said, file)
			assert.Equal(t, way.fileSays == "", keyfile.Plain(file))
		}
		left, err := filepath.Glob(filepath.Join(x.dir, "kyc", "keys", ".kycmark-*"))
		require.NoError(t, err)
		require.Empty(t, left)
	}
	t.Logf("%d runs were killed before their end", killed)

	t.Setenv("KYCMARK_KMS_KEY", "transit/kyc") // a file that cannot be written: the others go on
	require.NoError(t, os.Remove(h.KeyFiles()[1]))
	require.NoError(t, os.Mkdir(h.KeyFiles()[1], 0o700))
	out, err := x.command("key", "protect").CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "seal.key: is a folder")
	require.Contains(t, string(out), h.KeyFiles()[3]+": under the KMS key transit/kyc")
	require.Equal(t, ui.ExitFatal, err.(*exec.ExitError).ExitCode())
}

// A terminal is the side of a pseudo-terminal at which a person types.
type terminal struct {
	keys  *os.File // what is written here is typed
	other *os.File
	mu    sync.Mutex
	out   strings.Builder
}

func newTerminal(t *testing.T) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { master.Close() })
	require.NoError(t, unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	other, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { other.Close() })
	x := &terminal{keys: master, other: other}
	go func() { _, _ = io.Copy(x, master) }()
	return x
}

func (x *terminal) Write(b []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.out.Write(b)
}

// shows returns what the terminal shows.
func (x *terminal) shows() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.out.String()
}

// echoes reports whether the terminal shows what is typed.
func (x *terminal) echoes(t *testing.T) bool {
	t.Helper()
	now, err := unix.IoctlGetTermios(int(x.other.Fd()), unix.TCGETS)
	require.NoError(t, err)
	return now.Lflag&unix.ECHO != 0
}

// The passphrase is asked for once, is not shown, and the terminal is as before, also after Ctrl-C and a wrong passphrase.
func TestPassphraseIsAsked(t *testing.T) {
	x := newIssuing(t, "", 1)
	pass := filepath.Join(x.dir, "pass")
	require.NoError(t, os.WriteFile(pass, []byte("correct horse\n"), 0o600))
	protect := x.command("key", "protect")
	protect.Env = append(protect.Env, "KYCMARK_PASSPHRASE_FILE="+pass)
	require.NoError(t, protect.Run())
	for _, c := range []struct {
		typed string
		code  int
		said  string
	}{
		{"correct horse\n", ui.ExitDone, "1 mark key and all others"},
		{"battery staple\n", ui.ExitFatal, "wrong passphrase"},
		{"\n", ui.ExitFatal, "KYCMARK_PASSPHRASE_FILE"},
		{"half\x03", ui.ExitFatal, "interrupted"},
	} {
		screen := newTerminal(t)
		cmd := x.command("issue", "--to", "vendor-a", "--all", "--out", "out")
		if c.code == ui.ExitDone {
			cmd = x.command("doctor")
		}
		var out strings.Builder
		cmd.Stdin, cmd.Stdout, cmd.Stderr = screen.other, &out, &out
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		require.NoError(t, cmd.Start())
		require.Eventually(t, func() bool { return strings.Contains(screen.shows(), "passphrase of the keys: ") && !screen.echoes(t) }, patience, 5*time.Millisecond)
		_, err := screen.keys.WriteString(c.typed)
		require.NoError(t, err)
		ended := make(chan error)
		go func() { ended <- cmd.Wait() }()
		for waits := true; waits; {
			select {
			case <-ended:
				waits = false
			case <-time.After(time.Second): // a shell that is about to read has a signal wait for its next line
				if c.said == "interrupted" {
					_, _ = screen.keys.WriteString("\x03")
				}
			}
		}
		assert.Equal(t, c.code, cmd.ProcessState.ExitCode(), "%q: %s", c.typed, &out)
		assert.Contains(t, out.String(), c.said)
		assert.NotContains(t, out.String(), "backup", "the key is there")
		assert.Equal(t, 1, strings.Count(screen.shows(), "passphrase of the keys: "))
		assert.NotContains(t, screen.shows()+out.String(), strings.Fields(c.typed + " nothing")[0], "what was typed")
		assert.True(t, screen.echoes(t), "%q", c.typed)
	}
}
