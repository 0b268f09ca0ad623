package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/cache"
	"github.com/ksrelease/ksrelease/internal/cache/remote"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/registry"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// The variables that say where the cache is. All but the mode come before the config. The mode is no
// key of it: who changes it in a pull request must not be able to write to what others believe.
const (
	cacheDir    = "KSRELEASE_CACHE_DIR"
	cacheLimit  = "KSRELEASE_CACHE_LIMIT"
	cacheRemote = "KSRELEASE_CACHE_REMOTE"
	cacheMode   = "KSRELEASE_CACHE_REMOTE_MODE"
	cacheOff    = "off"
)

// CacheFlag is the flag of commands that use what earlier ones have kept.
type CacheFlag struct {
	NoCache noCache `help:"Use nothing that earlier commands have kept, and keep nothing."`
}

type noCache bool

// AfterApply is called by kong when the flag is given.
func (n noCache) AfterApply(a *App) error {
	a.caching.none = bool(n)
	return nil
}

// caching is the cache of a command.
type caching struct {
	none     bool // --no-cache
	once     sync.Once
	open     *cache.Cache
	settings cacheSettings
	remarks  output.Warnings
}

// cacheSettings are what variables and config say of the cache.
type cacheSettings struct {
	config.Cache
	write bool // to the remote
}

// cacheFolder is the folder that the user or the system has for what commands keep; empty: there is
// none.
func (a *App) cacheFolder() (dir string, named bool) {
	if dir, _ := a.Env(cacheDir); dir != "" && dir != cacheOff {
		return dir, true
	} else if dir == cacheOff {
		return "", true
	}
	return a.userFolder(), false
}

// userFolder is ours in the cache folder of the user; empty: there is none.
func (a *App) userFolder() string {
	if a.UserCache == nil {
		return ""
	}
	dir, err := a.UserCache()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "ksrelease")
}

// LockFolder is the folder of locks that keep other processes of the user away, whatever is kept; empty:
// there is none.
func (a *App) LockFolder() string {
	dir := a.userFolder()
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, "locks")
}

// CacheFolder is the folder of what commands keep, for one of its parts; empty: nothing is to be
// kept.
func (a *App) CacheFolder(part string) string {
	dir, _ := a.cacheFolder()
	if dir == "" || a.caching.none {
		return ""
	}
	return filepath.Join(dir, part)
}

// readCacheSettings holds the variables of the cache against what they may be.
func (a *App) readCacheSettings(base config.Cache) error {
	s := cacheSettings{Cache: base}
	if dir, named := a.cacheFolder(); named && dir != "" && !filepath.IsAbs(dir) {
		return Usage(fmt.Errorf("%s: %q is no absolute path", cacheDir, dir), "write the whole path, or "+cacheOff)
	}
	if text, _ := a.Env(cacheLimit); text != "" {
		limit, err := config.ParseCacheLimit(text)
		if err != nil {
			return Usage(fmt.Errorf("%s: %q is no limit: %w", cacheLimit, text, err), "")
		}
		s.Limit = limit
	}
	if at, _ := a.Env(cacheRemote); at != "" {
		s.Remote = strings.TrimSuffix(at, cacheOff)
		if at != cacheOff {
			s.Remote = at
		}
	}
	if s.Remote != "" && !strings.HasPrefix(s.Remote, "oci://") && !filepath.IsAbs(s.Remote) {
		return Usage(fmt.Errorf("%s: %q is no remote cache", cacheRemote, s.Remote), "write the absolute path of a folder, oci:// with a registry and a repository, or "+cacheOff)
	}
	switch mode, _ := a.Env(cacheMode); mode {
	case "", "read":
	case "write":
		s.write = true
	default:
		return Usage(fmt.Errorf("%s: %q is none of read and write", cacheMode, mode), "")
	}
	a.caching.settings = s
	return nil
}

// Cache is what earlier commands have kept; nil where there is nothing, or where it is not to be used.
// It is opened by the first who asks, and ends with the command.
func (p *Project) Cache() *cache.Cache { return p.app.openCache() }

func (a *App) openCache() *cache.Cache {
	c := &a.caching
	c.once.Do(func() {
		dir, named := a.cacheFolder()
		if dir == "" || c.none {
			return
		}
		if at := withinExtension(dir); at != "" {
			c.remarks.Add(fmt.Sprintf("nothing is kept for later commands: the folder %s lies in the extension %s, and would be packed: name another one with %s", Display(dir), Display(at), cacheDir))
			return
		}
		c.open = a.cacheIn(dir, named)
	})
	return c.open
}

