package dependency

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Guard keeps requests for dependencies from addresses that nobody meant. What an
// extension names may come from a pull request of a stranger, and what an index, a
// redirect or a registry names from whoever runs that server; the machine that asks may
// stand in a network where others answer, such as the metadata service of a cloud.
//
// What extension.yaml names itself may be on this machine or in a private network. What
// it leads to may be no nearer than that: a public repository leads to public addresses
// alone, a private one to private ones too. Link-local addresses, where clouds have
// their metadata, are refused whoever names them. Names are judged by the addresses to
// which connections are made, so that a name with another address at each look-up
// passes no more than the address itself.
//
// Behind a proxy it is the proxy that looks up names, and only addresses that are
// written as such can be judged.
//
// A Guard is safe for concurrent use.
type Guard struct {
	// Proxy chooses the proxy of a request.
	Proxy func(*http.Request) (*url.URL, error)

	ranges  []netip.Prefix
	names   map[string]bool
	reached sync.Map // how near a server is, by host and port
	proxies sync.Map // the proxies that are in use, by host and port
}

// nearness is how near an address is.
type nearness int

const (
	public   nearness = iota
	private           // in a private network
	loopback          // on this machine
	special           // link-local and others that are no address of a server
)

// String names it in a message.
func (n nearness) String() string {
	return [...]string{"public", "private", "this machine's own", "link-local or special"}[n]
}

// NewGuard makes a guard that lets addresses pass besides: IP addresses, ranges of them
// (10.0.0.0/8) and names of hosts, with commas between them.
func NewGuard(allowed string) (*Guard, error) {
	g := &Guard{Proxy: http.ProxyFromEnvironment, names: map[string]bool{}}
	for entry := range strings.SplitSeq(allowed, ",") {
		if entry = strings.ToLower(strings.TrimSpace(entry)); entry == "" {
			continue
		}
		if prefix, err := netip.ParsePrefix(entry); err == nil {
			g.ranges = append(g.ranges, prefix.Masked())
		} else if address, err := netip.ParseAddr(strings.Trim(entry, "[]")); err == nil {
			g.ranges = append(g.ranges, netip.PrefixFrom(address, address.BitLen()))
		} else if strings.ContainsAny(entry, "/:@ ") {
			return nil, fmt.Errorf("%q is neither an address, a range of addresses nor the name of a host", entry)
		} else {
			g.names[entry] = true
		}
	}
	return g, nil
}

// BlockedError is a request that a Guard does not let pass.
type BlockedError struct {
	Host    string
	Address netip.Addr
	Near    nearness
}

// Error names the host and its address.
func (e *BlockedError) Error() string {
	at := e.Host
	if e.Address.IsValid() && e.Address.String() != at {
		at += " (" + e.Address.String() + ")"
	}
	if e.Near == special {
		return fmt.Sprintf("nothing is asked of %s: that is a link-local or special address, such as clouds have their metadata at", at)
	}
	return fmt.Sprintf("nothing is asked of %s: that is %s address, and extension.yaml does not name it", at, map[nearness]string{private: "a private", loopback: "this machine's own"}[e.Near])
}

// Hint is what to do where the address is meant.
func (e *BlockedError) Hint() string {
	return "if it is meant, allow it where ksrelease runs: KSRELEASE_DEPENDENCY_HOSTS=" + e.Host
}

// Permanent says that asking again is in vain.
func (e *BlockedError) Permanent() bool { return true }

// origin is the repository that extension.yaml names for what is being asked.
type origin struct{ server string }

type originKey struct{}

// from says in a context which repository is being asked.
func from(ctx context.Context, repository string) context.Context {
	if u, err := url.Parse(repository); err == nil {
		return context.WithValue(ctx, originKey{}, origin{serverOf(u)})
	}
	return ctx
}

