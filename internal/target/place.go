package target

import (
	"net/url"
	"strings"
)

// Place is a target as a project names it: one of those that a run releases to.
type Place struct {
	Target
	// Name is that of the config and of --target. No other target of the project has it. It
	// is the kind where the config gives none.
	Name string
	// Kind is that of the config: "marketplace", "directory", "oci" and so on.
	Kind string
	// URL is where it is, for people: without user, password and key. It may be a path.
	URL string
	// Repository is the Helm repository in which its versions are seen, for people, where that is
	// another address than URL.
	Repository string
	// Base is where relative addresses of its index begin, for people: an address, or a folder.
	// It is empty where nobody can follow them.
	Base string
	// Noun is what messages call it: "the marketplace", "the registry", "the folder".
	Noun string
	// Shows is what messages call the place where its versions are seen, if that is not Noun:
	// "the Helm repository".
	Shows string
	// Takes says whether it is given a version; nil takes all. One that it does not take is not
	// released there, and that is as asked.
	Takes func(name, version string) bool
}

// KindMarketplace is the kind of KubeSphere Cloud, and of what speaks its API.
const KindMarketplace = "marketplace"

// Marketplace is KubeSphere Cloud, or what speaks its API, as the one target of a project that
// names none.
func Marketplace(t Target) Place {
	return Place{Target: t, Name: KindMarketplace, Kind: KindMarketplace, Noun: "the marketplace", Shows: "the Helm repository"}
}

// Key is what it asks for of those who send something, in messages.
func (p Place) Key() string {
	if p.Kind == KindMarketplace || p.Kind == "" {
		return "the API key"
	}
	return "the login"
}

// Shown is what messages call the place where its versions are seen.
func (p Place) Shown() string {
	if p.Shows == "" {
		return p.Noun
	}
	return p.Shows
}

// Address is where people find a package that the target has: an address without user, password and
// query, or a file. It is empty where that is not known; the entry may be nil.
func (p Place) Address(e *Entry) string {
	if e == nil || len(e.URLs) == 0 || e.URLs[0] == "" {
		return ""
	}
	u, err := url.Parse(e.URLs[0])
	if err != nil {
		return ""
	}
	u.User, u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = nil, "", false, "", ""
	switch {
	case u.Host != "":
		return u.String()
	case p.Base == "" || u.Scheme != "":
		return ""
	case !strings.Contains(p.Base, "://") && strings.HasPrefix(u.Path, "/"): // of a host that is not known here
		return ""
	case strings.Contains(p.Base, "://"):
		return strings.TrimRight(p.Base, "/") + "/" + strings.TrimLeft(u.String(), "/")
	}
	return strings.TrimRight(p.Base, "/") + "/" + u.Path
}
