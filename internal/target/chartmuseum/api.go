package chartmuseum

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/ksrelease/ksrelease/internal/extension/unpack"
	"github.com/ksrelease/ksrelease/internal/helmrepo"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// api finds out once where the API of a museum is. A path of its address may belong to the
// repository (…/org/repo has …/api/org/repo/charts) or to the museum (…/museum has
// …/museum/api/charts), which only the museum knows.
type api struct {
	candidates []string
	turn       chan struct{} // held by the one who asks
	known      string        // for the holder of turn
}

func newAPI(base *url.URL) api {
	a := api{turn: make(chan struct{}, 1)}
	parts := strings.Split(strings.Trim(base.EscapedPath(), "/"), "/")
	if parts[0] == "" {
		parts = nil
	}
	// From the one in which all of the path is the repository's: so it is without
	// --context-path, which few have.
	for museum := range len(parts) + 1 {
		path := strings.Join(append(append(append([]string{""}, parts[:museum]...), "api"), parts[museum:]...), "/")
		a.candidates = append(a.candidates, base.Scheme+"://"+base.Host+path+"/charts")
	}
	return a
}

// at is the address of the API's list of charts. It asks where there is none yet, one at a
// time; a failure is not kept.
func (a *api) at(ctx context.Context, t *Target) (string, error) {
	select {
	case a.turn <- struct{}{}:
		defer func() { <-a.turn }()
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	if a.known != "" {
		return a.known, nil
	}
	var missing error
	for _, address := range a.candidates {
		_, err := t.web.Do(ctx, transport.Request{
			Op: "looking for the API of ChartMuseum", URL: address + "?offset=0&limit=1", Authorization: t.authorization,
			JSON: true, Check: checkList, Limit: helmrepo.IndexLimit,
		})
		failed, answered := transport.As(err)
		switch {
		case err == nil:
			a.known = address
			return address, nil
		case answered && isElsewhere(failed):
			missing = err
		default:
			return "", t.explain(err)
		}
	}
	return "", t.noAPI(missing)
}

// isElsewhere says that a server is there, and no API of ChartMuseum at this address.
func isElsewhere(failed *transport.Error) bool {
	switch failed.Status {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone, http.StatusNotImplemented:
		return true
	}
	return errors.Is(failed, errNoList)
}

// errNoList is an answer of success by something else.
var errNoList = errors.New("the answer is none of ChartMuseum")

// checkList takes a list of charts: names with their versions.
func checkList(answer *transport.Response) error {
	var charts map[string][]json.RawMessage
	if err := json.Unmarshal(answer.Body, &charts); err != nil || charts == nil {
		return errNoList
	}
	return nil
}

// found is what a museum has of a version.
type found struct {
	there bool
	// entry is that of its list, or one that leads to the file in its storage.
	entry helmrepo.Entry
	// archive is what is in the storage, where the list did not have it.
	archive []byte
	// taken is the other chart that has the name of the file in the storage.
	taken string
}

// versionAnswer is what the API says of a version.
type versionAnswer struct {
	Name    string   `json:"name"`
	Version string   `json:"version"`
	Digest  string   `json:"digest"`
	URLs    []string `json:"urls"`
}

// find looks for a version. The museum reads the version that it is asked for as a range, and
// answers with the highest that is in it where it has not that very one, so its answer is held
// against what was asked for.
func (t *Target) find(ctx context.Context, name, version string) (found, error) {
	api, err := t.api.at(ctx, t)
	if err != nil {
		return found{}, err
	}
	answer, err := t.web.Do(ctx, transport.Request{
		Op: "asking for " + name + " " + version, URL: api + "/" + url.PathEscape(name) + "/" + url.PathEscape(version),
		Authorization: t.authorization, JSON: true, Check: checkVersion,
	})
	failed, answered := transport.As(err)
	switch {
	case err == nil:
		var v versionAnswer
		if err := json.Unmarshal(answer.Body, &v); err != nil {
			return found{}, err // which checkVersion has seen
		}
		if v.Name == name && v.Version == version && len(v.URLs) > 0 {
			return found{there: true, entry: helmrepo.Entry{Name: name, Version: version, Digest: v.Digest, URLs: v.URLs}}, nil
		}
	case !answered || !failed.NotFound():
		return found{}, t.explain(err)
	}
	return t.stored(ctx, name, version)
}

func checkVersion(answer *transport.Response) error {
	var v versionAnswer
	if err := json.Unmarshal(answer.Body, &v); err != nil || v.Name == "" || v.Version == "" {
		return errors.New("the answer is none of ChartMuseum")
	}
	return nil
}

// stored looks for a version in the storage, by the name that its file has. HEAD would not do:
// ChartMuseum answers 404 to it, whatever is there.
func (t *Target) stored(ctx context.Context, name, version string) (found, error) {
	entry := helmrepo.Entry{Name: name, Version: version, URLs: []string{fileOf(name, version)}}
	archive, err := t.repository.FetchChart(ctx, entry)
	failed, answered := transport.As(err)
	switch {
	case answered && failed.NotFound():
		return found{}, nil
	case err != nil:
		return found{}, t.explain(err)
	}
	isName, isVersion, err := identity(archive)
	if err != nil {
		return found{}, fmt.Errorf("the museum has %s, which it does not list, and which cannot be read: %w", fileOf(name, version), err)
	}
	if isName != name || isVersion != version {
		return found{taken: isName + " " + isVersion}, nil
	}
	return found{there: true, entry: entry, archive: archive}, nil
}

// fileOf is the path of a package in a museum, as a reference in its index.
func fileOf(name, version string) string {
	return "charts/" + url.PathEscape(name+"-"+version+".tgz")
}

// identity is the name and the version in an archive, as Helm reads them.
func identity(archive []byte) (name, version string, err error) {
	const file = "Chart.yaml"
	meter := &unpack.Meter{Limits: unpack.Limits{}.WithDefaults()}
	_, files, err := unpack.Read(bytes.NewReader(archive), int64(len(archive)), meter, func(name string) bool { return name == file })
	if err != nil {
		return "", "", err
	}
	for _, f := range files {
		if f.Name != file {
			continue
		}
		loaded, err := loader.LoadFiles([]*loader.BufferedFile{{Name: file, Data: f.Data}})
		if err != nil {
			return "", "", err
		}
		return loaded.Metadata.Name, loaded.Metadata.Version, nil
	}
	return "", "", errors.New("it has no Chart.yaml")
}
