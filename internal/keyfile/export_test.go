package keyfile

import (
	"time"

	"github.com/tink-crypto/tink-go/v2/tink"
)

// A client of Tink's can have the place of [transit], so that other services need no other code.
var _ tink.AEADWithContext = (*transit)(nil)

var EncodeReport, ParseReport = encodeReport, parseReport

func Encrypt(text string, pass []byte, work int) (string, error) {
	return encrypt(text, withPassphrase(func() ([]byte, error) { return pass, nil }, work))
}

const Variable = passphraseVariable

// WaitForKMS sets how long a request may take, until the function is called that it returns.
func WaitForKMS(max time.Duration) func() {
	before := kmsTimeout
	kmsTimeout = max
	return func() { kmsTimeout = before }
}
