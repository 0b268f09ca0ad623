package config

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ksrelease/ksrelease/internal/configfile"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// The forms of values in targets and images, as regular expressions that Go and ECMAScript read
// alike.
const (
	// PlatformPattern is OS/ARCHITECTURE or OS/ARCHITECTURE/VARIANT.
	PlatformPattern = `^[a-z0-9]+/[a-z0-9_]+(/[a-z0-9.]+)?$`
	// ImagePattern is an image with its registry, and a tag or none.
	ImagePattern = `^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9-]+[.:][A-Za-z0-9.:-]+|localhost)(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?$`
	// RenamePattern is what an image is called where it is copied to: {path} or {name} once,
	// {host} before it or not.
	RenamePattern = `^([a-z0-9._/-]|\{host\})*(\{path\}|\{name\})[a-z0-9._/-]*$`
)

// TargetKind is a kind of place to release to.
type TargetKind string

// The kinds of targets.
const (
	TargetMarketplace TargetKind = "marketplace"
	TargetDirectory   TargetKind = "directory"
	TargetChartMuseum TargetKind = "chartmuseum"
	TargetOCI         TargetKind = "oci"
	TargetImage       TargetKind = "image"
	TargetManifests   TargetKind = "manifests"
	TargetExec        TargetKind = "exec"
	TargetWebhook     TargetKind = "webhook"
)

// TargetKinds are all kinds of targets.
func TargetKinds() []TargetKind {
	return []TargetKind{
		TargetMarketplace, TargetDirectory, TargetChartMuseum, TargetOCI, TargetImage, TargetManifests, TargetExec, TargetWebhook,
	}
}

// DefaultBase is the image that the kind image builds on: the ChartMuseum that KubeSphere's
// own image of extensions has.
const DefaultBase = "ghcr.io/helm/chartmuseum:v0.16.1"

// BaseScratch is a base without anything: ksrelease itself serves the packages.
const BaseScratch = "scratch"

var renameForm = lazyregexp.New(RenamePattern)

// CheckRename is the error of a form that RenamePattern refuses, as of a command line: with nothing
// of an image in it, all of them would be called alike.
func CheckRename(form string) error {
	if !renameForm.MatchString(form) {
		return fmt.Errorf("%q has to have {path} or {name}, among small letters, digits, slashes and {host}", form)
	}
	return nil
}

// DefaultPlatforms are those of the kind image.
func DefaultPlatforms() []string { return []string{"linux/amd64", "linux/arm64"} }

// Target is a place to release to. Of the settings below Name, those of its kind are there;
// a marketplace has none, it is [Config.Cloud] with [Config.Repository].
type Target struct {
	Kind TargetKind
	// Name is unique among the targets. It is made of small letters, digits, - and _, and
	// [Target.Variable] makes names of variables of it.
	Name string

	Directory   *Directory
	ChartMuseum *ChartMuseum
	OCI         *OCI
	Image       *Image
	Manifests   *Manifests
	Exec        *Exec
	Webhook     *Webhook

	index int // among targets, to find it again in the file; -1 for one of TargetOf
}

// IsDeclared says that the target is one of the config, and not of a command line.
func (t Target) IsDeclared() bool { return t.index >= 0 }

// registryForm and serverForm are the addresses that TargetOf knows.
var (
	registryForm = lazyregexp.New(`^oci://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*/?$`)
	serverForm   = lazyregexp.New(`^https?://[^\s/?#@]+(/[^\s?#]*)?$`)
)

