package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/kycmark/kycmark/decoders"
	"github.com/kycmark/kycmark/watermark"
)

// version is that of a release, set by the linker (-X main.version=1.2.3); "" otherwise.
var version string

// versions returns in one line the versions of the command, of the mark that is written, and of Go. The platform
// and what the program lacks follow.
func versions() string {
	v := version
	if info, ok := debug.ReadBuildInfo(); ok {
		v = cmp.Or(v, info.Main.Version)
	}
	line := fmt.Sprintf("%s, mark v%d, %s %s/%s", cmp.Or(v, "(devel)"), watermark.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	if !decoders.HEIC {
		line += ", without HEIC (nolgpl)"
	}
	return line
}
