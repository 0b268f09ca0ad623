// Package dependency brings in the charts that an extension names by a
// repository and does not have under charts/: what `helm dependency build` does,
// but in memory. The source tree is only read.
//
// It resolves the dependencies of extension.yaml, as Helm resolves those of the
// chart at hand; what subcharts depend on has to be in them. What a dependency
// should be like is for internal/lint to say, and what the package is made of
// for internal/extension, which is handed the charts.
package dependency

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"
	"helm.sh/helm/v3/pkg/chart"

	indexcache "github.com/ksrelease/ksrelease/internal/cache"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/helmrepo"
	"github.com/ksrelease/ksrelease/internal/redact"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// Options shape a Resolver.
type Options struct {
	// Root is the folder that file:// must not lead out of: that of the config.
	Root string
	// Cache is the folder in which downloaded charts are kept; "" keeps none. It
	// may be deleted at any time.
	Cache string
	// Indexes keeps the indexes of repositories; nil keeps none.
	Indexes *indexcache.Cache
	// Transport sends the requests. It should dial by a Guard, and admit by it.
	Transport *transport.Client
	// UserAgent is sent to registries.
	UserAgent string
	// RepositoryURL, Username and Password are those of the Helm repository in
	// which releases appear. No other server gets the two; a dependency from that
	// one needs them too.
	RepositoryURL, Username, Password string
	// RegistryConfigs are the files, in the format of docker's config.json, in
	// which the keys of OCI registries are looked up. They need not be there, and
	// are never written.
	RegistryConfigs []string
	// Parallelism is how many dependencies of one extension are brought in at
	// once; 0 means 4.
	Parallelism int
}

// Resolver brings in dependencies. What several extensions depend on is
// downloaded once. It is safe for concurrent use.
type Resolver struct {
	options  Options
	cache    cache
	registry *registry
	indexes  memo[*source]
	charts   memo[found]
}

// New makes a resolver; nothing is read yet.
func New(options Options) *Resolver {
	if options.Parallelism <= 0 {
		options.Parallelism = 4
	}
	return &Resolver{options: options, cache: cache{options.Cache}, registry: newRegistry(options)}
}

// source is a Helm repository with its index.
type source struct {
	repository *helmrepo.Repository
	index      *helmrepo.Index
}

// found is a chart that was brought in.
type found struct {
	version string
	data    []byte
}

// want is a dependency that has to be brought in.
type want struct {
	*chart.Dependency
	index  int
	locked string // the version in Chart.lock; "" where there is none
}

// Resolve returns the extension with all its dependencies. dir is the folder of
// its source tree, from which file:// starts; for an archive it is that file.
//
// An extension whose charts are all there comes back as it is, without any
// request. Otherwise Chart.lock decides on the versions, and where there is none
// the highest that satisfy the constraints are taken. The error reports all
// dependencies that cannot be brought in: each is an *Error.
func (r *Resolver) Resolve(ctx context.Context, dir string, ext *extension.Extension) (*extension.Extension, error) {
	wants, err := missing(ext)
	if err != nil || len(wants) == 0 {
		return ext, err
	}
	resolved := make([]extension.Resolved, len(wants))
	failed := make([]error, len(wants))
	var group errgroup.Group
	group.SetLimit(r.options.Parallelism)
	for i, w := range wants {
		group.Go(func() error {
			f, err := r.bring(ctx, dir, w)
			if err != nil {
				failed[i] = located(err, ext, w)
				return nil // the others report theirs
			}
			resolved[i] = extension.Resolved{Dependency: w.index, Name: w.Name, Version: f.version, Locked: w.locked != "", Data: f.data}
			return nil
		})
	}
	_ = group.Wait() // the errors are in failed
	if err := joined(failed); err != nil {
		return nil, err
	}
	return ext.WithCharts(resolved)
}

// missing lists what has to be brought in, with the versions of Chart.lock.
func missing(ext *extension.Extension) ([]want, error) {
	indexes := ext.MissingDependencies()
	if len(indexes) == 0 {
		return nil, nil
	}
	lock, err := ext.Lock()
	var wrong diagnostic.List
	if errors.As(err, &wrong) {
		return nil, wrong.In(ext.Path)
	}
	if err != nil {
		return nil, err
	}
	if lock != nil && !ext.LockInSync(lock) {
		return nil, &Error{
			Err: fmt.Errorf("%s is out of sync with the dependencies in extension.yaml: it was made for others, or edited since",
				filepath.ToSlash(filepath.Join(ext.Path, extension.LockFile))),
			Advice: "make it anew: delete it, and `ksrelease lint` shows the one to put in its place",
		}
	}
	var wants []want
	for _, i := range indexes {
		w := want{Dependency: ext.Metadata.Dependencies[i], index: i}
		if lock != nil {
			w.locked = lock.Dependencies[i].Version
		}
		wants = append(wants, w)
	}
	return wants, nil
}

