package verify

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"sync"

	"github.com/kycmark/kycmark/internal/durable"
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
	Ledger   int64    `json:"ledger"` // entries of the registry when the file was begun
}

const (
	stateVersion = 1
	stateMark    = `{"kycmark_state":` // how every state file begins
	maxStateLine = 16 << 20            // bytes
)

func (v *Investigator) stateHead(ctx context.Context) (stateHead, error) {
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
	var err error
	h.Ledger, _, err = v.cfg.Registry.Ledger().Head(ctx)
	return h, err
}

// begin opens the state file, if there is one, and reads what it holds. What a crash
// left of a last line is cut off, and what the registry would no longer say is dropped.
func (v *Investigator) begin(ctx context.Context) (*progress, error) {
	p := &progress{known: make(map[string]*Verdict)}
	if v.cfg.State == "" {
		return p, nil
	}
	head, err := v.stateHead(ctx)
	if err != nil {
		return nil, err
	}
	if err := v.resume(ctx, p, head); err != nil {
		if p.file != nil {
			p.file.Close()
		}
		return nil, fmt.Errorf("state file %s: %w", v.cfg.State, err)
	}
	return p, nil
}

func (v *Investigator) resume(ctx context.Context, p *progress, head stateHead) (err error) {
	if p.file, err = os.OpenFile(v.cfg.State, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600); err != nil {
		return err
	}
	end, begun, err := p.read(head)
	if err != nil {
		return err
	}
	if err := p.file.Truncate(end); err != nil {
		return err
	}
	if end == 0 {
		return p.write(head)
	}
	dropped, err := v.dropStale(ctx, p, begun)
	if err != nil || !dropped {
		return err
	}
	return p.rewrite(v.cfg.State, head)
}

// dropStale drops the kept verdicts that the registry may no longer support, and reports
// whether the registry has changed. begun is the number of entries that the registry had
// begun when the state was kept. If the registry was altered since, all verdicts are dropped.
// If submissions were only added, damaged files and confirmed matches are kept.
func (v *Investigator) dropStale(ctx context.Context, p *progress, begun int64) (bool, error) {
	added, altered, err := v.cfg.Registry.Engine().Changed(ctx, begun)
	if err != nil || !added && !altered {
		return false, err
	}
	maps.DeleteFunc(p.known, func(_ string, known *Verdict) bool { // what was recognised stays so when others are added
		return altered || known.Finding != FoundDamaged && (known.Unconfirmed || !known.matched())
	})
	return true, nil
}

// rewrite makes the state file anew with what is known. It is replaced as a whole: a crash
// loses nothing.
func (p *progress) rewrite(path string, head stateHead) error {
	var text bytes.Buffer
	out := json.NewEncoder(&text)
	if err := out.Encode(head); err != nil {
		return err
	}
	for _, sum := range slices.Sorted(maps.Keys(p.known)) {
		if err := out.Encode(p.known[sum]); err != nil {
			return err
		}
	}
	if err := p.file.Close(); err != nil {
		return err
	}
	if err := durable.WriteFile(path, text.Bytes(), 0o600, true); err != nil {
		return err
	}
	var err error
	p.file, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	return err
}

// read returns where the last whole line ends, and with how many entries of the ledger
// the file was begun.
func (p *progress) read(want stateHead) (end, begun int64, err error) {
	in := bufio.NewReaderSize(p.file, 1<<16)
	for {
		line, err := readLine(in)
		if errors.Is(err, io.EOF) {
			if end == 0 && !bytes.HasPrefix([]byte(stateMark), line[:min(len(line), len(stateMark))]) {
				return 0, 0, fmt.Errorf("%w: it is no state file", registry.ErrInput)
			}
			return end, begun, nil
		}
		if err != nil {
			return 0, 0, err
		}
		if end == 0 {
			var head stateHead
			if err := json.Unmarshal(line, &head); err != nil || !sameHead(head, want) {
				return 0, 0, fmt.Errorf("%w: it belongs to another investigation (other registry, keys, version or search): remove it or name another", registry.ErrInput)
			}
			begun = head.Ledger
		} else {
			known := new(Verdict)
			if err := json.Unmarshal(line, known); err != nil {
				return 0, 0, fmt.Errorf("%w: damaged at byte %d: %w", registry.ErrInput, end, err)
			}
			p.known[known.SHA256] = known
		}
		end += int64(len(line)) + 1
	}
}

// sameHead says whether two runs do the same, however the registry has grown between them.
func sameHead(a, b stateHead) bool {
	a.Ledger, b.Ledger = 0, 0
	x, errA := json.Marshal(a)
	y, errB := json.Marshal(b)
	return errA == nil && errB == nil && bytes.Equal(x, y)
}

// readLine reads a line and returns it without its end. If the last line has no end,
// readLine returns that line with [io.EOF].
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
			return line, err
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
