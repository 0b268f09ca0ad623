package extension

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/gob"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/extension/tarball"
	"github.com/ksrelease/ksrelease/internal/testutil/trees"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// sentAway is an extension after it went to another process.
func sentAway(t *testing.T, e *Extension) *Extension {
	t.Helper()
	var wire bytes.Buffer
	var arrived Content
	if err := gob.NewEncoder(&wire).Encode(e.Content()); err != nil {
		t.Fatal(err)
	}
	if err := gob.NewDecoder(&wire).Decode(&arrived); err != nil {
		t.Fatal(err)
	}
	again, err := FromContent(arrived)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// contentCases are extensions of which each has something that is not derived from
// its files.
func contentCases(t *testing.T) map[string]*Extension {
	dir := trees.Write(t, map[string]string{
		"extension.yaml": "apiVersion: kubesphere.io/v1alpha1\nname: a\nversion: 1.0.0\nicon: static/icon.svg\n" +
			"screenshots: [static/none.png]\nstaticFileDirectory: nowhere\ndependencies: [{name: redis, version: 1.0.0, repository: 'https://x.example'}]\n",
		"Chart.yaml":              "type: library\nappVersion: 7.7.7\n",
		".helmignore":             "static/\n",
		"static/icon.svg":         "<svg/>",
		"empty.txt":               "",
		"charts/redis-0.9.0.tgz":  string(chartPackage(t, "redis", "0.9.0")),
		"charts/other/Chart.yaml": "name: other\nversion: 1.0.0\n",
	})
	folder, err := Load(dir, Options{Display: "apps/a", Limits: Limits{Depth: 7}})
	if err != nil {
		t.Fatal(err)
	}
	resolved, err := folder.WithCharts([]Resolved{{Dependency: 0, Name: "redis", Version: "1.0.0", Locked: true, Data: chartPackage(t, "redis", "1.0.0")}})
	if err != nil {
		t.Fatal(err)
	}
	pkg, err := folder.Pack(nil)
	if err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(trees.Write(t, map[string]string{"a-1.0.0.tgz": string(pkg.Data)}), "a-1.0.0.tgz")
	packed, err := Load(archive, Options{})
	if err != nil {
		t.Fatal(err)
	}
	committed := WithOrigin(resolved, Origin{Revision: "8b6b527", Committed: true})
	return map[string]*Extension{"folder": folder, "resolved": resolved, "package": packed, "committed": committed}
}

func chartPackage(t *testing.T, name, version string) []byte {
	t.Helper()
	data, err := tarball.First(name, []File{{Name: "Chart.yaml", Data: []byte("apiVersion: v2\nname: " + name + "\nversion: " + version + "\n")}})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// An extension that went to another process is the same there, in each field. A new
// field has to travel, or to be named here as one that is derived.
func TestContentTravelsWhole(t *testing.T) {
	derived := []string{"digest", "tree", "pushed", "localOnce", "localChart", "nestedOnce", "nestedErr"}
	seen := map[string]bool{}
	for name, e := range contentCases(t) {
		again := sentAway(t, e)
		before, after := reflect.ValueOf(e).Elem(), reflect.ValueOf(again).Elem()
		for i := range before.NumField() {
			field := before.Type().Field(i)
			if slices.Contains(derived, field.Name) {
				continue
			}
			seen[field.Name] = seen[field.Name] || !before.Field(i).IsZero()
			if field.Type == reflect.TypeFor[*yamldoc.Document]() {
				if !reflect.DeepEqual(e.Document.Value(), again.Document.Value()) {
					t.Errorf("%s: another Document", name)
				}
				continue
			}
			if !reflect.DeepEqual(plainOf(before.Field(i)), plainOf(after.Field(i))) {
				t.Errorf("%s: %s was %v, and arrives as %v", name, field.Name, plainOf(before.Field(i)), plainOf(after.Field(i)))
			}
		}
		if before, after := e.ContentDigest(), again.ContentDigest(); before != after {
			t.Errorf("%s: the content digest was %s, and is %s", name, before, after)
		}
		if e.Content().Size() != again.Content().Size() {
			t.Errorf("%s: another size", name)
		}
	}
	for name, filled := range seen {
		if !filled {
			t.Errorf("no case of this test fills Extension.%s", name)
		}
	}
}

// plainOf prints a field, unexported ones too, so that nil and empty are alike: gob
// does not tell them apart.
func plainOf(v reflect.Value) string {
	var b bytes.Buffer
	printPlain(&b, v)
	return b.String()
}

func printPlain(b *bytes.Buffer, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			printPlain(b, v.Elem())
		}
	case reflect.Slice, reflect.Array:
		b.WriteByte('[')
		for i := range v.Len() {
			printPlain(b, v.Index(i))
			b.WriteByte(' ')
		}
		b.WriteByte(']')
	case reflect.Struct:
		b.WriteByte('{')
		for i := range v.NumField() {
			printPlain(b, v.Field(i))
			b.WriteByte(' ')
		}
		b.WriteByte('}')
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(x, y reflect.Value) int { return bytes.Compare([]byte(x.String()), []byte(y.String())) })
		for _, k := range keys {
			b.WriteString(k.String() + ":")
			printPlain(b, v.MapIndex(k))
		}
	case reflect.String:
		b.WriteString(v.String())
	case reflect.Int, reflect.Int64:
		b.WriteString(strconv.FormatInt(v.Int(), 10))
	case reflect.Uint8:
		b.WriteByte(byte(v.Uint()))
	case reflect.Bool:
		if v.Bool() {
			b.WriteByte('t')
		}
	}
}

