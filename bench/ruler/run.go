package ruler

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"

	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"
)

// An Experiment is one thing to measure. A new one is a file with its cases, what a case
// measures, and its tables, and a row in the list of the command.
type Experiment struct {
	Name  string // the verb
	Short string // one line of help
	Long  string
	Flags func(*pflag.FlagSet) // adds the experiment's own flags; may be nil
	Plain bool                 // takes no pictures: neither --pictures, --max-side nor --attacks

	// Cases lists what is to be measured, in the order of the results. Its error is one of
	// usage: nothing was measured.
	Cases func(ctx context.Context, env *Env) ([]Case, error)

	Tables []Table
	Plots  []Plot

	// Fold makes a run's trials fewer before they are kept; see [Fold]. May be nil.
	Fold func([]Trial) []Trial

	// Done is called with all trials at the end of a run, to write what other packages keep of
	// them. May be nil.
	Done func(trials []Trial) error

	// Missed says which bars the trials miss; one line each. Any makes the exit code 1.
	// May be nil.
	Missed func(trials []Trial) []string
}

// A Case makes the trials of one subject, such as a picture under all attacks. Cases run
// at the same time; a case calls emit from one goroutine only. A case fails by [Check], and then the
// run ends.
type Case func(ctx context.Context, emit func(Trial))

// Cases makes n cases. measure is called with the number of a case, 0 to n-1.
func Cases(n int, measure func(ctx context.Context, i int, emit func(Trial))) []Case {
	cases := make([]Case, n)
	for i := range cases {
		cases[i] = func(ctx context.Context, emit func(Trial)) { measure(ctx, i, emit) }
	}
	return cases
}

// Each makes a case of every picture of env. The error by which measure fails becomes a trial with
// that error, and the other pictures are still measured.
func Each(env *Env, measure func(ctx context.Context, path string, emit func(Trial))) []Case {
	return Cases(len(env.Pictures), func(ctx context.Context, i int, emit func(Trial)) {
		err := Catch(func() { measure(ctx, env.Pictures[i], emit) })
		Check(context.Cause(ctx))
		if err != nil {
			emit(Trial{Labels: map[string]string{"picture": Name(env.Pictures[i])}, Error: err.Error()})
		}
	})
}

// Check ends the case that is being measured if err is not nil: the case fails with err. It is to a
// case what require.NoError is to a test. Check may be called only where [Catch] or a runner of this
// package waits for it: within a case, on its goroutine.
func Check(err error) {
	if err != nil {
		panic(failure{err})
	}
}

// Failf ends the case as [Check] does, by an error that is written as [fmt.Errorf] writes errors.
func Failf(format string, args ...any) { Check(fmt.Errorf(format, args...)) }

// Must returns v, unless err is not nil: then it ends the case as [Check] does.
func Must[T any](v T, err error) T {
	Check(err)
	return v
}

// A failure is what Check panics with.
type failure struct{ err error }

// Catch calls f and returns the error by which Check ended f, or nil.
func Catch(f func()) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case failure:
			err = p.err
		default:
			panic(p)
		}
	}()
	f()
	return nil
}

// Run measures all cases and returns the run with its trials, in the order of the cases.
//
// The file part keeps the trials of every finished case as it goes; "" keeps none. If part
// is there and was written by the same run, its cases are not measured again. Part is left
// to the caller, who removes it when the trials are in safety. progress may be nil.
func (x *Experiment) Run(ctx context.Context, env *Env, run Run, part string, progress func(done, total int)) (Run, error) {
	if env.Key == nil {
		env.Key = env.TestKey(0)
	}
	env.Workers = cmp.Or(env.Workers, runtime.GOMAXPROCS(0))
	cases, err := x.Cases(ctx, env)
	if err != nil {
		return run, &UsageError{err}
	}
	run.Experiment, run.Seed, run.Pictures = x.Name, env.Seed, env.hashes()
	run.Key = env.Key.ID()
	r := &runner{experiment: x.Name, cases: cases, trials: make([][]Trial, len(cases)), done: make([]bool, len(cases)), progress: progress}
	if part != "" {
		if err := r.resume(part, &run); err != nil {
			return run, err
		}
		defer r.part.Close()
	}
	if err := r.all(ctx, env.Workers); err != nil {
		return run, err
	}
	run.Trials = slices.Concat(r.trials...)
	if x.Fold != nil {
		run.Trials = x.Fold(run.Trials)
	}
	for i := range run.Trials {
		t := &run.Trials[i]
		if t.Labels == nil {
			t.Labels = map[string]string{}
		}
		t.Labels["run"] = run.Name
	}
	return run, nil
}

