package service

import (
	"context"
	"net/http"

	"github.com/kycmark/kycmark/internal/records"
)

// Store returns what keeps requests, and SetStore replaces it.
func (s *Service) Store() records.Access     { return s.store }
func (s *Service) SetStore(x records.Access) { s.store = x }

// BodyMemory takes memory for bodies.
func (s *Service) BodyMemory(n int64) (give func(), ok bool) {
	l := s.bodies.Lease()
	return l.Give, l.Try(n)
}

// TellDue sends the notices that are due.
func (s *Service) TellDue(ctx context.Context) error {
	for name, h := range s.Webhooks {
		if err := s.tellDue(ctx, http.DefaultClient, name, &h); err != nil {
			return err
		}
	}
	return nil
}

// ProblemOf returns the answer that an error becomes.
func ProblemOf(err error) *Problem { return problemOf("registry", err) }
