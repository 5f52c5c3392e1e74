package tlog

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
)

// A List is a count and a chain of hashes over the items of a list. The zero List has no items.
type List struct {
	N    uint64
	Head Hash
}

// Add returns the list with one item more.
func (l List) Add(item Hash) List {
	b := [1 + 2*len(item)]byte{listItem}
	copy(b[1:], l.Head[:])
	copy(b[1+len(item):], item[:])
	return List{l.N + 1, sha256.Sum256(b[:])}
}

// First bytes of what is hashed: no hash of one kind is one of another kind.
const (
	listItem   = 2
	listLeaf   = 3
	listBranch = 4
)

// Lists commits to lists by their names: its root changes with every item, and a path from the root proves what a list has,
// or that no list has a name. It is a binary tree over the SHA-256 of the names. A list lies where the first bits of its
// name are no other list's; among a million lists its path has about 20 nodes. A Lists is not safe for concurrent use.
type Lists struct {
	root *listNode // nil: no lists
	read ReadLists
}

// ReadLists returns the stored nodes with these IDs, by ID. A missing node is left out.
type ReadLists func(ctx context.Context, ids []string) (map[string][]byte, error)

// A listNode is a list, or a branch with two parts of the tree. Of a node that was not read yet the hash is known.
type listNode struct {
	hash     Hash
	kids     [2]*listNode // of a branch; nil: no list is there
	leaf     *listLeafOf  // nil: a branch
	unread   bool
	changed  bool // since the last call of Changed
	outdated bool // hash is not that of the content
}

type listLeafOf struct {
	key  Hash
	list List
}

// NewLists returns the lists under a root: zeros for none. read gives the stored nodes.
func NewLists(root Hash, read ReadLists) *Lists { return &Lists{unreadNode(root), read} }

// unreadNode returns the node with a hash, or nil for the hash of nothing.
func unreadNode(hash Hash) *listNode {
	if hash == (Hash{}) {
		return nil
	}
	return &listNode{hash: hash, unread: true}
}

func listKey(name string) Hash     { return sha256.Sum256([]byte("kycmark list v1\n" + name)) }
func side(key Hash, depth int) int { return int(key[depth/8]>>(7-depth%8)) & 1 }

// listID returns the ID of the node at a depth (0: the root) on the way to a key: the depth in two
// bytes, then the first bits of the key.
func listID(key Hash, depth int) string {
	id := binary.BigEndian.AppendUint16(nil, uint16(depth))
	id = append(id, key[:(depth+7)/8]...)
	if depth%8 > 0 {
		id[len(id)-1] &^= 1<<(8-depth%8) - 1
	}
	return string(id)
}

// listAhead is how many nodes of a path are read at a time. The paths among 2^30 lists are seldom longer.
const listAhead = 32

// down returns the nodes from the root to where the key's list is or would be. The last one is nil, or has a leaf. It
// reads what is missing. The error wraps [ErrProof] if a node is missing or has not the hash that its parent has.
func (l *Lists) down(ctx context.Context, key Hash) ([]*listNode, error) {
	var path []*listNode
	stored := make(map[string][]byte)
	for at := l.root; ; at = at.kids[side(key, len(path)-1)] {
		depth := len(path)
		if at != nil && at.unread {
			if stored[listID(key, depth)] == nil {
				var ids []string
				for d := depth; d < min(depth+listAhead, 8*len(key)+1); d++ {
					ids = append(ids, listID(key, d))
				}
				more, err := l.read(ctx, ids)
				if err != nil {
					return nil, err
				}
				maps.Copy(stored, more)
			}
			if err := at.parse(stored[listID(key, depth)]); err != nil {
				return nil, err
			}
		}
		if path = append(path, at); at == nil || at.leaf != nil {
			return path, nil
		}
		if depth == 8*len(key) {
			return nil, fmt.Errorf("%w: a branch of the tree of lists below the last bit", ErrProof)
		}
	}
}

