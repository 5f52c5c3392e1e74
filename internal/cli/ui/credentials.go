package ui

import (
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/kycmark/kycmark/internal/seal"
)

// Authority returns the timestamp authority at an address, with the certificates that the home trusts for it.
func Authority(b *Desk, address string) (*seal.TSA, error) {
	if address == "" {
		return nil, nil
	}
	trusted, err := b.Home.TSA()
	if err == nil && trusted == nil {
		err = Usagef("--tsa: the authority's certificate is not known: name it by tsa_ca in %s", filepath.Join(b.Home.Dir(), "kycmark.toml"))
	}
	if err != nil {
		return nil, err
	}
	address, err = WithCredentials(address)
	return &seal.TSA{URL: address, Trusted: trusted}, err
}

// CredentialsVariable names the file with credentials of timestamp authorities and witnesses: a line for each, as
// https://USER:PASSWORD@HOST, as git-credential-store has it.
const CredentialsVariable = "KYCMARK_CREDENTIALS"

// secretAddress finds an address with a password in it, or by HTTP or S3 with a user, which may be a token. An address of PostgreSQL
// may name a user alone.
var secretAddress = regexp.MustCompile(`(?i)\b(?:https?|s3)://[^/?#\s]*@|[a-z]://[^/?#\s@]*:[^/?#\s]*@|\bpostgres(?:ql)?:(?:/*[^/?#@]*:[^/?#]*@|\S*[?&](?:ssl)?password=)`)

// NoSecrets refuses arguments with credentials in an address: others see them, and records and reports keep them.
func NoSecrets(args []string) error {
	for _, a := range args {
		if secretAddress.MatchString(a) {
			return WithHint(Usagef("an argument has credentials in an address"),
				"leave them to %s (https://USER:PASSWORD@HOST in a file), PGPASSFILE, PGPASSWORD or AWS_SECRET_ACCESS_KEY", CredentialsVariable)
		}
	}
	return nil
}

// WithCredentials returns an address with user and password from the file of credentials: from the first line of the same
// scheme and host. Without such a line it returns the address. Errors repeat nothing of the file.
func WithCredentials(address string) (string, error) {
	file := os.Getenv(CredentialsVariable)
	if file == "" || address == "" {
		return address, nil
	}
	text, err := ReadSmall(file)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(address)
	if err != nil {
		return address, nil // it is refused when it is asked
	}
	for line := range strings.Lines(string(text)) {
		known, err := url.Parse(strings.TrimSpace(line))
		if err != nil {
			return "", errors.New(file + ": a line is no address")
		}
		if known.User != nil && known.Scheme == u.Scheme && strings.EqualFold(known.Host, u.Host) {
			u.User = known.User
			return u.String(), nil
		}
	}
	return address, nil
}