// A UsageError is a mistake in flags or arguments.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }
func (e *UsageError) Unwrap() error { return e.Err }

// valueDigits is how many digits of a value are kept, so that files stay small.
const valueDigits = 9

// runner measures cases and keeps what is done.
type runner struct {
	experiment string
	cases      []Case
	progress   func(done, total int)

	mu       sync.Mutex
	trials   [][]Trial // by case
	done     []bool
	finished int
	part     *os.File
}

// partLine is a line of the part file: one finished case. The first line is the run's.
type partLine struct {
	Case   int     `json:"case"`
	Trials []Trial `json:"trials"`
}

// resume takes over the finished cases of the part file, and opens it for the others.
func (r *runner) resume(part string, run *Run) error {
	data, err := os.ReadFile(part)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	whole := data[:bytes.LastIndexByte(data, '\n')+1] // a line that was cut is measured again
	lines := bufio.NewScanner(bytes.NewReader(whole))
	lines.Buffer(nil, maxLine)
	if lines.Scan() {
		var old Run
		if err := unmarshalStrict(lines.Bytes(), &old); err != nil {
			return fmt.Errorf("%s: %w", part, err)
		}
		if !sameRun(old, *run) {
			return &UsageError{fmt.Errorf("%s is of another run (%s): finish that run, or remove the file", part, old.Command)}
		}
	}
	for lines.Scan() {
		var l partLine
		if err := unmarshalStrict(lines.Bytes(), &l); err != nil {
			return fmt.Errorf("%s: %w", part, err)
		}
		if l.Case < 0 || l.Case >= len(r.cases) || r.done[l.Case] {
			return fmt.Errorf("%s: case %d is of another run", part, l.Case)
		}
		r.trials[l.Case], r.done[l.Case] = l.Trials, true
		r.finished++
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: %w", part, err)
	}
	if r.part, err = os.OpenFile(part, os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return err
	}
	if err := r.part.Truncate(int64(len(whole))); err != nil {
		return err
	}
	if _, err := r.part.Seek(0, 2); err != nil {
		return err
	}
	if len(whole) == 0 {
		return r.write(run)
	}
	return nil
}

// sameRun compares what the trials depend on. The commit may differ: a run that was cut
// may go on after a change elsewhere.
func sameRun(a, b Run) bool {
	return a.Name == b.Name && a.Experiment == b.Experiment && a.Command == b.Command && a.Seed == b.Seed && a.Key == b.Key &&
		slices.Equal(a.Pictures, b.Pictures)
}

// write appends a line of JSON to the part file.
func (r *runner) write(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = r.part.Write(append(line, '\n'))
	return err
}

// all measures the cases that are not done, so many at a time.
func (r *runner) all(ctx context.Context, workers int) error {
	group, some := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for i := range r.cases {
		if !r.done[i] && some.Err() == nil {
			group.Go(func() error { return r.one(some, i) })
		}
	}
	return cmp.Or(group.Wait(), context.Cause(ctx))
}

// one measures a case and keeps its trials.
func (r *runner) one(ctx context.Context, i int) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	trials := []Trial{}
	emit := func(t Trial) {
		t.Experiment = cmp.Or(t.Experiment, r.experiment)
		maps.DeleteFunc(t.Values, func(_ string, v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) })
		for name, v := range t.Values {
			t.Values[name], _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', valueDigits, 64), 64)
		}
		trials = append(trials, t)
	}
	if err := Catch(func() { r.cases[i](ctx, emit) }); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.trials[i], r.done[i] = trials, true
	r.finished++
	if r.progress != nil {
		r.progress(r.finished, len(r.cases))
	}
	if r.part == nil {
		return nil
	}
	return r.write(partLine{i, trials})
}
