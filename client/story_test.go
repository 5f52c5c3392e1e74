package client_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/kycmark/kycmark/client"
)

// serve compiles the command and starts a service over a new registry. It returns its address, and a token with all roles.
func serve(t *testing.T) (url, token string) {
	t.Helper()
	dir := t.TempDir()
	binary, home := filepath.Join(dir, "kycmark"), filepath.Join(dir, "kyc")
	build := exec.Command("go", "build", "-trimpath", "-o", binary, "./cmd/kycmark")
	build.Dir, build.Env = "..", append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	for _, c := range []*exec.Cmd{build, exec.Command(binary, "init", home)} {
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", c, err, out)
		}
	}
	c := exec.Command(binary, "serve", "--home", home, "--listen", "127.0.0.1:0", "--json")
	var log bytes.Buffer
	c.Stderr = &log
	out, err := c.StdoutPipe()
	check(t, err)
	check(t, c.Start())
	t.Cleanup(func() {
		check(t, c.Process.Signal(syscall.SIGTERM))
		if err := c.Wait(); err != nil {
			t.Errorf("serve: %v: %s", err, log.String())
		}
	})
	var started struct{ URL, Token string }
	check(t, json.NewDecoder(out).Decode(&started))
	return started.URL, started.Token
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// succeeds ends the test unless an answer is a 200.
func succeeds(t *testing.T, answer interface{ StatusCode() int }, err error) {
	t.Helper()
	check(t, err)
	if answer.StatusCode() != http.StatusOK {
		t.Fatalf("status %d: %s", answer.StatusCode(), answer)
	}
}

// An upload comes in, a marked copy goes out to a recipient, and the ledger has both.
func TestStory(t *testing.T) {
	ctx := t.Context()
	url, token := serve(t)
	c, err := client.NewClientWithResponses(url, client.WithToken(token))
	check(t, err)
	upload, err := os.ReadFile("../testdata/pictures/anna_passport.jpg")
	check(t, err)
	subject, key, purpose := "customer-1", "a random text of this request", "identity checks"

	to, err := c.AddRecipientWithResponse(ctx, nil, client.InRecipientBody{Name: "vendor-a", Kind: client.Vendor})
	succeeds(t, to, err)
	var in *client.SubmitResponse
	for range 2 { // the same request again has the same answer
		in, err = c.SubmitWithBodyWithResponse(ctx, &client.SubmitParams{KycmarkSubject: &subject, IdempotencyKey: &key},
			"image/jpeg", bytes.NewReader(upload))
		succeeds(t, in, err)
		if in.JSON200.Duplicate || *in.JSON200.Subject != subject {
			t.Fatalf("the upload: %s", in.Body)
		}
	}
	marked, err := c.IssueCopyWithResponse(ctx, in.JSON200.Submission, nil,
		client.WantedCopy{Recipient: "vendor-a", Purpose: &purpose})
	succeeds(t, marked, err)
	row, err := c.GetCopyWithResponse(ctx, *marked.Headers200.KycmarkCopy)
	succeeds(t, row, err)
	if row.JSON200.Recipient != "vendor-a" || row.JSON200.SHA256 != fmt.Sprintf("%x", sha256.Sum256(marked.Body)) {
		t.Errorf("the copy: %s", row.Body)
	}
	entered := map[string]int{}
	after := int64(0)
	for limit := int64(2); ; {
		page, err := c.ListEventsWithResponse(ctx, &client.ListEventsParams{After: &after, Limit: &limit})
		succeeds(t, page, err)
		for _, e := range page.JSON200.Events {
			entered[e.Kind]++
		}
		if page.JSON200.Next == after {
			break
		}
		after = page.JSON200.Next
	}
	for _, kind := range []string{"recipient", "submission", "issue", "release"} {
		if entered[kind] != 1 {
			t.Errorf("%d entries of kind %s in %v, want 1", entered[kind], kind, entered)
		}
	}

	wrong, err := client.NewClientWithResponses(url, client.WithToken("kycmark_00000000_"))
	check(t, err)
	refused, err := wrong.GetLedgerWithResponse(ctx)
	check(t, err)
	if p := refused.ApplicationProblemJSONDefault; refused.StatusCode() != http.StatusUnauthorized || p == nil || p.Todo == "" {
		t.Errorf("a wrong token: %s: %s", refused.Status(), refused.Body)
	}
}
