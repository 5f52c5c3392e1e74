// Command sbom writes the modules that a Go binary was built from as a CycloneDX 1.5 bill of
// materials (https://cyclonedx.org/docs/1.5/json/): sbom BINARY VERSION FILE.
package main

import (
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"log"
	"maps"
	"os"
	"slices"
	"strings"
)

type component struct {
	Type    string `json:"type"`
	Ref     string `json:"bom-ref"`
	Name    string `json:"name"`
	Version string `json:"version"`
	PURL    string `json:"purl"` // https://github.com/package-url/purl-spec
	Hashes  []hash `json:"hashes,omitempty"`
}

// A hash is the module's h1 sum of go.sum, SHA-256 of the list of the files' sums.
type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"` // hex
}

func newComponent(kind, path, version, sum string) component {
	purl := "pkg:golang/" + path + "@" + version
	c := component{Type: kind, Ref: purl, Name: path, Version: version, PURL: purl}
	if raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(sum, "h1:")); err == nil && len(raw) > 0 {
		c.Hashes = []hash{{"SHA-256", hex.EncodeToString(raw)}}
	}
	return c
}

// embedded are the libraries in C and C++ that are in the WebAssembly files of linked packages. internal/arch checks that each file
// is here. Versions are those of the Makefiles of the modules that the files were taken from.
var embedded = map[string][]component{
	"github.com/kycmark/kycmark/decoders/lib/heic.wasm.gz": {
		foreign("libheif", "1.18.2", "pkg:github/strukturag/libheif@v1.18.2"), foreign("libde265", "1.0.15", "pkg:github/strukturag/libde265@v1.0.15"),
		foreign("github.com/gen2brain/heic", "v0.4.5", "pkg:golang/github.com/gen2brain/heic@v0.4.5")},
	"github.com/kycmark/kycmark/decoders/lib/avif.wasm.gz": {
		foreign("libavif", "1.1.1", "pkg:github/AOMediaCodec/libavif@v1.1.1"), foreign("aom", "3.10.0", "pkg:generic/aom@3.10.0?vcs_url=git%2Bhttps://aomedia.googlesource.com/aom"),
		foreign("github.com/gen2brain/avif", "v0.4.4", "pkg:golang/github.com/gen2brain/avif@v0.4.4")},
	"github.com/klippa-app/go-pdfium/webassembly/pdfium.wasm": {foreign("pdfium", "7323", "pkg:generic/pdfium@7323?vcs_url=git%2Bhttps://pdfium.googlesource.com/pdfium@chromium/7323")},
	"github.com/gen2brain/jpegli/lib/jpegli.wasm.gz":          {foreign("jpegli", "main", "pkg:github/google/jpegli")}, // its module names a branch and no version
}

// foreign returns a library that is no module of Go.
func foreign(name, version, purl string) component {
	return component{Type: "library", Ref: purl, Name: name, Version: version, PURL: purl}
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 4 {
		log.Fatal("usage: sbom BINARY VERSION FILE")
	}
	info, err := buildinfo.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	main := newComponent("application", info.Main.Path, os.Args[2], "")
	libraries := []component{newComponent("library", "std", strings.TrimPrefix(info.GoVersion, "go"), "")}
	uses := []string{libraries[0].Ref}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		c := newComponent("library", m.Path, m.Version, m.Sum)
		libraries, uses = append(libraries, c), append(uses, c.Ref)
	}
	for _, file := range slices.Sorted(maps.Keys(embedded)) {
		for _, c := range embedded[file] {
			libraries, uses = append(libraries, c), append(uses, c.Ref)
		}
	}
	text, err := json.MarshalIndent(map[string]any{
		"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
		"metadata":     map[string]any{"component": main},
		"components":   libraries,
		"dependencies": []map[string]any{{"ref": main.Ref, "dependsOn": uses}},
	}, "", "  ")
	if err == nil {
		err = os.WriteFile(os.Args[3], append(text, '\n'), 0o644)
	}
	if err != nil {
		log.Fatal(err)
	}
}