// TargetOf is the target that a command line names by its address or folder: oci://HOST/PATH is
// a registry, https://HOST and http://HOST a ChartMuseum, and what has no scheme the folder of a
// static Helm repository, relative to the working directory. Its name is its kind.
func TargetOf(ref string) (Target, error) {
	t := Target{index: -1}
	address := strings.TrimRight(ref, "/")
	scheme, _, hasScheme := strings.Cut(ref, "://")
	switch {
	case registryForm.MatchString(ref):
		t.Kind, t.OCI = TargetOCI, &OCI{URL: address}
	case scheme == "oci" && hasScheme:
		return t, errors.New("the address of a registry is oci:// with a host, and a path of small letters and digits")
	case serverForm.MatchString(ref):
		t.Kind, t.ChartMuseum = TargetChartMuseum, &ChartMuseum{URL: address}
	case hasScheme:
		return t, fmt.Errorf("the address of a target begins with oci://, https:// or http:// and a host, and has no user, query and fragment; this one begins with %s://", cut(scheme))
	case ref == "" || strings.ContainsRune(ref, 0):
		return t, fmt.Errorf("%q names no target", ref)
	default:
		path, err := filepath.Abs(ref)
		if err != nil {
			return t, err
		}
		t.Kind, t.Directory = TargetDirectory, &Directory{Path: path}
	}
	t.Name = string(t.Kind)
	return t, nil
}

// IsAt says that a target is the place that another one names.
func (t Target) IsAt(other Target) bool {
	switch {
	case t.OCI != nil && other.OCI != nil:
		return t.OCI.URL == other.OCI.URL
	case t.ChartMuseum != nil && other.ChartMuseum != nil:
		return t.ChartMuseum.URL == other.ChartMuseum.URL
	case t.Directory != nil && other.Directory != nil:
		return t.Directory.Path != "" && t.Directory.Path == other.Directory.Path
	}
	return false
}

// Variable is the variable of the environment that holds something of this target:
// KSRELEASE_NAME_WHAT, such as PASSWORD.
func (t Target) Variable(what string) string { return variableOf(t.Name, what) }

// The last words of the variables that hold the credentials of a target.
const (
	VariableUser     = "USERNAME"
	VariablePassword = "PASSWORD"
	VariableToken    = "TOKEN"
)

func variableOf(name, what string) string {
	return "KSRELEASE_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_")) + "_" + what
}

// Key leads from the top of the config to a key of this target, for [Config.Problem] and
// [Config.Setting].
func (t Target) Key(key ...string) []string {
	return append([]string{"targets", strconv.Itoa(t.index)}, key...)
}

// Directory is a static Helm repository in a folder, or on a branch of git.
type Directory struct {
	Path string     // absolute; empty with Git
	URL  string     // of the folder as others see it, or its path on their host; empty: URLs are relative
	Git  *TargetGit // nil: the folder Path
}

// TargetGit is a branch that holds a static Helm repository.
type TargetGit struct {
	Branch  string
	Remote  string // the name of a remote, or an address
	Path    string // on the branch, with slashes; empty: its top
	Message string // the title of the commits; empty: they name the versions
}

// ChartMuseum is a ChartMuseum.
type ChartMuseum struct {
	URL    string        // without a slash at the end
	CAFile string        // absolute; empty: the authorities of the system are all
	Cache  time.Duration // how late its index may be; 0: not at all
}

// OCI is a path of a registry, below which each extension is a repository.
type OCI struct {
	URL       string // oci://HOST[:PORT][/PATH], without a slash at the end
	CAFile    string // absolute; empty: the authorities of the system are all
	PlainHTTP bool
}

// Image is the image of a Helm repository.
type Image struct {
	Images      []string // with their registries
	Base        string   // an image, or BaseScratch
	Programs    string   // absolute: a folder with ksrelease for other platforms, for BaseScratch; may be empty
	Platforms   []string // OS/ARCHITECTURE[/VARIANT]
	Prereleases bool     // versions such as 1.2.0-rc.1 are in it
	CAFile      string   // absolute; empty: the authorities of the system are all
	PlainHTTP   bool
}

// Manifests is a folder of manifests for kubectl apply.
type Manifests struct {
	Path string // absolute
	One  bool   // one file for all extensions, in place of one for each
}

