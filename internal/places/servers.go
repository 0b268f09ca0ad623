package places

import (
	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// Servers are the two that a config names for its marketplace, with the authorities that it names
// for them. A file of authorities that cannot be used is reported at its place.
func Servers(c *config.Config, display func(path string) string) ([]transport.Server, error) {
	var wrong diagnostic.List
	servers := []transport.Server{
		server(c, display, "cloud", "server", c.Cloud.Server, c.Cloud.CAFile, &wrong),
		server(c, display, "repository", "url", c.Repository.URL, c.Repository.CAFile, &wrong),
	}
	return servers, wrong.Err()
}

func server(c *config.Config, display func(string) string, section, key, address, caFile string, wrong *diagnostic.List) transport.Server {
	s := transport.Server{
		Address: address, Setting: c.Setting(section, key), CASetting: c.Setting(section, "ca_file"),
	}
	if caFile == "" {
		return s
	}
	pool, err := transport.LoadRootCAs(display(caFile))
	if err != nil {
		*wrong = append(*wrong, c.Problem(config.CodeUnusableCAFile, section+".ca_file: "+err.Error(), failure.Hint(err), section, "ca_file"))
	}
	s.RootCAs = pool
	return s
}
