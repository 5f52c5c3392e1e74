package records

import (
	"context"
	"time"
)

// A Token lets a program call a service over the registry.
type Token struct {
	Name    string   // unique, also among revoked tokens: the ledger has it as the actor
	ID      string   // unique; the public part of the token's text
	Digest  [32]byte // SHA-256 of the secret part
	Roles   string   // with spaces between them
	Added   time.Time
	Expires time.Time // zero: never
	Revoked time.Time // zero: not revoked
}

// A Request was made to a service with an idempotency key.
type Request struct {
	ID     [32]byte // of the caller and its key
	Digest [32]byte // MAC of the request under the key
	Answer string   // what the answer is made from; "": not known yet
	Made   time.Time
}

// Access keeps who may call a service, and which requests were made. The ledger has no entries of it. A registry that is
// open for investigation only keeps requests, and changes no token: the error wraps ErrReadOnly.
type Access interface {
	// AddToken enters a token. The error wraps ErrConflict if the name was used.
	AddToken(ctx context.Context, t Token) error
	Tokens(ctx context.Context) ([]Token, error) // by name
	// Token returns the token with an ID. The error wraps ErrNotFound.
	Token(ctx context.Context, id string) (*Token, error)
	// RevokeToken enters that a token is revoked from a time on. An earlier time stays. The error wraps ErrNotFound
	// if no token has the name.
	RevokeToken(ctx context.Context, name string, at time.Time) error

	// Claim enters a request, unless there is a request with its ID, and returns what is entered.
	Claim(ctx context.Context, r Request) (*Request, error)
	// SetAnswer replaces the answer of a request.
	SetAnswer(ctx context.Context, id [32]byte, answer string) error
	// ForgetRequests removes the requests that were made before a time.
	ForgetRequests(ctx context.Context, before time.Time) error
}