// Exec is a command as a target.
type Exec struct {
	Run     string        // for a shell
	Dir     string        // absolute: the folder of the config
	Timeout time.Duration // of one call; more than 0
	Env     []string      // as that of Hook
}

// Webhook is an address as a target. Neither URL nor Secret is printed.
type Webhook struct {
	URL     string
	Secret  string        // the key of signatures; empty: there are none
	CAFile  string        // absolute; empty: the authorities of the system are all
	Timeout time.Duration // of one request; more than 0
}

// Path is the absolute folder of a target; empty where it is none.
func (t Target) Path() string {
	switch {
	case t.Directory != nil:
		return t.Directory.Path
	case t.Manifests != nil:
		return t.Manifests.Path
	}
	return ""
}

// CAFile is the file of certificate authorities of a target; empty where it names none.
func (t Target) CAFile() string {
	switch {
	case t.ChartMuseum != nil:
		return t.ChartMuseum.CAFile
	case t.OCI != nil:
		return t.OCI.CAFile
	case t.Image != nil:
		return t.Image.CAFile
	case t.Webhook != nil:
		return t.Webhook.CAFile
	}
	return ""
}

// Images are the settings of the images that extensions use.
type Images struct {
	Exist     Severity // of an image that is not there; Off asks no registry
	Platforms []string // OS/ARCHITECTURE[/VARIANT]; none: any suffices, and all are copied
	Mirror    []Mirror
}

// Mirror is where images are copied to.
type Mirror struct {
	To        string   // HOST[:PORT][/PATH], without a slash at the end
	Platforms []string // none: those of Images
	Rename    string   // what stands below To: {host}, {path} and {name} are those of the image
	CAFile    string   // absolute; empty: the authorities of the system are all
	PlainHTTP bool
}

// DefaultRename is where images are copied to in a mirror: their registry is left out.
const DefaultRename = "{path}"

// targetReader makes targets of what is written.
type targetReader struct {
	doc      *yamldoc.Document
	dir      string
	problems *diagnostic.List
}

// targetsOf are the targets of a config: those that are written, or the marketplace.
func targetsOf(doc *yamldoc.Document, written []configfile.Target, dir string, problems *diagnostic.List) []Target {
	r := targetReader{doc, dir, problems}
	var all []Target
	for i, w := range written {
		all = append(all, r.target(i, w))
	}
	for i, t := range all {
		r.name(t, all[:i])
	}
	return all
}

// wrong reports the value of a key of a target. What is shown of it is as it is written.
func (r targetReader) wrong(err error, key []string) {
	if err == nil {
		return
	}
	raw, _, _ := r.doc.Raw(key...)
	message := fmt.Sprintf("%q is %q, but %s", key[len(key)-1], cut(raw), err)
	*r.problems = append(*r.problems, mistake(r.doc, CodeInvalidValue, message, "", key...))
}

