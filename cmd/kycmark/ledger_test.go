package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// testKey is a key pair of a name, the same in every run.
func testKey(name string) (ed25519.PrivateKey, ed25519.PublicKey) {
	seed := sha256.Sum256([]byte(name))
	private := ed25519.NewKeyFromSeed(seed[:])
	return private, private.Public().(ed25519.PublicKey)
}

// cosigned NAME IN OUT KEY signs a checkpoint as a witness does (C2SP
// tlog-cosignature) and writes the witness's public key.
func cosigned(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 4)
	text := ts.ReadFile(args[1])
	if !strings.Contains(text, "\n\n") {
		ts.Fatalf("%s is no checkpoint", args[1])
	}
	line, key := cosignature(args[0], text)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(text+line), 0o644))
	ts.Check(os.WriteFile(ts.MkAbs(args[3]), []byte(key), 0o644))
}

// cosignature returns the line by which a witness signs a checkpoint, and the file of its public key.
func cosignature(name, checkpoint string) (line, key string) {
	const at = 1_790_000_000
	private, public := testKey(name)
	typed := append([]byte{4}, public...)
	id := sha256.Sum256(append([]byte(name+"\n"), typed...))
	body, _, _ := strings.Cut(checkpoint, "\n\n")
	sig := ed25519.Sign(private, fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s\n", at, body))
	raw := append(binary.BigEndian.AppendUint64(bytes.Clone(id[:4]), at), sig...)
	return "— " + name + " " + base64.StdEncoding.EncodeToString(raw) + "\n",
		fmt.Sprintf("# witness\n%s+%x+%s\n", name, id[:4], base64.StdEncoding.EncodeToString(typed))
}

// receipted NAME IN SIGNATURE KEY signs a file with Ed25519 and writes the signature
// and the public key, both as raw bytes.
func receipted(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 4)
	private, public := testKey(args[0])
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), ed25519.Sign(private, []byte(ts.ReadFile(args[1]))), 0o644))
	ts.Check(os.WriteFile(ts.MkAbs(args[3]), public, 0o644))
}