// Sizes of stored nodes, bytes.
const (
	branchSize = 2 * len(Hash{})
	leafSize   = len(Hash{}) + 8 + len(Hash{})
)

// parse reads the content of an unread node. The error wraps [ErrProof] if it has not the node's hash.
func (n *listNode) parse(body []byte) error {
	read := listNode{}
	switch len(body) {
	case branchSize:
		read.kids = [2]*listNode{unreadNode(Hash(body)), unreadNode(Hash(body[len(Hash{}):]))}
	case leafSize:
		read.leaf = &listLeafOf{Hash(body), List{binary.BigEndian.Uint64(body[32:]), Hash(body[40:])}}
	default:
		return fmt.Errorf("%w: a node of the tree of lists has %d bytes, or is missing", ErrProof, len(body))
	}
	if read.outdated = true; read.sum() != n.hash {
		return fmt.Errorf("%w: a node of the tree of lists was changed", ErrProof)
	}
	*n = read
	return nil
}

// body returns a node as it is stored. Hashes of a branch's parts must be up to date.
func (n *listNode) body() []byte {
	if n.leaf != nil {
		return append(binary.BigEndian.AppendUint64(slices.Clone(n.leaf.key[:]), n.leaf.list.N), n.leaf.list.Head[:]...)
	}
	out := make([]byte, 0, branchSize)
	for _, k := range n.kids {
		sum := k.sum()
		out = append(out, sum[:]...)
	}
	return out
}

// sum returns the hash of a node, and of nil, zeros.
func (n *listNode) sum() Hash {
	switch {
	case n == nil:
		return Hash{}
	case n.outdated:
		tag := byte(listBranch)
		if n.leaf != nil {
			tag = listLeaf
		}
		n.hash, n.outdated = sha256.Sum256(append([]byte{tag}, n.body()...)), false
	}
	return n.hash
}

// Root returns the hash over all lists: zeros without lists.
func (l *Lists) Root() Hash { return l.root.sum() }

// Find returns the list with a name: without items if no list has the name. The error is of reading nodes, or
// wraps [ErrProof] if a node is missing or was changed.
func (l *Lists) Find(ctx context.Context, name string) (List, error) {
	key := listKey(name)
	path, err := l.down(ctx, key)
	if err != nil {
		return List{}, err
	}
	if last := path[len(path)-1]; last != nil && last.leaf.key == key {
		return last.leaf.list, nil
	}
	return List{}, nil
}

// Read reads the nodes on the way to lists with these names, all of one depth together. [Lists.Find], which fails alike, then reads none.
func (l *Lists) Read(ctx context.Context, names ...string) error {
	type way struct {
		key Hash
		at  *listNode
	}
	var ways, next []way
	for _, name := range names {
		ways = append(ways, way{listKey(name), l.root})
	}
	for depth := 0; len(ways) > 0; depth++ {
		unread := make(map[string]*listNode)
		for _, w := range ways {
			if w.at != nil && w.at.unread {
				unread[listID(w.key, depth)] = w.at
			}
		}
		stored, err := l.read(ctx, slices.Sorted(maps.Keys(unread)))
		if err != nil {
			return err
		}
		for id, n := range unread {
			if err := n.parse(stored[id]); err != nil {
				return err
			}
		}
		next = nil
		for _, w := range ways {
			if w.at != nil && w.at.leaf == nil && depth < 8*len(w.key) { // Find names a branch below the last bit
				next = append(next, way{w.key, w.at.kids[side(w.key, depth)]})
			}
		}
		ways = next
	}
	return nil
}