func (r targetReader) target(i int, w configfile.Target) Target {
	t := Target{index: i}
	head := func(h configfile.TargetHead) {
		setWord(&t.Kind, h.Kind)
		t.Name = string(t.Kind)
		set(&t.Name, h.Name)
	}
	switch {
	case w.Marketplace != nil:
		head(w.Marketplace.TargetHead)
	case w.Directory != nil:
		head(w.Directory.TargetHead)
		t.Directory = r.directory(t, w.Directory)
	case w.ChartMuseum != nil:
		head(w.ChartMuseum.TargetHead)
		t.ChartMuseum = &ChartMuseum{Cache: r.duration(w.ChartMuseum.Cache, 0, t.Key("cache"))}
		r.wrong(setURL(&t.ChartMuseum.URL, w.ChartMuseum.URL), t.Key("url"))
		setPath(&t.ChartMuseum.CAFile, w.ChartMuseum.CAFile, r.dir)
	case w.OCI != nil:
		head(w.OCI.TargetHead)
		t.OCI = &OCI{PlainHTTP: value(w.OCI.PlainHTTP)}
		r.wrong(setRegistry(&t.OCI.URL, w.OCI.URL), t.Key("url"))
		setPath(&t.OCI.CAFile, w.OCI.CAFile, r.dir)
	case w.Image != nil:
		head(w.Image.TargetHead)
		t.Image = &Image{
			Images: w.Image.Images, Base: DefaultBase, Platforms: DefaultPlatforms(), Prereleases: true, PlainHTTP: value(w.Image.PlainHTTP),
		}
		set(&t.Image.Base, w.Image.Base)
		set(&t.Image.Prereleases, w.Image.Prereleases)
		if w.Image.Platforms != nil {
			t.Image.Platforms = w.Image.Platforms
		}
		setPath(&t.Image.CAFile, w.Image.CAFile, r.dir)
		setPath(&t.Image.Programs, w.Image.Programs, r.dir)
		r.plain(t.Image.Images, t.Key("images")...)
		r.plain(t.Image.Platforms, t.Key("platforms")...)
		r.wrong(unexpanded(t.Image.Base), t.Key("base"))
	case w.Manifests != nil:
		head(w.Manifests.TargetHead)
		files := "each"
		set(&files, w.Manifests.Files)
		r.wrong(known(files, "each", "one"), t.Key("files"))
		t.Manifests = &Manifests{Path: absolute(r.dir, value(w.Manifests.Path)), One: files == "one"}
	case w.Exec != nil:
		head(w.Exec.TargetHead)
		t.Exec = &Exec{
			Run: value(w.Exec.Run), Dir: r.dir, Env: w.Exec.Env,
			Timeout: r.duration(w.Exec.Timeout, DefaultHookTimeout, t.Key("timeout")),
		}
	case w.Webhook != nil:
		head(w.Webhook.TargetHead)
		t.Webhook = &Webhook{
			URL: value(w.Webhook.URL), Secret: value(w.Webhook.Secret),
			Timeout: r.duration(w.Webhook.Timeout, DefaultHookTimeout, t.Key("timeout")),
		}
		setPath(&t.Webhook.CAFile, w.Webhook.CAFile, r.dir)
		if address, err := url.Parse(t.Webhook.URL); err != nil || address.Host == "" || address.User != nil {
			r.wrong(errors.New("the address must begin with http:// or https:// and a host"), t.Key("url"))
		}
	}
	return t
}

func (r targetReader) directory(t Target, w *configfile.DirectoryTarget) *Directory {
	d := &Directory{}
	setPath(&d.Path, w.Path, r.dir)
	if url := value(w.URL); strings.HasPrefix(url, "/") {
		d.URL = url
		r.wrong(unexpanded(url), t.Key("url"))
	} else {
		r.wrong(setURL(&d.URL, w.URL), t.Key("url"))
	}
	if w.Git != nil {
		d.Git = &TargetGit{Branch: value(w.Git.Branch), Remote: "origin", Path: value(w.Git.Path), Message: value(w.Git.Message)}
		set(&d.Git.Remote, w.Git.Remote)
		for _, part := range strings.Split(d.Git.Path, "/") {
			if part == ".." || part == ".git" {
				r.wrong(errors.New("it must stay on the branch"), t.Key("git", "path"))
			}
		}
	}
	return d
}

func (r targetReader) duration(written *string, otherwise time.Duration, key []string) time.Duration {
	if written == nil {
		return otherwise
	}
	d, err := ParseDuration(*written)
	r.wrong(err, key)
	return d
}

// plain reports items of a list that still look like a reference after expansion.
func (r targetReader) plain(items []string, key ...string) {
	for i, item := range items {
		r.wrong(unexpanded(item), append(slices.Clone(key), strconv.Itoa(i)))
	}
}

// unexpanded is the error of a value that still looks like a reference after expansion: as with
// known, no other wrong value comes this far.
func unexpanded(value string) error {
	if strings.Contains(value, "${") {
		return errors.New("${…} in it is no reference")
	}
	return nil
}

