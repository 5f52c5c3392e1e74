// Package attest signs what an investigation found, dates it, and packs it so that
// the other side can check it without this program.
//
// A bundle is a folder, or the same files in a .zip:
//
//	report.html, findings.json, …  what was found: named by whoever makes the bundle
//	public.pem                     the report key's public half
//	tsa-ca.pem                     certificates of the timestamp authority, if there is one
//	statement.dsse.json            the signed statement: a DSSE envelope around an in-toto
//	                               Statement whose subjects are the files above and every
//	                               input, each with its SHA-256
//	statement.pae, statement.sig   what exactly was signed, and the bare signature: for openssl
//	timestamp.tsr                  RFC 3161: the envelope existed at that time
//	README.txt                     how to check all this with openssl alone
//	SHA256SUMS, SHA256SUMS.sig     every file but these two, signed by the same key
//
// The statement is the evidence; the signed list is what makes an edit of any byte
// show, also where the formats in between leave bytes unsigned (a timestamp's
// unsigned attributes, an archive's headers). For the same reason every file that this
// package writes has one form, and another is refused though it may mean the same.
//
// Signatures are Ed25519 (RFC 8032), plain. The key signs two kinds of message: DSSE's
// pre-authentication encoding, which begins with "DSSEv1 ", and lists, which begin
// with a hex digit; so none can be taken for the other.
//
// References:
//
//	DSSE 1.0.2       https://github.com/secure-systems-lab/dsse/blob/v1.0.2/protocol.md
//	in-toto v1       https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
//	timestamps       RFC 3161, RFC 5816 (ESSCertIDv2), CMS RFC 5652
package seal
