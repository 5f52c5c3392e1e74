package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kycmark/kycmark/internal/test/skip"
	"github.com/kycmark/kycmark/testdata"
)

// TestMain lets the test program stand in for butteraugli_main: it is called under that
// name through a link.
func TestMain(m *testing.M) {
	if strings.HasPrefix(filepath.Base(os.Args[0]), "butteraugli_main") {
		fmt.Print(os.Getenv("FAKE_BUTTERAUGLI"))
		return
	}
	testscript.Main(m, map[string]func(){"kycmark-bench": main})
}

// TestScripts runs testdata/*.txtar. Beside testscript's own commands they may use:
//
//	code N PROGRAM ARGS...    like exec, for an exit code that is not 0
//	shipped NAME FILE         the shipped picture NAME.jpg
func TestScripts(t *testing.T) {
	if testing.Short() {
		skip.Test(t, "reads marks: minutes")
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"code": exitCode, "shipped": shipped,
		},
	})
}

func exitCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("wants an exit code and a program")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != want {
		ts.Fatalf("want exit code %d, got %v", want, err)
	}
}

func shipped(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("wants a name and a file")
	}
	data, err := testdata.Pictures.ReadFile("pictures/" + args[0] + ".jpg")
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), data, 0o644))
}
