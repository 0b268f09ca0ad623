package transport

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ksrelease/ksrelease/internal/regularfile"
)

// Server is one that the configuration names, and how errors name what is
// configured of it.
type Server struct {
	// Address is its URL. What is said here is for its host and port alone.
	Address string
	// Setting says where Address stands: "cloud.server (.ksrelease.yaml:3:11)".
	Setting string
	// CASetting says where a file of authorities stands, or would have to; empty
	// where there is no such setting.
	CASetting string
	// RootCAs are the authorities that may have signed its certificate, those of
	// the system among them; see LoadRootCAs. Nil: those of the system.
	RootCAs *x509.CertPool
}

// maxAuthorities is the largest file of authorities that is read, in bytes: five times
// that of all that browsers trust.
const maxAuthorities = 1 << 20

// LoadRootCAs reads certificate authorities (PEM) that are trusted besides
// those of the system, for a server inside a company. The file is a regular one of
// at most 1 MiB. An error says what is wrong with the file, and has a Hint. It shows
// nothing of what the file holds: a config may name any file of the machine.
func LoadRootCAs(file string) (*x509.CertPool, error) {
	data, err := regularfile.Read(file, maxAuthorities)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &advised{err, "there is no file " + file, "a relative path starts at the folder of the config"}
	case err != nil:
		return nil, &advised{err, fmt.Sprintf("%s cannot be read: %s", file, err), "name a file with certificates that can be read"}
	}
	authorities, err := parseCertificates(file, data)
	if err != nil {
		return nil, err
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		// A system without any authorities still has those of the file.
		pool = x509.NewCertPool()
	}
	for _, authority := range authorities {
		pool.AddCert(authority)
	}
	return pool, nil
}

// parseCertificates reads the certificates of a file, one of which at least has
// to be good today.
func parseCertificates(file string, data []byte) ([]*x509.Certificate, error) {
	var found []*x509.Certificate
	var last time.Time
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, &advised{err, fmt.Sprintf("certificate %d in %s is damaged", len(found)+1, file), "export it again"}
		}
		found = append(found, certificate)
		if certificate.NotAfter.After(last) {
			last = certificate.NotAfter
		}
	}
	switch {
	case len(found) == 0:
		return nil, &advised{
			errors.New("no certificate"), file + " holds no certificate in PEM (-----BEGIN CERTIFICATE-----)",
			"where it is binary: openssl x509 -inform der -in FILE -out ca.pem",
		}
	case time.Now().After(last):
		return nil, &advised{
			errors.New("expired"), file + " holds no certificate that is still good: all have expired",
			"put in the authority's present certificate",
		}
	}
	return found, nil
}

// isPlainRemote says that an address is plain http to another machine than
// this one, so that credentials and packages could be read on the way.
func isPlainRemote(u *url.URL) bool {
	if !strings.EqualFold(u.Scheme, "http") {
		return false
	}
	host := strings.ToLower(u.Hostname())
	ip := net.ParseIP(host)
	return host != "localhost" && (ip == nil || !ip.IsLoopback())
}

// network sends each request by connections that trust what its server is
// known by: an authority of one server is nobody for all others.
type network struct {
	common *http.Transport
	own    map[string]*http.Transport // by host and port
}

func newNetwork(o Options) *network {
	n := &network{common: newHTTPTransport(o, nil), own: map[string]*http.Transport{}}
	for _, server := range o.Servers {
		u, err := url.Parse(server.Address)
		if err != nil || server.RootCAs == nil {
			continue // whoever sends to such an address says what is wrong with it
		}
		n.own[hostPort(u)] = newHTTPTransport(o, server.RootCAs)
	}
	return n
}

// RoundTrip sends a request.
func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	if own, ok := n.own[hostPort(r.URL)]; ok {
		return own.RoundTrip(r)
	}
	return n.common.RoundTrip(r)
}

// CloseIdleConnections closes the connections that are kept for reuse.
func (n *network) CloseIdleConnections() {
	n.common.CloseIdleConnections()
	for _, own := range n.own {
		own.CloseIdleConnections()
	}
}

// explainCertificate says what is wrong with the certificate of a server, and
// which setting would fix it; nil where err is about something else.
func (c *Client) explainCertificate(err error, at *url.URL) error {
	var (
		unknown  x509.UnknownAuthorityError
		wrong    x509.HostnameError
		invalid  x509.CertificateInvalidError
		verified *tls.CertificateVerificationError
	)
	known := c.serverAt(at)
	switch {
	case errors.As(err, &unknown):
		issuer := ""
		if unknown.Cert != nil {
			issuer = fmt.Sprintf(" (%s)", unknown.Cert.Issuer)
		}
		return &advised{err, fmt.Sprintf("the certificate of %s is signed by an authority that is not known%s: %s", at.Host, issuer, x509Text(unknown)), known.trustAdvice()}
	case errors.As(err, &wrong):
		advice := "use a name that the certificate is for"
		if known.Setting != "" {
			advice = "set " + known.Setting + " to a name that the certificate is for"
		}
		return &advised{err, fmt.Sprintf("the certificate of %s is for another host: %s", at.Host, x509Text(wrong)), advice}
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		advice := "the server's certificate has to be renewed; check the clock of this machine, too"
		if invalid.Cert != nil && invalid.Cert.IsCA && known.CASetting != "" {
			advice = "put the authority's present certificate into the file of " + known.CASetting + "; check the clock of this machine, too"
		}
		return &advised{err, fmt.Sprintf("the certificate of %s is not good today: %s", at.Host, x509Text(invalid)), advice}
	case errors.As(err, &verified):
		return &advised{err, fmt.Sprintf("the certificate of %s is not accepted: %s", at.Host, x509Text(verified.Err)), "the server's certificate has to be fixed"}
	}
	return nil
}

func x509Text(err error) string { return strings.TrimPrefix(err.Error(), "x509: ") }

// serverAt is what is configured of the server at an address.
func (c *Client) serverAt(at *url.URL) Server {
	for _, server := range c.options.Servers {
		if u, err := url.Parse(server.Address); err == nil && hostPort(u) == hostPort(at) {
			return server
		}
	}
	return Server{}
}

// trustAdvice is what to do about an authority that is not known.
func (s Server) trustAdvice() string {
	switch {
	case s.CASetting == "":
		return "if the server's certificate comes from an authority of your own, add it to the system's"
	case s.RootCAs == nil:
		return "if it is an authority of your own, name the file with its certificate in " + s.CASetting + ", or add it to the system's"
	}
	return "put the certificate of that authority into the file of " + s.CASetting
}
