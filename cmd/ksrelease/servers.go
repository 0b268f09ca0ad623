package main

import (
	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// servers are the two that the config names, with the authorities that it names
// for them. A file of authorities that cannot be used is reported at its place.
func (p *project) servers() ([]transport.Server, error) {
	var wrong diagnostic.List
	servers := []transport.Server{
		p.server("cloud", "server", p.config.Cloud.Server, p.config.Cloud.CAFile, &wrong),
		p.server("repository", "url", p.config.Repository.URL, p.config.Repository.CAFile, &wrong),
	}
	return servers, wrong.Err()
}

func (p *project) server(section, key, address, caFile string, wrong *diagnostic.List) transport.Server {
	s := transport.Server{
		Address: address, Setting: p.config.Setting(section, key), CASetting: p.config.Setting(section, "ca_file"),
	}
	if caFile == "" {
		return s
	}
	pool, err := transport.LoadRootCAs(display(caFile))
	if err != nil {
		*wrong = append(*wrong, p.config.Problem(config.CodeUnusableCAFile, section+".ca_file: "+err.Error(), failure.Hint(err), section, "ca_file"))
	}
	s.RootCAs = pool
	return s
}
