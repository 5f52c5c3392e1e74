// Package kmstest is a key management service for tests: the transit engine of Vault and OpenBao, as their public
// documentation has its requests and answers.
package kmstest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// Token is the only token that a [Server] accepts.
const Token = "hvs.planted-token"

// A Server has any number of keys, which it makes when they are first used.
type Server struct {
	*httptest.Server
	Hostile atomic.Pointer[http.HandlerFunc] // answers instead, unless it is nil
	Asked   atomic.Int64                     // requests that came
	secret  [32]byte
}

// New starts a service, and has the environment name it. The service ends with the test.
func New(t *testing.T) *Server {
	s := new(Server)
	_, _ = rand.Read(s.secret[:])
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	t.Setenv("VAULT_ADDR", s.URL)
	t.Setenv("VAULT_TOKEN", Token)
	return s
}

// Renew makes all keys others.
func (s *Server) Renew() { _, _ = rand.Read(s.secret[:]) }

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.Asked.Add(1)
	if h := s.Hostile.Load(); h != nil {
		(*h)(w, r)
		return
	}
	refuse := func(status int, why string) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"errors":[%q]}`, why)
	}
	path := strings.Split(r.URL.Path, "/") // "", v1, transit, encrypt or decrypt, NAME
	switch {
	case r.Header.Get("X-Vault-Token") != Token:
		refuse(http.StatusForbidden, "permission denied")
		return
	case r.Method != http.MethodPost || len(path) != 5 || path[1] != "v1" || path[2] != "transit":
		refuse(http.StatusNotFound, "no handler for route")
		return
	}
	var in struct {
		Plaintext  string `json:"plaintext"`
		Ciphertext string `json:"ciphertext"`
		Associated string `json:"associated_data"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		refuse(http.StatusBadRequest, "error parsing JSON")
		return
	}
	data, err := map[string]func() (string, error){
		"encrypt": func() (string, error) { return s.encrypt(path[4], in.Plaintext, in.Associated) },
		"decrypt": func() (string, error) { return s.decrypt(path[4], in.Ciphertext, in.Associated) },
	}[path[3]]()
	if err != nil {
		refuse(http.StatusBadRequest, err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"request_id":"ab00ba0f-9e45-0aca-e3c1-7765fd83fc3c","lease_id":"","renewable":false,"lease_duration":0,"data":%s,"wrap_info":null,"warnings":null,"auth":null}`, data)
}

func (s *Server) encrypt(name, plaintext, associated string) (string, error) {
	plain, err := base64.StdEncoding.DecodeString(plaintext)
	if err != nil {
		return "", err
	}
	more, err := base64.StdEncoding.DecodeString(associated)
	if err != nil {
		return "", err
	}
	nonce := make([]byte, 12)
	_, _ = rand.Read(nonce)
	sealed := s.aead().Seal(nonce, nonce, plain, append([]byte(name), more...))
	return fmt.Sprintf(`{"ciphertext":"vault:v1:%s","key_version":1}`, base64.StdEncoding.EncodeToString(sealed)), nil
}

func (s *Server) decrypt(name, ciphertext, associated string) (string, error) {
	text, ok := strings.CutPrefix(ciphertext, "vault:v1:")
	sealed, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(sealed) < 12 {
		return "", fmt.Errorf("invalid ciphertext: no prefix")
	}
	more, err := base64.StdEncoding.DecodeString(associated)
	if err != nil {
		return "", err
	}
	plain, err := s.aead().Open(nil, sealed[:12], sealed[12:], append([]byte(name), more...))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf(`{"plaintext":%q}`, base64.StdEncoding.EncodeToString(plain)), nil
}

// aead binds keys by their names.
func (s *Server) aead() cipher.AEAD {
	block, err := aes.NewCipher(s.secret[:])
	if err != nil {
		panic(err)
	}
	a, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return a
}
