package checks

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/ksrelease/ksrelease/internal/cloud"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// account checks the API key, and which extensions it may release.
func (c *Checker) account(ctx context.Context, reachable bool) (key, rights Check, usage cloud.Usage) {
	rights = Check{Name: NameRights, Status: Skipped, Message: "not asked without an API key that is accepted"}
	switch {
	case c.Places.Key == "":
		return Check{
			Name: NameKey, Status: Failed, Unauthorized: true, Message: "there is no API key: not in KSRELEASE_TOKEN, nor in the files of ksrelease login and of ksbuilder",
			Hint: "run ksrelease login, or set KSRELEASE_TOKEN",
		}, rights, usage
	case !reachable:
		return Check{Name: NameKey, Status: Skipped, Message: "found in " + c.Places.Source + "; whether it is accepted is not known, as the server cannot be reached"}, rights, usage
	}
	client, err := cloud.New(cloud.Options{Server: c.Places.Server, Token: c.Places.Key, Transport: c.Web})
	if err != nil {
		return Check{Name: NameKey, Status: Failed, Message: "that of " + c.Places.Source + ": " + err.Error(), Hint: "run ksrelease login, or set KSRELEASE_TOKEN", Unauthorized: true}, rights, usage
	}
	user, err := client.User(ctx)
	if err == nil {
		usage, err = client.FilesUsage(ctx, user)
	}
	if err != nil {
		key = Check{Name: NameKey, Status: Failed, Message: "that of " + c.Places.Source + ": " + err.Error(), Hint: failure.Hint(err)}
		if failure.Unauthorized(err) {
			key.Unauthorized, key.Hint = true, "run ksrelease login, or set KSRELEASE_TOKEN to a valid API key"
		}
		return key, rights, usage
	}
	return Check{Name: NameKey, Status: OK, Message: fmt.Sprintf("that of %s is accepted: user %s, whose files go to %s", c.Places.Source, user, usage.Dir)}, c.rights(ctx, client), usage
}

// askedExtensions is of how many extensions the marketplace is asked at most.
const askedExtensions = 100

// rights asks for the versions of each extension, which their owner alone can see.
func (c *Checker) rights(ctx context.Context, client *cloud.Client) Check {
	names := slices.Compact(slices.Sorted(slices.Values(c.Project.Names)))
	names = slices.DeleteFunc(names, func(name string) bool { return name == "" })
	if len(names) == 0 {
		return Check{Name: NameRights, Status: Skipped, Message: "there are no extensions here to ask for"}
	}
	var (
		mu               sync.Mutex
		own, fresh       int
		foreign, unknown []string
		first            error
		group            errgroup.Group
	)
	asked := names[:min(len(names), askedExtensions)]
	group.SetLimit(4)
	for _, name := range asked {
		group.Go(func() error {
			_, err := client.Snapshots(ctx, name)
			answered, _ := transport.As(err)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				own++
			case answered != nil && answered.NotFound():
				fresh++
			case answered != nil && answered.Status == http.StatusForbidden:
				foreign = append(foreign, name)
			default:
				unknown = append(unknown, name)
				if first == nil {
					first = err
				}
			}
			return nil
		})
	}
	_ = group.Wait()
	parts := []string{fmt.Sprintf("%d of this account, %d new", own, fresh)}
	check := Check{Name: NameRights, Status: OK}
	slices.Sort(foreign)
	slices.Sort(unknown)
	if len(unknown) > 0 {
		check.Status, check.Hint = Warning, failure.Hint(first)
		parts = append(parts, fmt.Sprintf("not known of %s: %s", strings.Join(unknown, ", "), first))
	}
	if len(foreign) > 0 {
		check.Status, check.Hint = Failed, "release these with the API key of their account, or take them out of the config"
		parts = append(parts, "of another account: "+strings.Join(foreign, ", "))
	}
	if left := len(names) - len(asked); left > 0 {
		parts = append(parts, fmt.Sprintf("%d more were not asked for", left))
	}
	check.Message = strings.Join(parts, "; ")
	return check
}

// config says what the config declares.
func (c *Checker) config() Check {
	switch {
	case c.Project.Err != nil:
		return Check{Name: NameConfig, Status: Failed, Message: c.Project.Err.Error(), Hint: failure.Hint(c.Project.Err)}
	case c.Project.File == "":
		return Check{Name: NameConfig, Status: Warning, Message: "there is no .ksrelease.yaml here or in a directory above; the defaults are used", Hint: "ksrelease init writes one"}
	case c.Project.Extensions == 0:
		return Check{Name: NameConfig, Status: Warning, Message: c.Project.File + " declares no extension", Hint: "name the folders of extensions under extensions:"}
	}
	return Check{Name: NameConfig, Status: OK, Message: fmt.Sprintf("%s declares %s", c.Project.File, counted(c.Project.Extensions, "extension"))}
}

// marketplace says which folder the local marketplace is in.
func (c *Checker) marketplace() Check {
	if !c.Places.Exists {
		return Check{Name: NameMarketplace, Status: OK, Message: "there is none in " + c.Places.Local + " yet: ksrelease run --local makes it"}
	}
	return Check{Name: NameMarketplace, Status: OK, Message: "the local one in " + c.Places.Local + " opens"}
}

func counted(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
