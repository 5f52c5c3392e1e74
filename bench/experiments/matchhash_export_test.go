package experiments

import "context"

// PDQSpeedOf times the hashes alone.
func PDQSpeedOf(ctx context.Context, opt MatchHashOptions) (*PDQSpeed, error) {
	return pdqSpeed(ctx, &opt)
}

// ParsePDQPeer returns what a peer says beside its times.
func ParsePDQPeer(out string) (words []string, err error) {
	answers, err := parsePDQPeer(out)
	for _, a := range answers {
		words = append(words, a.words)
	}
	return words, err
}