// setRegistry takes the address of a registry.
func setRegistry(to, written *string) error {
	if written == nil {
		return nil
	}
	*to = strings.TrimRight(*written, "/")
	return unexpanded(*written)
}

// reservedNames are names whose variables hold what is no target's.
var reservedNames = map[string]string{
	"repository":  "KSRELEASE_REPOSITORY_PASSWORD is that of the Helm repository",
	"marketplace": "KSRELEASE_MARKETPLACE_TOKEN is that of the local marketplace",
}

// name reports a target whose name another one has, or whose variables would be those of others.
func (r targetReader) name(t Target, before []Target) {
	report := func(message, hint string) {
		*r.problems = append(*r.problems, mistake(r.doc, CodeInvalidValue, message, hint, t.nameKey(r.doc)...))
	}
	if t.Kind != TargetMarketplace && reservedNames[t.Name] != "" {
		report(fmt.Sprintf("no target of kind %s can have the name %q", t.Kind, t.Name), reservedNames[t.Name])
	}
	for _, other := range before {
		switch {
		case other.Kind == TargetMarketplace && t.Kind == TargetMarketplace:
			report("there is another target of kind marketplace", "its address is that of cloud and repository, so one is all there can be")
			return
		case other.Name == t.Name:
			report(fmt.Sprintf("there is another target with the name %q", t.Name), "give each a name of its own, such as \"name: "+t.Name+"-2\"")
			return
		case variableOf(other.Name, "") == variableOf(t.Name, ""):
			report(fmt.Sprintf("the names %q and %q have the same variables, such as %s", other.Name, t.Name, t.Variable(VariablePassword)), "give one of them another name")
			return
		}
	}
}

// nameKey leads to the name of a target, or to its kind, where that is its name.
func (t Target) nameKey(doc *yamldoc.Document) []string {
	if doc.Has(t.Key("name")...) {
		return t.Key("name")
	}
	return t.Key("kind")
}

// images is base with what is written over it.
func (r targetReader) images(base Images, written *configfile.Images, at []string) Images {
	if written == nil {
		return base
	}
	under := func(key ...string) []string { return slices.Concat(at, []string{"images"}, key) }
	setWord(&base.Exist, written.Exist)
	r.wrong(known(base.Exist, Off, Warning, Error), under("exist"))
	if written.Platforms != nil {
		base.Platforms = written.Platforms
		r.plain(base.Platforms, under("platforms")...)
	}
	if written.Mirror != nil {
		base.Mirror = nil
	}
	for i, w := range written.Mirror {
		key := func(key string) []string { return under("mirror", strconv.Itoa(i), key) }
		m := Mirror{Platforms: w.Platforms, Rename: DefaultRename, PlainHTTP: value(w.PlainHTTP)}
		r.wrong(setRegistry(&m.To, w.To), key("to"))
		set(&m.Rename, w.Rename)
		r.wrong(unexpanded(m.Rename), key("rename"))
		r.plain(m.Platforms, key("platforms")...)
		setPath(&m.CAFile, w.CAFile, r.dir)
		base.Mirror = append(base.Mirror, m)
	}
	return base
}

// isVerbatim says that a place of the document is taken as it is written: the kind and the name
// of a target, by which its keys, and its variables, go.
func isVerbatim(ptr []string) bool {
	return len(ptr) == 3 && ptr[0] == "targets" && (ptr[2] == "kind" || ptr[2] == "name")
}

// targetSecrets are the variables with credentials of the targets that a document names.
func targetSecrets(doc *yamldoc.Document) (names []string) {
	top, _ := doc.Value().(map[string]any)
	targets, _ := top["targets"].([]any)
	for _, target := range targets {
		keys, _ := target.(map[string]any)
		name, ok := keys["name"].(string)
		if !ok {
			name, _ = keys["kind"].(string)
		}
		names = append(names, variableOf(name, VariablePassword), variableOf(name, VariableToken))
	}
	return names
}
