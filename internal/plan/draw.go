// Package plan prepares what is asked of a publisher who claims to have pictures: a draw that no party
// can bias, or a request for pictures of chosen months.
package plan

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"time"

	"github.com/kycmark/kycmark/verify/odds"
)

// ErrPlan is wrapped by errors about plans that cannot be used.
var ErrPlan = errors.New("unusable plan")

// drawFormat names the rule of a draw: see [Draw.Indices]. Another rule gets another name.
const drawFormat = "kycmark draw v1"

// A Draw is what is fixed before the beacon's value is known.
type Draw struct {
	Format  string    `json:"format"`
	Claimed int       `json:"claimed"`        // pictures, numbered from 1
	List    string    `json:"list,omitempty"` // SHA-256, hex, of the publisher's list; "": the numbers are the publisher's
	N       int       `json:"n"`              // pictures to draw
	Beacon  string    `json:"beacon"`         // whose value decides, such as "drand quicknet round 20000000"
	Made    time.Time `json:"made"`           // UTC; the beacon's value must be later
}

// NewDraw returns a draw of n of the claimed pictures. list is the publisher's list, a line for each
// picture, or empty. The error wraps [ErrPlan].
func NewDraw(claimed, n int, list []byte, beacon string, now time.Time) (*Draw, error) {
	d := &Draw{Format: drawFormat, Claimed: claimed, N: n, Beacon: beacon, Made: now.UTC().Truncate(time.Second)}
	if len(list) > 0 {
		entries, err := Entries(list)
		if err != nil {
			return nil, err
		}
		if claimed != 0 && claimed != len(entries) {
			return nil, fmt.Errorf("%w: the list has %d pictures, and %d are claimed", ErrPlan, len(entries), claimed)
		}
		d.Claimed, d.List = len(entries), fmt.Sprintf("%x", sha256.Sum256(list))
	}
	return d, d.check()
}

// check returns an error that wraps [ErrPlan] unless the draw can be made.
func (d *Draw) check() error {
	switch {
	case d.Format != drawFormat:
		return fmt.Errorf("%w: the format is %.40q, want %q", ErrPlan, d.Format, drawFormat)
	case d.Claimed < 1 || int64(d.Claimed) > odds.MaxClaimed || d.N < 1 || d.N > min(d.Claimed, odds.MaxLeaks):
		return fmt.Errorf("%w: a draw of %d of %d pictures, want 1 to %d of at most %d", ErrPlan, d.N, d.Claimed, odds.MaxLeaks, int64(odds.MaxClaimed))
	case d.Beacon == "":
		return fmt.Errorf("%w: the beacon has no name", ErrPlan)
	}
	return nil
}

// Encode returns the draw as one line of JSON, its only form.
func (d *Draw) Encode() []byte {
	text, err := json.Marshal(d)
	if err != nil {
		panic(err) // of strings and numbers
	}
	return append(text, '\n')
}

// ReadDraw reads what [Draw.Encode] wrote. The error wraps [ErrPlan].
func ReadDraw(text []byte) (*Draw, error) {
	var d Draw
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPlan, err)
	}
	if !bytes.Equal(d.Encode(), text) {
		return nil, fmt.Errorf("%w: it is not written as this program writes a draw", ErrPlan)
	}
	return &d, d.check()
}

// Entries returns the lines of a publisher's list, one for each picture. Two equal lines would make one
// picture likelier than others: the error wraps [ErrPlan].
func Entries(list []byte) (out []string, err error) {
	seen := make(map[string]bool)
	for line := range bytes.Lines(list) {
		entry := string(bytes.TrimSpace(line))
		if entry == "" || seen[entry] {
			return nil, fmt.Errorf("%w: line %d of the list is empty or repeated", ErrPlan, len(out)+1)
		}
		seen[entry] = true
		out = append(out, entry)
	}
	return out, nil
}

// Indices returns the numbers of the pictures drawn, 1 to Claimed, ascending. value is the beacon's
// value as it was published. The seed is SHA-256 of the draw's line and the value. Block i of the
// stream is SHA-256 of the seed and i in 8 bytes, big-endian. Each picture takes 8 bytes x of the
// stream, and more if x is beyond the last multiple of the pictures left: the x modulo that number
// is the place among the pictures not yet drawn (Fisher and Yates).
func (d *Draw) Indices(value string) []int {
	seed := sha256.Sum256(append(d.Encode(), value...))
	block := uint64(0)
	var left []byte
	next := func() uint64 {
		if len(left) == 0 {
			sum := sha256.Sum256(binary.BigEndian.AppendUint64(seed[:], block))
			block, left = block+1, sum[:]
		}
		x := binary.BigEndian.Uint64(left)
		left = left[8:]
		return x
	}
	moved := make(map[int]int) // what lies at a place after exchanges; missing: the place itself
	at := func(i int) int {
		if v, ok := moved[i]; ok {
			return v
		}
		return i
	}
	var out []int
	for i := range d.N {
		m := uint64(d.Claimed - i)
		x := next()
		for hi, _ := bits.Mul64(x/m+1, m); hi > 0; hi, _ = bits.Mul64(x/m+1, m) { // the last, incomplete run
			x = next()
		}
		k := i + int(x%m)
		out = append(out, at(k)+1)
		moved[k] = at(i)
	}
	slices.Sort(out)
	return out
}
