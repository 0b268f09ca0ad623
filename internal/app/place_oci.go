package app

import (
	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/registry"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/oci"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// oci is a folder of a registry.
func (m *placeMaker) oci(t config.Target) (target.Place, error) {
	at, err := registry.ParseLocation(t.OCI.URL + "/name")
	if err != nil {
		return target.Place{}, Usage(err, "write oci://HOST/FOLDER, in lower case")
	}
	client, web, err := m.registryOf(t, at.Host, t.OCI.PlainHTTP, "url")
	if err != nil {
		return target.Place{}, err
	}
	folder, err := oci.New(oci.Options{Address: t.OCI.URL, Registry: client, Transport: web})
	if err != nil {
		return target.Place{}, Usage(err, "")
	}
	return target.Place{Target: folder, URL: t.OCI.URL, Noun: "the registry"}, nil
}

// registryOf makes the client of a target for the registry at a host, and the connections
// below it. key leads to the address in the config.
func (m *placeMaker) registryOf(t config.Target, host string, plain bool, key ...string) (*registry.Client, *transport.Client, error) {
	scheme := "https://"
	options := registry.Options{
		UserAgent: UserAgent(), DockerConfigs: m.app.registryConfigs(),
		LoginHint: func(asked string) string {
			if asked != host {
				return "log in: docker login " + asked
			}
			return refused(t) + "; or log in: docker login " + asked
		},
		// Whoever wrote the config knows the registry that it names.
		Quoted: func(asked string) bool { return asked == host },
	}
	switch {
	case plain:
		scheme = "http://"
		options.PlainHTTP = map[string]bool{host: true}
	case t.CAFile() != "":
		// On this machine a registry has TLS where somebody names its authority.
		options.PlainHTTP = map[string]bool{host: false}
	}
	web, err := m.client(t, scheme+host, key...)
	if err != nil {
		return nil, nil, err
	}
	options.Transport = web
	l, err := m.login(t)
	if err != nil {
		return nil, nil, err
	}
	if l != (login{}) {
		options.Logins = map[string]registry.Login{host: {Username: l.user, Password: l.password, Token: l.token}}
	}
	return registry.New(options), web, nil
}
