package home

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/kycmark/kycmark/internal/intake"
)

// hook is how the configuration has a [Hook]. Secret, Token and APISecret are files.
type hook struct {
	Vendor    string `toml:"vendor"`
	Recipient string `toml:"recipient"`
	Secret    string `toml:"secret"`
	API       string `toml:"api"`
	Token     string `toml:"token"`
	APISecret string `toml:"api_secret"`
}

// A Hook is an account at a vendor that captures pictures and sends signed events.
type Hook struct {
	Vendor    string // its name in package hooks
	Recipient string // who is entered as holding the pictures
	Secret    []byte // with which the vendor signs events
	API       string // address of the vendor's API
	Token     string // names the account there
	APISecret []byte // signs requests; nil for vendors that take the token alone
}

// maxSecret is how long the file of a secret may be, bytes. Chosen.
const maxSecret = 4 << 10

// HooksOf reads the accounts at capture vendors that a home has, by name, with their secrets.
func HooksOf(h *Home) (map[string]Hook, error) {
	all := make(map[string]Hook)
	for name, c := range h.config.Hooks {
		if c.Vendor == "" || c.Recipient == "" || c.Secret == "" || c.API == "" || c.Token == "" {
			return nil, fmt.Errorf("%s: hook %q: want vendor, recipient, secret, api and token", configName, name)
		}
		out := Hook{Vendor: c.Vendor, Recipient: c.Recipient, API: c.API}
		var token []byte
		for _, x := range []struct {
			file string
			to   *[]byte
		}{{c.Secret, &out.Secret}, {c.Token, &token}, {c.APISecret, &out.APISecret}} {
			if x.file == "" {
				continue
			}
			var err error
			if *x.to, err = secretOf(h, x.file); err != nil {
				return nil, fmt.Errorf("%s: hook %q: %w", configName, name, err)
			}
		}
		out.Token = string(token)
		all[name] = out
	}
	return all, nil
}

func secretOf(h *Home, file string) ([]byte, error) {
	text, err := intake.ReadFile(h.path(file), maxSecret)
	if text = bytes.TrimSpace(text); err == nil && len(text) == 0 {
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
		secret, err := secretOf(h, w.Secret)
		if err != nil {
			return nil, fmt.Errorf("%s: webhook %q: %w", configName, name, err)
		}
		w.Secret = string(secret)
		all[name] = w
	}
	return all, nil
}

func (c *hook) files() []string {
	return slices.DeleteFunc([]string{c.Secret, c.Token, c.APISecret}, func(file string) bool { return file == "" })
}
