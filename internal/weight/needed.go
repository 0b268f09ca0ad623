package weight

import (
	"path"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// needed reports whether Helm or KubeSphere reads a file whatever the templates
// say, or whether it has to go with the package: nobody is advised to leave it out.
func (p *parcel) needed(name string) bool {
	root, rest := p.chartOf(name)
	if isLegal(path.Base(name)) {
		return true
	}
	if root == "" && (rest == extension.MetadataFile || rest == "permissions.yaml" || isShownText(rest) || apiText.MatchString(rest)) {
		return true
	}
	switch rest {
	case ".helmignore", "Chart.yaml", "Chart.lock", "values.yaml", "values.schema.json", "requirements.yaml", "requirements.lock":
		return true
	}
	top, _, nested := strings.Cut(rest, "/")
	switch {
	case !nested:
		return false
	case top == "templates", top == "crds":
		return true
	case top == "charts":
		// A packed subchart. Other files in charts/ that are in no subchart are
		// nothing to Helm's loader.
		return isPackedChart(rest)
	}
	return false
}

// isPackedChart reports whether a file, named as in its chart, is a packed subchart.
func isPackedChart(name string) bool {
	base, ok := strings.CutPrefix(name, "charts/")
	return ok && path.Ext(base) == ".tgz" && !strings.ContainsAny(base, "/") && !strings.HasPrefix(base, ".") && !strings.HasPrefix(base, "_")
}

// isLegal reports licences and notices by their names.
func isLegal(base string) bool {
	upper := strings.ToUpper(base)
	return slices.ContainsFunc([]string{"LICENSE", "LICENCE", "NOTICE", "COPYING", "COPYRIGHT"}, func(word string) bool {
		return strings.HasPrefix(upper, word)
	})
}

// isShownText reports whether a file at the top is one that KubeSphere shows:
// README.md and CHANGELOG.md of each language.
func isShownText(name string) bool {
	return shownText.MatchString(name)
}

var shownText = lazyregexp.New(`(?i)^(README|CHANGELOG)([._-][^/]*)?$`)

// apiText is the description of an API at the top. Extensions of KubeSphere's own
// have one (devops: swagger.yaml). Who reads it is not known to us: KubeSphere hands
// out every file of a package (kapis/package, ListFiles), so it stays.
var apiText = lazyregexp.New(`(?i)^(swagger|openapi)\.(ya?ml|json)$`)

// chartOf splits a name into the folder of the chart that the file belongs to (""
// for the extension itself, else ending in "/") and its name in there.
func (p *parcel) chartOf(name string) (root, rest string) {
	rest = name
	for {
		inner, ok := strings.CutPrefix(rest, "charts/")
		if !ok {
			return root, rest
		}
		chart, below, ok := strings.Cut(inner, "/")
		if !ok {
			return root, rest
		}
		folder := root + "charts/" + chart + "/"
		if !p.has(folder + "Chart.yaml") {
			return root, rest
		}
		root, rest = folder, below
	}
}

// withinChart is the name under which the templates of its chart know a file.
func (p *parcel) withinChart(name string) string {
	_, rest := p.chartOf(name)
	return rest
}

func (p *parcel) has(name string) bool {
	_, ok := p.find(name)
	return ok || p.above != nil && p.above.has(name)
}

func (p *parcel) find(name string) (extension.File, bool) {
	at, ok := slices.BinarySearchFunc(p.files, name, func(f extension.File, name string) int { return strings.Compare(f.Name, name) })
	if !ok {
		return extension.File{}, false
	}
	return p.files[at], true
}
