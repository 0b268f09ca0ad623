package git

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path"
	"strconv"
	"strings"
	"sync"
)

// Mode is the kind of an entry of a tree, as git has it.
type Mode uint32

// The modes that git writes.
const (
	ModeFile      Mode = 0o100644
	ModeProgram   Mode = 0o100755
	ModeLink      Mode = 0o120000
	ModeFolder    Mode = 0o040000
	ModeSubmodule Mode = 0o160000
)

// IsFile reports whether it is that of a file. Old commits have more modes for one.
func (m Mode) IsFile() bool { return m&0o170000 == 0o100000 }

// Entry is something in a tree: a file, a link, a folder or a submodule.
type Entry struct {
	Name   string // of the entry alone
	Mode   Mode
	Object string // its object name: that of a commit for a submodule
}

// Limits of what is read of objects. A hostile repository may have any.
const (
	// MostBlob is the size of a file that is read, in bytes; packages have 1 MiB.
	MostBlob = 64 << 20
	// mostTree is the size of a folder: some 300,000 entries.
	mostTree = 16 << 20
	// mostLinks is how many links are followed on the way to a path, as Linux does.
	mostLinks = 40
	// deepest is how many folders may lie in each other.
	deepest = 128
	// mostTrees is how many folders are kept in memory.
	mostTrees = 20_000
)

// Objects reads objects of a repository through one git process. It may be used by several
// goroutines, which take turns. Close ends it.
//
// Objects are asked for by their names, never by a path: git cat-file takes a line for each,
// and a path may have line breaks in it.
type Objects struct {
	repository *Repository
	mu         sync.Mutex
	git        *exec.Cmd
	end        context.CancelFunc
	ask        io.WriteCloser
	answer     *bufio.Reader
	caller     context.Context // with which git ends
	broken     error
	trees      map[string][]Entry
}

// Objects starts reading objects. The process ends with the context, or by Close.
func (r *Repository) Objects(ctx context.Context) (*Objects, error) {
	caller := ctx
	ctx, cancel := context.WithCancel(ctx)
	git := command(ctx, r.Top, "cat-file", "--batch")
	ask, err := git.StdinPipe()
	if err != nil {
		cancel()
		return nil, fmt.Errorf("starting git cat-file: %w", err)
	}
	answer, err := git.StdoutPipe()
	if err == nil {
		err = git.Start()
	}
	if err != nil {
		cancel()
		return nil, fmt.Errorf("starting git cat-file: %w", err)
	}
	return &Objects{repository: r, git: git, end: cancel, caller: caller, ask: ask, answer: bufio.NewReaderSize(answer, 64<<10), trees: map[string][]Entry{}}, nil
}

// Close ends the process.
func (o *Objects) Close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.broken == nil {
		o.broken = errors.New("the objects are closed")
	}
	o.ask.Close()
	o.end()
	_ = o.git.Wait() // it was ended
}

// read is an object of a type, of a size of at most so many bytes. The name may be any that
// git knows for one object: HASH^{tree}.
func (o *Objects) read(name, kind string, most int64) (data []byte, object string, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.broken != nil {
		return nil, "", o.broken
	}
	data, object, err = o.exchange(name, kind, most)
	var known *Error
	var large *largeError
	if err != nil && !errors.As(err, &known) && !errors.As(err, &large) {
		if over := o.caller.Err(); over != nil { // git was ended, and its pipes say no more than that
			err = over
		}
		o.broken = fmt.Errorf("reading objects with git: %w", err)
		return nil, "", o.broken
	}
	return data, object, err
}

func (o *Objects) exchange(name, kind string, most int64) (data []byte, object string, err error) {
	if strings.ContainsAny(name, "\n\x00") {
		return nil, "", fmt.Errorf("%q is no name of an object", name)
	}
	if _, err := io.WriteString(o.ask, name+"\n"); err != nil {
		return nil, "", err
	}
	head, err := o.answer.ReadString('\n')
	if err != nil {
		return nil, "", err
	}
	head = strings.TrimSuffix(head, "\n")
	parts := strings.Split(head, " ")
	if len(parts) != 3 || !commit.MatchString(parts[0]) {
		// "NAME missing", "NAME ambiguous" and others.
		return nil, "", o.missing(name)
	}
	size, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil || size < 0 {
		return nil, "", fmt.Errorf("git cat-file printed %q", head)
	}
	if size > most || parts[1] != kind {
		if _, err := io.CopyN(io.Discard, o.answer, size+1); err != nil {
			return nil, "", err
		}
		if parts[1] != kind {
			return nil, "", &Error{Unsupported, fmt.Sprintf("the object %s is a %s, and a %s was expected", Short(parts[0]), parts[1], kind), "check the repository with git fsck"}
		}
		return nil, "", &largeError{parts[0], size, most}
	}
	data = make([]byte, size)
	if _, err := io.ReadFull(o.answer, data); err != nil {
		return nil, "", err
	}
	if _, err := o.answer.Discard(1); err != nil { // the line break behind it
		return nil, "", err
	}
	return data, parts[0], nil
}

