package books

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// NewReceipt returns the verb "receipt", which does nothing itself.
func NewReceipt(u *ui.UI) *cobra.Command {
	return ui.Only(&cobra.Command{
		Use:   "receipt",
		Short: "Enter recipients' signatures for copies that they received",
		Example: `  kycmark receipt message 00000000000004d2 > message.txt
  openssl pkeyutl -sign -rawin -inkey vendor.pem -in message.txt -out receipt.sig
  kycmark receipt add 00000000000004d2 --signature receipt.sig --public-key vendor.pub.pem`,
	}, newReceiptAdd(u), newReceiptMessage(u))
}

// newReceiptAdd returns the verb "receipt add". A receipt that is entered already stays as it is.
func newReceiptAdd(u *ui.UI) *cobra.Command {
	var signature, public string
	cmd := &cobra.Command{
		Use:   "add COPY --signature FILE|HEX --public-key FILE|HEX",
		Short: "Enter a recipient's receipt of a copy",
		Long: `Enter the Ed25519 signature by which a recipient confirms that it was handed a copy
of these very bytes. It is checked first; exit 1 when it does not hold. What is
signed, "kycmark receipt message COPY" prints.

The signature is 64 bytes or their hex digits, the public key 32 bytes, their hex
digits, or PEM or DER as openssl writes it; each as a file or, in hex, on the command
line.`,
		Example: `  kycmark receipt add 00000000000004d2 --signature receipt.sig --public-key vendor.pub.pem`,
		Args:    ui.Exactly("COPY"), ValidArgsFunction: cobra.NoFileCompletions,
	}
	cmd.Flags().StringVar(&signature, "signature", "", "`file` with the signature, or its hex digits (required)")
	cmd.Flags().StringVar(&public, "public-key", "", "`file` with the recipient's public key, or its hex digits (required)")
	cmd.MarkFlagRequired("signature")
	cmd.MarkFlagRequired("public-key")
	return u.BookVerb(cmd, func(ctx context.Context, b *ui.Desk, args []string) error {
		id, err := watermark.ParseCopyID(args[0])
		if err != nil {
			return ui.Usagef("%w", err)
		}
		x := books.Receipt{Copy: id, Actor: ui.Actor()}
		if x.PublicKey, x.Signature, err = SignatureOf(public, signature); err != nil {
			return err
		}
		added, err := b.Registry.Ledger().AddReceipt(ctx, x)
		if errors.Is(err, registry.ErrProof) {
			b.No()
			b.Errorf("%v", err)
			return b.Line(receiptLine{args[0], false, ui.ReasonText(err)})
		}
		if err != nil {
			return ui.NotFound(err)
		}
		was := ""
		if !added {
			was = ", was there already"
		}
		b.Printf("copy %s: receipt signed by %s%s\n", id, x.PublicKey, was)
		return b.Line(receiptLine{args[0], true, nil})
	})
}

type receiptLine struct {
	Copy  string  `json:"copy"`
	Holds bool    `json:"holds"`
	Error *string `json:"error"`
}

// newReceiptMessage returns the verb "receipt message". An unknown copy is exit code 4.
func newReceiptMessage(u *ui.UI) *cobra.Command {
	return u.BookVerb(&cobra.Command{
		Use:   "message COPY",
		Short: "Print what the recipient of a copy signs",
		Long: `Print the bytes that a receipt signs, three lines: "kycmark receipt v1", the SHA-256
of the file handed over, the copy's ID. A recipient computes them from the file that it
received and the copy's ID alone.`,
		Example: `  kycmark receipt message 00000000000004d2`,
		Args:    ui.Exactly("COPY"), ValidArgsFunction: cobra.NoFileCompletions,
	}, func(ctx context.Context, b *ui.Desk, args []string) error {
		id, err := watermark.ParseCopyID(args[0])
		if err != nil {
			return ui.Usagef("%w", err)
		}
		c, err := b.Registry.Copy(ctx, id)
		if err != nil {
			return ui.NotFound(err)
		}
		b.Printf("%s", c.ReceiptMessage())
		return b.Line(map[string]string{"copy": args[0], "message": string(c.ReceiptMessage())})
	})
}

func SignatureOf(public, signature string) (key books.Digest, sig [64]byte, err error) {
	raw, err := bytesOf(signature, ed25519.SignatureSize)
	if err != nil {
		return key, sig, fmt.Errorf("signature: %w", err)
	}
	sig = [64]byte(raw)
	if raw, err = bytesOf(public, ed25519.PublicKeySize); err != nil {
		return key, sig, fmt.Errorf("public key: %w", err)
	}
	return books.Digest(raw), sig, nil
}

// bytesOf returns the n bytes that arg gives: their hex digits, or a file with the bytes or with the digits, or
// with a public key of n bytes in PEM or DER.
func bytesOf(arg string, n int) ([]byte, error) {
	if raw, err := hex.DecodeString(arg); err == nil && len(raw) == n {
		return raw, nil
	}
	data, err := ui.ReadSmall(arg)
	if err != nil {
		return nil, err
	}
	if len(data) == n {
		return data, nil
	}
	if raw, err := hex.DecodeString(strings.TrimSpace(string(data))); err == nil && len(raw) == n {
		return raw, nil
	}
	if raw := publicDER(data); len(raw) == n {
		return raw, nil
	}
	return nil, ui.Usagef("%s holds neither %d bytes nor their hex digits", arg, n)
}

// publicDER returns the bytes of an Ed25519 public key from DER or PEM (RFC 8410); nil for other data.
func publicDER(data []byte) []byte {
	if block, _ := pem.Decode(data); block != nil {
		data = block.Bytes
	}
	key, _ := x509.ParsePKIXPublicKey(data) // nil for other data
	public, _ := key.(ed25519.PublicKey)
	return public
}

func ReceiptWords(x *books.Receipt) string {
	return fmt.Sprintf("receipt of copy %s, signed by %s, entered on %s\n", x.Copy, x.PublicKey, ui.Moment(x.Entered))
}
