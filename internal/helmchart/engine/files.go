package engine

import (
	"encoding/base64"
	"path"
	"strings"

	"github.com/gobwas/glob"
	"helm.sh/helm/v3/pkg/chart"
)

// files are what templates see as .Files: those of a chart that are no templates, by
// slash path.
type files map[string][]byte

func newFiles(from []*chart.File) files {
	all := files{}
	for _, file := range from {
		all[file.Name] = file.Data
	}
	return all
}

// GetBytes is a file; empty where there is none.
func (f files) GetBytes(name string) []byte {
	if data, ok := f[name]; ok {
		return data
	}
	return []byte{}
}

// Get is a file as a text; empty where there is none.
func (f files) Get(name string) string { return string(f.GetBytes(name)) }

// Glob are the files whose path matches a pattern; all of them if it is none.
func (f files) Glob(pattern string) files {
	matcher, err := glob.Compile(pattern, '/')
	if err != nil {
		matcher = glob.MustCompile("**")
	}
	found := files{}
	for name, data := range f {
		if matcher.Match(name) {
			found[name] = data
		}
	}
	return found
}

// AsConfig are the files as the data of a ConfigMap, in YAML, by their last names.
func (f files) AsConfig() string {
	return f.asData(func(data []byte) string { return string(data) })
}

// AsSecrets are the files as the data of a Secret, in YAML, by their last names.
func (f files) AsSecrets() string { return f.asData(base64.StdEncoding.EncodeToString) }

func (f files) asData(encode func([]byte) string) string {
	if f == nil {
		return ""
	}
	encoded := map[string]string{}
	for name, data := range f {
		encoded[path.Base(name)] = encode(data)
	}
	return toYAML(encoded)
}

// Lines are the lines of a file, without their ends.
func (f files) Lines(name string) []string {
	if len(f[name]) == 0 {
		return []string{}
	}
	return strings.Split(strings.TrimSuffix(string(f[name]), "\n"), "\n")
}
