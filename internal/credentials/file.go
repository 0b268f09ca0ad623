package credentials

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/gofrs/flock"

	"github.com/ksrelease/ksrelease/internal/atomicfile"
	"github.com/ksrelease/ksrelease/internal/regularfile"
)

// ownFile is the credentials file: a key for each server.
type ownFile struct {
	Servers map[string]ownEntry `json:"servers"`
}

type ownEntry struct {
	Token string `json:"token"`
}

func (s Store) findOwn(server string) (Token, []string, error) {
	content, warnings, err := s.readOwn()
	if err != nil {
		return Token{}, warnings, err
	}
	entry := content.Servers[serverKey(server)]
	if entry.Token == "" {
		// A file that has nothing for this server is of no concern here.
		return Token{}, nil, nil
	}
	return clean(entry.Token, s.File), warnings, nil
}

// readOwn reads the file; one that is not there is empty.
func (s Store) readOwn() (ownFile, []string, error) {
	empty := ownFile{Servers: map[string]ownEntry{}}
	if s.File == "" {
		return empty, nil, nil
	}
	data, err := regularfile.Read(s.File, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return empty, nil, nil
	}
	if err != nil {
		return empty, nil, fmt.Errorf("reading the credentials in %s: %w; fix the file's permissions, or set %s", s.File, err, Variable)
	}
	var content ownFile
	// The error of the JSON library could quote a part of the file.
	if json.Unmarshal(data, &content) != nil {
		return empty, nil, fmt.Errorf("reading the credentials: %s is no credentials file; remove it and run `ksrelease login`", s.File)
	}
	if content.Servers == nil {
		content.Servers = empty.Servers
	}
	return content, openToOthers(s.File), nil
}

// Save keeps the key of a server, in place of an earlier one. The file is
// replaced as a whole and readable by its owner alone; two logins at once both
// end up in it.
func (s Store) Save(server, value string) error {
	value = strings.TrimSpace(value)
	if value == "" {
		return errors.New("saving the API key: it is empty")
	}
	if s.File == "" {
		return errors.New("saving the API key: you have no folder for it; set HOME, or give the key in " + Variable)
	}
	return s.change(func(content *ownFile) bool {
		content.Servers[serverKey(server)] = ownEntry{Token: value}
		return true
	})
}

// Remove drops the key of a server; removed is false where there was none. The
// file of ksbuilder is left alone.
func (s Store) Remove(server string) (removed bool, err error) {
	if s.File == "" {
		return false, nil
	}
	if _, err := os.Stat(s.File); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	err = s.change(func(content *ownFile) bool {
		_, removed = content.Servers[serverKey(server)]
		delete(content.Servers, serverKey(server))
		return removed
	})
	return removed && err == nil, err
}

// change reads, changes and writes the file under a lock; the lock is a file
// next to it, because the file itself is replaced.
func (s Store) change(edit func(*ownFile) bool) error {
	dir := filepath.Dir(s.File)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return s.unwritable("making the folder for credentials", err)
	}
	lock := flock.New(s.File+".lock", flock.SetPermissions(0o600))
	if err := lock.Lock(); err != nil {
		return s.unwritable("locking the credentials", err)
	}
	defer func() { _ = lock.Unlock() }()
	content, _, err := s.readOwn()
	if err != nil {
		return err
	}
	if !edit(&content) {
		return nil
	}
	return s.write(content)
}

func (s Store) write(content ownFile) error {
	data, err := json.MarshalIndent(content, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the credentials: %w", err)
	}
	file, err := linked(s.File)
	if err != nil {
		return fmt.Errorf("writing the credentials: %w; remove the link", err)
	}
	// What a login that was killed left behind holds a key.
	if err := atomicfile.RemoveLeftovers(filepath.Dir(file)); err != nil {
		return s.unwritable("writing the credentials", err)
	}
	// The mode does not follow that of an earlier file, which may be too wide.
	if err := atomicfile.WriteSynced(file, append(data, '\n'), 0o600); err != nil {
		return s.unwritable("writing the credentials", err)
	}
	return nil
}

// linked is the file that a link leads to: who keeps it elsewhere wants it to
// stay there.
func linked(file string) (string, error) {
	info, err := os.Lstat(file)
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return file, nil
	}
	return filepath.EvalSymlinks(file)
}

func (s Store) unwritable(doing string, err error) error {
	return fmt.Errorf("%s: %w; make %s writable for you, or give the key in %s", doing, err, filepath.Dir(s.File), Variable)
}

// serverKey makes the spellings of one address equal: case of scheme and host,
// a slash at the end, the port that goes without saying, user and password.
func serverKey(server string) string {
	u, err := url.Parse(strings.TrimSpace(server))
	if err != nil || u.Host == "" {
		return strings.TrimRight(server, "/")
	}
	scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	for plain, port := range map[string]string{"https": ":443", "http": ":80"} {
		if scheme == plain {
			host = strings.TrimSuffix(host, port)
		}
	}
	return scheme + "://" + host + strings.TrimRight(u.EscapedPath(), "/")
}

// openToOthers warns of a file that group or others can read. Windows keeps
// its permissions elsewhere.
func openToOthers(file string) []string {
	info, err := os.Stat(file)
	if err != nil || runtime.GOOS == "windows" || info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%s holds an API key and can be read by others (mode %04o): run `chmod 600 %s`", file, info.Mode().Perm(), file)}
}

// clean takes off the line break that comes with a key out of a file or a secret.
func clean(value, source string) Token { return NewToken(strings.TrimSpace(value), source) }
