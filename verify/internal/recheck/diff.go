package recheck

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// same compares, as JSON, a stated value with the value that follows from the evidence. The error has the path to the
// first difference, which begins with name. If wordsToo is false, the fields that [wordless] deletes do not count.
func same(name string, stated, follows any, wordsToo bool) error {
	a, errA := json.Marshal(stated)
	b, errB := json.Marshal(follows)
	if err := errors.Join(errA, errB); err != nil || bytes.Equal(a, b) {
		return err
	}
	x, errA := plain(a)
	y, errB := plain(b)
	if err := errors.Join(errA, errB); err != nil {
		return err
	}
	if !wordsToo {
		wordless(x)
		wordless(y)
	}
	if reflect.DeepEqual(x, y) {
		return nil
	}
	where, s, t := difference(name, x, y)
	return fmt.Errorf("%s is %s, and would be %s", where, brief(s), brief(t))
}

// plain decodes JSON into maps, slices, strings and [json.Number], which keeps numbers as they are written.
func plain(text []byte) (x any, err error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	err = dec.Decode(&x)
	return x, err
}

// difference returns the path to the first difference of a and b, two results of [plain] that differ, and the two
// values there. Lists of different length differ as a whole. at is the path to a and b.
func difference(at string, a, b any) (string, any, any) {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok {
			break
		}
		keys := slices.AppendSeq(slices.Collect(maps.Keys(x)), maps.Keys(y))
		slices.Sort(keys)
		for _, k := range keys {
			if !reflect.DeepEqual(x[k], y[k]) {
				return difference(at+"."+k, x[k], y[k])
			}
		}
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			break
		}
		for i := range x {
			if !reflect.DeepEqual(x[i], y[i]) {
				return difference(fmt.Sprintf("%s[%d]", at, i), x[i], y[i])
			}
		}
	}
	return at, a, b
}

// brief returns a result of [plain] as JSON, cut off after 200 bytes, and nil as "missing".
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
