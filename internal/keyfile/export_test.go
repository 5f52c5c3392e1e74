package keyfile

var EncodeReport, ParseReport, Encrypt = encodeReport, parseReport, encrypt

const Variable = passphraseVariable
