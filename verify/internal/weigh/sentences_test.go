package weigh

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kycmark/kycmark/verify/internal/words"
)

// Nobody can hold more sentences in the head: these numbers may only fall.
func TestSentencesAreFew(t *testing.T) {
	assert.LessOrEqual(t, len(dumpSentences), 60, "sentences on dumps")
	assert.LessOrEqual(t, len(words.Notes), 50, "notes on leaks and recipients")
	assert.LessOrEqual(t, len(words.Clauses), 50, "clauses of these")
}
