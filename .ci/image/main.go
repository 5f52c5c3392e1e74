// Command image packs a kycmark binary into an OCI image, without a daemon and with the same bytes each time:
//
//	go -C .ci/image run . --binary FILE --version 1.2.3 --out FOLDER
//
// FOLDER becomes an OCI image layout: `tar -C FOLDER -c . | docker load`, or `skopeo copy oci:FOLDER docker://…`.
// The image holds the binary, public certificates, and the folders that it writes to. It runs as a user without rights.
package main

import (
	"archive/tar"
	"bytes"
	"debug/elf"
	"flag"
	"fmt"
	"io"
	"os"
	"path"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// user is whom the image runs as. The number is the one of other images without a shell, so that clusters know it.
const user = 65532

// home is where the registry and its keys lie, if they lie in files: a volume. Nothing else is written, but for
// temporary files.
const home = "/data"

// archs are the processors that a release has, by their names in ELF files.
var archs = map[elf.Machine]string{elf.EM_X86_64: "amd64", elf.EM_AARCH64: "arm64"}

func main() {
	binary := flag.String("binary", "", "static kycmark of linux")
	version := flag.String("version", "", "version that the image states")
	certificates := flag.String("certificates", "/etc/ssl/certs/ca-certificates.crt", "public certificates, PEM")
	out := flag.String("out", "", "folder of the image layout, which must not be there")
	flag.Parse()
	if err := run(*binary, *version, *certificates, *out); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func run(binary, version, certificates, out string) error {
	if version == "" || out == "" {
		return fmt.Errorf("--version and --out are required")
	}
	if _, err := os.Stat(out); err == nil {
		return fmt.Errorf("%s is there: want a new folder", out)
	}
	arch, err := static(binary)
	if err != nil {
		return err
	}
	files, err := content(binary, certificates)
	if err != nil {
		return err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(files)), nil },
		tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return err
	}
	image, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), layer)
	if err != nil {
		return err
	}
	image, err = mutate.ConfigFile(mutate.ConfigMediaType(image, types.OCIConfigJSON), configOf(image, arch, version))
	if err != nil {
		return err
	}
	index, err := layout.Write(out, empty.Index)
	if err != nil {
		return err
	}
	return index.AppendImage(image, layout.WithPlatform(v1.Platform{OS: "linux", Architecture: arch}))
}

// configOf says how the image runs.
func configOf(image v1.Image, arch, version string) *v1.ConfigFile {
	c, err := image.ConfigFile()
	if err != nil {
		panic(err) // of an image made here
	}
	c = c.DeepCopy()
	c.OS, c.Architecture, c.Created, c.History = "linux", arch, v1.Time{Time: time.Unix(0, 0).UTC()}, nil
	c.Config = v1.Config{
		Entrypoint: []string{"/kycmark"},
		// In a cluster TLS ends before the container. The service needs a home: "kycmark init" makes it.
		Cmd:          []string{"serve", "--listen", "0.0.0.0:8080", "--behind-proxy"},
		ExposedPorts: map[string]struct{}{"8080/tcp": {}},
		User:         fmt.Sprintf("%d:%d", user, user),
		WorkingDir:   home,
		Env:          []string{"KYCMARK_HOME=" + home},
		Volumes:      map[string]struct{}{home: {}, "/tmp": {}},
		Labels:       map[string]string{"org.opencontainers.image.title": "kycmark", "org.opencontainers.image.version": version},
	}
	return c
}

// static returns the processor of a binary of linux. A binary that needs a dynamic linker is an error: the image has none.
func static(binary string) (arch string, err error) {
	f, err := elf.Open(binary)
	if err != nil {
		return "", fmt.Errorf("binary: %w", err)
	}
	defer f.Close()
	if libraries, err := f.ImportedLibraries(); err != nil || len(libraries) > 0 {
		return "", fmt.Errorf("binary %s: it needs %v, want a static one (CGO_ENABLED=0)", binary, libraries)
	}
	arch, ok := archs[f.Machine]
	if !ok {
		return "", fmt.Errorf("binary %s: processor %s, want amd64 or arm64", binary, f.Machine)
	}
	return arch, nil
}

// content returns the files of the image as a tar archive. Times are zero, so that equal files give equal bytes.
func content(binary, certificates string) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	folder := func(name string, mode int64, owner int) error {
		return w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: mode, Uid: owner, Gid: owner, ModTime: time.Unix(0, 0)})
	}
	file := func(name string, mode int64, data []byte) error {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(data)), ModTime: time.Unix(0, 0)}); err != nil {
			return err
		}
		_, err := w.Write(data)
		return err
	}
	for _, name := range []string{"etc", "etc/ssl", "etc/ssl/certs"} {
		if err := folder(name, 0o755, 0); err != nil {
			return nil, err
		}
	}
	for _, x := range []struct {
		name string
		mode int64
		from string
	}{{"etc/ssl/certs/ca-certificates.crt", 0o644, certificates}, {"kycmark", 0o755, binary}} {
		data, err := os.ReadFile(x.from)
		if err == nil {
			err = file(x.name, x.mode, data)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := file("etc/passwd", 0o644, fmt.Appendf(nil, "kycmark:x:%d:%d::%s:/\n", user, user, home)); err != nil {
		return nil, err
	}
	if err := folder(path.Base(home), 0o700, user); err != nil {
		return nil, err
	}
	if err := folder("tmp", 0o1777, 0); err != nil {
		return nil, err
	}
	return b.Bytes(), w.Close()
}
