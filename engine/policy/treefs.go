package policy

import (
	"bytes"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// treeFS shows a Tree as a file system, which is what OPA's loader reads.
type treeFS struct{ tree Tree }

// Open opens a file or folder of the tree.
func (f treeFS) Open(name string) (fs.File, error) {
	info, err := f.stat("open", name)
	if err != nil {
		return nil, err
	}
	file := &treeFile{info: info, Reader: bytes.NewReader(f.tree[name])}
	if info.folder {
		file.entries, err = f.ReadDir(name)
	}
	return file, err
}

// ReadFile returns a copy of a file's content.
func (f treeFS) ReadFile(name string) ([]byte, error) {
	if content, ok := f.tree[name]; ok {
		return bytes.Clone(content), nil
	}
	return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
}

// Stat describes a file or folder.
func (f treeFS) Stat(name string) (fs.FileInfo, error) {
	info, err := f.stat("stat", name)
	if err != nil {
		return nil, err
	}
	return info, nil
}

// ReadDir lists a folder in order of names.
func (f treeFS) ReadDir(name string) ([]fs.DirEntry, error) {
	prefix := name + "/"
	if name == "." {
		prefix = ""
	}
	entries := map[string]treeInfo{}
	for file, content := range f.tree {
		below, ok := strings.CutPrefix(file, prefix)
		if !ok {
			continue
		}
		first, _, folder := strings.Cut(below, "/")
		info := treeInfo{name: first, folder: folder}
		if !folder {
			info.size = len(content)
		}
		entries[first] = info
	}
	if len(entries) == 0 {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
	}
	out := make([]fs.DirEntry, 0, len(entries))
	for _, e := range entries {
		out = append(out, fs.FileInfoToDirEntry(e))
	}
	slices.SortFunc(out, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return out, nil
}

func (f treeFS) stat(op, name string) (treeInfo, error) {
	if content, ok := f.tree[name]; ok {
		return treeInfo{name: path.Base(name), size: len(content)}, nil
	}
	for file := range f.tree {
		if name == "." || strings.HasPrefix(file, name+"/") {
			return treeInfo{name: path.Base(name), folder: true}, nil
		}
	}
	return treeInfo{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
}

// treeInfo is the fs.FileInfo of an entry.
type treeInfo struct {
	name   string
	size   int
	folder bool
}

func (i treeInfo) Name() string       { return i.name }
func (i treeInfo) Size() int64        { return int64(i.size) }
func (i treeInfo) ModTime() time.Time { return time.Time{} }
func (i treeInfo) IsDir() bool        { return i.folder }
func (i treeInfo) Sys() any           { return nil }

func (i treeInfo) Mode() fs.FileMode {
	if i.folder {
		return fs.ModeDir | 0o500
	}
	return 0o400
}

type treeFile struct {
	info treeInfo
	*bytes.Reader
	entries []fs.DirEntry // of a folder, not yet listed
}

func (f *treeFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *treeFile) Close() error               { return nil }

func (f *treeFile) Read(p []byte) (int, error) {
	if f.info.folder {
		return 0, &fs.PathError{Op: "read", Path: f.info.name, Err: fs.ErrInvalid}
	}
	return f.Reader.Read(p)
}

// ReadDir lists a folder, at most n entries at a time where n is positive.
func (f *treeFile) ReadDir(n int) ([]fs.DirEntry, error) {
	if !f.info.folder {
		return nil, &fs.PathError{Op: "readdir", Path: f.info.name, Err: fs.ErrInvalid}
	}
	if n <= 0 || n > len(f.entries) {
		if n > 0 && len(f.entries) == 0 {
			return nil, io.EOF
		}
		n = len(f.entries)
	}
	list := f.entries[:n]
	f.entries = f.entries[n:]
	return list, nil
}

var _ fs.ReadDirFile = (*treeFile)(nil)
