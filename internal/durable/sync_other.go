//go:build !unix

package durable

// syncDir does nothing where folders cannot be synced: Windows keeps its
// entries in a journal, and opens no folder for writing.
func syncDir(string) error { return nil }
