package main

import "fmt"

// metadataFlag is what copies keep of their source's metadata: "drop" or "keep".
// The zero value drops. It is a pflag.Value.
type metadataFlag struct{ keep bool }

func (m *metadataFlag) String() string {
	if m.keep {
		return "keep"
	}
	return "drop"
}

// Set is called with the flag's argument.
func (m *metadataFlag) Set(s string) error {
	if s != "drop" && s != "keep" {
		return fmt.Errorf("drop or keep, not %q", s)
	}
	m.keep = s == "keep"
	return nil
}

// Type names the argument in the help.
func (m *metadataFlag) Type() string { return "drop|keep" }

// metadataHelp is the part of the help that mark and issue share.
const metadataHelp = `A JPEG made of a JPEG has its quality, its chroma subsampling and its colour
profile, and so looks and weighs like an unmarked one. Other metadata is dropped.
With --metadata keep the EXIF of exposure, time, camera and lens stays; never
places, names, serial numbers, texts, maker's notes or thumbnails.`
