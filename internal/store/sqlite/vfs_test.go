package sqlite_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// A disk records what SQLite does to the files of a folder, between SQLite and the
// operating system, and says what a loss of power at any moment may leave of it.
type disk struct {
	dir string

	mu       sync.Mutex
	ops      []op
	lost     map[int]bool           // writes that a failed fsync lost for good
	failSync func(path string) bool // whether this fsync fails
	random   *rand.Rand
	failed   int // fsyncs that failed
}

// An op is a write, a truncation, a deletion or a fsync of a file, or a fsync of the
// folder, which deletions wait for.
type op struct {
	path string // "": the folder
	kind byte   // 'w', 't', 'd', 's'
	at   int64
	data []byte // of a write
}

// now is how much was done so far.
func (d *disk) now() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.ops)
}

func (d *disk) record(o op) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ops = append(d.ops, o)
}

// sync reports whether a fsync reached the disk. One that fails loses some of what was
// written since the last, for good: the system takes the pages for clean from then on
// (Rebello et al., Can Applications Recover from fsync Failures?, ATC 2020).
func (d *disk) sync(path string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failSync == nil || !d.failSync(path) {
		d.ops = append(d.ops, op{path: path, kind: 's'})
		return true
	}
	d.failed++
	for i := len(d.ops) - 1; i >= 0; i-- {
		if d.ops[i].path != path {
			continue
		}
		if d.ops[i].kind == 's' {
			break
		}
		if d.random.IntN(2) == 0 {
			d.lost[i] = true
		}
	}
	d.ops = append(d.ops, op{path: path, kind: 's'})
	return false
}

const sector = 512

// after is what a loss of power after n operations leaves of the files. What a fsync
// covered is there; of the rest each write is there, or not, or in part, in any order.
func (d *disk) after(n int, random *rand.Rand) map[string][]byte {
	synced := make(map[string]int) // the last fsync
	for i, o := range d.ops[:n] {
		if o.kind == 's' {
			synced[o.path] = i
		}
	}
	files := make(map[string][]byte)
	for i, o := range d.ops[:n] {
		upto, ok := synced[o.path]
		if o.kind == 'd' {
			upto, ok = synced[""]
		}
		switch {
		case d.lost[i]:
		case ok && i < upto:
			o.apply(files)
		default:
			switch random.IntN(3) {
			case 0:
				o.apply(files)
			case 1:
				o.tear(files, random)
			}
		}
	}
	return files
}

// all is what the files were after n operations, as programs see them.
func (d *disk) all(n int) map[string][]byte {
	files := make(map[string][]byte)
	for _, o := range d.ops[:n] {
		o.apply(files)
	}
	return files
}

func (o *op) apply(files map[string][]byte) {
	old := files[o.path]
	switch o.kind {
	case 'w':
		if more := o.at + int64(len(o.data)) - int64(len(old)); more > 0 {
			old = append(old, make([]byte, more)...)
		}
		copy(old[o.at:], o.data)
	case 't':
		old = old[:min(o.at, int64(len(old)))]
	case 'd':
		delete(files, o.path)
		return
	case 's':
		return
	}
	files[o.path] = old
}

// tear writes some of the sectors of a write.
func (o *op) tear(files map[string][]byte, random *rand.Rand) {
	for from := 0; from < len(o.data); {
		n := min(len(o.data)-from, sector-int(o.at+int64(from))%sector)
		if random.IntN(2) == 0 {
			part := op{path: o.path, kind: 'w', at: o.at + int64(from), data: o.data[from : from+n]}
			part.apply(files)
		}
		from += n
	}
}

// write makes a folder of files.
func write(t *testing.T, files map[string][]byte) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for path, data := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, filepath.Base(path)), data, 0o600))
	}
	return dir
}

// The layer stands in the place of SQLite's own for all files of the test binary, and
// hands everything on. Memory of SQLite's is reached by address.
var layer struct {
	once  sync.Once
	inner *lib.Tsqlite3_vfs
	tls   *libc.TLS

	mu      sync.Mutex
	disks   map[string]*disk     // by folder
	files   map[uintptr]recorded // that are open
	methods map[uintptr]uintptr  // ours, by those below
}

type recorded struct {
	disk   *disk
	path   string
	below  *lib.Tsqlite3_io_methods
	folder bool // its first fsync is one of the folder, too: see unixSync
}

