package verify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// same compares, as JSON, a stated value with the value that follows from the evidence. The
// error gives the path to the first difference, beginning with name. If words is false,
// differences in words do not count.
func same(name string, stated, follows any, words bool) error {
	a, err := json.Marshal(stated)
	if err != nil {
		return err
	}
	b, err := json.Marshal(follows)
	if err != nil {
		return err
	}
	if bytes.Equal(a, b) {
		return nil
	}
	x, err := plain(a)
	if err != nil {
		return err
	}
	y, err := plain(b)
	if err != nil {
		return err
	}
	if !words {
		wordless(x)
		wordless(y)
		if equalJSON(x, y) {
			return nil
		}
	}
	where, s, t := difference(name, x, y)
	return fmt.Errorf("%s is %s, and would be %s", where, brief(s), brief(t))
}

func plain(text []byte) (x any, err error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	err = dec.Decode(&x)
	return x, err
}

// difference is the path to the first of two values that differ.
func difference(at string, a, b any) (string, any, any) {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok {
			break
		}
		keys := slices.Sorted(maps.Keys(x))
		for k := range y {
			if _, there := x[k]; !there {
				keys = append(keys, k)
			}
		}
		slices.Sort(keys)
		for _, k := range keys {
			if !equalJSON(x[k], y[k]) {
				return difference(at+"."+k, x[k], y[k])
			}
		}
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			break
		}
		for i := range x {
			if !equalJSON(x[i], y[i]) {
				return difference(fmt.Sprintf("%s[%d]", at, i), x[i], y[i])
			}
		}
	}
	return at, a, b
}

func equalJSON(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// brief is a value of JSON, cut off.
func brief(x any) string {
	if x == nil {
		return "missing"
	}
	text, err := json.Marshal(x)
	if err != nil {
		return "no JSON"
	}
	if len(text) > 200 {
		text = append(bytes.ToValidUTF8(text[:200], nil), "…"...)
	}
	return string(text)
}
