package app

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/lazyregexp"
	"github.com/ksrelease/ksrelease/internal/registry"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// mirrorsVariable names registries that are asked in place of others: FROM=TO, with commas between
// them. It is no key of the config: which mirrors there are is known where ksrelease runs.
const mirrorsVariable = "KSRELEASE_REGISTRY_MIRRORS"

// RegistryHost is a registry of which more is known than its name.
type RegistryHost struct {
	Host      string // HOST[:PORT]
	CAFile    string // absolute, or as the user typed it; empty: the authorities of the system are all
	PlainHTTP bool
}

// Registries makes a client of any number of registries, with the logins of docker and helm, until
// close is called. Images are named by extensions, which may be those of strangers: nothing is asked of
// link-local addresses, where clouds have their metadata.
func (a *App) Registries(hosts []RegistryHost, parallelism int) (client *registry.Client, close func(), err error) {
	options := registry.Options{UserAgent: UserAgent(), DockerConfigs: a.registryConfigs(), PlainHTTP: map[string]bool{}}
	if options.Mirrors, err = a.registryMirrors(); err != nil {
		return nil, nil, err
	}
	web := transport.Options{Parallelism: parallelism, Warn: a.Warnings.Add, Dial: a.publicDial()}
	known := map[string]bool{}
	for _, h := range hosts {
		known[h.Host] = true
		if h.PlainHTTP {
			options.PlainHTTP[h.Host] = true
		}
		if h.CAFile == "" {
			continue
		}
		pool, err := transport.LoadRootCAs(Display(h.CAFile))
		if err != nil {
			return nil, nil, Usage(err, failure.Hint(err))
		}
		web.Servers = append(web.Servers, transport.Server{Address: "https://" + h.Host, RootCAs: pool})
	}
	options.Quoted = func(host string) bool { return known[host] }
	options.Transport = a.Client(web)
	return registry.New(options), options.Transport.Close, nil
}

// Downloads makes a client for addresses that extensions name, such as those of pictures. Nothing is asked of link-local
// addresses there, either.
func (a *App) Downloads(parallelism int) *transport.Client {
	return a.Client(transport.Options{Parallelism: parallelism, Warn: a.Warnings.Add, Dial: a.publicDial()})
}

// publicDial connects to any address but link-local ones.
func (a *App) publicDial() func(ctx context.Context, network, address string) (net.Conn, error) {
	if a.Connect != nil {
		return a.Connect
	}
	dialer := &net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second, Control: refuseLinkLocal}
	return dialer.DialContext
}

var platformForm = lazyregexp.New(config.PlatformPattern)

// CheckPlatforms says which value of a flag --platform is none.
func CheckPlatforms(names []string) error {
	for _, name := range names {
		if !platformForm.MatchString(name) {
			return Usage(fmt.Errorf("--platform: %q is no platform such as linux/amd64 or linux/arm64/v8", name), "")
		}
	}
	return nil
}

// registryMirrors are the registries that are asked in place of others.
func (a *App) registryMirrors() ([]registry.Mirror, error) {
	text, _ := a.Env(mirrorsVariable)
	mirrors, err := parseMirrors(text)
	if err != nil {
		return nil, Usage(fmt.Errorf("%s: %w", mirrorsVariable, err), "write FROM=TO, with commas between them: docker.io=mirror.example.com/hub")
	}
	return mirrors, nil
}

// parseMirrors reads FROM=TO,FROM=TO.
func parseMirrors(text string) (mirrors []registry.Mirror, err error) {
	for entry := range strings.SplitSeq(text, ",") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		from, to, ok := strings.Cut(entry, "=")
		from, to = strings.Trim(strings.TrimSpace(from), "/"), strings.Trim(strings.TrimSpace(to), "/")
		if !ok || from == "" || to == "" || strings.ContainsAny(from+to, "=@ ?#") || strings.Contains(from+to, "://") {
			return nil, fmt.Errorf("%q does not say which registry is asked in place of which", entry)
		}
		mirrors = append(mirrors, registry.Mirror{From: from, To: to})
	}
	return mirrors, nil
}

// refuseLinkLocal keeps a connection from being made to an address that no registry has.
func refuseLinkLocal(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err == nil && at.Addr().Unmap().IsLinkLocalUnicast() {
		return &linkLocalError{at.Addr()}
	}
	return nil
}

type linkLocalError struct{ address netip.Addr }

func (e *linkLocalError) Error() string {
	return fmt.Sprintf("nothing is asked of %s: that is a link-local address, such as clouds have their metadata at", e.address)
}

// Permanent says that asking again is in vain.
func (e *linkLocalError) Permanent() bool { return true }