// cacheIn opens the cache in a folder. Where the user has named none, and the usual one cannot be used
// for a plain reason, that is not worth a word in each run; ksrelease cache info says it.
func (a *App) cacheIn(dir string, named bool) *cache.Cache {
	c := &a.caching
	options := cache.Options{Dir: dir, Limit: c.settings.Limit, Tool: cache.ToolID(Version()), Remark: func(about cache.About, text string) {
		if named || about == cache.AboutRemote {
			c.remarks.Add(text)
		}
	}}
	switch r, err := a.remoteCache(c.settings); {
	case err != nil:
		c.remarks.Add(fmt.Sprintf("the remote cache %s is not used: %s", c.settings.Remote, failure.InOneLine(err)))
	case r != nil:
		options.Remote = r
	}
	open, err := cache.Open(options)
	var untrusted *cache.UntrustedError
	if err != nil && (named || errors.As(err, &untrusted)) {
		c.remarks.Add("nothing is kept for later commands: " + failure.InOneLine(err))
	}
	return open
}

// withinExtension is the extension that a folder lies in; empty: in none.
func withinExtension(dir string) string {
	for {
		if info, err := os.Stat(filepath.Join(dir, extension.MetadataFile)); err == nil && info.Mode().IsRegular() {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

// remoteCache is the remote that the settings name; nil without one.
func (a *App) remoteCache(s cacheSettings) (cache.Remote, error) {
	address, isRegistry := strings.CutPrefix(s.Remote, "oci://")
	switch {
	case s.Remote == "":
		return nil, nil
	case !isRegistry:
		return remote.NewFolder(s.Remote, !s.write), nil
	}
	at, err := registry.ParseLocation(address)
	if err != nil {
		return nil, err
	}
	web := a.Client(remote.Attempts(transport.Options{Warn: a.caching.remarks.Add, Dial: a.publicDial()}))
	client := registry.New(registry.Options{
		Transport: web, UserAgent: UserAgent(), DockerConfigs: a.registryConfigs(), Quoted: func(host string) bool { return host == at.Host },
	})
	return remote.NewRegistry(client, s.Remote, at, !s.write, web.Close), nil
}

// closeCache ends the use of the cache, and says what was amiss with it. That belongs to no result: with and without
// a cache they are the same.
func (a *App) closeCache() {
	ctx := a.Stop
	if ctx == nil {
		ctx = context.Background()
	}
	a.caching.open.Close(ctx)
	a.caching.remarks.To(func(message string) {
		a.Stderr.Print("%s", output.Fold("note: ", "  ", a.Redact.Text(message), 0))
	})
}

// CacheStatus is what commands keep, and where.
type CacheStatus struct {
	Folder  string       `json:"folder,omitempty"` // empty: nothing is kept
	Problem string       `json:"problem,omitempty"`
	Limit   int64        `json:"limit"` // in bytes; charts and platforms are not part of it
	Bytes   int64        `json:"bytes"`
	Parts   []cache.Part `json:"parts"`
	Remote  *RemoteCache `json:"remote,omitempty"`
}

// RemoteCache is a place that shares the cache.
type RemoteCache struct {
	Address string `json:"address"`
	Mode    string `json:"mode"` // read, write
	Problem string `json:"problem,omitempty"`
}

// CacheStatus looks at the cache of a project, and whether it can be used.
func (p *Project) CacheStatus(ctx context.Context) (CacheStatus, error) {
	a := p.app
	settings := a.caching.settings
	dir, _ := a.cacheFolder()
	s := CacheStatus{Folder: dir, Limit: settings.Limit, Parts: []cache.Part{}}
	if dir != "" {
		if err := cache.Check(dir); err != nil {
			s.Problem = failure.InOneLine(err)
		}
		parts, err := cache.Usage(ctx, dir)
		if ctx.Err() != nil {
			return s, err
		}
		for _, part := range parts {
			s.Bytes += part.Bytes
			s.Parts = append(s.Parts, part)
		}
	}
	if settings.Remote == "" || dir == "" {
		return s, nil
	}
	s.Remote = &RemoteCache{Address: settings.Remote, Mode: "read"}
	if settings.write {
		s.Remote.Mode = "write"
	}
	if err := a.askRemote(ctx, settings); err != nil {
		s.Remote.Problem = failure.InOneLine(err)
	}
	return s, nil
}

// askRemote asks a remote for an entry that nobody has.
func (a *App) askRemote(ctx context.Context, settings cacheSettings) error {
	r, err := a.remoteCache(settings)
	if err != nil {
		return err
	}
	defer r.Close()
	ctx, cancel := context.WithTimeout(ctx, remotePatience)
	defer cancel()
	_, err = r.Fetch(ctx, "probe-0", strings.Repeat("0", 64), 1)
	if ctx.Err() != nil {
		return fmt.Errorf("it does not answer within %s", remotePatience)
	}
	return err
}

// remotePatience is how long cache info waits for a remote.
const remotePatience = 5 * time.Second

// CleanCache removes what commands have kept on this machine.
func (a *App) CleanCache(ctx context.Context) (folder string, removed cache.Part, err error) {
	if err := a.readCacheSettings(config.Cache{}); err != nil {
		return "", cache.Part{}, err
	}
	dir, _ := a.cacheFolder()
	if dir == "" {
		return "", cache.Part{}, nil
	}
	removed, err = cache.Clean(ctx, dir)
	if err != nil {
		err = failure.WithHint(fmt.Errorf("cleaning %s: %w", dir, err), "%s", failure.Hint(err))
	}
	return dir, removed, err
}
