// Package indexedit adds versions to an index.yaml as a text: what others wrote stays as it is,
// to the byte, with their comments, the fields that Helm does not know, and their order. Where an
// index has thousands of versions, none of them is decoded and written anew.
//
// New entries are those that `helm repo index` writes (ChartVersion of helm.sh/helm/v3/pkg/repo),
// the newest version first.
package indexedit

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"helm.sh/helm/v3/pkg/chart"
	"sigs.k8s.io/yaml"

	"github.com/ksrelease/ksrelease/internal/helmrepo"
	"github.com/ksrelease/ksrelease/internal/versions"
)

// Entry is a version that is added.
type Entry struct {
	// Chart is the Chart.yaml of the package.
	Chart *chart.Metadata
	// URLs are the addresses of the package.
	URLs []string
	// Created is when the version was published.
	Created time.Time
	// Digest is the sha256 of the package in hex.
	Digest string
}

// item is an entry, key by key what Helm writes. Helm reads an index strictly: no other key may
// stand in it.
type item struct {
	*chart.Metadata
	URLs    []string  `json:"urls"`
	Created time.Time `json:"created"`
	Digest  string    `json:"digest"`
}

// ErrDamaged is why nothing is added to an index that cannot be read, or not by Helm and
// KubeSphere.
var ErrDamaged = errors.New("the index is damaged, and stays as it is")

// damaged is ErrDamaged with its cause.
type damaged struct{ cause error }

func (e *damaged) Error() string   { return ErrDamaged.Error() + ": " + e.cause.Error() }
func (e *damaged) Unwrap() []error { return []error{ErrDamaged, e.cause} }

// Add is an index with more versions, and what is read in it. The index is YAML or JSON; an empty
// one is begun. The time is that of the field generated. A version that is there already is an
// error, and so is an index that cannot be read ([ErrDamaged]), or that is laid out in another way
// than Helm does, so that nothing can be put in between.
func Add(index []byte, entries []Entry, generated time.Time) ([]byte, *helmrepo.Index, error) {
	if len(bytes.TrimSpace(index)) == 0 {
		index = []byte("apiVersion: v1\nentries: {}\ngenerated: \"0001-01-01T00:00:00Z\"\n")
	}
	before, err := helmrepo.Parse(index)
	if err != nil {
		return nil, nil, &damaged{err}
	}
	if refused := before.Refused(); refused != nil {
		return nil, nil, &damaged{refused}
	}
	for _, entry := range entries {
		if _, there := before.Version(entry.Chart.Name, entry.Chart.Version); there {
			return nil, nil, fmt.Errorf("the index has %s %s already", entry.Chart.Name, entry.Chart.Version)
		}
		if err := before.Unreadable(entry.Chart.Name); err != nil {
			return nil, nil, &damaged{err}
		}
	}
	entries = slices.Clone(entries)
	slices.SortStableFunc(entries, func(a, b Entry) int { return versions.Compare(b.Chart.Version, a.Chart.Version) })
	var made []byte
	switch {
	case before.Layout().Lines:
		made, err = addLines(index, before, entries, generated)
	case bytes.HasPrefix(bytes.TrimLeft(index, " \t\r\n"), []byte("{")):
		made, err = addJSON(index, entries, generated)
	default:
		err = errLayout
	}
	if err != nil {
		return nil, nil, err
	}
	after, err := verify(made, before, entries)
	if err != nil {
		return nil, nil, err
	}
	return made, after, nil
}

// errLayout says that there is no place for another entry.
var errLayout = &layoutError{}

type layoutError struct{}

func (*layoutError) Error() string {
	return "the index is written in another way than Helm does, so that nothing can be added to it without writing anew what is there"
}

// Hint says how it becomes one of the usual form.
func (*layoutError) Hint() string {
	return "helm repo index --merge index.yaml writes it anew; other tools must not fold entries into one line"
}

// verify reads what was made: nobody should find out later that something else was cut or
// joined. What is read is needed next anyway.
func verify(made []byte, before *helmrepo.Index, entries []Entry) (*helmrepo.Index, error) {
	if len(made) > helmrepo.IndexLimit {
		return nil, fmt.Errorf("the index would have more than %d MiB, which is more than is read", helmrepo.IndexLimit>>20)
	}
	after, err := helmrepo.Parse(made)
	if err != nil {
		return nil, fmt.Errorf("the new entries would damage the index: %w", err)
	}
	if refused := after.Refused(); refused != nil {
		return nil, fmt.Errorf("with the new entries, Helm and KubeSphere would not load the index: %w", refused)
	}
	added := map[string]int{}
	for _, entry := range entries {
		found, ok := after.Version(entry.Chart.Name, entry.Chart.Version)
		if !ok || found.Digest != entry.Digest || found.OwnName != entry.Chart.Name || !slices.Equal(found.URLs, entry.URLs) {
			return nil, fmt.Errorf("the index cannot take an entry for %s %s", entry.Chart.Name, entry.Chart.Version)
		}
		added[entry.Chart.Name]++
	}
	for _, name := range after.Charts() {
		if len(after.Entries(name)) != len(before.Entries(name))+added[name] {
			return nil, fmt.Errorf("the new entries would change others of %s", name)
		}
	}
	if len(after.Charts()) < len(before.Charts()) {
		return nil, errors.New("the new entries would hide others")
	}
	return after, nil
}

// Render is an entry as an item of a list that is indented by so many blanks.
func Render(entry Entry, indent int) ([]byte, error) {
	text, err := yaml.Marshal([]item{{entry.Chart, entry.URLs, entry.Created, entry.Digest}})
	if err != nil {
		return nil, fmt.Errorf("making the index entry of %s %s: %w", entry.Chart.Name, entry.Chart.Version, err)
	}
	return indented(text, indent), nil
}

// indented moves YAML to the right. Indentation indicators of block scalars are relative, and
// empty lines carry none, so the values stay what they are.
func indented(text []byte, by int) []byte {
	var out bytes.Buffer
	out.Grow(len(text) + len(text)/8)
	blanks := strings.Repeat(" ", by)
	for line := range bytes.Lines(text) {
		if len(line) > 1 {
			out.WriteString(blanks)
		}
		out.Write(line)
	}
	return out.Bytes()
}

// Key is a name as a key in YAML: quoted where it would be read as something other than a text.
func Key(name string) (string, error) {
	key, err := yaml.Marshal(name)
	if err != nil {
		return "", fmt.Errorf("making the index entry of %s: %w", name, err)
	}
	return strings.TrimSpace(string(key)), nil
}
