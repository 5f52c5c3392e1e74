package service

import (
	"crypto/ed25519"
	"errors"
	"io/fs"
	"slices"

	"github.com/kycmark/kycmark/internal/home"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// Keys are the keys that a process holds.
type Keys struct {
	Mark                    []*watermark.Key   // the first marks copies; read for [Issue] and [Investigate]
	Seal                    *registry.SealKey  // read for these and [Intake]
	Report                  ed25519.PrivateKey // read for [Investigate]; nil if the home has none
	LedgerKey, LedgerPublic string             // the private text is read for [Audit] alone
}

// KeysOf reads from a home the keys that the roles need, and no others: of those it opens not even the files.
func KeysOf(h *home.Home, roles []Role) (k Keys, err error) {
	has := func(r Role) bool { return slices.Contains(roles, r) }
	switch {
	case has(Issue), has(Investigate):
		k.Mark, k.Seal, err = h.Keys()
	case has(Intake):
		k.Seal, err = h.SealKey()
	}
	if err == nil && has(Investigate) {
		if k.Report, err = h.ReportKey(); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	if err == nil && has(Audit) {
		k.LedgerKey, err = h.LedgerKey()
	}
	if err == nil && (has(Audit) || has(Admin) || has(Investigate)) {
		k.LedgerPublic, err = h.LedgerPublic()
	}
	return k, err
}
