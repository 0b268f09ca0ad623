package changes

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/extension/naming"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
	"github.com/ksrelease/ksrelease/internal/regularfile"
)

// mostMetadata bounds what is read of an extension.yaml, in bytes.
const mostMetadata = 4 << 20

// identity is what extension.yaml says of an extension, as far as it matters before its files
// are compared.
type identity struct {
	name, version string
	// folders are the file:// repositories of its dependencies, as they are written.
	folders []string
	// needs are the names of the other extensions that it depends on.
	needs []string
	err   error // why it cannot be read; name is a guess by its folder then
}

// identify reads an extension of the work tree.
func identify(source config.Source) identity {
	if strings.HasSuffix(source.Path, ".tgz") {
		ext, err := extension.Load(source.Path, extension.Options{Display: source.Display})
		if err != nil {
			return identity{name: naming.GuessName(source.Path), err: err}
		}
		return identityOf(ext.Metadata, source.Path)
	}
	text, err := regularfile.ReadWithin(source.Path, filepath.Join(source.Path, extension.MetadataFile), mostMetadata)
	if err != nil {
		return identity{name: naming.GuessName(source.Path), err: err}
	}
	return readIdentity(text, source.Path)
}

// readIdentity reads an extension.yaml. A thousand of them parsed as YAML take half a second,
// so one that has what is asked for in plain lines is read without.
func readIdentity(text []byte, path string) identity {
	if id, ok := plainIdentity(text); ok {
		return id
	}
	metadata, err := extension.ReadMetadata(text)
	if err != nil {
		return identity{name: naming.GuessName(path), err: err}
	}
	return identityOf(metadata, path)
}

func identityOf(m extension.Metadata, path string) identity {
	id := identity{name: m.Name, version: m.Version}
	if id.name == "" {
		id.name = naming.GuessName(path)
	}
	for _, d := range m.Dependencies {
		if strings.HasPrefix(d.Repository, "file://") {
			id.folders = append(id.folders, d.Repository)
		}
	}
	for _, d := range m.ExternalDependencies {
		id.needs = append(id.needs, d.Name)
	}
	return id
}

var (
	// plainField is a line with a name or a version that YAML reads as just that text: no
	// number, no truth value and no null.
	plainField = lazyregexp.New(`(?m)^(name|version):[ \t]+(?:([a-z][a-z0-9-]*[a-z0-9])|([0-9]+\.[0-9]+\.[0-9][0-9A-Za-z.+-]*))[ \t]*(?:#.*)?\r?$`)
	anyField   = lazyregexp.New(`(?m)^["']?(?:name|version)["']?[ \t]*:`)
)

// plainIdentity reads name and version without a YAML parser; ok is false where one is needed:
// they stand in another form, or there is more that matters.
func plainIdentity(text []byte) (id identity, ok bool) {
	if bytes.Contains(text, []byte("file:")) || bytes.Contains(text, []byte("externalDependencies")) || bytes.Contains(text, []byte("\n---")) ||
		bytes.HasPrefix(text, []byte("{")) || len(anyField.FindAllIndex(text, 3)) != 2 {
		return identity{}, false
	}
	for _, found := range plainField.FindAllSubmatch(text, -1) {
		name, version := string(found[2]), string(found[3])
		switch {
		case string(found[1]) == "name" && name != "" && !slices.Contains([]string{"true", "false", "null", "yes", "no", "on", "off"}, name):
			id.name = name
		case string(found[1]) == "version" && version != "":
			id.version = version
		}
	}
	return id, id.name != "" && id.version != ""
}
