// Package discover finds the extensions of a repository, and writes the config that declares
// them.
package discover

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/extension/naming"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/git"
	"github.com/ksrelease/ksrelease/internal/regularfile"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// Found is what a repository has in directories with an extension.yaml. All paths are
// relative to its root, with slashes, and sorted.
type Found struct {
	// Extensions are those that a release would take.
	Extensions []string
	// LeftOut are the others.
	LeftOut []LeftOut
	// Odd are the places that are neither, each as an error of its file.
	Odd diagnostic.List
}

// LeftOut is a directory with an extension.yaml that nobody releases.
type LeftOut struct {
	Path string
	// Why is the reason, as the end of a sentence: "git ignores it".
	Why string
}

// Extensions looks for extensions below root. What is below an extension belongs to it, and
// hidden folders, packages of npm and vendored sources hold no extensions of this project.
//
// Left out are samples of the documentation and data of tests (by the names of the folders
// above), templates of Helm and of generators, extension.yaml files of another kind, what
// git ignores, and copies of another extension with the same name and version.
func Extensions(ctx context.Context, root string) Found {
	var found Found
	var dirs []string
	_ = filepath.WalkDir(root, func(at string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return filepath.SkipAll
		}
		if err != nil {
			found.Odd = append(found.Odd, diagnostic.Diagnostic{
				Code: config.CodeUnreadable, Severity: diagnostic.Error, File: at,
				Message: "cannot be read: " + failure.WithoutPath(err).Error(), Hint: "make it readable to the user that runs ksrelease, or move it elsewhere",
			})
			if d != nil && !d.IsDir() {
				return nil
			}
			return filepath.SkipDir
		}
		if !d.IsDir() {
			return nil
		}
		name := d.Name()
		if at != root && (name[0] == '.' || name == "node_modules" || name == "vendor") {
			return filepath.SkipDir
		}
		is, wrong := config.Examine(at)
		if wrong != nil {
			found.Odd = append(found.Odd, *wrong)
			return filepath.SkipDir
		}
		if !is {
			return nil
		}
		relative, err := filepath.Rel(root, at)
		if err != nil {
			relative = at
		}
		dirs = append(dirs, filepath.ToSlash(relative))
		return filepath.SkipDir
	})
	slices.Sort(dirs) // a folder comes before its sibling "a b" in a walk, and behind it in a list of paths
	found.divide(ctx, root, dirs)
	return found
}

// divide decides which of the directories a release would take.
func (f *Found) divide(ctx context.Context, root string, dirs []string) {
	ignored := map[string]bool{}
	files := make([]string, len(dirs))
	for i, dir := range dirs {
		files[i] = path.Join(dir, naming.MetadataFile)
	}
	for _, file := range git.Ignored(ctx, root, files) {
		ignored[file] = true
	}
	released := map[identity]string{}
	for i, dir := range dirs {
		id, why := examine(root, dir)
		switch first, twice := released[id]; {
		case ignored[files[i]]:
			why = "git ignores it"
		case why == "" && twice && id != identity{}:
			why = fmt.Sprintf("%s %s is in %s, too", excerpt.OneLine(id.name), excerpt.OneLine(id.version), first)
		}
		if why != "" {
			f.LeftOut = append(f.LeftOut, LeftOut{dir, why})
			continue
		}
		f.Extensions = append(f.Extensions, dir)
		released[id] = dir
	}
}

// identity is what no two extensions of a release have in common; it is empty where one of
// both cannot be read.
type identity struct{ name, version string }

// samples are the names of folders that hold what is shown or tested, and never released.
var samples = map[string]string{
	"doc": "%s holds documentation", "docs": "%s holds documentation", "documentation": "%s holds documentation", "website": "%s holds documentation",
	"example": "%s holds examples", "examples": "%s holds examples", "sample": "%s holds examples", "samples": "%s holds examples",
	"demo": "%s holds examples", "demos": "%s holds examples", "tutorial": "%s holds examples", "tutorials": "%s holds examples",
	"test": "%s holds tests", "tests": "%s holds tests", "testdata": "%s holds tests", "testing": "%s holds tests", "e2e": "%s holds tests",
	"fixture": "%s holds tests", "fixtures": "%s holds tests", "__tests__": "%s holds tests", "__fixtures__": "%s holds tests",
	"templates": "%s holds templates", "scaffold": "%s holds templates", "scaffolds": "%s holds templates", "skeleton": "%s holds templates", "skeletons": "%s holds templates",
}

// mostMetadata bounds what is read of an extension.yaml here, in bytes; larger ones are
// taken for extensions, and read within the limits of extensions later.
const mostMetadata = 1 << 20

// examine says who an extension is, or why what is there is none that anybody releases.
func examine(root, dir string) (id identity, why string) {
	for at := dir; at != "." && at != "/"; at = path.Dir(at) {
		if says, ok := samples[strings.ToLower(path.Base(at))]; ok {
			return id, fmt.Sprintf(says, at)
		}
	}
	text, err := regularfile.Read(filepath.Join(root, filepath.FromSlash(dir), naming.MetadataFile), mostMetadata)
	if err != nil {
		return id, "" // whoever reads the extension says why
	}
	if mark := placeholder(string(text)); mark != "" || strings.Contains(dir, "{{") {
		return id, "it is a template of a generator" + mark
	}
	document, err := yamldoc.Parse(naming.MetadataFile, text)
	if err != nil {
		return id, ""
	}
	fields, isMapping := document.Value().(map[string]any)
	switch {
	case document.Value() == nil:
		return id, "its extension.yaml is empty"
	case !isMapping:
		return id, "its extension.yaml has no fields"
	case fields["kind"] != nil && fields["apiVersion"] != nil:
		return id, fmt.Sprintf("its extension.yaml is an object of Kubernetes, of kind %s", excerpt.OneLine(fmt.Sprint(fields["kind"])))
	case fields["name"] == nil && fields["version"] == nil:
		return id, "its extension.yaml has neither name nor version"
	}
	name, _ := fields["name"].(string)
	version, _ := fields["version"].(string)
	if name != "" && version != "" {
		id = identity{name, version}
	}
	return id, ""
}

// placeholders are what generators put values in place of.
var placeholders = []string{"[[", "{{", "<%", "${", "__"}

// placeholder is set where name, version or apiVersion of an extension.yaml, whatever its
// syntax, is for a generator to fill in; it shows the line.
func placeholder(text string) string {
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(line, ":")
		if !slices.Contains([]string{"name", "version", "apiVersion"}, key) {
			continue
		}
		if slices.ContainsFunc(placeholders, func(p string) bool { return strings.Contains(value, p) }) {
			return ": " + excerpt.OneLine(strings.TrimSpace(line))
		}
	}
	return ""
}
