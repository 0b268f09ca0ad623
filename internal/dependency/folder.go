package dependency

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ksrelease/ksrelease/internal/extension"
)

// fromFolder packs the chart of a folder (file://). The path starts at the
// extension, and must not lead out of the project, links included: what a
// machine has elsewhere is on no other machine, and nobody's to publish.
func (r *Resolver) fromFolder(dir string, w want) (found, error) {
	path := filepath.FromSlash(strings.TrimPrefix(w.Repository, "file://"))
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return found{}, advised(fmt.Errorf("a package has no folders next to it"), "name the source tree of the extension, or pack it with its charts")
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return found{}, advised(fmt.Errorf("there is no such folder"), "write the path from the folder of the extension, such as file://../charts/"+w.Name)
	}
	if !within(r.options.Root, real) && !within(dir, real) {
		return found{}, advised(fmt.Errorf("the folder is not in this repository: it must lie below that of the config"),
			"move the chart into the repository, or put it under charts/")
	}
	if info, err := os.Stat(real); err == nil && !info.IsDir() {
		return found{}, advised(fmt.Errorf("it is no folder"), "name the folder of a chart; a package goes under charts/")
	}
	if _, err := os.Stat(filepath.Join(real, extension.ChartFile)); err != nil {
		return found{}, advised(fmt.Errorf("there is no Chart.yaml in it: it is no chart"), "name the folder that has the Chart.yaml")
	}
	md, data, err := extension.PackChart(real, extension.Limits{})
	if err != nil {
		return found{}, err
	}
	if md.Name != w.Name {
		return found{}, advised(fmt.Errorf("the chart in it is called %q", md.Name), fmt.Sprintf("write name: %s, and alias: %s if it is to be called that", md.Name, w.Name))
	}
	if w.locked != "" && md.Version != w.locked {
		return found{}, advised(fmt.Errorf("the chart has version %s, and Chart.lock says %s", md.Version, w.locked),
			"make Chart.lock anew: delete it, and `ksrelease lint` shows the one to put in its place")
	}
	if _, err := pick(w, []string{md.Version}); err != nil {
		return found{}, err
	}
	return found{version: md.Version, data: data}, nil
}

// within reports whether a path, links resolved, is a folder or lies below it.
func within(folder, path string) bool {
	if folder == "" {
		return false
	}
	real, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return false
	}
	if real, err = filepath.Abs(real); err != nil {
		return false
	}
	if path, err = filepath.Abs(path); err != nil {
		return false
	}
	rel, err := filepath.Rel(real, path)
	return err == nil && filepath.IsLocal(rel)
}
