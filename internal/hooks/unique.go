package hooks

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxDepth is how deep an event may be nested. Chosen: these vendors' have five levels.
const maxDepth = 50

// unique checks that body is one JSON object in which no object has a name twice, in any case of letters: the
// reader of this package takes either case.
func unique(body []byte) error {
	d := json.NewDecoder(bytes.NewReader(body))
	if first, err := d.Token(); err != nil || first != json.Delim('{') {
		return errors.New("body: want a JSON object")
	}
	open := []map[string]bool{{}} // names of each open object; nil: an array
	name := true                  // the next token of an object is a name
	for len(open) > 0 {
		if len(open) > maxDepth {
			return fmt.Errorf("body: nested deeper than %d levels", maxDepth)
		}
		token, err := d.Token()
		if err != nil {
			return fmt.Errorf("body: %w", err)
		}
		names := open[len(open)-1]
		switch token {
		case json.Delim('{'):
			open, name = append(open, map[string]bool{}), true
			continue
		case json.Delim('['):
			open = append(open, nil)
			continue
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
			name = true
			continue
		}
		if names == nil {
			continue
		}
		if key, ok := token.(string); ok && name {
			if key = strings.ToLower(key); names[key] {
				return fmt.Errorf("body: name %.40q twice", key)
			}
			names[key], name = true, false
			continue
		}
		name = true
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("body: more than one JSON object")
	}
	return nil
}
