package lint

import (
	"bytes"
	"path"
	"strings"

	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/ksrelease/ksrelease/internal/extension"
)

// packagedFile is a file of a subchart that is packed by itself (charts/*.tgz):
// what is in there is in the package, too, and out of reach of .helmignore.
type packagedFile struct {
	// Archive is the packaged subchart, a slash path below the extension.
	Archive string
	// Inside is the path within it, through the packages within the package.
	Inside string
	Data   []byte
}

// maxPackages bounds how deep packages within packages are opened.
const maxPackages = 5

// packagedFiles opens all packaged subcharts of an extension. What Helm cannot
// open is left out; the rule chart says so.
func packagedFiles(ext *extension.Extension) []packagedFile {
	var found []packagedFile
	for _, file := range ext.Files {
		if isPackagedSubchart(file.Name) {
			found = appendPackaged(found, file.Name, "", file.Data, maxPackages)
		}
	}
	return found
}

func appendPackaged(found []packagedFile, archive, inside string, data []byte, depth int) []packagedFile {
	files, err := loader.LoadArchiveFiles(bytes.NewReader(data))
	if err != nil {
		return found
	}
	for _, file := range files {
		name := path.Join(inside, file.Name)
		found = append(found, packagedFile{Archive: archive, Inside: name, Data: file.Data})
		if isPackagedSubchart(file.Name) && depth > 1 {
			found = appendPackaged(found, archive, name, file.Data, depth-1)
		}
	}
	return found
}

// isPackagedSubchart reports whether Helm takes a file for a subchart: a package
// directly in a folder charts.
func isPackagedSubchart(name string) bool {
	dir, base := path.Split(name)
	return path.Base(dir) == "charts" && path.Ext(base) == ".tgz" && !strings.HasPrefix(base, "_") && !strings.HasPrefix(base, ".")
}
