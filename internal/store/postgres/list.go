package postgres

// Numbers are handed over as an array.

func list(numbers []int64) (from string, arg any) {
	return "unnest($1::bigint[]) AS p(value)", numbers
}

func among(numbers []int64) (condition string, arg any) { return "= ANY ($1::bigint[])", numbers }

// probing leaves the planner, which cannot know that a list holds narrow ranges, one
// way: an index search for each entry.
const probing = `(SELECT count(set_config(name, 'off', true)) FROM unnest(ARRAY['enable_hashjoin', 'enable_mergejoin',
	'enable_seqscan', 'enable_bitmapscan', 'enable_material', 'enable_memoize', 'jit']) AS name)`
