package experiments

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/kycmark/kycmark/phash"
)

// ErrPeer is wrapped when the peer program fails or finds other hits than we do.
var ErrPeer = errors.New("bench: peer")

// peer runs the peer on the same hashes and queries.
func (m *matchRun) peer(ctx context.Context) error {
	dir, err := os.MkdirTemp(m.opt.Dir, "kycmark-match-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	hashes, queries := filepath.Join(dir, "hashes"), filepath.Join(dir, "queries")
	if err := writeHashes(hashes, m.hashes.all()); err != nil {
		return err
	}
	asked := func(yield func(int64, phash.Hash) bool) {
		for i, q := range m.queries[:m.few()] {
			if !yield(int64(i), q) {
				return
			}
		}
	}
	if err := writeHashes(queries, asked); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, m.opt.Peer, hashes, queries, strconv.Itoa(phash.MatchRadius), strconv.Itoa(matchRounds))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrPeer, m.opt.Peer, err)
	}
	for line := range strings.Lines(string(out)) {
		p, err := parsePeer(line, m.few())
		if err != nil {
			return err
		}
		if math.Abs(p.Hits-m.planted) > 1e-9 {
			return fmt.Errorf("%w: %s found %g hits a query, the index %g", ErrPeer, p.Name, p.Hits, m.planted)
		}
		m.result.Peers = append(m.result.Peers, p)
	}
	return nil
}

// parsePeer reads a line of the peer: name, milliseconds a query, all hits.
func parsePeer(line string, queries int) (MatchPeer, error) {
	f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
	if len(f) != 3 {
		return MatchPeer{}, fmt.Errorf("%w: says %.80q", ErrPeer, line)
	}
	ms, err1 := strconv.ParseFloat(f[1], 64)
	hits, err2 := strconv.ParseFloat(f[2], 64)
	if err := errors.Join(err1, err2); err != nil {
		return MatchPeer{}, fmt.Errorf("%w: %w", ErrPeer, err)
	}
	return MatchPeer{Name: f[0], MS: Number(ms), Hits: hits / float64(queries)}, nil
}

// writeHashes writes 32 bytes a hash.
func writeHashes(path string, hashes iter.Seq2[int64, phash.Hash]) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	for _, h := range hashes {
		var b [32]byte
		for i, word := range h.Bits {
			binary.LittleEndian.PutUint64(b[8*i:], word)
		}
		w.Write(b[:]) // Flush returns its error
	}
	return errors.Join(w.Flush(), f.Close())
}
