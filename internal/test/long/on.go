//go:build long

package long

// On is whether the build has the tag long.
const On = true
