package extension

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"sigs.k8s.io/yaml"

	"github.com/ksrelease/ksrelease/internal/extension/tarball"
	"github.com/ksrelease/ksrelease/internal/extension/unpack"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/helmchart/chartutil"
)

// chartsFolder is where Helm looks for subcharts.
const chartsFolder = "charts/"

// Subchart is a chart directly under charts/, as far as its Chart.yaml says.
type Subchart struct {
	// Path is where it lies: charts/NAME, or charts/NAME-VERSION.tgz.
	Path          string
	Name, Version string
	// Packed says that it is a .tgz, as `helm dependency build` leaves it, and
	// not a folder that somebody keeps.
	Packed bool
}

// Resolved is the chart of a dependency that is not in the source tree and was
// brought in from where its repository field says.
type Resolved struct {
	// Dependency is its index in Metadata.Dependencies.
	Dependency    int
	Name, Version string
	// Locked says that Chart.lock named the version.
	Locked bool
	// Data is the package of the chart, a gzipped tar.
	Data []byte
}

// Subcharts lists the charts directly under charts/, sorted by path. What lies
// there and is no chart that can be read is left out: lint reports it.
func (e *Extension) Subcharts() []Subchart {
	var found []Subchart
	for _, f := range e.Files {
		rest, ok := strings.CutPrefix(f.Name, chartsFolder)
		if !ok || strings.HasPrefix(rest, "_") || strings.HasPrefix(rest, ".") {
			continue // Helm passes over such names (loader.LoadFiles)
		}
		folder, inner, below := strings.Cut(rest, "/")
		switch {
		case below && inner == ChartFile:
			if md, err := readChartFile(f.Data); err == nil {
				found = append(found, Subchart{Path: chartsFolder + folder, Name: md.Name, Version: md.Version})
			}
		case !below && path.Ext(rest) == ".tgz":
			if md, err := ReadChart(f.Data, e.Limits); err == nil {
				found = append(found, Subchart{Path: f.Name, Name: md.Name, Version: md.Version, Packed: true})
			}
		}
	}
	return found
}

// MissingDependencies are the indexes of the dependencies in Metadata that name
// a repository and have no chart under charts/.
//
// A chart fills a dependency when its name is the same and its version satisfies
// the constraint. A folder fills it with any version: somebody put it there, and
// Helm installs it. A package of another version does not: `helm dependency
// build` replaces such.
func (e *Extension) MissingDependencies() []int {
	if !slices.ContainsFunc(e.Metadata.Dependencies, func(d *chart.Dependency) bool { return d.Repository != "" }) {
		return nil // which spares reading charts/
	}
	present := e.Subcharts()
	var missing []int
	for i, d := range e.Metadata.Dependencies {
		if _, ok := fills(d, present); d.Repository != "" && d.Name != "" && !ok {
			missing = append(missing, i)
		}
	}
	return missing
}

// fills finds the chart that stands for a dependency.
func fills(d *chart.Dependency, present []Subchart) (Subchart, bool) {
	for _, c := range present {
		if c.Name == d.Name && satisfies(d.Version, c.Version) {
			return c, true
		}
	}
	for _, c := range present {
		if c.Name == d.Name && !c.Packed {
			return c, true
		}
	}
	return Subchart{}, false
}

// satisfies holds a version to a constraint as Helm does; none is any version.
func satisfies(constraint, version string) bool {
	return constraint == "" || chartutil.IsCompatibleRange(constraint, version)
}

// WithCharts is the extension with the charts of dependencies in its charts/,
// as NAME-VERSION.tgz; e stays as it is. ContentDigest and Pack cover them as if
// they lay in the source tree, where nothing is written.
//
// A package under charts/ of the same name whose version no dependency asks for
// gives way, as with `helm dependency build`: Helm would install both.
func (e *Extension) WithCharts(charts []Resolved) (*Extension, error) {
	if len(charts) == 0 {
		return e, nil
	}
	replaced := e.outdated(charts)
	files := slices.DeleteFunc(slices.Clone(e.Files), func(f File) bool { return slices.Contains(replaced, f.Name) })
	files, err := e.insert(files, charts)
	if err != nil {
		return nil, fmt.Errorf("adding the dependencies of %s: %w", e.display, err)
	}
	// What is derived from the files is derived anew.
	return &Extension{
		Path: e.Path, Files: files, Metadata: e.Metadata, Document: e.Document,
		Assets: e.Assets, AssetProblems: e.AssetProblems, LeftOut: e.LeftOut,
		Resolved: append(slices.Clone(e.Resolved), charts...),
		Replaced: append(slices.Clone(e.Replaced), replaced...),
		display:  e.display, Limits: e.Limits, Origin: e.Origin,
		foundChart: e.foundChart, ChartType: e.ChartType, AppVersion: e.AppVersion,
	}, nil
}

