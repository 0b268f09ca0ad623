// Package discover finds the extensions of a repository, and writes the config that declares
// them.
package discover

import (
	"io/fs"
	"path/filepath"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/failure"
)

// Extensions lists the directories below root that hold an
// extension.yaml, relative to root and sorted. What is below an extension
// belongs to it, and hidden folders, packages of npm and vendored sources hold
// no extensions of this project. A place that is odd is passed over and returned, as an error of its file.
func Extensions(root string) (found []string, odd diagnostic.List) {
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			odd = append(odd, diagnostic.Diagnostic{
				Code: config.CodeUnreadable, Severity: diagnostic.Error, File: path,
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
		if path != root && (name[0] == '.' || name == "node_modules" || name == "vendor") {
			return filepath.SkipDir
		}
		is, wrong := config.Examine(path)
		if wrong != nil {
			odd = append(odd, *wrong)
			return filepath.SkipDir
		}
		if !is {
			return nil
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			relative = path
		}
		found = append(found, filepath.ToSlash(relative))
		return filepath.SkipDir
	})
	return found, odd
}
