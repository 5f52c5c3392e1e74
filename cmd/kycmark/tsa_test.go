package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"
)

// authorityConfig is openssl's for a timestamp authority whose certificate signs itself.
const authorityConfig = `[req]
distinguished_name = name
prompt = no
x509_extensions = stamps
[name]
CN = Test Authority
[stamps]
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[tsa]
default_tsa = here
[here]
serial = serial
default_policy = 1.3.6.1.4.1.99999.1
digests = sha256
signer_digest = sha256
ess_cert_id_alg = sha256
`

// tsa FILE starts a timestamp authority, openssl's, for the rest of the script: its
// address is $TSA, and its certificate is written to FILE.
func tsa(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 1)
	dir := ts.MkAbs("authority")
	ts.Check(os.Mkdir(dir, 0o700))
	ts.Check(os.WriteFile(filepath.Join(dir, "tsa.cnf"), []byte(authorityConfig), 0o600))
	ts.Check(os.WriteFile(filepath.Join(dir, "serial"), []byte("0A\n"), 0o600))
	run := func(args ...string) error {
		cmd := exec.Command("openssl", args...)
		cmd.Dir = dir
		return cmd.Run()
	}
	ts.Check(run("req", "-x509", "-config", "tsa.cnf", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", ts.MkAbs(args[0]), "-days", "30"))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, err := io.ReadAll(r.Body)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "query.tsq"), query, 0o600)
		}
		if err == nil {
			err = run("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query.tsq", "-signer", ts.MkAbs(args[0]), "-inkey", "key.pem", "-out", "answer.tsr")
		}
		answer, reading := os.ReadFile(filepath.Join(dir, "answer.tsr"))
		if err != nil || reading != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/timestamp-reply")
		w.Write(answer)
	}))
	ts.Defer(s.Close)
	ts.Setenv("TSA", s.URL)
}