// newDisk records a folder.
func newDisk(t *testing.T, seed uint64) *disk {
	t.Helper()
	layer.once.Do(func() {
		layer.tls = libc.NewTLS()
		layer.inner = at[lib.Tsqlite3_vfs](lib.Xsqlite3_vfs_find(layer.tls, 0))
		ours := duplicate(layer.inner)
		vfs := at[lib.Tsqlite3_vfs](ours)
		vfs.FpNext = 0
		name, err := libc.CString("recording")
		require.NoError(t, err)
		vfs.FzName = name
		vfs.FxOpen, vfs.FxDelete = function(layerOpen), function(layerDelete)
		layer.disks, layer.files = make(map[string]*disk), make(map[uintptr]recorded)
		layer.methods = make(map[uintptr]uintptr)
		require.EqualValues(t, lib.SQLITE_OK, lib.Xsqlite3_vfs_register(layer.tls, ours, 1))
	})
	d := &disk{dir: t.TempDir(), lost: make(map[int]bool), random: rand.New(rand.NewPCG(seed, 9))}
	layer.mu.Lock()
	defer layer.mu.Unlock()
	layer.disks[d.dir] = d
	return d
}

func at[T any](p uintptr) *T { return *(**T)(unsafe.Pointer(&p)) }

func address[T any](p *T) uintptr { return uintptr(unsafe.Pointer(p)) }

// duplicate is a copy in SQLite's memory, where it may reckon with addresses.
func duplicate[T any](v *T) uintptr {
	p := libc.Xmalloc(layer.tls, libc.Tsize_t(unsafe.Sizeof(*v)))
	*at[T](p) = *v
	return p
}

// function and call go from Go's functions to SQLite's and back.
func function[F any](f F) uintptr { return *(*uintptr)(unsafe.Pointer(&f)) }

func call[F any](p uintptr) F { return *(*F)(unsafe.Pointer(&p)) }

func layerOpen(tls *libc.TLS, vfs, name, file uintptr, flags int32, out uintptr) int32 {
	rc := call[func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32](layer.inner.FxOpen)(tls, address(layer.inner), name, file, flags, out)
	if rc != lib.SQLITE_OK || name == 0 {
		return rc
	}
	path := libc.GoString(name)
	layer.mu.Lock()
	defer layer.mu.Unlock()
	d := layer.disks[filepath.Dir(path)]
	if d == nil || strings.HasSuffix(path, "-shm") {
		return rc
	}
	methods := &at[lib.Tsqlite3_file](file).FpMethods
	below := at[lib.Tsqlite3_io_methods](*methods)
	ours := layer.methods[*methods]
	if ours == 0 {
		ours = duplicate(below)
		table := at[lib.Tsqlite3_io_methods](ours)
		table.FxClose, table.FxWrite = function(layerClose), function(layerWrite)
		table.FxTruncate, table.FxSync = function(layerTruncate), function(layerSync)
		layer.methods[*methods] = ours
	}
	layer.files[file] = recorded{d, path, below, flags&lib.SQLITE_OPEN_CREATE != 0 && flags&(lib.SQLITE_OPEN_WAL|lib.SQLITE_OPEN_MAIN_JOURNAL) != 0}
	*methods = ours
	return rc
}

func layerDelete(tls *libc.TLS, vfs, name uintptr, syncDir int32) int32 {
	path := libc.GoString(name)
	layer.mu.Lock()
	d := layer.disks[filepath.Dir(path)]
	layer.mu.Unlock()
	if d != nil {
		d.record(op{path: path, kind: 'd'})
		if syncDir != 0 {
			d.record(op{kind: 's'})
		}
	}
	return call[func(*libc.TLS, uintptr, uintptr, int32) int32](layer.inner.FxDelete)(tls, address(layer.inner), name, syncDir)
}

func fileAt(file uintptr) recorded {
	layer.mu.Lock()
	defer layer.mu.Unlock()
	return layer.files[file]
}

func layerClose(tls *libc.TLS, file uintptr) int32 {
	f := fileAt(file)
	layer.mu.Lock()
	delete(layer.files, file)
	layer.mu.Unlock()
	return call[func(*libc.TLS, uintptr) int32](f.below.FxClose)(tls, file)
}

func layerWrite(tls *libc.TLS, file, from uintptr, n int32, to int64) int32 {
	f := fileAt(file)
	f.disk.record(op{f.path, 'w', to, append([]byte(nil), unsafe.Slice(at[byte](from), n)...)})
	return call[func(*libc.TLS, uintptr, uintptr, int32, int64) int32](f.below.FxWrite)(tls, file, from, n, to)
}

func layerTruncate(tls *libc.TLS, file uintptr, size int64) int32 {
	f := fileAt(file)
	f.disk.record(op{path: f.path, kind: 't', at: size})
	return call[func(*libc.TLS, uintptr, int64) int32](f.below.FxTruncate)(tls, file, size)
}

func layerSync(tls *libc.TLS, file uintptr, flags int32) int32 {
	f := fileAt(file)
	if !f.disk.sync(f.path) {
		return lib.SQLITE_IOERR_FSYNC
	}
	if f.folder {
		f.disk.record(op{kind: 's'})
		f.folder = false
		layer.mu.Lock()
		layer.files[file] = f
		layer.mu.Unlock()
	}
	return call[func(*libc.TLS, uintptr, int32) int32](f.below.FxSync)(tls, file, flags)
}
