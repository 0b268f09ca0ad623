// Package naming has the rules for names and versions of extensions, and for the files of their
// texts, which KubeSphere's controller and console make, and guesses what was meant by a name or
// version that breaks them.
package naming

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/ksrelease/ksrelease/internal/lazyregexp"
)

// maxNameLength is the longest name and the longest version that KubeSphere
// takes: both end up as values of Kubernetes labels, which hold 63 characters.
const maxNameLength = 63

// dns1123Subdomain is the rule of Kubernetes for names of objects
// (IsDNS1123Subdomain of k8s.io/apimachinery), without its limit on length.
var dns1123Subdomain = lazyregexp.New(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)

// ValidName says why name cannot be the name of an extension, or nil.
//
// It is the rule of KubeSphere's controller (isValidExtensionName of
// kubesphere/pkg/controller/core): a DNS-1123 subdomain of at most 63
// characters. The development guide asks for less (32 characters, no hyphens),
// but extensions in real use have hyphens, so the controller's rule holds.
func ValidName(name string) error {
	switch {
	case name == "":
		return errors.New("the name is empty: give the extension a name of lower-case letters, digits and hyphens")
	case len(name) > maxNameLength:
		return fmt.Errorf("the name %q has %d characters, KubeSphere takes at most %d: shorten it", name, len(name), maxNameLength)
	case !dns1123Subdomain.MatchString(name):
		return fmt.Errorf("the name %q is not a DNS-1123 subdomain: use lower-case letters, digits, '-' and '.', with a letter or digit at both ends", name)
	}
	return nil
}

// ValidVersion says why version cannot be the version of an extension, and what to
// write in its place, or nil.
//
// It is MAJOR.MINOR.PATCH without leading zeros, an optional v before it, with a
// pre-release of lower-case letters, digits, '-' and '.' where needed; at most 63
// characters. Others are read in different ways, or by some readers only:
// KubeSphere's controller takes a DNS-1123 subdomain (isValidExtensionVersion of
// kubesphere/pkg/controller/core) that Masterminds/semver reads, which refuses
// leading zeros in newer versions; and its console, by node-semver, throws on "1.0"
// as soon as an extension has two versions, so that it lists no extension at all.
func ValidVersion(version string) error {
	message, hint := VersionProblem(version)
	if message == "" {
		return nil
	}
	return errors.New(message + ": " + hint)
}

// VersionProblem is ValidVersion in two parts: what is wrong, and what to do. Both
// are empty where nothing is wrong.
func VersionProblem(version string) (message, hint string) {
	what := ""
	parsed, err := semver.StrictNewVersion(strings.TrimPrefix(version, "v"))
	switch {
	case version == "":
		return "the version is empty", "write a semantic version such as 1.0.0"
	case len(version) > maxNameLength:
		return fmt.Sprintf("the version %s has %d characters, KubeSphere takes at most %d", quotedShort(version), len(version), maxNameLength), "shorten it"
	case err == nil && parsed.Metadata() != "":
		what = "has build metadata (+), and KubeSphere drops such a version silently"
	case err == nil && dns1123Subdomain.MatchString(version):
		return "", ""
	case err == nil:
		what = "is no DNS-1123 subdomain (lower-case letters, digits, '-' and '.', with a letter or digit at both ends of each part), and KubeSphere drops such a version silently"
	case version != strings.TrimSpace(version):
		what = "begins or ends with blanks"
	case leadingZero.MatchString(version):
		what = "has a number with a leading zero, which KubeSphere does not read"
	default:
		what = "is not MAJOR.MINOR.PATCH"
	}
	hint = "write it as MAJOR.MINOR.PATCH, such as 1.0.0"
	if near, ok := NearestVersion(version); ok {
		hint = fmt.Sprintf("write %q", near)
	}
	return fmt.Sprintf("the version %q %s", version, what), hint
}

// quotedShort is a text that may be long, for a message.
func quotedShort(text string) string {
	const enough = 80
	if len(text) <= enough {
		return strconv.Quote(text)
	}
	return strconv.Quote(text[:enough]) + "…"
}

// leadingZero is a number of a version, or of its pre-release, that begins with a 0.
var leadingZero = lazyregexp.New(`^v?(?:\d+\.)*0\d|^v?\d+\.\d+\.\d+-(?:[0-9A-Za-z-]+\.)*0\d+(?:\.|$)`)

// looseVersion is what people write for a version: a prefix, numbers, and the rest.
var looseVersion = lazyregexp.New(`^(?:version|release|ver|v)?[-_. ]?(\d+(?:\.\d+)*)(.*)$`)

