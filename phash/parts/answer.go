package parts

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
)

// A search asks other machines for what the features of a leak hit in segments that they hold. An answer has
// the number of hits of each feature at each distance, and the hits of uploads that have minVotes or more. So
// the search counts and votes as one index of all uploads would.

const (
	questionMagic = "kycques\x01"
	answerMagic   = "kycansw\x01"
	askedSize     = 8*words + maxAddress // bytes of a feature in a question
)

// Question returns what [Index.Answer] needs to know of the leak: the signs of its features, and no places.
func (q *Query) Question() []byte {
	out := binary.LittleEndian.AppendUint16([]byte(questionMagic), uint16(len(q.asked)))
	for _, look := range [][]asked{q.asked, q.mirrored} {
		for i := range look {
			for _, w := range look[i].descriptor {
				out = binary.LittleEndian.AppendUint64(out, w)
			}
			out = append(out, look[i].margin[:]...)
		}
	}
	return out
}

// readQuestion reads the features of a leak and of its mirror image. The error wraps [ErrFormat].
func readQuestion(b []byte) (looks [2][]asked, err error) {
	head := len(questionMagic) + 2
	if len(b) < head || string(b[:len(questionMagic)]) != questionMagic {
		return looks, fmt.Errorf("%w: no question, or of another version", ErrFormat)
	}
	n := int(binary.LittleEndian.Uint16(b[len(questionMagic):]))
	if b = b[head:]; n > maxAsked || len(b) != 2*n*askedSize {
		return looks, fmt.Errorf("%w: a question of %d bytes for %d features", ErrFormat, len(b), n)
	}
	for k := range looks {
		looks[k] = make([]asked, n)
		for i := range looks[k] {
			looks[k][i].descriptor = readDescriptor(b)
			copy(looks[k][i].margin[:], b[8*words:])
			b = b[askedSize:]
		}
	}
	return looks, nil
}

// Answer returns what the features of a [Query.Question] hit in the mounted segment of a name, for
// [SearchOptions]. The error is that of ctx, a [*RecordError], wraps [ErrFormat] if question is malformed, or
// [ErrSnapshot] if no such segment is mounted.
func (x *Index) Answer(ctx context.Context, question []byte, name string) ([]byte, error) {
	looks, err := readQuestion(question)
	if err != nil {
		return nil, err
	}
	x.reading.RLock()
	defer x.reading.RUnlock()
	g, err := x.mounted(name)
	if err != nil {
		return nil, err
	}
	return g.answer(ctx, looks)
}

// answer is [Index.Answer] of one segment. The caller holds Index.reading.
func (s *segment) answer(ctx context.Context, looks [2][]asked) ([]byte, error) {
	var memory scratch
	var kept [2][]hit
	var found [2][]counts
	number := make([]int32, s.size())
	in := make([]bool, s.size()) // the answer
	for k, look := range looks {
		found[k] = make([]counts, len(look))
		var one []hit
		probes := newProbing(len(look))
		for i := range look {
			if i&255 == 0 && ctx.Err() != nil {
				return nil, ctx.Err()
			}
			probes.begin()
			one = s.ask(one[:0], &look[i], i, 0, probes.of(&look[i], s.address), &memory)
			found[k][i].add(one)
			kept[k] = append(kept[k], found[k][i].nearest(one)...)
		}
		kept[k] = several(kept[k], number)
		for _, h := range kept[k] {
			in[h.upload] = true
		}
	}
	if memory.err != nil {
		return nil, memory.err
	}
	out := []byte(answerMagic)
	put := func(v int) { out = binary.AppendUvarint(out, uint64(v)) }
	put(s.size() - s.dead)
	put(s.live)
	n := 0
	for at := range in {
		if in[at] {
			number[at] = int32(n)
			n++
		}
	}
	put(n)
	for at := range in {
		if in[at] {
			out = binary.LittleEndian.AppendUint64(out, uint64(s.sealed.ref(at)))
		}
	}
	put(len(looks[0]))
	for k := range looks {
		hits := kept[k]
		for i := range looks[k] {
			distances, of := 0, 0
			for _, n := range found[k][i] {
				distances += min(n, 1)
			}
			put(distances)
			for d, n := range found[k][i] {
				if n > 0 {
					out = append(out, byte(d))
					put(n)
				}
			}
			for of < len(hits) && int(hits[of].asked) == i {
				of++
			}
			put(of)
			for _, h := range hits[:of] {
				put(int(number[h.upload]))
				out = append(out, h.feature, h.distance, h.turn, h.level)
			}
			hits = hits[of:]
		}
	}
	return out, nil
}

