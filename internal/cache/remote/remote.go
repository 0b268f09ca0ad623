// Package remote has the places in which machines share a cache: a folder that several of them have
// mounted, and a repository of a registry. What an entry is, when a place is asked and what is
// believed of its answers is known to package cache.
package remote

// place is what all of them have in common.
type place struct {
	address  string
	readOnly bool
	close    func()
}

// Address is where it is, as the user has written it.
func (p place) Address() string { return p.address }

// ReadOnly says that nothing is to be stored.
func (p place) ReadOnly() bool { return p.readOnly }

// Close gives back its connections.
func (p place) Close() {
	if p.close != nil {
		p.close()
	}
}
