package app

import (
	"errors"

	"github.com/ksrelease/ksrelease/internal/credentials"
	"github.com/ksrelease/ksrelease/internal/doctor/checks"
	"github.com/ksrelease/ksrelease/internal/redact"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/kscloud"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// marketplace is that of cloud and repository.
func (m *placeMaker) marketplace() (target.Place, error) {
	a, c := m.app, m.project.Config
	servers, err := m.project.Servers()
	if err != nil {
		return target.Place{}, err
	}
	web := a.Client(transport.Options{Parallelism: m.parallelism, Dial: a.Connect, Servers: servers, Warn: a.Warnings.Add})
	m.ends = append(m.ends, web.Close)
	user, _ := a.Env(RepositoryUser)
	password, _ := a.Env(repositoryPassword)
	options := kscloud.Options{
		Server: c.Cloud.Server, RepositoryURL: c.Repository.URL, Username: user, Password: password,
		PasswordRefused: "set " + RepositoryUser + " and " + repositoryPassword,
		Transport:       web, UserAgent: UserAgent(),
	}
	store, err := credentials.Default(a.Env)
	if err != nil {
		return target.Place{}, err
	}
	token, warnings, err := store.Find(c.Cloud.Server)
	for _, w := range warnings {
		a.Warnings.Add(w)
	}
	switch {
	case errors.Is(err, credentials.ErrNotFound):
	case err != nil:
		return target.Place{}, err
	default:
		a.Redact.Add(token.Value())
		options.Key, options.KeyRefused = token.Value(), hintOnKey(token.Source())
	}
	cloud, err := kscloud.New(options)
	if err != nil {
		return target.Place{}, err
	}
	m.checks = checks.Places{Server: c.Cloud.Server, Repository: c.Repository.URL, Key: options.Key, Source: token.Source()}
	place := target.Marketplace(cloud)
	place.URL = redact.URL(c.Cloud.Server)
	return place, nil
}

// hintOnKey says what to do about a key that was refused, and which of the keys that may
// be lying about it is. source is where it was found.
func hintOnKey(source string) string {
	if source == credentials.Variable {
		return "the API key of " + source + " was refused: put a valid one there, or unset it and run ksrelease login"
	}
	return "the API key of " + source + " was refused: run ksrelease login, or set " + credentials.Variable
}
