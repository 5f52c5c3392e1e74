package experiments

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
)

// A pairHead is the first line of a state file: what its counts depend on. Seeds may
// differ from line to line.
type pairHead struct {
	MaxSide int      `json:"max_side"`
	Group   int      `json:"group,omitempty"`
	Copies  int      `json:"copies"`
	Attacks []string `json:"attacks"`
}

// A pairState holds what was counted of the originals that are done.
type pairState struct {
	mu    sync.Mutex
	lines []pairLine
	file  *os.File // nil: nothing is kept
}

// openPairState reads what a file holds, if there is one. What a crash left of a last line
// is cut off.
func openPairState(path string, head pairHead) (*pairState, error) {
	s := &pairState{}
	if path == "" {
		return s, nil
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("bench: state of pairs: %w", err)
	}
	s.file = f
	end, err := s.read(head)
	if err == nil {
		err = f.Truncate(end)
	}
	if err == nil {
		_, err = f.Seek(end, io.SeekStart)
	}
	if err == nil && end == 0 {
		err = s.write(head)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%w: %s: %w", ErrPairs, path, err)
	}
	return s, nil
}

// read returns where the last whole line ends.
func (s *pairState) read(want pairHead) (end int64, err error) {
	in := bufio.NewReader(s.file)
	for {
		line, err := in.ReadBytes('\n')
		if err == io.EOF {
			return end, nil
		}
		if err != nil {
			return 0, err
		}
		if end == 0 {
			head, err := json.Marshal(want)
			if err != nil || !bytes.Equal(bytes.TrimSpace(line), head) {
				return 0, fmt.Errorf("it was begun with other settings (%s): remove it or name another", bytes.TrimSpace(line))
			}
		} else {
			var l pairLine
			if err := json.Unmarshal(line, &l); err != nil {
				return 0, fmt.Errorf("damaged at byte %d: %w", end, err)
			}
			s.lines = append(s.lines, l)
		}
		end += int64(len(line))
	}
}

func (s *pairState) write(x any) error {
	line, err := json.Marshal(x)
	if err != nil {
		return err
	}
	_, err = s.file.Write(append(line, '\n'))
	return err
}

// add keeps a line, and tells done how many pairs there are now, one call at a time.
func (s *pairState) add(l *pairLine, done func(pairs int)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, *l)
	if s.file != nil {
		if err := s.write(l); err != nil {
			return fmt.Errorf("bench: state of pairs: %w", err)
		}
	}
	done(s.pairs())
	return nil
}

func (s *pairState) has(seed uint64, group, document int) bool {
	return slices.ContainsFunc(s.lines, func(l pairLine) bool { return l.Seed == seed && l.Group == group && l.Document == document })
}

// pairs is the number of pairs of leaks and other persons' originals.
func (s *pairState) pairs() int {
	n := 0
	for i := range s.lines {
		for _, c := range s.lines[i].Counts {
			if c.Kind == pairOther {
				n += c.Pairs
			}
		}
	}
	return n
}

func (s *pairState) close() {
	if s.file != nil {
		s.file.Close()
	}
}
