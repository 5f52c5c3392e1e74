package tlog

import (
	"fmt"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"
)

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
func Border(size uint64) []NodeID {
	return compact.RangeNodes(0, size, nil)
}

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

// Root returns the hash over all leaves (RFC 6962, section 2.1), or [EmptyRoot] without leaves.
// The tree stays unchanged.
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

// byteSlices copies hashes into the form that the merkle module works with.
func byteSlices(hashes []Hash) [][]byte {
	out := make([][]byte, len(hashes))
	for i, h := range hashes {
		out[i] = h[:]
	}
	return out
}
