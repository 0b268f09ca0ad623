// Package canary finds secrets in what tests print and leave behind: promise
// P12 of docs/reliability.md. A test runs ksrelease with the secrets of this
// package (Environment) and hands every output and every file to a Watch, which
// knows each secret in all the forms in which one gets out: plain, in base64 at
// any alignment, in hex, percent-encoded, escaped for JSON, XML or HTML, folded
// over lines, in part.
//
//	watch := canary.New()
//	command.Env = append(command.Env, canary.Environment()...)
//	watch.Check(t, "standard output and error", printed)
//	watch.CheckTree(t, workDir, "config/ksrelease/credentials.json")
//
// It searches; what a run is, and where its outputs are, the tests know.
// Nothing that ships may import it.
package canary

import (
	"encoding/base64"
	"net/url"
)

// The secrets of tests. Those that may hold any character hold some of each
// kind that an encoding changes.
const (
	// Token has the shape of an API key, which a local marketplace takes.
	Token = "kck-c4a917b2-6d3e-4f58-9a0c-e1b27d5f8c64"
	// Username and Password are for the Helm repository. The name is no secret.
	Username = "canary"
	Password = `pw+Zq7/tW:9"mX&4<vL%2>hüR'8k`
	// ProxyUsername and ProxyPassword are for the proxy. The names are shorter
	// than what is reported as a part of a secret, in base64, too.
	ProxyUsername = "proxy-me"
	ProxyPassword = `px-R3j?Nb@6#yE=1 "Gd/5;s:U`
)

// ProxyAddress is nobody's: nothing listens on the port for discarding.
const ProxyAddress = "127.0.0.1:9"

// Environment sets all the secrets, as NAME=value. The proxy is at ProxyAddress;
// requests to this machine do not go through a proxy, and all others fail.
func Environment() []string {
	proxy := ProxyURL(ProxyAddress)
	return []string{
		"KSRELEASE_TOKEN=" + Token,
		"KSRELEASE_REPOSITORY_USERNAME=" + Username,
		"KSRELEASE_REPOSITORY_PASSWORD=" + Password,
		"HTTPS_PROXY=" + proxy, "HTTP_PROXY=" + proxy,
	}
}

// ProxyURL is the address of a proxy at host:port, with the secret in it.
func ProxyURL(address string) string {
	return (&url.URL{Scheme: "http", Host: address, User: url.UserPassword(ProxyUsername, ProxyPassword)}).String()
}

// Secret is a value that must not get out.
type Secret struct {
	// Name stands for it in reports, which show no secret either.
	Name  string
	Value string
}

// Secrets are those of this package, and what basic authentication makes of
// them.
func Secrets() []Secret {
	return []Secret{
		{"the API key", Token},
		{"the password of the Helm repository", Password},
		{"user and password of the Helm repository", Username + ":" + Password},
		{"the password of the proxy", ProxyPassword},
		{"user and password of the proxy", ProxyUsername + ":" + ProxyPassword},
	}
}

// Basic is the value of an Authorization header.
func Basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}
