package odds

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// maxListed is the number of cells up to which JSON has [Counts] as a list. Findings of version 2
// and before have no more.
const maxListed = 1_200

// Counts are numbers by cell. More than [maxListed] are written in JSON as a string of runs:
// "0*300 12 30*5" is 300 times 0, then 12, then 5 times 30.
type Counts []int

// MarshalJSON returns a list, or runs if there are more than [maxListed] counts.
func (c Counts) MarshalJSON() ([]byte, error) {
	if len(c) <= maxListed {
		return json.Marshal([]int(c))
	}
	var runs []string
	for i := 0; i < len(c); {
		k := i
		for k < len(c) && c[k] == c[i] {
			k++
		}
		run := strconv.Itoa(c[i])
		if k-i > 1 {
			run += "*" + strconv.Itoa(k-i)
		}
		runs, i = append(runs, run), k
	}
	return json.Marshal(strings.Join(runs, " "))
}

// UnmarshalJSON reads what MarshalJSON writes. It returns an error for more than [MaxCells] counts in runs.
func (c *Counts) UnmarshalJSON(data []byte) error {
	if len(data) == 0 || data[0] != '"' {
		return json.Unmarshal(data, (*[]int)(c))
	}
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	*c = Counts{}
	for run := range strings.FieldsSeq(text) {
		number, times, several := strings.Cut(run, "*")
		n, err := strconv.Atoi(number)
		k := 1
		if err == nil && several {
			k, err = strconv.Atoi(times)
		}
		if err != nil || k < 1 || len(*c)+k > MaxCells {
			return fmt.Errorf("counts: run %.40q, want a number, or number*times, of at most %d cells", run, MaxCells)
		}
		for range k {
			*c = append(*c, n)
		}
	}
	return nil
}
