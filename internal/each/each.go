// Package each makes a list from each value of another.
package each

// Of returns what f makes of all values, in their order. It is not nil.
func Of[T, R any](all []T, f func(T) R) []R {
	out := make([]R, len(all))
	for i, v := range all {
		out[i] = f(v)
	}
	return out
}
