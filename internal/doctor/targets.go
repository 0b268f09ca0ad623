package doctor

import (
	"context"
	"fmt"

	"github.com/ksrelease/ksrelease/internal/doctor/checks"
	"github.com/ksrelease/ksrelease/internal/target"
)

// Besides are the checks of the targets that are no marketplace. Each is asked for what it shows, but
// for commands and services, of which nobody knows what they do; names are those of the extensions.
func Besides(places []target.Place, names []string) (all []checks.Target) {
	for _, t := range places {
		switch t.Kind {
		case target.KindMarketplace:
		case "exec", "webhook":
			all = append(all, checks.Target{Name: t.Name, Why: "what it does when it is asked is not known, so it is not asked"})
		default:
			all = append(all, checks.Target{Name: t.Name, Ask: func(ctx context.Context) (string, error) {
				index, err := t.Index(ctx)
				if err != nil {
					return "", err
				}
				if len(names) == 0 {
					return t.URL + " can be read", nil
				}
				versions, err := index.Versions(ctx, names[0]) // a registry has no index to read
				return fmt.Sprintf("%s can be read, and has %s of %s", t.URL, counted(len(versions), "version"), names[0]), err
			}})
		}
	}
	return all
}
