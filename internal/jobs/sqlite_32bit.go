//go:build 386 || arm || mips || mipsle

package jobs

import (
	"context"
	"errors"
)

// openFile opens no queue: River's driver for SQLite needs integers of 64 bits.
func openFile(context.Context, string) (*server, error) {
	return nil, errors.New("a queue beside a registry in a file: not on processors of 32 bits")
}
