package seal_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"strings"
	"testing"
	"time"

	intoto "github.com/in-toto/attestation/go/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/kycmark/kycmark/internal/seal"
)

var made = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func someStatement() seal.Statement {
	return seal.NewStatement([]seal.File{{Name: "findings.json", Data: []byte("{}")}, {Name: "report.html", Data: []byte("<html>")}},
		[]seal.Subject{
			seal.Input("leaks/b.jpg", 7, sha256.Sum256([]byte("b"))),
			seal.Input("leaks/a<\xff.jpg", 6, sha256.Sum256([]byte("a"))),
			seal.Input("leaks/b.jpg", 7, sha256.Sum256([]byte("b"))),
		},
		seal.Predicate{Made: made, Tool: "kycmark test", Record: json.RawMessage(`{"actor":"me"}`),
			Ledger: &seal.Ledger{Key: "name+hash+key", Checkpoint: "name\n1\nroot\n"}})
}

// The form of a statement, which docs/report.md describes, never changes.
func TestStatementVectors(t *testing.T) {
	payload, err := json.Marshal(someStatement())
	require.NoError(t, err)
	require.Equal(t, `{"_type":"https://in-toto.io/Statement/v1","subject":[`+
		`{"name":"findings.json","digest":{"sha256":"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"},"annotations":{"size":2}},`+
		`{"name":"report.html","digest":{"sha256":"b7d082ee12e91b756ea22e8513b8594eebcf5d39fab813da3cb55794dc888ad7"},"annotations":{"size":6}},`+
		`{"name":"input:leaks/a\u003c�.jpg","digest":{"sha256":"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"},"annotations":{"size":6}},`+
		`{"name":"input:leaks/b.jpg","digest":{"sha256":"3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"},"annotations":{"size":7}}],`+
		`"predicateType":"https://github.com/kycmark/kycmark/report/v1","predicate":{"made":"2026-11-20T12:00:00Z","tool":"kycmark test",`+
		`"record":{"actor":"me"},"ledger":{"key":"name+hash+key","checkpoint":"name\n1\nroot\n"}}}`, string(payload))
	s, err := seal.ParseStatement(payload)
	require.NoError(t, err)
	require.Len(t, s.Inputs(), 2)
	require.Equal(t, "input:leaks/b.jpg", s.Inputs()[1].Name)
}

// in-toto's own library takes it for a valid Statement v1 and reads the same in it.
func TestStatementByInToto(t *testing.T) {
	ours := someStatement()
	payload, err := json.Marshal(ours)
	require.NoError(t, err)
	var theirs intoto.Statement
	require.NoError(t, protojson.Unmarshal(payload, &theirs))
	require.NoError(t, theirs.Validate())
	require.Equal(t, intoto.StatementTypeUri, theirs.GetType())
	require.Equal(t, seal.PredicateType, theirs.GetPredicateType())
	require.Len(t, theirs.GetSubject(), len(ours.Subject))
	for i, s := range theirs.GetSubject() {
		assert.Equal(t, ours.Subject[i].Name, s.GetName())
		assert.Equal(t, map[string]string{"sha256": ours.Subject[i].Digest.SHA256}, s.GetDigest())
		assert.Equal(t, float64(ours.Subject[i].Annotations.Size), s.GetAnnotations().AsMap()["size"])
	}
	require.Equal(t, map[string]any{"actor": "me"}, theirs.GetPredicate().AsMap()["record"])
}

func TestStatementHasOneForm(t *testing.T) {
	good, err := json.Marshal(someStatement())
	require.NoError(t, err)
	for name, change := range map[string][2]string{
		"another type":      {"Statement/v1", "Statement/v0.1"},
		"another predicate": {"report/v1", "report/v2"},
		"a field twice":     {`"subject":[`, `"subject":[],"subject":[`},
		"in capitals":       {`"subject"`, `"Subject"`},
		"a further field":   {`"predicateType"`, `"x":1,"predicateType"`},
		"white space":       {`,"predicate"`, `, "predicate"`},
		"a further digest":  {`{"sha256":`, `{"sha1":"00","sha256":`},
		"time elsewhere":    {"12:00:00Z", "13:00:00+01:00"},
		"size as text":      {`"size":2`, `"size":"2"`},
		"no object":         {`{"_type"`, `[{"_type"`},
	} {
		bad := bytes.Replace(good, []byte(change[0]), []byte(change[1]), 1)
		require.NotEqual(t, string(good), string(bad), name)
		_, err := seal.ParseStatement(bad)
		assert.ErrorIs(t, err, seal.ErrBundle, name)
	}
	_, err = seal.ParseStatement([]byte(strings.Replace(`{"_type":"T","subject":[],"predicateType":"P","predicate":{"made":"2026-11-20T12:00:00Z","tool":""}}`, "T", seal.StatementType, 1)))
	require.ErrorIs(t, err, seal.ErrBundle)
}

// A leak's name does nothing to the terminal that shows what was signed. Earlier versions wrote names as they are.
func TestNamesOfInputsAreEscaped(t *testing.T) {
	c := someContent()
	const name = "leaks/a\u202egpj.exe"
	c.Inputs = append(c.Inputs, seal.Input(name, 7, sha256.Sum256([]byte("c"))))
	b, err := seal.Sign(t.Context(), c, fixedKey(1), nil)
	require.NoError(t, err)
	signed, has := b.File("statement.pae")
	require.True(t, has)
	require.NotContains(t, string(signed), "\u202e")
	require.Contains(t, string(signed), `leaks/a\u202egpj.exe`)
	payload := signed[bytes.IndexByte(signed, '{'):]
	for _, written := range [][]byte{payload, bytes.ReplaceAll(payload, []byte(`\u202e`), []byte("\u202e"))} {
		s, err := seal.ParseStatement(written)
		require.NoError(t, err)
		require.Contains(t, s.Inputs(), seal.Input(name, 7, sha256.Sum256([]byte("c"))))
	}
}
