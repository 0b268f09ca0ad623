package transport

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"os"
)

// LoadRootCAs reads certificate authorities (PEM) that are trusted besides
// those of the system, for a server inside a company. setting names the key of
// the configuration for errors.
func LoadRootCAs(setting, file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", setting, err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		// A system without any authorities still has those of the file.
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("reading %s: %s holds no certificate in PEM (-----BEGIN CERTIFICATE-----)", setting, file)
	}
	return pool, nil
}

// IsPlainRemote says that an address is plain http to another machine than
// this one, so that credentials and packages could be read on the way.
func IsPlainRemote(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" {
		return false
	}
	host := u.Hostname()
	ip := net.ParseIP(host)
	return host != "localhost" && (ip == nil || !ip.IsLoopback())
}
