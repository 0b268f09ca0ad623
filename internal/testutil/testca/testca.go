// Package testca makes certificate authorities for tests, and servers that show
// certificates of them: over TLS as a company has it that signs for itself.
// Nothing that ships may import it.
package testca

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Authority signs certificates.
type Authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// New makes an authority of that name, which is good for an hour.
func New(tb testing.TB, name string) *Authority {
	tb.Helper()
	return NewUntil(tb, name, time.Now().Add(time.Hour))
}

// NewUntil makes an authority that is good until a moment, which may be past.
func NewUntil(tb testing.TB, name string, until time.Time) *Authority {
	tb.Helper()
	template := template(name, until)
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign
	a := &Authority{}
	a.certificate, a.key = sign(tb, template, nil)
	return a
}

func template(name string, until time.Time) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(until.UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    until.Add(-24 * time.Hour),
		NotAfter:     until,
	}
}

// sign makes the certificate and its key; by nil it is signed by itself.
func sign(tb testing.TB, template *x509.Certificate, by *Authority) (*x509.Certificate, *ecdsa.PrivateKey) {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	parent, signer := template, key
	if by != nil {
		parent, signer = by.certificate, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		tb.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return certificate, key
}

// PEM is the authority's certificate, as a ca_file holds it.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
}

// File writes the certificate to a folder of the test and names the file.
func (a *Authority) File(tb testing.TB) string {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), "ca.pem")
	if err := os.WriteFile(file, a.PEM(), 0o600); err != nil {
		tb.Fatal(err)
	}
	return file
}

// Serve serves on a port of this machine with a certificate of the authority,
// for the host 127.0.0.1 or for others, for as long as the test goes on.
func (a *Authority) Serve(tb testing.TB, handler http.Handler, hosts ...string) *httptest.Server {
	tb.Helper()
	return a.ServeUntil(tb, handler, time.Now().Add(time.Hour), hosts...)
}

// ServeUntil does so with a certificate that is good until a moment.
func (a *Authority) ServeUntil(tb testing.TB, handler http.Handler, until time.Time, hosts ...string) *httptest.Server {
	tb.Helper()
	server := a.Start(tb, handler, until, hosts...)
	tb.Cleanup(server.Close)
	return server
}

// Start leaves the closing to the caller.
func (a *Authority) Start(tb testing.TB, handler http.Handler, until time.Time, hosts ...string) *httptest.Server {
	tb.Helper()
	if len(hosts) == 0 {
		hosts = []string{"127.0.0.1"}
	}
	certificate, key := a.forHosts(tb, until, hosts)
	server := httptest.NewUnstartedServer(handler)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{certificate.Raw}, PrivateKey: key}}}
	// Handshakes that fail are what these tests are about.
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	return server
}

// forHosts makes the certificate of a server, and its key.
func (a *Authority) forHosts(tb testing.TB, until time.Time, hosts []string) (*x509.Certificate, *ecdsa.PrivateKey) {
	tb.Helper()
	template := template(hosts[0], until)
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	return sign(tb, template, a)
}

// Files writes the certificate of a server, and its key, for one that is a process of its own.
func (a *Authority) Files(tb testing.TB, hosts ...string) (certificate, key string) {
	tb.Helper()
	signed, private := a.forHosts(tb, time.Now().Add(time.Hour), hosts)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		tb.Fatal(err)
	}
	dir := tb.TempDir()
	certificate, key = filepath.Join(dir, "certificate.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{
		certificate: {Type: "CERTIFICATE", Bytes: signed.Raw},
		key:         {Type: "PRIVATE KEY", Bytes: der},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	return certificate, key
}
