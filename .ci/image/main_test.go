package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// maxCompressed is how large the image may be, compressed, bytes.
const maxCompressed = 60 << 20

// The image is unpacked and started as clusters start it: a user without rights on a root that is read-only. There it
// keeps a registry, and opens a HEIC, whose decoder is a process of its own.
func TestImage(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "kycmark")
	build := exec.Command("go", "build", "-trimpath", "-o", binary, "./cmd/kycmark")
	build.Dir, build.Env = "../..", append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	certificates := filepath.Join(dir, "ca.crt")
	check(t, os.WriteFile(certificates, []byte("-----BEGIN CERTIFICATE-----\n"), 0o600))

	var images [2]v1.Image
	for i := range images {
		out := filepath.Join(dir, fmt.Sprint("layout", i))
		check(t, run(binary, "0.0.0-test", certificates, out))
		if err := run(binary, "0.0.0-test", certificates, out); err == nil {
			t.Error("an image is written over another")
		}
		images[i] = read(t, out)
	}
	first, second := digest(t, images[0]), digest(t, images[1])
	if first != second {
		t.Errorf("the same files gave the images %s and %s", first, second)
	}

	root := filepath.Join(dir, "root")
	size := unpack(t, images[0], root)
	t.Logf("the image has %.1f MB, compressed", float64(size)/1e6)
	if size > maxCompressed {
		t.Errorf("the image has %d bytes, at most %d", size, maxCompressed)
	}
	config, err := images[0].ConfigFile()
	check(t, err)
	if config.Config.User != "65532:65532" || config.OS != "linux" {
		t.Errorf("the image runs as %q on %q", config.Config.User, config.OS)
	}
	heic, err := os.ReadFile("../../decoders/testdata/card.heic")
	check(t, err)
	check(t, os.WriteFile(filepath.Join(root, "upload.heic"), heic, 0o644))

	if err := exec.Command("unshare", "--mount", "true").Run(); err != nil {
		t.Skipf("!!! the image was NOT STARTED: this machine forbids mounts (%v)", err)
	}
	out, err := inside(root, `
		/kycmark --version
		/kycmark init /data/home
		/kycmark submit --subject customer-1 /upload.heic
		/kycmark list`).CombinedOutput()
	t.Logf("%s", out)
	check(t, err)
	if out, err := inside(root, `/kycmark keygen --out /mark.key`).CombinedOutput(); err == nil {
		t.Errorf("the root can be written: %s", out)
	}
	serves(t, root, config.Config.Cmd)
}

// serves starts the command of the image, on a port of this machine, and asks whether it is ready.
func serves(t *testing.T, root string, command []string) {
	t.Helper()
	port, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	address := port.Addr().String()
	check(t, port.Close())
	var out bytes.Buffer
	cmd := inside(root, "/kycmark init /data/home\n/kycmark "+strings.Replace(strings.Join(command, " "), "0.0.0.0:8080", address, 1))
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	check(t, cmd.Start())
	begun := time.Now()
	for {
		answer, err := http.Get("http://" + address + "/readyz")
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				break
			}
		}
		if time.Since(begun) > time.Minute {
			t.Errorf("the service is not ready after a minute: %v", err)
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Logf("init and serve were ready after %v", time.Since(begun).Round(time.Millisecond))
	check(t, syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM))
	_ = cmd.Wait() // the shell was ended too
	t.Logf("%s", out.Bytes())
	if !strings.Contains(out.String(), "listening at") || !strings.Contains(out.String(), "token first") {
		t.Error("the service does not say where it listens, or shows no token")
	}
}

// inside runs commands, one a line, as the image's user. The root is read-only; /data and /tmp are not.
func inside(root, commands string) *exec.Cmd {
	const mounts = `set -e
		mount --bind "$0" "$0"
		mount -o remount,bind,ro "$0"
		mount -t tmpfs -o mode=1777 tmp "$0/tmp"
		mount -t tmpfs -o uid=65532,gid=65532 data "$0/data"
		mount -t proc proc "$0/proc"
		mount --bind /dev "$0/dev"
		echo "$1" | while read -r command; do
			[ -z "$command" ] || chroot --userspec=65532:65532 "$0" $command </dev/null
		done`
	cmd := exec.Command("unshare", "--mount", "sh", "-c", mounts, root, commands)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "KYCMARK_HOME=/data/home"}
	return cmd
}

// A binary that needs a dynamic linker, or is none of linux, makes no image.
func TestWrongBinary(t *testing.T) {
	dir := t.TempDir()
	shell, err := filepath.EvalSymlinks("/bin/sh")
	check(t, err)
	text := filepath.Join(dir, "text")
	check(t, os.WriteFile(text, []byte("text"), 0o600))
	for _, binary := range []string{shell, text, filepath.Join(dir, "missing")} {
		out := filepath.Join(dir, "layout")
		if err := run(binary, "1", text, out); err == nil {
			t.Errorf("%s made an image", binary)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%s left a folder", binary)
		}
	}
}

func read(t *testing.T, folder string) v1.Image {
	t.Helper()
	index, err := layout.ImageIndexFromPath(folder)
	check(t, err)
	manifest, err := index.IndexManifest()
	check(t, err)
	if len(manifest.Manifests) != 1 {
		t.Fatalf("%d images in %s", len(manifest.Manifests), folder)
	}
	image, err := index.Image(manifest.Manifests[0].Digest)
	check(t, err)
	return image
}

func digest(t *testing.T, image v1.Image) string {
	t.Helper()
	d, err := image.Digest()
	check(t, err)
	return d.String()
}

// unpack writes the image's files into a folder, with owners and modes, and returns its size, compressed.
func unpack(t *testing.T, image v1.Image, root string) (size int64) {
	t.Helper()
	layers, err := image.Layers()
	check(t, err)
	for _, dir := range []string{root, filepath.Join(root, "proc"), filepath.Join(root, "dev")} {
		check(t, os.Mkdir(dir, 0o755))
	}
	for _, l := range layers {
		n, err := l.Size()
		check(t, err)
		size += n
		files, err := l.Uncompressed()
		check(t, err)
		r := tar.NewReader(files)
		for {
			h, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			check(t, err)
			name := filepath.Join(root, filepath.FromSlash(h.Name))
			if h.Typeflag == tar.TypeDir {
				check(t, os.Mkdir(name, 0o755))
			} else {
				data, err := io.ReadAll(r)
				check(t, err)
				check(t, os.WriteFile(name, data, 0o600))
			}
			check(t, os.Chown(name, h.Uid, h.Gid))
			check(t, os.Chmod(name, h.FileInfo().Mode()))
		}
	}
	return size
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
