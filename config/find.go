package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ksrelease/ksrelease/internal/fileowner"
	"github.com/ksrelease/ksrelease/internal/regularfile"
)

// ErrNotFound is what Find returns, wrapped, where there is no config.
var ErrNotFound = errors.New("no " + Name + " found")

// Find returns the absolute path of the config of a folder: .ksrelease.yaml in
// it or in the nearest one above that has one. errors.Is(err, ErrNotFound) says
// that there is none.
//
// A config above the folder decides what is released and where to, so it has to be
// one that the user put there: it belongs to the user or to root, and in a git work
// tree the search ends at its top. (Anybody can put a file into /tmp.)
func Find(dir string) (file string, err error) {
	start, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("looking for %s in %s: %w", Name, dir, err)
	}
	top := top(start)
	for at := start; ; at = filepath.Dir(at) {
		file := filepath.Join(at, Name)
		info, err := os.Stat(file)
		switch {
		case err == nil && top != "" && !within(top, at):
			return "", &AboveTopError{File: file, Top: top}
		case err == nil && !info.IsDir():
			if owner, others := fileowner.Of(info); at != start && others {
				return "", fmt.Errorf("%s belongs to another user (%s): name it with --config if it is meant", file, owner)
			}
			return file, nil
		case err == nil:
			return "", fmt.Errorf("%s is a folder; a config is a file", file)
		case !errors.Is(err, fs.ErrNotExist):
			return "", fmt.Errorf("looking for %s: %w", Name, err)
		}
		if at == filepath.Dir(at) {
			return "", notFound(start)
		}
	}
}

// AboveTopError says that there is a config, and that it is not read: it lies above the
// top of the git work tree. It is an ErrNotFound.
type AboveTopError struct{ File, Top string }

// Error says which config it is.
func (e *AboveTopError) Error() string {
	return fmt.Sprintf("%s lies above the top of the git work tree %s and is not read", e.File, e.Top)
}

// Hint says how to have it read.
func (e *AboveTopError) Hint() string {
	return "name it with --config if it is meant, or write one here with ksrelease init"
}

// Is makes it an ErrNotFound.
func (e *AboveTopError) Is(target error) bool { return target == ErrNotFound }

// notFound says so, and names a file that was probably meant as one.
func notFound(dir string) error {
	for _, other := range []string{".ksrelease.yml", "ksrelease.yaml", "ksrelease.yml"} {
		if _, err := os.Stat(filepath.Join(dir, other)); err == nil {
			return fmt.Errorf("%w in %s or a folder above it; %s is there: rename it to %s, or name it with --config", ErrNotFound, dir, other, Name)
		}
	}
	return fmt.Errorf("%w in %s or a folder above it; ksrelease init writes one", ErrNotFound, dir)
}

// Project is the folder that the files of a project stay within, links followed, by
// the folder of its config as it was named: the top of the git work tree that holds it,
// or else that folder. A folder that is a link in a work tree leads nowhere else.
func Project(dir string) string {
	if !filepath.IsAbs(dir) {
		here, err := os.Getwd()
		if err != nil {
			return dir
		}
		if place, err := filepath.EvalSymlinks(here); err == nil {
			here = place
		}
		dir = filepath.Join(here, dir)
	}
	for at := dir; ; at = filepath.Dir(at) {
		info, err := os.Lstat(at)
		if err == nil && info.IsDir() {
			if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil {
				return top(at)
			}
		}
		if at == filepath.Dir(at) {
			break
		}
	}
	if top := top(dir); top != "" {
		return top
	}
	return dir
}

// top is the top of the git work tree that a folder lies in, links followed; empty
// where it lies in none. The work tree of a submodule is a part of the one around it.
func top(dir string) string {
	at, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return ""
	}
	for ; ; at = filepath.Dir(at) {
		info, err := os.Lstat(filepath.Join(at, ".git"))
		if err == nil {
			if info.Mode().IsRegular() {
				if outer := top(filepath.Dir(at)); outer != "" && isSubmodule(outer, at) {
					return outer
				}
			}
			return at
		}
		if at == filepath.Dir(at) {
			return ""
		}
	}
}

// isSubmodule says whether the .git file of a folder leads to where the work tree
// around it keeps its submodules (gitrepository-layout(5): modules).
func isSubmodule(outer, dir string) bool {
	text, err := regularfile.Read(filepath.Join(dir, ".git"), 4096)
	if err != nil {
		return false
	}
	to, ok := strings.CutPrefix(strings.TrimSpace(string(text)), "gitdir: ")
	if !ok {
		return false
	}
	if !filepath.IsAbs(to) {
		to = filepath.Join(dir, to)
	}
	return within(filepath.Join(outer, ".git", "modules"), to)
}

// within says whether a path lies in a folder, links of the path followed.
func within(folder, path string) bool {
	if place, err := filepath.EvalSymlinks(path); err == nil {
		path = place
	}
	below, err := filepath.Rel(folder, path)
	return err == nil && filepath.IsLocal(below)
}
