package verify

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/kycmark/kycmark/internal/durable"
	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/memory"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/examine"
	"github.com/kycmark/kycmark/verify/internal/recheck"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// A progress is what was found out in a run so far, by the digests of the files: what occurs again is not examined
// again, and with a state file neither is what an earlier run that was cut short had done.
type progress struct {
	mu    sync.Mutex
	known map[string]*findings.Finding // by SHA-256, hex
	state State                        // nil: nothing is kept
	once  books.Digest                 // random, of all runs with this state file: see [Options].Once
}

// A State keeps the findings of a dump while it is examined, as lines of text. A run that was cut short goes on where it
// was: files whose bytes have a finding are not examined again, unless the registry changed. A [StateFile] is one.
type State interface {
	Name() string           // for errors
	Read() ([]byte, error)  // all lines that were kept, none at first. The last one may lack its end
	Replace(b []byte) error // as a whole, or not at all
	Append(b []byte) error
}

// A StateFile is the path of a file that is a [State].
type StateFile string

// Name returns the path.
func (f StateFile) Name() string { return "state file " + string(f) }

// Read reads the file, if it exists.
func (f StateFile) Read() ([]byte, error) {
	text, err := os.ReadFile(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return text, err
}

// Replace replaces the file.
func (f StateFile) Replace(b []byte) error { return durable.WriteFile(string(f), b, 0o600, true) }

// Append appends to the file, which must exist.
func (f StateFile) Append(b []byte) error {
	file, err := os.OpenFile(string(f), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = file.Write(b)
	return errors.Join(err, file.Close())
}

// A stateHead is the first line of a state file: what its findings depend on.
type stateHead struct {
	State    int       `json:"kycmark_state"`
	Version  string    `json:"version"`
	Registry string    `json:"registry"` // its ID
	Keys     []string  `json:"keys"`
	SealKey  string    `json:"seal_key"`
	Ledger   int64     `json:"ledger"` // entries when the file was begun
	Against  []string  `json:"against"`
	Others   int       `json:"references"`
	Found    time.Time `json:"found,omitzero"` // which decides what a lost key means

	Once books.Digest `json:"once,omitzero"` // of a state file: see [progress]
}

// timeless returns the head without what differs between two runs of one investigation.
func (h stateHead) timeless() stateHead {
	h.Once, h.Ledger, h.Found = books.Digest{}, 0, time.Time{}
	return h
}

const (
	stateVersion = 1
	stateMark    = `{"kycmark_state":` // how every state file begins
)

// stateHead returns the first line of a state file that this investigator would begin now.
func (v *Investigation) stateHead(ctx context.Context) (stateHead, error) {
	h := stateHead{State: stateVersion, Registry: v.cfg.Registry.ID(), Keys: v.cfg.keyIDs(), SealKey: v.cfg.sealKeyID(), Others: v.cfg.References, Found: v.cfg.Found, Against: each.Of(v.cfg.Against, watermark.Submission.String)}
	h.Version, _ = recheck.BuildInfo()
	var err error
	h.Ledger, _, err = v.cfg.Registry.Ledger().Head(ctx)
	return h, err
}

// begin returns the progress of a run: the findings that an earlier run kept in [Options].State. The error wraps
// [registry.ErrInput] if the state is damaged or of another investigation.
func (v *Investigation) begin(ctx context.Context) (*progress, error) {
	p := &progress{known: make(map[string]*findings.Finding), state: v.cfg.State, once: v.cfg.Once}
	if p.state == nil {
		return p, nil
	}
	if err := v.resume(ctx, p); err != nil {
		return nil, fmt.Errorf("%s: %w", p.state.Name(), err)
	}
	return p, nil
}

// resume reads the state into p and drops the findings that the registry may no longer support. Then it replaces the
// state as a whole by what is left, so that a crash loses nothing.
func (v *Investigation) resume(ctx context.Context, p *progress) error {
	head, err := v.stateHead(ctx)
	if err != nil {
		return err
	}
	text, err := p.state.Read()
	if err != nil {
		return err
	}
	if head.Once = v.cfg.Once; head.Once == (books.Digest{}) {
		rand.Read(head.Once[:])
	}
	begun, err := p.read(text, head)
	if err != nil {
		return err
	}
	maps.DeleteFunc(p.known, func(_ string, known *findings.Finding) bool { // originals may be back, or limits higher
		return known.Closed > 0 || known.Kind == findings.FoundIncomplete || known.Kind == findings.FoundUnsupported
	})
	if changed, err := v.x.Engine().Changed(ctx, begun.Ledger, begun.Once == v.cfg.Once); err != nil {
		return err
	} else if changed {
		maps.DeleteFunc(p.known, func(_ string, known *findings.Finding) bool { return known.Examined() })
	}
	if !begun.Found.Equal(head.Found) { // which decides what the mark of a lost key means, and the states of copies
		maps.DeleteFunc(p.known, func(_ string, known *findings.Finding) bool { return len(known.Reads) > 0 })
	}
	head.Once, p.once = begun.Once, begun.Once
	var kept bytes.Buffer
	out := json.NewEncoder(&kept)
	if err := out.Encode(head); err != nil {
		return err
	}
	for _, sum := range slices.Sorted(maps.Keys(p.known)) {
		if err := out.Encode(p.known[sum]); err != nil {
			return err
		}
	}
	return p.state.Replace(kept.Bytes())
}

// read enters the findings of a state file into p, and returns the file's head. want is the head that this run would
// write. A last line without its end, which a crash left, is passed over.
func (p *progress) read(text []byte, want stateHead) (head stateHead, err error) {
	line, rest, whole := bytes.Cut(text, []byte("\n"))
	if !whole {
		if !bytes.HasPrefix([]byte(stateMark), line[:min(len(line), len(stateMark))]) {
			return head, fmt.Errorf("%w: it is no state file", registry.ErrInput)
		}
		return want, nil
	}
	if err = json.Unmarshal(line, &head); err != nil || !sameJSON(head.timeless(), want.timeless()) {
		return head, fmt.Errorf("%w: it belongs to another investigation (other registry, keys, version or search): remove it or name another", registry.ErrInput)
	}
	for number := 2; ; number++ {
		if line, rest, whole = bytes.Cut(rest, []byte("\n")); !whole {
			return head, nil
		}
		known := new(findings.Finding)
		if err := json.Unmarshal(line, known); err != nil {
			return head, fmt.Errorf("%w: line %d is damaged: %w", registry.ErrInput, number, err)
		}
		p.known[known.SHA256] = known
	}
}

// add keeps a finding by the digest of its file, and appends it to the state if the digest is new.
func (p *progress) add(v *findings.Finding) error {
	if v.SHA256 == "" {
		return nil
	}
	p.mu.Lock()
	_, known := p.known[v.SHA256]
	p.known[v.SHA256] = v
	p.mu.Unlock()
	if known || p.state == nil {
		return nil
	}
	line, err := json.Marshal(v)
	if err == nil {
		err = p.state.Append(append(line, '\n'))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", p.state.Name(), err)
	}
	return nil
}

// again returns a copy, named path, of the finding of the pass on an examined file with the bytes of leak, whose SHA-256 is sum; nil: none.
// A finding from a state file has no thumbnails: the picture is decoded again, with memory of lease.
func (v *pass) again(ctx context.Context, path string, sum [32]byte, leak []byte, lease *memory.Lease) (*findings.Finding, error) {
	v.p.mu.Lock()
	known := v.p.known[hex.EncodeToString(sum[:])]
	v.p.mu.Unlock()
	if known == nil || !known.Examined() { // the name says what a file is that cannot be read
		return nil, nil
	}
	out := *known
	out.File = path
	if out.Private.Leak.Mosaic == nil { // read back from a state file
		pic, err := v.decode(ctx, leak, lease)
		if err != nil {
			return nil, ctx.Err()
		}
		out.Private.Leak = examine.LookOf(picture.Flatten(pic.Image))
	}
	var err error
	if out.Private.Upload.Mosaic == nil {
		out.Private.Upload, err = v.x.UploadLook(ctx, &out)
	}
	return &out, err
}