// NearestVersion is the version that was probably meant by a text, as ValidVersion
// asks for it: 1.0 is 1.0.0, 01.2.3 is 1.2.3, 1.0.0-RC1 is 1.0.0-rc1, and without
// build metadata. ok is false where none can be found.
func NearestVersion(written string) (version string, ok bool) {
	text := strings.ToLower(strings.TrimSpace(written))
	text, _, _ = strings.Cut(text, "+")
	prefix := ""
	if strings.HasPrefix(text, "v") && len(text) > 1 && '0' <= text[1] && text[1] <= '9' {
		prefix = "v"
	}
	m := looseVersion.FindStringSubmatch(text)
	if m == nil {
		return "", false
	}
	numbers := strings.Split(m[1], ".")
	for len(numbers) < 3 {
		numbers = append(numbers, "0")
	}
	numbers = numbers[:3]
	for i, n := range numbers {
		numbers[i] = withoutZeros(n)
	}
	version = prefix + strings.Join(numbers, ".")
	if rest := strings.Trim(notInPrerelease.ReplaceAllString(m[2], "-"), "-."); rest != "" {
		var parts []string
		for _, part := range strings.Split(rest, ".") {
			if part = strings.Trim(part, "-"); part != "" {
				parts = append(parts, withoutZeros(part))
			}
		}
		version += "-" + strings.Join(parts, ".")
	}
	parsed, err := semver.StrictNewVersion(strings.TrimPrefix(version, "v"))
	return version, err == nil && parsed.Metadata() == "" && len(version) <= maxNameLength && dns1123Subdomain.MatchString(version)
}

// notInPrerelease are characters that a pre-release may not have.
var notInPrerelease = lazyregexp.New(`[^0-9a-z.-]+`)

// withoutZeros is a number without zeros before it; other texts stay.
func withoutZeros(text string) string {
	if strings.Trim(text, "0123456789") != "" {
		return text
	}
	if text = strings.TrimLeft(text, "0"); text == "" {
		return "0"
	}
	return text
}

// IndexableVersion says why KubeSphere's controller drops a version, or nil. It
// takes more than ValidVersion does, such as 1.2, which others of its parts then
// cannot read.
func IndexableVersion(version string) error {
	if version == "" {
		return errors.New("the version is empty: write a semantic version such as 1.0.0")
	}
	if len(version) > maxNameLength {
		return fmt.Errorf("the version %s has %d characters, KubeSphere takes at most %d: shorten it", quotedShort(version), len(version), maxNameLength)
	}
	if _, err := semver.NewVersion(version); err != nil {
		return fmt.Errorf("the version %q is not a semantic version: write it as MAJOR.MINOR.PATCH, such as 1.0.0", version)
	}
	if !dns1123Subdomain.MatchString(version) {
		return fmt.Errorf("the version %q is not a DNS-1123 subdomain, so KubeSphere drops it silently: use lower-case letters, digits, '-' and '.' only, no '+build' part", version)
	}
	return nil
}

// The files that say what a folder or a package is.
const (
	MetadataFile = "extension.yaml" // of an extension; its name is in it
	ChartFile    = "Chart.yaml"     // of a Helm chart; that of an extension is derived from MetadataFile
)

// nameLine is a line of extension.yaml that says the name, whatever else the
// file holds.
var nameLine = lazyregexp.New(`(?m)^name:[ \t]*["']?([^"'\s#]+)["']?[ \t]*(?:#.*)?\r?$`)

// GuessName is the name of an extension that Load refuses, so far as it can be
// known: from the line in extension.yaml, or from the name of the file where path
// is a package (NAME-VERSION.tgz). It is empty where neither says.
func GuessName(path string) string {
	name := nameOfPackage(filepath.Base(path))
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		name = nameInDirectory(path)
	}
	if ValidName(name) != nil {
		return ""
	}
	return name
}

// InPlaceOfName is what an extension is called while its name is not known.
func InPlaceOfName(path string) string {
	return strings.TrimSuffix(filepath.Base(path), ".tgz")
}

func nameInDirectory(dir string) string {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return ""
	}
	defer root.Close()
	if info, err := root.Stat(MetadataFile); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	file, err := root.Open(MetadataFile)
	if err != nil {
		return ""
	}
	defer file.Close()
	const enough = 1 << 20 // the name is among the first lines
	source, _ := io.ReadAll(io.LimitReader(file, enough))
	if found := nameLine.FindSubmatch(source); found != nil {
		return string(found[1])
	}
	return ""
}

// nameOfPackage is what stands before the last hyphen that a version follows.
func nameOfPackage(file string) string {
	base, ok := strings.CutSuffix(file, ".tgz")
	if !ok {
		return ""
	}
	name := base
	for i, c := range base {
		if c != '-' {
			continue
		}
		if _, err := semver.StrictNewVersion(base[i+1:]); err == nil {
			name = base[:i]
		}
	}
	return name
}
