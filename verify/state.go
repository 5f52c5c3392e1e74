package verify

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/verify/registry"
)

// A progress is what was found out in a run so far, by the digests of the files: what
// occurs again is not examined again, and with a state file neither is what an earlier
// run that was cut short had done.
type progress struct {
	mu    sync.Mutex
	known map[string]*Verdict // by SHA-256, hex
	file  *os.File            // nil: nothing is kept
}

// A stateHead is the first line of a state file: what its verdicts depend on.
type stateHead struct {
	State    int      `json:"kycmark_state"`
	Registry string   `json:"registry"`
	Version  string   `json:"version"`
	Keys     []string `json:"keys"`
	SealKey  string   `json:"seal_key"`
	Search   string   `json:"search"`
	Against  []string `json:"against"`
	Others   int      `json:"references"`
}

const (
	stateVersion = 1
	maxStateLine = 16 << 20 // bytes
)

func (v *Investigator) stateHead() stateHead {
	h := stateHead{State: stateVersion, Registry: v.cfg.Registry.ID(), Search: v.cfg.Search, Others: v.cfg.References, Keys: []string{}, Against: []string{}}
	h.Version, _ = buildInfo()
	for _, k := range v.cfg.Keys {
		h.Keys = append(h.Keys, k.ID())
	}
	for _, id := range v.cfg.Against {
		h.Against = append(h.Against, id.String())
	}
	if v.cfg.SealKey != nil {
		h.SealKey = v.cfg.SealKey.ID()
	}
	return h
}

// begin opens the state file, if there is one, and reads what it holds. What a crash
// left of a last line is cut off.
func (v *Investigator) begin() (*progress, error) {
	p := &progress{known: make(map[string]*Verdict)}
	if v.cfg.State == "" {
		return p, nil
	}
	f, err := os.OpenFile(v.cfg.State, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("state file: %w", err)
	}
	p.file = f
	end, err := p.read(v.stateHead())
	if err == nil {
		err = f.Truncate(end)
	}
	if err == nil {
		_, err = f.Seek(end, io.SeekStart)
	}
	if err == nil && end == 0 {
		err = p.write(v.stateHead())
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("state file %s: %w", v.cfg.State, err)
	}
	return p, nil
}

// read returns where the last whole line ends.
func (p *progress) read(want stateHead) (end int64, err error) {
	in := bufio.NewReaderSize(p.file, 1<<16)
	for {
		line, err := readLine(in)
		if errors.Is(err, io.EOF) {
			return end, nil
		}
		if err != nil {
			return 0, err
		}
		if end == 0 {
			var head stateHead
			if err := json.Unmarshal(line, &head); err != nil || !sameHead(head, want) {
				return 0, fmt.Errorf("%w: it belongs to another investigation (other registry, keys, version or search): remove it or name another", registry.ErrInput)
			}
		} else {
			known := new(Verdict)
			if err := json.Unmarshal(line, known); err != nil {
				return 0, fmt.Errorf("%w: damaged at byte %d: %w", registry.ErrInput, end, err)
			}
			p.known[known.SHA256] = known
		}
		end += int64(len(line)) + 1
	}
}

func sameHead(a, b stateHead) bool {
	x, errA := json.Marshal(a)
	y, errB := json.Marshal(b)
	return errA == nil && errB == nil && bytes.Equal(x, y)
}

// readLine reads a line without its end; a last one without an end is [io.EOF].
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > maxStateLine:
			return nil, fmt.Errorf("%w: a line of more than %d bytes", registry.ErrInput, maxStateLine)
		case err == nil:
			return line[:len(line)-1], nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}

func (p *progress) write(x any) error {
	line, err := json.Marshal(x)
	if err != nil {
		return err
	}
	_, err = p.file.Write(append(line, '\n'))
	return err
}

// add keeps a verdict.
func (p *progress) add(v *Verdict) error {
	if v.SHA256 == "" {
		return nil
	}
	p.mu.Lock()
	_, known := p.known[v.SHA256]
	p.known[v.SHA256] = v
	p.mu.Unlock()
	if known || p.file == nil {
		return nil
	}
	if err := p.write(v); err != nil {
		return fmt.Errorf("state file: %w", err)
	}
	return nil
}

// again is the verdict on a file whose bytes were examined already; nil: they were not.
func (p *progress) again(path string, leak []byte, limits picture.Limits) *Verdict {
	sum := sha256.Sum256(leak)
	p.mu.Lock()
	known := p.known[hex.EncodeToString(sum[:])]
	p.mu.Unlock()
	if known == nil {
		return nil
	}
	out := *known
	out.File = path
	if out.mosaic == nil && out.Finding != FoundDamaged { // read back from a state file
		pic, err := picture.Decode(leak, limits)
		if err != nil {
			return nil
		}
		img := picture.Flatten(pic.Image)
		out.mosaic, out.preview = mosaic(img), preview(img)
	}
	return &out
}

func (p *progress) close() {
	if p.file != nil {
		p.file.Close()
	}
}
