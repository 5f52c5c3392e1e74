// Package client calls a service that "kycmark serve" runs. It is generated from docs/openapi.json. Each operation is a
// method of [ClientWithResponses], whose result has the status, the header, the bytes and the decoded body of the answer.
//
//	c, err := client.NewClientWithResponses("https://kyc.example", client.WithToken(token))
//	...
//	got, err := c.ListEventsWithResponse(ctx, &client.ListEventsParams{})
//
// An answer that is no success has its [Problem] in ApplicationProblemJSONDefault.
package client

import (
	"context"
	"net/http"
)

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2 -config oapi.yaml ../docs/openapi.json

// WithToken sends a token, as "kycmark token add" prints it, with each request.
func WithToken(token string) ClientOption {
	return WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+token)
		return nil
	})
}
