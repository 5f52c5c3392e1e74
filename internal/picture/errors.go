package picture

import (
	"errors"
	"fmt"
)

// Sentinels for errors.Is; errors.As gives the typed errors below.
var (
	ErrFormat = errors.New("picture: not a readable picture")
	ErrLimit  = errors.New("picture: over a limit")
)

// A Kind says what bytes are that cannot be read as a picture.
type Kind int

// Kinds of content that cannot be read as a picture.
const (
	Broken      Kind = iota // a picture that is damaged, or that no encoder can write
	Unsupported             // a picture, or a document of pictures, of a format that is not read
	NoPicture               // another known kind of file, such as a program
	Text                    // a text, or a database
	Archive                 // an archive that holds files
	Unknown                 // nothing that is known, or no bytes at all
	Video                   // a video, whose pictures are not read
	Readable                // a picture that has a decoder
)

// A FormatError says why bytes are not a picture that can be read.
type FormatError struct {
	// Format names the decoder that refused ("jpeg"). It is empty when the bytes belong to none of the formats that are
	// decoded; Reason then says what they are.
	Format string
	Reason string
	Kind   Kind
}

func (e *FormatError) Error() string {
	if e.Format == "" {
		return e.Reason
	}
	return e.Format + ": " + e.Reason
}

// Is makes errors.Is(err, ErrFormat) true.
func (e *FormatError) Is(target error) bool { return target == ErrFormat }

// MemoryBytes is what a picture has too many of if there is not memory enough for it.
const MemoryBytes = "bytes of memory"

// A LimitError says which of the Limits a file is over.
type LimitError struct {
	What     string // "bytes", "pixels", "pages" or MemoryBytes, for example
	Got, Max int64  // Got is Max+1 when a stream of unknown length went over
}

func (e *LimitError) Error() string {
	switch {
	case e.What == "bytes" && e.Got == e.Max+1:
		return fmt.Sprintf("file is larger than the limit of %d bytes", e.Max)
	case e.What == "bytes":
		return fmt.Sprintf("file has %d bytes, limit is %d", e.Got, e.Max)
	case e.What == MemoryBytes:
		return fmt.Sprintf("picture needs %d MB of memory, limit is %d MB (--max-memory)", (e.Got+999_999)/1_000_000, e.Max/1_000_000)
	case e.What == "pages" && e.Got > e.Max:
		return fmt.Sprintf("file has more than %d pages", e.Max)
	}
	return fmt.Sprintf("picture has %d %s, limit is %d", e.Got, e.What, e.Max)
}

// Is makes errors.Is(err, ErrLimit) true.
func (e *LimitError) Is(target error) bool { return target == ErrLimit }
