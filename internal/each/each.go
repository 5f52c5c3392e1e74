// Package each makes a list or a map from each value of a list, and finds one.
package each

// Of returns what f makes of all values, in their order. It is not nil.
func Of[T, R any](all []T, f func(T) R) []R {
	out := make([]R, len(all))
	for i, v := range all {
		out[i] = f(v)
	}
	return out
}

// Map returns a map with what f makes of all values. Of one key it has the last value.
func Map[T any, K comparable, V any](all []T, f func(T) (K, V)) map[K]V {
	out := make(map[K]V, len(all))
	for _, v := range all {
		key, value := f(v)
		out[key] = value
	}
	return out
}

// Find returns a pointer to the first element of all for which is reports true, or nil.
func Find[T any](all []T, is func(*T) bool) *T {
	for i := range all {
		if is(&all[i]) {
			return &all[i]
		}
	}
	return nil
}
