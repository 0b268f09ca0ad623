package extension

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// maxNameLength is the longest name and the longest version that KubeSphere
// takes: both end up as values of Kubernetes labels, which hold 63 characters.
const maxNameLength = 63

// dns1123Subdomain is the rule of Kubernetes for names of objects
// (IsDNS1123Subdomain of k8s.io/apimachinery), without its limit on length.
var dns1123Subdomain = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)

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

// ValidVersion says why version cannot be the version of an extension, or nil.
//
// It is the rule of KubeSphere's controller (isValidExtensionVersion of
// kubesphere/pkg/controller/core): what Masterminds/semver reads as a version,
// at most 63 characters, and a DNS-1123 subdomain. A version that breaks it is
// dropped by the controller without a word, it just never appears.
func ValidVersion(version string) error {
	if version == "" {
		return errors.New("the version is empty: write a semantic version such as 1.0.0")
	}
	if len(version) > maxNameLength {
		return fmt.Errorf("the version %q has %d characters, KubeSphere takes at most %d: shorten it", version, len(version), maxNameLength)
	}
	if _, err := semver.NewVersion(version); err != nil {
		return fmt.Errorf("the version %q is not a semantic version: write it as MAJOR.MINOR.PATCH, such as 1.0.0", version)
	}
	if !dns1123Subdomain.MatchString(version) {
		return fmt.Errorf("the version %q is not a DNS-1123 subdomain, so KubeSphere drops it silently: use lower-case letters, digits, '-' and '.' only, no '+build' part", version)
	}
	return nil
}

// nameLine is a line of extension.yaml that says the name, whatever else the
// file holds.
var nameLine = regexp.MustCompile(`(?m)^name:[ \t]*["']?([^"'\s#]+)["']?[ \t]*(?:#.*)?\r?$`)

// GuessName is the name of an extension that Load refuses, so far as it can be
// told: from the line in extension.yaml, or from the name of the file where path
// is a package (NAME-VERSION.tgz). It is empty where neither tells.
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
