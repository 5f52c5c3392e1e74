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
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	"github.com/kycmark/kycmark/internal/each"
)

var (
	// ErrProof is wrapped by errors of proofs that do not hold, or that cannot be given.
	ErrProof = errors.New("no proof")
	// ErrCheckpoint is wrapped by errors of checkpoints that are malformed, too long, not signed, or signed wrongly.
	ErrCheckpoint = errors.New("bad checkpoint")
	// ErrKey is wrapped by errors of key texts. No error repeats a private key.
	ErrKey = errors.New("bad key")
)

// MaxSize is the maximum number of leaves of a tree: sizes fit the signed integers of databases.
const MaxSize = math.MaxInt64

// A Hash is the SHA-256 of a leaf or a node, RFC 6962, section 2.1.
type Hash = [32]byte

// EmptyRoot returns the root of the tree without leaves: SHA-256 of no bytes.
func EmptyRoot() Hash { return Hash(rfc6962.DefaultHasher.EmptyRoot()) }

// LeafHash returns the leaf of an entry: SHA-256 of a zero byte and the entry.
func LeafHash(entry []byte) Hash { return Hash(rfc6962.DefaultHasher.HashLeaf(entry)) }

// A NodeID names a perfect subtree: that of the 1<<Level leaves from
// Index<<Level on. Level 0 are the leaves, and Index counts from the left.
type NodeID = compact.NodeID

// A Node is a perfect subtree and its root.
type Node struct {
	NodeID
	Hash Hash
}

// A Tree holds what appending needs: the roots of the perfect subtrees at the right border, at
// most 63. Make it with [NewTree]. A Tree is not safe for concurrent use.
type Tree struct {
	border *compact.Range
}

var ranges = compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}

// Border lists the nodes that [NewTree] needs for a tree of size leaves, from
// left to right: one for each 1 in the binary form of size.
func Border(size uint64) []NodeID { return compact.RangeNodes(0, size, nil) }

// NewTree resumes a tree of size leaves from the hashes of its [Border], left to right, which NewTree copies; the empty
// tree has no border. It returns an error if size exceeds [MaxSize] or the number of hashes is wrong. It cannot check
// the hashes themselves: compare [Tree.Root] with the last checkpoint.
func NewTree(size uint64, border []Hash) (*Tree, error) {
	if size > MaxSize {
		return nil, fmt.Errorf("tlog: tree of %d leaves, the limit is %d", size, uint64(MaxSize))
	}
	r, err := ranges.NewRange(0, size, byteSlices(border))
	if err != nil {
		return nil, fmt.Errorf("tlog: tree of %d leaves: %w", size, err)
	}
	return &Tree{r}, nil
}

func (t *Tree) Size() uint64 { return t.border.End() }

// Append adds leaf, the [LeafHash] of an entry, to the tree. It returns the perfect subtrees that the leaf completes,
// from the leaf (level 0) upwards to level k: k+1 nodes, where k counts the trailing 1 bits of the size before. The
// caller stores these nodes, because a Tree keeps only its border. The slice is new.
func (t *Tree) Append(leaf Hash) []Node {
	var done []Node
	err := t.border.Append(leaf[:], func(id NodeID, hash []byte) {
		done = append(done, Node{id, Hash(hash)})
	})
	if err != nil {
		panic(err) // a border of the wrong length, which NewTree refuses
	}
	return done
}

// Root returns the hash over all leaves (RFC 6962, section 2.1), or [EmptyRoot] without leaves. The tree stays unchanged.
func (t *Tree) Root() Hash {
	if t.Size() == 0 {
		return EmptyRoot()
	}
	root, err := t.border.GetRootHash(nil)
	if err != nil {
		panic(err) // a range that does not begin at 0, which NewTree never makes
	}
	return Hash(root)
}

func byteSlices(hashes []Hash) [][]byte {
	return each.Of(hashes, func(h Hash) []byte { return h[:] })
}

// Nodes reads the hashes of stored nodes, in the order of ids. It returns an error if any node is missing.
type Nodes func(ctx context.Context, ids []NodeID) ([]Hash, error)

