package keyfile

import "time"

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
