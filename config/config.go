// Package config reads .ksrelease.yaml into an immutable value: what is to be
// released, how, and where to. Every mistake of a file is reported at once, with its
// place; whether a file is right is decided in one place, by the JSON Schema,
// and what no schema can know (the environment, the form of a glob) is checked
// next to it.
//
// Flags and their precedence, credentials, and what the settings do belong
// elsewhere.
package config

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ksrelease/ksrelease/internal/configfile"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/regularfile"
	"github.com/ksrelease/ksrelease/internal/tags"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
	"github.com/ksrelease/ksrelease/schema"
)

// Name is the file name of a config.
const Name = ".ksrelease.yaml"

// What holds where a config says nothing.
const (
	// DefaultServer is the API of KubeSphere Cloud.
	DefaultServer = "https://apis.kubesphere.cloud"
	// DefaultRepository is the Helm repository of KubeSphere Cloud.
	DefaultRepository = "https://beta.app.kubesphere.cloud"
	// DefaultOutput is the folder for packages, relative to that of the config.
	DefaultOutput = "dist"
	// DefaultSizeLimit is the largest package in bytes: Kubernetes keeps
	// packages in objects of at most about 1 MiB.
	DefaultSizeLimit = 1 << 20
	// DefaultLintTimeout and DefaultLintMemory are how long it may take to look at one
	// extension, and how much memory in bytes. Real ones take less than a second and
	// 100 MiB.
	DefaultLintTimeout = time.Minute
	DefaultLintMemory  = 1 << 30
	// LeastLintMemory is what a process that looks at extensions takes by itself, and
	// some more.
	LeastLintMemory = 64 << 20
	// DefaultVerifyTimeout is how long verify waits.
	DefaultVerifyTimeout = 5 * time.Minute
	// DefaultHookTimeout is how long a hook may take.
	DefaultHookTimeout = 10 * time.Minute
	// DefaultCacheLimit is how much is kept of earlier commands, in bytes, and LeastCacheLimit
	// what can be set.
	DefaultCacheLimit = 1 << 30
	LeastCacheLimit   = 1 << 20
	// DefaultParallelism is how many extensions are worked on at once.
	DefaultParallelism = 8
)

// Config is a config that was found to be right. It is not changed after Parse
// and may be read by several goroutines.
type Config struct {
	// File is the config as it was named to Load; empty for Default.
	File string
	// Dir is the absolute folder at which relative paths start.
	Dir         string
	Cloud       Cloud
	Repository  Repository
	Parallelism int
	// Tags are the forms of git tags; without any, those that are built in hold.
	Tags []tags.Pattern
	// Targets are the places to release to, each with a name of its own: those that the file
	// names, or the marketplace. NamesTargets says which of the two it is.
	Targets      []Target
	NamesTargets bool
	// Sign are the keys that packages are signed with.
	Sign Sign
	// Cache is what is kept of earlier commands.
	Cache Cache
	// Announcements are where releases are announced.
	Announcements []Announcement
	// Entries are the extensions in the order of the file.
	Entries []Entry
	// Before and After are the hooks of the project; those of extensions are in their
	// Settings.
	Before, After []Hook
	// Defaults are the settings of the project, for extensions that no entry
	// overrides them for.
	Defaults Settings

	doc        *yamldoc.Document // for problems that show later; nil for Default
	expansions []Expansion
}

// Expansions are texts of this config that came out of the environment and are not
// to be printed, such as an address with a variable in it, and that variable.
func (c *Config) Expansions() []Expansion { return c.expansions }

// Cloud is the marketplace.
type Cloud struct {
	// Server is the base URL of its API, without a slash at the end.
	Server string
	// CAFile is the absolute path of a file with certificate authorities (PEM)
	// for Server alone; empty: those of the system are all.
	CAFile string
}

// Repository is the Helm repository in which releases appear.
type Repository struct {
	// URL is its base URL, without a slash at the end.
	URL string
	// CAFile is as that of Cloud, for URL.
	CAFile string
}

