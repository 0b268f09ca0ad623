package app

import (
	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// Servers are the two that the config names, with the authorities that it names
// for them. A file of authorities that cannot be used is reported at its place.
func (p *Project) Servers() ([]transport.Server, error) {
	var wrong diagnostic.List
	servers := []transport.Server{
		p.server("cloud", "server", p.Config.Cloud.Server, p.Config.Cloud.CAFile, &wrong),
		p.server("repository", "url", p.Config.Repository.URL, p.Config.Repository.CAFile, &wrong),
	}
	return servers, wrong.Err()
}

func (p *Project) server(section, key, address, caFile string, wrong *diagnostic.List) transport.Server {
	s := transport.Server{
		Address: address, Setting: p.Config.Setting(section, key), CASetting: p.Config.Setting(section, "ca_file"),
	}
	if caFile == "" {
		return s
	}
	pool, err := transport.LoadRootCAs(Display(caFile))
	if err != nil {
		*wrong = append(*wrong, p.Config.Problem(config.CodeUnusableCAFile, section+".ca_file: "+err.Error(), failure.Hint(err), section, "ca_file"))
	}
	s.RootCAs = pool
	return s
}