// insert puts the charts among files, which stay sorted by name.
func (e *Extension) insert(files []File, charts []Resolved) ([]File, error) {
	size := &unpack.Meter{Limits: e.Limits}
	for _, f := range files {
		if err := size.Content(int64(len(f.Data))); err != nil {
			return nil, err
		}
	}
	for _, c := range charts {
		f := File{Name: chartsFolder + c.Name + "-" + c.Version + ".tgz", Data: c.Data}
		if clean, ok := LocalFile(f.Name); !ok || clean != f.Name || path.Dir(clean)+"/" != chartsFolder {
			return nil, fmt.Errorf("the chart %q %q has a name or version that is none", c.Name, c.Version)
		}
		at, there := slices.BinarySearchFunc(files, f.Name, func(f File, name string) int { return strings.Compare(f.Name, name) })
		if there && string(files[at].Data) == string(f.Data) {
			continue // two dependencies on one chart, under two aliases
		}
		if there {
			return nil, fmt.Errorf("two different charts are called %s: give one of them another version", f.Name)
		}
		if err := size.File(f.Name, int64(len(f.Data))); err != nil {
			return nil, err
		}
		files = slices.Insert(files, at, f)
	}
	return files, nil
}

// outdated are the packages under charts/ that the charts stand in for.
func (e *Extension) outdated(charts []Resolved) []string {
	var names []string
	for _, c := range e.Subcharts() {
		comes := slices.ContainsFunc(charts, func(r Resolved) bool { return r.Name == c.Name })
		wanted := slices.ContainsFunc(e.Metadata.Dependencies, func(d *chart.Dependency) bool {
			return d.Name == c.Name && satisfies(d.Version, c.Version)
		})
		if c.Packed && comes && !wanted {
			names = append(names, c.Path)
		}
	}
	return names
}

// ReadChart reads the metadata of a packaged chart that is in memory, within the
// limits of an extension.
func ReadChart(archive []byte, limits Limits) (*chart.Metadata, error) {
	isChartFile := func(name string) bool { return name == ChartFile }
	_, files, err := unpack.Read(bytes.NewReader(archive), int64(len(archive)), &unpack.Meter{Limits: limits.WithDefaults()}, isChartFile)
	if err != nil {
		return nil, err
	}
	return chartOf(files)
}

// Unpacked gives the files of a packaged chart that is in memory, sorted by name,
// and the folder that they lie in, which Helm calls after the chart.
func Unpacked(archive []byte) (top string, files []File, err error) {
	return unpack.ReadBytes(archive, &unpack.Meter{Limits: Limits{}.WithDefaults()})
}

// PackagedFile is a file within a subchart that is packed by itself
// (charts/*.tgz): it is in the package of the extension, too, and out of reach of
// .helmignore.
type PackagedFile struct {
	// Archive is the packaged subchart, a slash path below the extension.
	Archive string
	// Inside is the path within it, through the packages within the package.
	Inside string
	Data   []byte
}

// PackagedFiles are the files within all packaged subcharts, together within the
// limits of the extension. A package that cannot be read, or goes beyond the
// limits, is left out: Chart says so.
func (e *Extension) PackagedFiles() []PackagedFile {
	var found []PackagedFile
	m := &unpack.Meter{Limits: e.Limits}
	var open func(archive, inside string, data []byte, depth int)
	open = func(archive, inside string, data []byte, depth int) {
		_, files, err := unpack.ReadNested(data, m, unpack.All)
		if err != nil {
			return
		}
		for _, f := range files {
			name := path.Join(inside, f.Name)
			found = append(found, PackagedFile{Archive: archive, Inside: name, Data: f.Data})
			if isNestedArchive(f.Name) && depth < m.Limits.Depth {
				open(archive, name, f.Data, depth+1)
			}
		}
	}
	for _, f := range e.Files {
		if isNestedArchive(f.Name) {
			open(f.Name, "", f.Data, 1)
		}
	}
	return found
}

// PackChart packs the chart in a folder, the same bytes for the same content on
// any machine. They are those that the first ksrelease gave, whatever became of other packages since:
// the chart is a file of the extension that needs it, and so of packages that are proved by their files. It takes what Load would take of an extension; links that lead
// out of the folder are an error.
func PackChart(dir string, limits Limits) (*chart.Metadata, []byte, error) {
	t, err := openTree(dir, Options{Limits: limits})
	if err != nil {
		return nil, nil, failure.WithoutPath(err)
	}
	defer t.close()
	if err := t.walk(); err != nil {
		return nil, nil, err
	}
	for _, out := range t.leftOut {
		if out.Name == ChartFile || NeededByHelm(out.Name) {
			return nil, nil, fmt.Errorf("line %d of its .helmignore, %q, leaves out %s, which the chart needs: remove that line", out.Line, out.Pattern, out.Name)
		}
	}
	slices.SortFunc(t.files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	md, err := chartOf(t.files)
	if err != nil {
		return nil, nil, err
	}
	data, err := tarball.First(md.Name, t.files)
	return md, data, err
}

// chartOf reads the Chart.yaml among the files of a chart.
func chartOf(files []File) (*chart.Metadata, error) {
	for _, f := range files {
		if f.Name == ChartFile {
			return readChartFile(f.Data)
		}
	}
	return nil, errors.New("there is no Chart.yaml in it: it is no chart")
}

func readChartFile(data []byte) (*chart.Metadata, error) {
	md := new(chart.Metadata)
	if err := yaml.Unmarshal(trimMark(data), md); err != nil {
		return nil, errors.New("its Chart.yaml cannot be read as YAML with the fields of a chart")
	}
	if md.Name == "" || md.Version == "" {
		return nil, errors.New("its Chart.yaml has no name or no version")
	}
	if strings.ContainsAny(md.Name, "/\\") || md.Name == ".." || md.Name == "." {
		return nil, fmt.Errorf("its name %q is none for a chart", md.Name)
	}
	return md, nil
}
