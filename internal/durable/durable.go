// Package durable writes files so that a reader sees all of one or none, also
// after a crash.
package durable