// Inclusion proves that leaf index, counted from 0, is in the tree of the first size leaves: the audit path of RFC 6962,
// section 2.1.1, from the leaf upwards. The stored tree may have grown since. nodes reads the stored tree: Inclusion calls
// it up to once, for less than 128 nodes. Errors about index and size wrap [ErrProof]; other errors are of nodes.
func Inclusion(ctx context.Context, index, size uint64, nodes Nodes) ([]Hash, error) {
	p, err := proof.Inclusion(index, size)
	return read(ctx, "inclusion", size, p, err, nodes)
}

// Consistency proves that the tree of the first old leaves is the beginning of the tree of the first size leaves: RFC
// 6962, section 2.1.2. The proof is empty if old is 0 or size. nodes reads the stored tree. Errors about old and size
// (old must not exceed size) wrap [ErrProof]; other errors are of nodes.
func Consistency(ctx context.Context, old, size uint64, nodes Nodes) ([]Hash, error) {
	p, err := proof.Consistency(old, size)
	return read(ctx, "consistency", size, p, err, nodes)
}

// RootAt returns the root of the first size leaves of a tree. The error is of nodes, or says that size exceeds [MaxSize].
func RootAt(ctx context.Context, size uint64, nodes Nodes) (Hash, error) {
	border, err := nodes(ctx, Border(size))
	if err != nil {
		return Hash{}, err
	}
	tree, err := NewTree(size, border)
	if err != nil {
		return Hash{}, err
	}
	return tree.Root(), nil
}

// VerifyInclusion checks that path, made by [Inclusion], leads from leaf, the [LeafHash] of
// entry index (from 0), to root. size and root must come from a checkpoint that the caller
// trusts, because a proof alone does not pin the size. The error wraps [ErrProof].
func VerifyInclusion(leaf Hash, index, size uint64, path []Hash, root Hash) error {
	err := proof.VerifyInclusion(rfc6962.DefaultHasher, index, size, leaf[:], byteSlices(path), root[:])
	if err != nil {
		return fmt.Errorf("%w that leaf %d is among %d: %s", ErrProof, index, size, reason(err))
	}
	return nil
}

// VerifyConsistency checks that path, made by [Consistency], leads from oldRoot, of old leaves, to root, of size
// leaves. Both come from checkpoints. If old is 0, it checks that oldRoot is the empty root, but not root, since every
// tree begins with the empty tree. The error wraps [ErrProof].
func VerifyConsistency(old, size uint64, path []Hash, oldRoot, root Hash) error {
	if old == 0 && oldRoot != EmptyRoot() {
		return fmt.Errorf("%w: the root without leaves is another", ErrProof)
	}
	err := proof.VerifyConsistency(rfc6962.DefaultHasher, old, size, byteSlices(path), oldRoot[:], root[:])
	if err != nil {
		return fmt.Errorf("%w that %d leaves begin with %d: %s", ErrProof, size, old, reason(err))
	}
	return nil
}

// read fetches the nodes of the proof p, of a tree of that size, through nodes; err says that there is no such proof of what. It
// joins the nodes that make up the one subtree that is not perfect. For a proof of no nodes it returns nil without calling nodes.
func read(ctx context.Context, what string, size uint64, p proof.Nodes, err error, nodes Nodes) ([]Hash, error) {
	switch {
	case size > MaxSize:
		return nil, fmt.Errorf("%w: size %d, the limit is %d", ErrProof, size, uint64(MaxSize))
	case err != nil:
		return nil, fmt.Errorf("%w of %s: %w", ErrProof, what, err)
	case len(p.IDs) == 0:
		return nil, nil
	}
	hashes, err := nodes(ctx, p.IDs)
	if err != nil {
		return nil, fmt.Errorf("tlog: nodes of a proof: %w", err)
	}
	joined, err := p.Rehash(byteSlices(hashes), rfc6962.DefaultHasher.HashChildren)
	if err != nil {
		return nil, fmt.Errorf("tlog: nodes of a proof: %w", err)
	}
	return each.Of(joined, func(h []byte) Hash { return Hash(h) }), nil
}

// reason returns an error of the merkle module as one line.
func reason(err error) string {
	if m, ok := errors.AsType[proof.RootMismatchError](err); ok {
		return fmt.Sprintf("it leads to root %x, not %x", m.CalculatedRoot, m.ExpectedRoot)
	}
	return err.Error()
}
