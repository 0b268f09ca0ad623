package places

import (
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/target"
)

// Shown are targets as documents have them. Where the target is a local marketplace, local is its
// folder; else it is empty.
func Shown(targets []target.Place, local string) []results.Place {
	all := make([]results.Place, 0, len(targets))
	for _, at := range targets {
		place := results.Place{Name: at.Name, Kind: at.Kind, URL: at.URL, Repository: at.Repository}
		if local != "" {
			place.URL = local
		}
		all = append(all, place)
	}
	return all
}