// Sign are the keys that packages are signed with: absolute paths of files, empty where there is
// none.
type Sign struct {
	PGPKeyFile string // an OpenPGP private key
	KeyFile    string // a private key in PEM
}

// Cache is what is kept of earlier commands.
type Cache struct {
	// Limit is how much it may take on the disk, in bytes.
	Limit int64
	// Remote is a place that shares it with other machines: an absolute path, or oci://HOST/REPOSITORY;
	// empty: none.
	Remote string
}

// Announcement is a service in which a run announces what it has released.
type Announcement struct {
	Kind AnnouncementKind
	// URL is the address of the webhook, and Secret the key for signatures, empty where there
	// is none. Neither is printed.
	URL, Secret string
	// Language is that of the CHANGELOG that is quoted.
	Language string
	// Only are names of extensions; none means all.
	Only []string
}

// AnnouncementKind is a kind of service in which releases are announced.
type AnnouncementKind string

// The kinds of announcements.
const (
	AnnounceWebhook  AnnouncementKind = "webhook"
	AnnounceFeishu   AnnouncementKind = "feishu"
	AnnounceDingTalk AnnouncementKind = "dingtalk"
	AnnounceWeCom    AnnouncementKind = "wecom"
	AnnounceSlack    AnnouncementKind = "slack"
)

// DefaultLanguage is the language of announcements.
const DefaultLanguage = "en"

// Settings are those of the stages, resolved: defaults, then the project's, then
// the entry's.
type Settings struct {
	Lint    Lint
	Package Package
	Size    Size
	Push    Push
	Verify  Verify
	Images  Images
	// Before and After are the hooks of the entry; nothing is taken from the top.
	Before, After []Hook
}

// Hook is a command that the project has run before or after a release.
type Hook struct {
	Run     string        // for a shell
	Dir     string        // absolute; empty: the folder of the extension, or that of the config
	Timeout time.Duration // more than 0
	// Env are names of variables that it gets from the environment, secret or not, and
	// NAME=value for those that are set.
	Env []string
}

// Severity is what a lint rule's findings are: off, info, warning or error.
type Severity string

// The severities of a lint rule.
const (
	Off     Severity = "off"
	Info    Severity = "info"
	Warning Severity = "warning"
	Error   Severity = "error"
)

// Lint are the settings of the lint stage.
type Lint struct {
	// Rules are the severities that were set, by the name of the rule; the
	// others keep their default. The map must not be changed.
	Rules map[string]Severity
	// Timeout is how long it may take to look at one extension.
	Timeout time.Duration
	// Memory is how much memory it may take to look at one extension, in bytes.
	Memory int64
}

// Package are the settings of the package stage.
type Package struct {
	// Output is the absolute folder that packages are written to.
	Output string
}

// Size are the settings of the size stage.
type Size struct {
	// Limit is the largest package, in bytes.
	Limit int64
}

// Push are the settings of the push stage.
type Push struct {
	Existing Existing
	Drift    Drift
	// Dirty is empty where nothing is set: the default goes by where the run is.
	Dirty Dirty
}

// Existing is what becomes of a version that exists with the same content.
type Existing string

// The values of push.existing.
const (
	SkipExisting Existing = "skip"
	FailExisting Existing = "fail"
)

// Drift is what becomes of a version that exists with other content.
type Drift string

// The values of push.drift.
const (
	FailDrift Drift = "fail"
	WarnDrift Drift = "warn"
)

// Dirty is what becomes of a package with files that are not as they were committed.
type Dirty string

// The values of push.dirty.
const (
	FailDirty  Dirty = "fail"
	WarnDirty  Dirty = "warn"
	AllowDirty Dirty = "allow"
)

// Verify are the settings of the verify stage.
type Verify struct {
	Until   Until
	Timeout time.Duration
}

// Until is what verify waits for.
type Until string

// The values of verify.until.
const (
	// UntilIndexed waits for the version to be in the Helm repository.
	UntilIndexed Until = "indexed"
	// UntilActive waits for it to be reviewed besides.
	UntilActive Until = "active"
)

