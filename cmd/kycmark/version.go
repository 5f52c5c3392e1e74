package main

import (
	"cmp"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/watermark"
)

// version is that of a release, set by the linker (-X main.version=1.2.3); "" otherwise.
var version string

// newVersion returns the verb "version", which prints the versions of the command and of the mark,
// the Go version and the platform. Without a release's stamp the version is that of the build
// information, else "(devel)".
func newVersion(u *ui) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version of the command and of the mark",
		Example: `  kycmark version --json`,
		Args:    exactly(),
		RunE: u.verb(func(*cobra.Command, []string) error {
			v := versionLine{Version: version, Mark: watermark.Version, Go: runtime.Version()}
			if info, ok := debug.ReadBuildInfo(); ok {
				v.Version = cmp.Or(v.Version, info.Main.Version)
				for _, s := range info.Settings {
					if s.Key == "vcs.revision" {
						v.Revision = text(s.Value)
					}
				}
			}
			v.Version = cmp.Or(v.Version, "(devel)")
			u.printf("kycmark %s, mark v%d, %s %s/%s\n", v.Version, v.Mark, v.Go, runtime.GOOS, runtime.GOARCH)
			return u.line(v)
		}),
	}
}

type versionLine struct {
	Version  string  `json:"version"`
	Revision *string `json:"revision"`
	Mark     int     `json:"mark"` // version of the mark that is written
	Go       string  `json:"go"`
}