// An answer is what [Index.Answer] returned, read for a search.
type answer struct {
	uploads, features int     // of the segment
	refs              []int64 // of the uploads with hits, rising
	found             [2][]counts
	hits              [2][][]hit // by feature; upload is a place in refs
}

// ask appends to out the hits of feature number of a look, and adds to at how many there are in all. base is
// the number of the first upload.
func (a *answer) ask(out []hit, at *counts, mirrored bool, number int, base uint32) []hit {
	k := 0
	if mirrored {
		k = 1
	}
	for d, n := range a.found[k][number] {
		at[d] += n
	}
	for _, h := range a.hits[k][number] {
		h.upload += base
		out = append(out, h)
	}
	return out
}

// An answerReader reads numbers as long as there are some, and then zeros.
type answerReader struct {
	rest []byte
	bad  bool
}

// take returns the next n bytes; nil if there are fewer.
func (r *answerReader) take(n int) []byte {
	if n > len(r.rest) {
		r.bad, r.rest = true, nil
		return nil
	}
	out := r.rest[:n]
	r.rest = r.rest[n:]
	return out
}

// number returns the next number, up to limit.
func (r *answerReader) number(limit int) int {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || v > uint64(limit) {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return int(v)
}

// readAnswer reads an answer to what q asks. The error wraps [ErrFormat].
func readAnswer(b []byte, q *Query) (*answer, error) {
	r := &answerReader{rest: b}
	bad := func(what string) (*answer, error) { return nil, fmt.Errorf("%w: answer: %s", ErrFormat, what) }
	if string(r.take(len(answerMagic))) != answerMagic {
		return bad("none, or of another version")
	}
	a := &answer{uploads: r.number(MaxSealed), features: r.number(MaxSealed * MaxFeatures)}
	refs := r.take(8 * r.number(a.uploads))
	for ; len(refs) > 0; refs = refs[8:] {
		ref := int64(binary.LittleEndian.Uint64(refs))
		if n := len(a.refs); n > 0 && a.refs[n-1] >= ref {
			return bad("uploads out of order")
		}
		a.refs = append(a.refs, ref)
	}
	if n := r.number(maxAsked); r.bad || n != len(q.asked) {
		return bad("to another question")
	}
	for k := range a.found {
		a.found[k], a.hits[k] = make([]counts, len(q.asked)), make([][]hit, len(q.asked))
		for i := range q.asked {
			at, all := &a.found[k][i], 0
			for range r.number(len(at)) {
				b := r.take(1)
				n := r.number(math.MaxInt32)
				if r.bad || int(b[0]) >= len(at) || at[b[0]] > 0 {
					return bad("counts out of range")
				}
				at[b[0]] = n
				all += n
			}
			for range r.number(min(all, maxHits)) {
				h := hit{upload: uint32(r.number(max(len(a.refs), 1) - 1)), asked: uint16(i)}
				b := r.take(4)
				if r.bad || len(a.refs) == 0 || int(b[1]) > maxApart || b[2] >= turnSteps || b[3] >= levelSteps {
					return bad("a hit out of range")
				}
				h.feature, h.distance, h.turn, h.level = b[0], b[1], b[2], b[3]
				a.hits[k][i] = append(a.hits[k][i], h)
			}
			if r.bad {
				return bad("it ends early")
			}
		}
	}
	if len(r.rest) > 0 {
		return bad("too long")
	}
	return a, nil
}