// TestTreeDigestSeesEachByte: also those that are no content, and those that the content digest covers.
func TestTreeDigestSeesEachByte(t *testing.T) {
	of := func(lock, static, template string, archive []byte) *Extension {
		t.Helper()
		e, err := FromContent(Content{Limits: Limits{Unpacked: 1 << 20, File: 1 << 20, Entries: 100, Ratio: 100, Depth: 3}, Files: []File{
			{Name: "Chart.lock", Data: []byte(lock)}, {Name: "charts/a-1.0.0.tgz", Data: archive},
			{Name: MetadataFile, Data: []byte("name: a\nversion: 1.0.0\nstaticFileDirectory: static\n")},
			{Name: "static/a.txt", Data: []byte(static)}, {Name: "templates/a.yaml", Data: []byte(template)},
		}})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	const lock = "digest: sha256:1\ngenerated: \"2024-01-01T00:00:00Z\"\n"
	one := gzipOfChart(t, 0)
	base := of(lock, "a", "a", one)
	for name, other := range map[string]struct {
		*Extension
		same bool // the content
	}{
		"a lock of another time":      {of("digest: sha256:1\ngenerated: \"2025-01-01T00:00:00Z\"\n", "a", "a", one), true},
		"a subchart packed anew":      {of(lock, "a", "a", gzipOfChart(t, 7)), true},
		"a static file":               {of(lock, "b", "a", one), true},
		"a template":                  {of(lock, "a", "b", one), false},
		"a byte from one to the next": {of(lock, "aa", "", one), false},
		"the same again":              {of(lock, "a", "a", one), true},
	} {
		if same := other.ContentDigest() == base.ContentDigest(); same != other.same {
			t.Errorf("%s: the same content: %t", name, same)
		}
		if same := TreeDigest(other.Extension) == TreeDigest(base); same != strings.HasPrefix(name, "the same") {
			t.Errorf("%s: the same tree: %t", name, same)
		}
	}
	again, err := FromContent(base.Content())
	if err != nil || again.digest.known() != base.ContentDigest() {
		t.Errorf("%v: the digest that is known is %q", err, again.digest.known())
	}
}

// gzipOfChart is a packaged chart that was made at some time.
func gzipOfChart(t *testing.T, at int64) []byte {
	t.Helper()
	var archive bytes.Buffer
	zw := gzip.NewWriter(&archive)
	zw.ModTime = time.Unix(at, 0)
	tw := tar.NewWriter(zw)
	data := []byte("apiVersion: v2\nname: a\nversion: 1.0.0\n")
	if err := tw.WriteHeader(&tar.Header{Name: "a/Chart.yaml", Mode: 0o644, Size: int64(len(data)), ModTime: time.Unix(at, 0)}); err != nil {
		t.Fatal(err)
	}
	if _, err := tw.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return archive.Bytes()
}