// Add adds items to the list with a name. It fails as [Lists.Find] does.
func (l *Lists) Add(ctx context.Context, name string, items ...Hash) error {
	if len(items) == 0 {
		return nil
	}
	key := listKey(name)
	path, err := l.down(ctx, key)
	if err != nil {
		return err
	}
	depth := len(path) - 1
	last := path[depth]
	switch {
	case last == nil:
		last = &listNode{leaf: &listLeafOf{key: key}}
	case last.leaf.key != key:
		last = fork(last, key, depth)
	}
	at := last // the list's node
	for d := depth; at.leaf == nil; d++ {
		at = at.kids[side(key, d)]
	}
	for _, item := range items {
		at.leaf.list = at.leaf.list.Add(item)
	}
	for n, d := last, depth; ; d++ {
		n.outdated, n.changed = true, true
		if n.leaf != nil {
			break
		}
		n = n.kids[side(key, d)]
	}
	for _, n := range path[:depth] {
		n.outdated, n.changed = true, true
	}
	if depth == 0 {
		l.root = last
	} else {
		path[depth-1].kids[side(key, depth-1)] = last
	}
	return nil
}

// fork returns branches from a depth on down to a leaf and an empty list with another key.
func fork(leaf *listNode, key Hash, depth int) *listNode {
	leaf.changed = true // it gets another ID
	branch := &listNode{changed: true, outdated: true}
	other := side(leaf.leaf.key, depth)
	if mine := side(key, depth); mine != other {
		branch.kids[mine], branch.kids[other] = &listNode{leaf: &listLeafOf{key: key}, outdated: true, changed: true}, leaf
	} else {
		branch.kids[mine] = fork(leaf, key, depth+1)
	}
	return branch
}

// Changed calls put with the ID and the content of each node that Add made or changed since the last call.
func (l *Lists) Changed(put func(id string, body []byte)) {
	l.each(l.root, Hash{}, 0, func(n *listNode, id string) bool {
		changed := n.changed // a node below a changed one may be as it was, but not the reverse
		if changed {
			n.changed = false
			put(id, n.body())
		}
		return changed
	})
}

// Nodes calls each with the ID and the content of every node that was read or made.
func (l *Lists) Nodes(each func(id string, body []byte)) {
	l.each(l.root, Hash{}, 0, func(n *listNode, id string) bool { each(id, n.body()); return true })
}

// each calls f with the nodes that were read, from n downwards. The first depth bits of key lead from the root to n.
func (l *Lists) each(n *listNode, key Hash, depth int, f func(n *listNode, id string) bool) {
	if n == nil || n.unread || !f(n, listID(key, depth)) {
		return
	}
	for bit, k := range n.kids {
		if n.leaf == nil {
			below := key
			below[depth/8] |= byte(bit) << (7 - depth%8)
			l.each(k, below, depth+1, f)
		}
	}
}

// Prove returns the nodes from the root to the list with a name, or to where it would be. It proves what
// [CheckList] returns. It fails as [Lists.Find] does.
func (l *Lists) Prove(ctx context.Context, name string) (proof [][]byte, err error) {
	path, err := l.down(ctx, listKey(name))
	for _, n := range path {
		if n != nil {
			proof = append(proof, n.body())
		}
	}
	return proof, err
}

// CheckList returns the list with a name under a root, as a proof of [Lists.Prove] shows it: without items if
// no list has the name. Every byte of the proof counts. The error wraps [ErrProof].
func CheckList(root Hash, name string, proof [][]byte) (List, error) {
	used := 0
	l := NewLists(root, func(_ context.Context, ids []string) (map[string][]byte, error) {
		out := make(map[string][]byte)
		for _, id := range ids {
			if depth := int(binary.BigEndian.Uint16([]byte(id))); depth < len(proof) {
				out[id] = proof[depth]
			}
		}
		return out, nil
	})
	list, err := l.Find(context.Background(), name)
	if err != nil {
		return List{}, err
	}
	l.Nodes(func(string, []byte) { used++ })
	if used != len(proof) {
		return List{}, fmt.Errorf("%w: a path of %d nodes, and %d belong to it", ErrProof, len(proof), used)
	}
	return list, nil
}
