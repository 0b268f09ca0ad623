package helmrepo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"
	"go.yaml.in/yaml/v3"
)

// Index is what a release needs of index.yaml. It is not changed after it was
// read, so that it can be shared.
type Index struct {
	entries map[string][]Entry
}

// Entry is one version of one chart in an index.
type Entry struct {
	Name, Version string
	// Digest is the sha256 of the package in hex, with or without "sha256:"
	// before it, as the repository has it; it may be empty.
	Digest string
	// URLs are as written: absolute, or relative (see PackageURL and ChartURL).
	URLs []string
	// Annotations are those of the Chart.yaml.
	Annotations map[string]string
	// Created is zero where the index gives none that can be read.
	Created time.Time
}

// Version finds a version by its exact text: 1.0 is not 1.0.0, and v1.0.0 is
// not 1.0.0, as the marketplace keeps them apart too.
func (i *Index) Version(name, version string) (Entry, bool) {
	for _, entry := range i.entries[name] {
		if entry.Version == version {
			return entry, true
		}
	}
	return Entry{}, false
}

// Versions lists the versions of a chart, newest first by SemVer; what is no
// SemVer stands at the end, by text.
func (i *Index) Versions(name string) []string {
	versions := make([]string, 0, len(i.entries[name]))
	for _, entry := range i.entries[name] {
		versions = append(versions, entry.Version)
	}
	slices.SortStableFunc(versions, newestFirst)
	return slices.Compact(versions)
}

func newestFirst(a, b string) int {
	left, errLeft := semver.StrictNewVersion(strings.TrimPrefix(a, "v"))
	right, errRight := semver.StrictNewVersion(strings.TrimPrefix(b, "v"))
	switch {
	case errLeft == nil && errRight == nil:
		if order := right.Compare(left); order != 0 {
			return order
		}
	case errLeft == nil:
		return -1
	case errRight == nil:
		return 1
	}
	return strings.Compare(b, a)
}

// wireIndex and wireEntry are the fields that are read; all others, such as
// icons and descriptions, are passed over.
type wireIndex struct {
	APIVersion string                 `json:"apiVersion" yaml:"apiVersion"`
	Entries    map[string][]wireEntry `json:"entries" yaml:"entries"`
}

type wireEntry struct {
	Name        string            `json:"name" yaml:"name"`
	Version     string            `json:"version" yaml:"version"`
	Digest      string            `json:"digest" yaml:"digest"`
	URLs        []string          `json:"urls" yaml:"urls"`
	Annotations map[string]string `json:"annotations" yaml:"annotations"`
	Created     string            `json:"created" yaml:"created"`
}

// Parse reads an index, YAML or JSON (which is YAML, and read several times as
// fast). Helm refuses an index without apiVersion, and so KubeSphere does;
// what has no entries at all is no index either.
func Parse(body []byte) (*Index, error) {
	trimmed := bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	if len(trimmed) == 0 {
		return nil, errors.New("the index is empty")
	}
	var wire wireIndex
	if trimmed[0] != '{' || json.Unmarshal(trimmed, &wire) != nil {
		var err error
		if wire, err = parseYAML(trimmed); err != nil {
			return nil, err
		}
	}
	if wire.APIVersion == "" {
		return nil, errors.New("the index has no apiVersion, so Helm and KubeSphere refuse it")
	}
	return wire.index(), nil
}

func (w *wireIndex) index() *Index {
	index := &Index{entries: make(map[string][]Entry, len(w.Entries))}
	for name, versions := range w.Entries {
		entries := make([]Entry, 0, len(versions))
		for _, version := range versions {
			entries = append(entries, version.entry(name))
		}
		index.entries[name] = entries
	}
	return index
}

func (w wireEntry) entry(name string) Entry {
	created, _ := time.Parse(time.RFC3339Nano, w.Created)
	if w.Name == "" {
		w.Name = name
	}
	return Entry{Name: w.Name, Version: w.Version, Digest: w.Digest, URLs: w.URLs, Annotations: w.Annotations, Created: created}
}

// parseYAML reads the lean form of an index where there is one, else all of it.
func parseYAML(body []byte) (wire wireIndex, err error) {
	if rest, ok := lean(body); ok && yaml.Unmarshal(rest, &wire) == nil {
		return wire, nil
	}
	return parseWhole(body)
}

func parseWhole(body []byte) (wire wireIndex, err error) {
	err = yaml.Unmarshal(body, &wire)
	var shape *yaml.TypeError
	switch {
	case errors.As(err, &shape) && len(shape.Errors) > 0:
		err = fmt.Errorf("it is no Helm index: %s", plainShape(shape.Errors[0]))
	case err != nil:
		err = fmt.Errorf("it is no YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	return wire, err
}

var shapeError = regexp.MustCompile(`^(line \d+): cannot unmarshal !!(\w+)`)

// plainShape says an error of the YAML library in words of YAML: it speaks of
// types of Go.
func plainShape(text string) string {
	if found := shapeError.FindStringSubmatch(text); found != nil {
		kind := map[string]string{"map": "a mapping", "seq": "a list", "str": "a text", "int": "a number", "float": "a number", "bool": "true or false", "null": "nothing"}[found[2]]
		if kind == "" {
			kind = "a value"
		}
		return found[1] + ": " + kind + " stands where something else belongs"
	}
	if line, rest, found := strings.Cut(text, ": "); found && strings.Contains(rest, "already defined") {
		return line + ": " + rest
	}
	return "another shape"
}
