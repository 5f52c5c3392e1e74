// Package tlog is the arithmetic of the registry's ledger: a Merkle tree of RFC 6962 with its proofs, and signed
// checkpoints as in the C2SP specifications tlog-checkpoint, signed-note and tlog-cosignature. It reads and writes
// nothing: the caller stores the tree and passes the needed nodes.
//
// The store keeps every entry's [LeafHash] and every node that [Tree.Append] completes, under its [NodeID]. A tree of n
// leaves has less than 2n nodes, and a node never changes.
//
//	border, err := store.read(tlog.Border(size))
//	tree, err := tlog.NewTree(size, border)
//	store.write(tree.Append(tlog.LeafHash(entry)))
//	text, err := tlog.Checkpoint{Origin: origin, Size: tree.Size(), Root: tree.Root()}.Sign(private)
//
// A proof for an outsider is made under a checkpoint: the proof ties an
// entry to a size and a root, and the signature ties these to the log.
package tlog

import (
	"errors"
	"math"
)

var (
	// ErrProof is wrapped by errors of proofs that do not hold, or that cannot be given.
	ErrProof = errors.New("tlog: no proof")
	// ErrCheckpoint is wrapped by errors of checkpoints that are malformed, too long, not signed, or signed wrongly.
	ErrCheckpoint = errors.New("tlog: bad checkpoint")
	// ErrKey is wrapped by errors of key texts. No error repeats a private key.
	ErrKey = errors.New("tlog: bad key")
)

// MaxSize is the maximum number of leaves of a tree: sizes fit the signed integers of databases.
const MaxSize = math.MaxInt64