// Entry is one item of extensions.
type Entry struct {
	// Path is a path or glob as it was written, ${NAME} expanded.
	Path string
	// Exclude are paths or globs to leave out.
	Exclude []string
	// Settings are the project's, overridden by the entry's.
	Settings Settings
	// Line and Column are the place of Path in the config.
	Line, Column int

	index   int               // among extensions, to find it again in the file
	written map[string]string // paths with variables in them, as the file has them
}

// Default is what holds where there is no config: the defaults, and no
// extensions. Relative paths start at dir.
func Default(dir string) *Config {
	if absolute, err := filepath.Abs(dir); err == nil {
		dir = absolute
	}
	return &Config{
		Dir:         dir,
		Cloud:       Cloud{Server: DefaultServer},
		Repository:  Repository{URL: DefaultRepository},
		Targets:     []Target{{Kind: TargetMarketplace, Name: string(TargetMarketplace)}},
		Cache:       Cache{Limit: DefaultCacheLimit},
		Parallelism: DefaultParallelism,
		Defaults:    defaultSettings(dir),
	}
}

func defaultSettings(dir string) Settings {
	return Settings{
		Lint:    Lint{Timeout: DefaultLintTimeout, Memory: DefaultLintMemory},
		Package: Package{Output: filepath.Join(dir, DefaultOutput)},
		Size:    Size{Limit: DefaultSizeLimit},
		Push:    Push{Existing: SkipExisting, Drift: FailDrift},
		Verify:  Verify{Until: UntilIndexed, Timeout: DefaultVerifyTimeout},
		Images:  Images{Exist: Off},
	}
}

// Load reads a config file. env looks up the variables that ${NAME} names, as
// os.LookupEnv does. What is wrong with the file is reported as a diagnostic.List,
// all of it at once. It is a regular file of bounded size that, links followed, lies
// in the Project of its folder: what else a link leads to would be shown line by line
// in what is wrong with it.
func Load(file string, env func(string) (string, bool)) (*Config, error) {
	src, err := regularfile.ReadWithin(Project(filepath.Dir(file)), file, yamldoc.MaxSize)
	if err != nil {
		return nil, fmt.Errorf("reading config %s: %w", file, err)
	}
	return Parse(file, src, env)
}

// Parse is Load for a file that was read already. Relative paths in it start at
// the folder of file.
func Parse(file string, src []byte, env func(string) (string, bool)) (*Config, error) {
	doc, err := yamldoc.Parse(file, src)
	var problems diagnostic.List
	if errors.As(err, &problems) {
		problems = problems.WithRule(Rule)
	}
	if doc == nil {
		return nil, problems
	}

	expanded, variables := expand(doc, env)
	problems = append(problems, variables.problems...)
	problems = appendNew(problems, doc.ValidateValue(schemaOf(), expanded).WithRule(Rule))

	written := decode(expanded)
	problems = append(problems, checkPatterns(doc, written)...)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	c, err := resolve(doc, written)
	if err != nil {
		return nil, err
	}
	c.expansions = variables.expansions()
	return c, nil
}

// appendNew adds problems at places that none was reported at: a key that is a number
// is not reported as unknown, too.
func appendNew(problems, more diagnostic.List) diagnostic.List {
	known := map[diagnostic.Position]bool{}
	for _, p := range problems {
		known[p.Range.Start] = true
	}
	for _, p := range more {
		if p.Range.Start.Line == 0 || !known[p.Range.Start] {
			problems = append(problems, p)
		}
	}
	return problems
}

// schemaOf reads the schema once; it is part of the program.
var schemaOf = sync.OnceValue(func() *yamldoc.Schema { return yamldoc.Embedded(schema.ID, schema.JSON) })

// decode takes what fits of a value: parts of another type, which the schema
// reports, are left out.
func decode(value any) *configfile.File {
	var written configfile.File
	data, err := json.Marshal(value)
	if err != nil {
		return &written
	}
	// The only error there can be is that of a part that does not fit.
	_ = json.Unmarshal(data, &written)
	return &written
}

