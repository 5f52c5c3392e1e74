package sqlite

import "strconv"

// Numbers are handed over as a JSON array.

// list is List of [sqldb.SearchDialect].
func list(numbers []int64) (from string, arg any) { return "json_each($1) p", array(numbers) }

// among is Among of [sqldb.SearchDialect].
func among(numbers []int64) (condition string, arg any) {
	return "IN (SELECT value FROM json_each($1))", array(numbers)
}

// array returns numbers as the text of a JSON array: "[1,2]", or "[]" for no numbers.
func array(numbers []int64) string {
	text := []byte{'['}
	for i, n := range numbers {
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendInt(text, n, 10)
	}
	return string(append(text, ']'))
}
