package app

import (
	"fmt"
	"os"
	"path/filepath"

	"helm.sh/helm/v3/pkg/helmpath"

	"github.com/ksrelease/ksrelease/internal/cache"
	"github.com/ksrelease/ksrelease/internal/dependency"
	"github.com/ksrelease/ksrelease/internal/places"
	"github.com/ksrelease/ksrelease/internal/transport"
	"github.com/ksrelease/ksrelease/pipeline"
)

// dependencies brings in the charts that extensions name by a repository. It
// has connections of its own: what a chart repository asks of its clients is
// nothing to the marketplace.
type dependencies struct {
	*dependency.Resolver
	close func()
}

// dependencyHosts names the hosts and addresses that dependencies may come from besides
// public ones. It is no key of the config, for whoever changes a dependency in a pull
// request could change that, too.
const dependencyHosts = "KSRELEASE_DEPENDENCY_HOSTS"

var _ pipeline.Resolver = dependencies{}

// dependencies makes the resolver of a project.
func (a *App) dependencies(p *Project) (dependencies, error) {
	servers, err := p.Servers()
	if err != nil {
		return dependencies{}, err
	}
	allowed, _ := a.Env(dependencyHosts)
	guard, err := dependency.NewGuard(allowed)
	if err != nil {
		return dependencies{}, Usage(fmt.Errorf("%s: %w", dependencyHosts, err), "write addresses, ranges of them and names of hosts, with commas between them: 10.0.0.0/8,charts.internal")
	}
	web := a.Client(transport.Options{
		Parallelism: p.Config.Parallelism, Servers: servers, Warn: a.Warnings.Add, Dial: guard.Dial, Admit: guard.Admit,
	})
	user, _ := a.Env(places.RepositoryUser)
	password, _ := a.Env(places.RepositoryPassword)
	options := dependency.Options{
		Root: p.Root, Transport: web, UserAgent: UserAgent(),
		RepositoryURL: p.Config.Repository.URL, Username: user, Password: password,
		RegistryConfigs: a.registryConfigs(),
		Cache:           a.CacheFolder(cache.Charts), // without one, charts are downloaded each time
		Indexes:         p.Cache(),
	}
	return dependencies{dependency.New(options), web.Close}, nil
}

// registryConfigs are where helm and docker keep the keys of registries, in the
// order in which helm looks.
func (a *App) registryConfigs() []string {
	helm, ok := a.Env("HELM_REGISTRY_CONFIG")
	if !ok || helm == "" {
		helm = helmpath.ConfigPath("registry", "config.json")
	}
	files := []string{helm}
	if dir, ok := a.Env("DOCKER_CONFIG"); ok && dir != "" {
		return append(files, filepath.Join(dir, "config.json"))
	}
	if home, err := os.UserHomeDir(); err == nil {
		files = append(files, filepath.Join(home, ".docker", "config.json"))
	}
	return files
}
