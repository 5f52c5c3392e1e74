// Command sbom writes the modules that a Go binary was built from as a CycloneDX 1.5 bill of
// materials (https://cyclonedx.org/docs/1.5/json/): sbom BINARY VERSION FILE.
package main

import (
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"log"
	"os"
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
