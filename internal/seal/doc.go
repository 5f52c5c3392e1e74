// Package seal hands the result of an investigation to the other side: report, findings and
// proofs from the ledger, signed and dated, so that the other side can check them without the
// registry and without this program. docs/report.md describes the files.
//
// A bundle is a folder, or the same files in a .zip.
//
// The statement is the evidence. The signed list shows an edit of any byte, also if a format leaves that byte unsigned
// (a timestamp's unsigned attributes, an archive's headers). For the same reason this package writes every file in one
// form only, and refuses every other form that means the same.
//
// Signatures are Ed25519 (RFC 8032), plain. The key signs two kinds of message: DSSE's
// pre-authentication encoding, which begins with "DSSEv1 ", and lists, which begin with a hex
// digit. So a message of one kind cannot be taken for a message of the other kind.
//
// References:
//
//	DSSE 1.0.2       https://github.com/secure-systems-lab/dsse/blob/v1.0.2/protocol.md
//	in-toto v1       https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
//	timestamps       RFC 3161, RFC 5816 (ESSCertIDv2), CMS RFC 5652
package seal
