package keyfile

var EncodeReport, ParseReport = encodeReport, parseReport