// missing is the error of an object that is not here.
func (o *Objects) missing(name string) error {
	name, _, _ = strings.Cut(name, "^")
	e := &Error{Reason: NotFetched, what: fmt.Sprintf("the object %s is not in this clone", Short(name)), hint: "check the repository with git fsck; in a partial clone, fetch what it lacks: git fetch --refetch --no-filter origin"}
	if o.repository.Shallow {
		e.hint = o.repository.Deepen(o.caller)
	}
	return e
}

// largeError is that of an object which is larger than what is read.
type largeError struct {
	object     string
	size, most int64
}

func (e *largeError) Error() string {
	return fmt.Sprintf("the object %s has %d bytes, and at most %d are read", Short(e.object), e.size, e.most)
}

// Blob is the content of a file or, for a link, where it leads.
func (o *Objects) Blob(object string) ([]byte, error) {
	data, _, err := o.read(object, "blob", MostBlob)
	return data, err
}

// Tree are the entries of a folder, by the name of a tree or of a commit, whose root it is
// then. They must not be changed.
func (o *Objects) Tree(object string) ([]Entry, error) {
	o.mu.Lock()
	known, ok := o.trees[object]
	o.mu.Unlock()
	if ok {
		return known, nil
	}
	data, name, err := o.read(object+"^{tree}", "tree", mostTree)
	if err != nil {
		return nil, err
	}
	entries, err := parseTree(data, len(name)/2)
	if err != nil {
		return nil, &Error{Unsupported, fmt.Sprintf("the tree %s cannot be read: %v", Short(name), err), "check the repository with git fsck"}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.trees) >= mostTrees {
		clear(o.trees)
	}
	o.trees[object], o.trees[name] = entries, entries
	return entries, nil
}

// parseTree reads a tree object: for each entry its mode in octal, a blank, its name, NUL,
// and the object name in so many bytes (gitformat-pack, "tree object"). Names that no folder
// can hold are refused: git writes none, but a tree can be made by hand.
func parseTree(data []byte, hash int) ([]Entry, error) {
	var entries []Entry
	for len(data) > 0 {
		mode, rest, ok := bytes.Cut(data, []byte(" "))
		if !ok {
			return nil, errors.New("an entry has no name")
		}
		name, rest, ok := bytes.Cut(rest, []byte{0})
		if !ok || len(rest) < hash {
			return nil, errors.New("an entry has no object")
		}
		number, err := strconv.ParseUint(string(mode), 8, 32)
		if err != nil {
			return nil, fmt.Errorf("%q is no mode", mode)
		}
		if text := string(name); text == "" || text == "." || text == ".." || strings.Contains(text, "/") {
			return nil, fmt.Errorf("%q is no name of a file", text)
		}
		entries = append(entries, Entry{Name: string(name), Mode: Mode(number), Object: hex.EncodeToString(rest[:hash])})
		data = rest[hash:]
	}
	return entries, nil
}

// Found is what is at a path in a commit.
type Found struct {
	Entry
	// Path is where it is, without links on the way; "." is the root.
	Path string
	// Below is the rest of the path where it leads into a submodule, which Entry is then: what
	// is there is in another repository. It is empty for the submodule itself.
	Below string
}

// Lookup finds what is at a path in a commit, with slashes, relative to its root ("." is the
// root itself). Links on the way and at the end are followed where they stay in the commit.
// ok is false where there is nothing: no such file, or a link that leads out.
func (o *Objects) Lookup(commit, name string) (found Found, ok bool, err error) {
	links := 0
	todo := strings.Split(path.Clean(name), "/")
	folders := []Entry{{Mode: ModeFolder, Object: commit}} // those on the way, the root first
	var names []string
	for len(todo) > 0 {
		next := todo[0]
		todo = todo[1:]
		switch next {
		case "", ".":
			continue
		case "..":
			if len(names) == 0 {
				return Found{}, false, nil
			}
			folders, names = folders[:len(folders)-1], names[:len(names)-1]
			continue
		}
		here := folders[len(folders)-1]
		if here.Mode == ModeSubmodule {
			return Found{here, path.Join(names...), path.Join(append([]string{next}, todo...)...)}, true, nil
		}
		if here.Mode != ModeFolder || len(names) > deepest {
			return Found{}, false, nil
		}
		entries, err := o.Tree(here.Object)
		if err != nil {
			return Found{}, false, err
		}
		entry, ok := entryOf(entries, next)
		if !ok {
			return Found{}, false, nil
		}
		if entry.Mode != ModeLink {
			folders, names = append(folders, entry), append(names, next)
			continue
		}
		target, err := o.Blob(entry.Object)
		if err != nil {
			return Found{}, false, err
		}
		if links++; links > mostLinks || len(target) > 4096 || path.IsAbs(string(target)) {
			return Found{}, false, nil
		}
		todo = append(strings.Split(string(target), "/"), todo...)
	}
	return Found{folders[len(folders)-1], path.Join(append([]string{"."}, names...)...), ""}, true, nil
}

func entryOf(entries []Entry, name string) (Entry, bool) {
	for _, entry := range entries {
		if entry.Name == name {
			return entry, true
		}
	}
	return Entry{}, false
}