// serverOf is host and port of an address. Registries are spoken to by https, and
// without TLS on this machine.
func serverOf(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "443"
		if u.Scheme == "http" || u.Scheme == "oci" && isLoopback(u.Host) {
			port = "80"
		}
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// limit is how near a server may be that is asked in a context.
func (g *Guard) limit(ctx context.Context, server string) nearness {
	named, ok := ctx.Value(originKey{}).(origin)
	if !ok {
		return public
	}
	if named.server == server {
		return loopback
	}
	if near, known := g.reached.Load(named.server); known {
		return near.(nearness)
	}
	return public
}

// Admit refuses a request to a server that is known to be too near. Those that are not
// known yet are judged when they are dialled; a connection that is there is used again.
func (g *Guard) Admit(r *http.Request) error {
	server := serverOf(r.URL)
	if proxy, err := g.Proxy(r); err == nil && proxy != nil {
		g.proxies.Store(serverOf(proxy), true)
	}
	if address, ok := addressIn(r.URL.Hostname()); ok {
		return g.judge(r.Context(), server, address)
	}
	if near, known := g.reached.Load(server); known && !g.names[strings.ToLower(r.URL.Hostname())] && near.(nearness) > g.limit(r.Context(), server) {
		return &BlockedError{Host: r.URL.Hostname(), Near: near.(nearness)}
	}
	return nil
}

// addressIn is the address that a host stands for by itself. Resolvers, and proxies,
// take IPv4 in the older forms of inet_aton(3), too: as one number, in fewer parts,
// octal and hexadecimal (POSIX, inet_addr).
func addressIn(host string) (netip.Addr, bool) {
	host = strings.TrimSuffix(host, ".")
	if address, err := netip.ParseAddr(host); err == nil {
		return address, true
	}
	parts := strings.Split(host, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var whole uint64
	for i, part := range parts {
		value, err := strconv.ParseUint(part, 0, 32)
		bits := 8
		if i == len(parts)-1 {
			bits = 8 * (4 - i)
		}
		if err != nil || strings.ContainsAny(part, "_oObB") || value >= 1<<bits {
			return netip.Addr{}, false
		}
		whole = whole<<bits | value
	}
	return netip.AddrFrom4([4]byte{byte(whole >> 24), byte(whole >> 16), byte(whole >> 8), byte(whole)}), true
}

// judge says whether an address may be asked, and remembers how near it is.
func (g *Guard) judge(ctx context.Context, server string, address netip.Addr) error {
	host, _, err := net.SplitHostPort(server)
	if err != nil {
		return err
	}
	address = address.Unmap().WithZone("")
	near := nearnessOf(address)
	for _, allowed := range g.ranges {
		if allowed.Contains(address) {
			near = public
		}
	}
	if g.names[host] {
		near = public
	}
	if near > g.limit(ctx, server) {
		return &BlockedError{Host: host, Address: address, Near: near}
	}
	if known, ok := g.reached.Load(server); !ok || near > known.(nearness) {
		g.reached.Store(server, near)
	}
	return nil
}

// Dial makes a connection, if the address that the name of the server has at this
// moment may be asked.
func (g *Guard) Dial(ctx context.Context, network, server string) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}
	if _, proxy := g.proxies.Load(strings.ToLower(server)); !proxy {
		dialer.ControlContext = func(ctx context.Context, _, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			if err != nil {
				return fmt.Errorf("the address %q cannot be judged: %w", address, err)
			}
			return g.judge(ctx, strings.ToLower(server), at.Addr())
		}
	}
	return dialer.DialContext(ctx, network, server)
}

// sharedSpace is what providers use for their customers (RFC 6598), awsMetadata the
// metadata service of AWS by IPv6, and translated what stands for IPv4 addresses within
// IPv6 (RFC 6052, RFC 3056).
var (
	sharedSpace = netip.MustParsePrefix("100.64.0.0/10")
	thisNetwork = netip.MustParsePrefix("0.0.0.0/8")
	awsMetadata = netip.MustParseAddr("fd00:ec2::254")
	alibaba     = netip.MustParseAddr("100.100.100.200")
	nat64       = netip.MustParsePrefix("64:ff9b::/96")
	sixToFour   = netip.MustParsePrefix("2002::/16")
)

func nearnessOf(a netip.Addr) nearness {
	if bytes := a.As16(); a.Is6() && nat64.Contains(a) {
		return nearnessOf(netip.AddrFrom4([4]byte(bytes[12:16])))
	} else if a.Is6() && sixToFour.Contains(a) {
		return nearnessOf(netip.AddrFrom4([4]byte(bytes[2:6])))
	}
	switch {
	case a.IsUnspecified(), a.IsMulticast(), a.IsLinkLocalUnicast(), a == awsMetadata, a == alibaba,
		thisNetwork.Contains(a), a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return special
	case a.IsLoopback():
		return loopback
	case a.IsPrivate(), sharedSpace.Contains(a):
		return private
	}
	return public
}
