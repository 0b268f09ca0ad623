package discover

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/excerpt"
	"github.com/ksrelease/ksrelease/internal/extension/naming"
)

// Undeclared are the extensions below the folder of a config that none of its entries
// declares, given those that they do: each as a diagnostic of severity info, with a path as
// the user would type it. What an entry excludes is left out on purpose, and what Extensions
// leaves out is not meant for a release.
func Undeclared(ctx context.Context, c *config.Config, declared []config.Source) (all diagnostic.List) {
	if c.File == "" {
		return nil
	}
	// Below a declared extension are its own files.
	in := func(dir string) bool {
		for _, source := range declared {
			place := source.Path
			if real, err := filepath.EvalSymlinks(place); err == nil {
				place = real
			}
			if dir == place || dir == source.Path || strings.HasPrefix(dir, source.Path+string(filepath.Separator)) {
				return true
			}
		}
		return false
	}
	for _, dir := range Extensions(ctx, c.Dir).Extensions {
		absolute := filepath.Join(c.Dir, filepath.FromSlash(dir))
		if real, err := filepath.EvalSymlinks(absolute); err == nil && in(real) || in(absolute) || c.Excludes(absolute) {
			continue
		}
		all = append(all, diagnostic.Diagnostic{
			Code: config.CodeUndeclared, Severity: diagnostic.Info, File: filepath.Join(absolute, naming.MetadataFile), Subject: dir,
			Message: "no path of " + filepath.Base(c.File) + " matches this extension, so it is never released",
			Hint:    "add it under extensions: - path: " + excerpt.OneLine(yamlScalar(literal(dir))),
		})
	}
	return all
}
