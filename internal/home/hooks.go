package home

import (
	"fmt"
	"strings"

	"github.com/kycmark/kycmark/internal/keyfile"
)

// A Hook is an account at a vendor that captures pictures and sends signed events. In the configuration, Secret, Token and
// APISecret are files.
type Hook struct {
	Vendor    string `toml:"vendor"`     // its name in package hooks
	Recipient string `toml:"recipient"`  // who is entered as holding the pictures
	Secret    string `toml:"secret"`     // with which the vendor signs events
	API       string `toml:"api"`        // address of the vendor's API
	Token     string `toml:"token"`      // names the account there
	APISecret string `toml:"api_secret"` // signs requests; "" for vendors that take the token alone
}

// HooksOf reads the accounts at capture vendors that a home has, by name, with their secrets.
func HooksOf(h *Home) (map[string]Hook, error) {
	all := make(map[string]Hook)
	for name, c := range h.config.Hooks {
		if c.Vendor == "" || c.Recipient == "" || c.Secret == "" || c.API == "" || c.Token == "" {
			return nil, fmt.Errorf("%s: hook %q: want vendor, recipient, secret, api and token", configName, name)
		}
		for _, x := range []*string{&c.Secret, &c.Token, &c.APISecret} {
			if *x == "" {
				continue
			}
			var err error
			if *x, err = secretOf(h, *x); err != nil {
				return nil, fmt.Errorf("%s: hook %q: %w", configName, name, err)
			}
		}
		all[name] = c
	}
	return all, nil
}

func secretOf(h *Home, file string) (string, error) {
	text, err := keyfile.Read(h.path(file))
	if text = strings.TrimSpace(text); err == nil && text == "" {
		err = fmt.Errorf("%s is empty", file)
	}
	return text, err
}

// A Webhook is an address that gets notices of what happens. Secret is "whsec_" and base64; in the configuration it is a file.
type Webhook struct {
	URL    string   `toml:"url"`
	Secret string   `toml:"secret"`
	Events []string `toml:"events"` // none: all
}

// WebhooksOf reads the addresses that a home has, by name, with their secrets.
func WebhooksOf(h *Home) (map[string]Webhook, error) {
	all := make(map[string]Webhook)
	for name, w := range h.config.Webhooks {
		if w.URL == "" || w.Secret == "" {
			return nil, fmt.Errorf("%s: webhook %q: want url and secret", configName, name)
		}
		var err error
		if w.Secret, err = secretOf(h, w.Secret); err != nil {
			return nil, fmt.Errorf("%s: webhook %q: %w", configName, name, err)
		}
		all[name] = w
	}
	return all, nil
}
