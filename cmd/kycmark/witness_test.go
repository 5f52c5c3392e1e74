package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kycmark/kycmark/internal/tlog"
)

// witness NAME KEY starts a witness (C2SP tlog-witness) for the rest of the script: its address is $WITNESS. It signs what
// continues what it signed last, of each ledger. Its public key is written to KEY.
func witness(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 2)
	var mu sync.Mutex
	type state struct {
		size uint64
		root tlog.Hash
	}
	known := make(map[string]state)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		body, err := io.ReadAll(r.Body)
		head, text, ok := strings.Cut(string(body), "\n\n")
		if err != nil || !ok || r.Method != http.MethodPost || r.URL.Path != "/add-checkpoint" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		var now state
		var old uint64
		lines := strings.Split(text, "\n")
		if _, err = fmt.Sscanf(head, "old %d", &old); err == nil {
			_, err = fmt.Sscan(lines[1], &now.size)
		}
		if err == nil {
			now.root, err = hashOf(lines[2])
		}
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		last := known[lines[0]]
		if old != last.size {
			w.Header().Set("Content-Type", "text/x.tlog.size")
			w.WriteHeader(http.StatusConflict)
			fmt.Fprintf(w, "%d\n", last.size)
			return
		}
		var path []tlog.Hash
		for _, line := range strings.Split(head, "\n")[1:] {
			hash, err := hashOf(line)
			if err != nil {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			path = append(path, hash)
		}
		if last.size > 0 && tlog.VerifyConsistency(old, now.size, path, last.root, now.root) != nil {
			w.WriteHeader(http.StatusUnprocessableEntity)
			return
		}
		known[lines[0]] = now
		line, _ := cosignature(args[0], text)
		io.WriteString(w, line)
	}))
	ts.Defer(s.Close)
	ts.Setenv("WITNESS", s.URL)
	_, key := cosignature(args[0], "\n\n")
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(key), 0o644))
}

// hashOf reads a hash in base64.
func hashOf(text string) (tlog.Hash, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err == nil && len(raw) != len(tlog.Hash{}) {
		err = io.ErrUnexpectedEOF
	}
	return tlog.Hash(append(raw, make([]byte, len(tlog.Hash{}))...)[:len(tlog.Hash{})]), err
}