// bring gets one chart from where its dependency says.
func (r *Resolver) bring(ctx context.Context, dir string, w want) (found, error) {
	if err := w.check(); err != nil {
		return found{}, err
	}
	scheme, _, hasScheme := strings.Cut(w.Repository, "://")
	key := strings.Join([]string{w.Repository, w.Name, w.Version, w.locked}, "\n")
	switch {
	case extension.IsRepositoryAlias(w.Repository):
		return found{}, advised(fmt.Errorf("%q is the name that a repository has on one machine", w.Repository),
			"write its address instead: `helm repo list` shows it")
	case !hasScheme:
		return found{}, advised(fmt.Errorf("%q is no address", w.Repository),
			"write one that begins with https://, oci:// or file://")
	case scheme == "file":
		return r.fromFolder(dir, w)
	case scheme == "http", scheme == "https":
		ctx = from(ctx, w.Repository)
		return r.charts.get(ctx, key, func() (found, error) { return r.fromRepository(ctx, w) })
	case scheme == "oci":
		ctx = from(ctx, w.Repository)
		return r.charts.get(ctx, key, func() (found, error) { return r.fromRegistry(ctx, w) })
	}
	return found{}, advised(fmt.Errorf("repositories with the scheme %s:// need a plugin of Helm", scheme),
		"put the chart under charts/: `helm pull` with the plugin gets it")
}

// check refuses what no repository can answer, or should ever see.
func (w want) check() error {
	if strings.ContainsAny(w.Name, "/\\?#@: ") || w.Name == "." || w.Name == ".." {
		return advised(fmt.Errorf("%q is no name of a chart", w.Name), "write the name alone, and the address in repository")
	}
	if _, err := newConstraint(w.Version); err != nil {
		return advised(fmt.Errorf("its version %q is no constraint", w.Version), "write a version such as 1.2.3, or a range such as ^1.2.0")
	}
	if u, err := url.Parse(w.Repository); err == nil && u.User != nil {
		return advised(errors.New("its repository holds a user or password, and everybody who gets the package can read them"),
			"take them out, and put the chart under charts/")
	}
	return nil
}

// Error is a dependency that could not be brought in.
type Error struct {
	// Dependency and Repository are as extension.yaml has them; both are empty
	// where the error is about all of them.
	Dependency, Repository string
	// Place is where the dependency stands: FILE:LINE:COLUMN.
	Place string
	Err   error
	// Advice is what to do about it; it may be empty.
	Advice string
}

// Error names the dependency, where it stands, the repository and the cause.
func (e *Error) Error() string {
	cause := redact.URLs(e.Err.Error())
	if e.Dependency == "" {
		return cause
	}
	return fmt.Sprintf("the dependency %q from %s (%s): %s", e.Dependency, redact.URL(e.Repository), e.Place, cause)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Hint is what to do about it; where nothing is known here, what the cause says.
func (e *Error) Hint() string {
	var cause interface{ Hint() string }
	if e.Advice == "" && errors.As(e.Err, &cause) {
		return cause.Hint()
	}
	return e.Advice
}

// Unauthorized is false whatever a repository answered: it says nothing about
// the key of the marketplace.
func (e *Error) Unauthorized() bool { return false }

// advised is an error with advice; which dependency it is about comes later.
func advised(err error, advice string) error { return &Error{Err: err, Advice: advice} }

// located says which dependency an error is about.
func located(err error, ext *extension.Extension, w want) error {
	at := &Error{Dependency: w.Name, Repository: w.Repository, Err: err}
	var known *Error
	if errors.As(err, &known) {
		at.Err, at.Advice = known.Err, known.Advice
	}
	pointer := []string{"dependencies", strconv.Itoa(w.index), "repository"}
	line, column := ext.Document.Place(pointer...)
	at.Place = diagnostic.Diagnostic{File: ext.Document.File(), Range: diagnostic.At(line, column)}.In(ext.Path).Position()
	return at
}

// joined is one error of several; their advice is kept, each once.
func joined(errs []error) error {
	var texts, advice []string
	var causes []error
	for _, err := range errs {
		var e *Error
		if !errors.As(err, &e) {
			continue
		}
		causes = append(causes, err)
		texts = append(texts, e.Error())
		if hint := e.Hint(); hint != "" {
			advice = append(advice, e.Dependency+": "+hint)
		}
	}
	switch len(causes) {
	case 0:
		return nil
	case 1:
		return causes[0]
	}
	return &Error{Err: &several{strings.Join(texts, "; "), causes}, Advice: strings.Join(advice, "\n")}
}

// several are errors in one line.
type several struct {
	text string
	errs []error
}

func (s *several) Error() string   { return s.text }
func (s *several) Unwrap() []error { return s.errs }
