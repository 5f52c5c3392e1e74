package tlog

import (
	"context"
	"errors"
	"fmt"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
)

// Nodes reads the hashes of stored nodes, in the order of ids. It returns an error if any node is missing.
type Nodes func(ctx context.Context, ids []NodeID) ([]Hash, error)

// Inclusion proves that leaf index, counted from 0, is in the tree of the first size leaves: the
// audit path of RFC 6962, section 2.1.1, from the leaf upwards. The stored tree may have grown
// since. nodes reads the stored tree: Inclusion calls it up to once, for less than 128 nodes.
// Errors about index and size wrap [ErrProof]; other errors are of nodes.
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

// RootAt returns the root of the first size leaves of a tree. The error is of nodes, or says
// that size exceeds [MaxSize].
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
	if size > MaxSize {
		return tooLarge(size)
	}
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
	if size > MaxSize {
		return tooLarge(size)
	}
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
		return nil, tooLarge(size)
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
	out := make([]Hash, len(joined))
	for i, h := range joined {
		out[i] = Hash(h)
	}
	return out, nil
}

// reason returns an error of the merkle module as one line.
func reason(err error) string {
	if m, ok := errors.AsType[proof.RootMismatchError](err); ok {
		return fmt.Sprintf("it leads to root %x, not %x", m.CalculatedRoot, m.ExpectedRoot)
	}
	return err.Error()
}

// tooLarge returns the error for a tree of more than [MaxSize] leaves; it wraps [ErrProof].
func tooLarge(size uint64) error {
	return fmt.Errorf("%w: size %d, the limit is %d", ErrProof, size, uint64(MaxSize))
}
