package places

import (
	"slices"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/registry"
	"github.com/ksrelease/ksrelease/internal/target"
	"github.com/ksrelease/ksrelease/internal/target/oci"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// oci is a folder of a registry.
func (m *Maker) oci(t config.Target) (target.Place, error) {
	at, err := registry.ParseLocation(t.OCI.URL + "/name")
	if err != nil {
		return target.Place{}, usage(err, "write oci://HOST/FOLDER, in lower case")
	}
	client, web, err := m.registryOf(t, "url", t.OCI.PlainHTTP, []string{at.Host})
	if err != nil {
		return target.Place{}, err
	}
	options := oci.Options{Address: t.OCI.URL, Registry: client, Transport: web}
	if m.Keys.SignsData() {
		options.Signer = m.Keys
	}
	folder, err := oci.New(options)
	if err != nil {
		return target.Place{}, usage(err, "")
	}
	return target.Place{Target: folder, URL: t.OCI.URL, Noun: "the registry"}, nil
}

// registryOf makes the client of a target for the registries at hosts, and the connections below
// it. The login of the target is for hosts alone, and what else is known of it (certificates, plain
// http) for others as well. key leads to the addresses in the config.
func (m *Maker) registryOf(t config.Target, key string, plain bool, hosts []string, others ...string) (*registry.Client, *transport.Client, error) {
	l, err := m.login(t)
	if err != nil {
		return nil, nil, err
	}
	options := registry.Options{
		UserAgent: m.UserAgent, DockerConfigs: m.DockerConfigs,
		LoginHint: func(asked string) string {
			if !slices.Contains(hosts, asked) {
				return "log in: docker login " + asked
			}
			if l != (login{}) { // which comes before that of docker
				return refused(t, l)
			}
			return refused(t, l) + "; or log in: docker login " + asked
		},
		PlainHTTP: map[string]bool{}, Logins: map[string]registry.Login{},
	}
	all := slices.Concat(hosts, others)
	slices.Sort(all)
	all = slices.Compact(all)
	if options.Mirrors, err = m.Mirrors(); err != nil { // for what is read, and is no target
		return nil, nil, err
	}
	// Whoever wrote the config knows the registries that it names.
	options.Quoted = func(asked string) bool { return slices.Contains(all, asked) }
	web := transport.Options{Parallelism: m.Parallelism, Dial: m.Connect, Warn: m.Warn}
	for _, host := range all {
		scheme := "https://"
		switch {
		case plain:
			options.PlainHTTP[host], scheme = true, "http://"
		case t.CAFile() != "":
			// On this machine a registry has TLS where somebody names its authority.
			options.PlainHTTP[host] = false
		}
		server, err := m.server(t, scheme+host, key)
		if err != nil {
			return nil, nil, err
		}
		web.Servers = append(web.Servers, server)
		if l != (login{}) && slices.Contains(hosts, host) {
			options.Logins[host] = registry.Login{Username: l.user, Password: l.password, Token: l.token}
		}
	}
	options.Transport = m.Client(web)
	m.ends = append(m.ends, options.Transport.Close)
	return registry.New(options), options.Transport, nil
}
