package places

import (
	"fmt"
	"strings"

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

// NameOfAll is what messages call the targets of a run.
func NameOfAll(all []target.Place) string {
	if len(all) == 1 {
		return all[0].URL
	}
	var names []string
	for _, p := range all {
		names = append(names, p.Name)
	}
	return fmt.Sprintf("%d targets (%s)", len(names), strings.Join(names, ", "))
}