// resolve makes the config of a file without mistakes.
func resolve(doc *yamldoc.Document, written *configfile.File) (*Config, error) {
	dir, err := filepath.Abs(filepath.Dir(doc.File()))
	if err != nil {
		return nil, fmt.Errorf("finding the folder of config %s: %w", doc.File(), err)
	}
	c := Default(dir)
	c.File, c.doc = doc.File(), doc
	set(&c.Parallelism, written.Parallelism)

	var problems diagnostic.List
	if written.Cloud != nil {
		if err := setURL(&c.Cloud.Server, written.Cloud.Server); err != nil {
			problems = append(problems, mistake(doc, CodeInvalidValue, err.Error(), "", "cloud", "server"))
		}
		setPath(&c.Cloud.CAFile, written.Cloud.CAFile, dir)
	}
	if written.Repository != nil {
		if err := setURL(&c.Repository.URL, written.Repository.URL); err != nil {
			problems = append(problems, mistake(doc, CodeInvalidValue, err.Error(), "", "repository", "url"))
		}
		setPath(&c.Repository.CAFile, written.Repository.CAFile, dir)
	}
	if written.Targets != nil {
		c.Targets, c.NamesTargets = targetsOf(doc, written.Targets, dir, &problems), true
	}
	if written.Sign != nil {
		setPath(&c.Sign.PGPKeyFile, written.Sign.PGPKeyFile, dir)
		setPath(&c.Sign.KeyFile, written.Sign.KeyFile, dir)
	}
	c.Cache = cacheOf(doc, c.Cache, written.Cache, dir, &problems)
	c.Tags = tagPatterns(doc, written.Tags, &problems)
	for i, a := range written.Announce {
		c.Announcements = append(c.Announcements, announcement(doc, i, a, &problems))
	}
	c.Before = hooksOf(doc, written.Before, dir, []string{"before"}, &problems)
	c.After = hooksOf(doc, written.After, dir, []string{"after"}, &problems)
	c.Defaults = overlay(doc, c.Defaults, written.Settings, dir, nil, &problems)
	for i, entry := range written.Extensions {
		at := []string{"extensions", strconv.Itoa(i)}
		line, column := doc.Place(append(at, "path")...)
		settings := overlay(doc, c.Defaults, entry.Settings, dir, at, &problems)
		settings.Before = hooksOf(doc, entry.Before, dir, append(at[:len(at):len(at)], "before"), &problems)
		settings.After = hooksOf(doc, entry.After, dir, append(at[:len(at):len(at)], "after"), &problems)
		c.Entries = append(c.Entries, Entry{
			Path:     value(entry.Path),
			Exclude:  entry.Exclude,
			written:  writtenPaths(doc, i, entry),
			Settings: settings,
			Line:     line, Column: column,
			index: i,
		})
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return c, nil
}

// Problem is a mistake in a value that shows only when it is used; code is one of
// Codes, and key leads to the value from the top: "cloud", "ca_file".
func (c *Config) Problem(code, message, hint string, key ...string) diagnostic.Diagnostic {
	if c.doc == nil {
		return about(diagnostic.Diagnostic{File: cmp.Or(c.File, Name), Message: message, Hint: hint}, code, key)
	}
	return mistake(c.doc, code, message, hint, key...)
}

// Setting names a key for a message: with its place where it is set, else with
// the file that it would have to be set in.
func (c *Config) Setting(key ...string) string {
	name := strings.Join(key, ".")
	if c.doc == nil {
		return name + " in " + Name
	}
	if !c.doc.Has(key...) {
		return name + " in " + c.File
	}
	line, column := c.doc.Place(key...)
	return fmt.Sprintf("%s (%s:%d:%d)", name, c.File, line, column)
}

func value[T any](pointer *T) (value T) {
	if pointer != nil {
		value = *pointer
	}
	return value
}
