package places

import (
	"errors"
	"net/url"

	"github.com/ksrelease/ksrelease/internal/credentials"
	"github.com/ksrelease/ksrelease/internal/doctor/checks"
	"github.com/ksrelease/ksrelease/internal/redact"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/kscloud"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// The variables for a Helm repository that asks for a user and password.
const (
	RepositoryUser     = "KSRELEASE_REPOSITORY_USERNAME"
	RepositoryPassword = "KSRELEASE_REPOSITORY_PASSWORD"
)

// marketplace is that of cloud and repository.
func (m *Maker) marketplace() (target.Place, error) {
	c := m.Config
	servers, err := Servers(c, m.Display)
	if err != nil {
		return target.Place{}, err
	}
	web := m.Client(transport.Options{Parallelism: m.Parallelism, Dial: m.Connect, Servers: servers, Warn: m.Warn})
	m.ends = append(m.ends, web.Close)
	user, _ := m.Env(RepositoryUser)
	password, _ := m.Env(RepositoryPassword)
	options := kscloud.Options{
		Server: c.Cloud.Server, RepositoryURL: c.Repository.URL, Username: user, Password: password,
		PasswordRefused: "set " + RepositoryUser + " and " + RepositoryPassword,
		Transport:       web, UserAgent: m.UserAgent, Cache: m.Cache,
	}
	store, err := credentials.Default(m.Env)
	if err != nil {
		return target.Place{}, err
	}
	token, warnings, err := store.Find(c.Cloud.Server)
	for _, w := range warnings {
		m.Warn(w)
	}
	switch {
	case errors.Is(err, credentials.ErrNotFound):
	case err != nil:
		return target.Place{}, err
	default:
		m.Redact.Add(token.Value())
		options.Key, options.KeyRefused = token.Value(), hintOnKey(token.Source())
	}
	cloud, err := kscloud.New(options)
	if err != nil {
		return target.Place{}, err
	}
	m.checks = checks.Places{Server: c.Cloud.Server, Repository: c.Repository.URL, Key: options.Key, Source: token.Source()}
	place := target.Marketplace(cloud)
	place.URL, place.Repository = redact.URL(c.Cloud.Server), redact.URL(c.Repository.URL)
	if at, err := url.Parse(c.Repository.URL); err == nil { // KubeSphere resolves addresses against the host alone
		place.Base = at.Scheme + "://" + at.Host
	}
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
