// Package durable writes files so that a reader finds all of one or none of it, also after a crash. Keys, registries'
// exports, marked copies and reports go through it: half a key or half a report must never stand under its name.
package durable
