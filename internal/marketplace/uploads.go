package marketplace

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ksrelease/ksrelease/internal/marketplace/store"
	"github.com/ksrelease/ksrelease/internal/marketplace/wire"
)

const (
	// maxUpload is the most bytes of one upload of files, all parts together.
	maxUpload = 64 << 20
	// maxFiles is the most files of one upload.
	maxFiles = 128
)

// uploads are the files that users upload: below public/files, and served from there.
type uploads struct {
	store    *store.Store
	user     string // whose files are taken
	readOnly bool
	base     func(*http.Request) *url.URL // the address of the marketplace for who asks
}

// userDir is the folder of the user: in files/ of what is public, and /files/ of the server.
func (u *uploads) userDir() string { return "/" + store.FilesDir + "/" + u.user }

func (u *uploads) usage(w http.ResponseWriter, _ *http.Request) error {
	wire.AnswerJSON(w, http.StatusOK, map[string]string{"dir": u.userDir()})
	return nil
}

// uploadedFile is one file of an upload: part fileN and field fileN_path.
type uploadedFile struct {
	data *store.Staged
	path string
}

// upload is one request with files, by the number in their names.
type upload map[int]*uploadedFile

func (f upload) discard() {
	for _, file := range f {
		if file.data != nil {
			file.data.Discard()
		}
	}
}

// at returns the file of that number, making a place for it.
func (f upload) at(number int) *uploadedFile {
	if f[number] == nil {
		f[number] = &uploadedFile{}
	}
	return f[number]
}

// take takes files in, none unless all of a request are in order, and answers
// with the URL of each in the order of their numbers. A file replaces one of the same
// path, as on KubeSphere Cloud.
func (u *uploads) take(w http.ResponseWriter, r *http.Request) error {
	if u.readOnly {
		return wire.ErrReadOnly
	}
	files := upload{}
	defer files.discard()
	if err := u.readUpload(w, r, files); err != nil {
		return err
	}
	if len(files) == 0 {
		return wire.Refuse(http.StatusBadRequest, "the form has no file: send the parts file1 and file1_path, file2 and file2_path, …")
	}
	for number := 1; number <= len(files); number++ {
		if err := u.checkUploaded(number, files[number]); err != nil {
			return err
		}
	}
	type wireFile struct {
		URL  string `json:"url"`
		Path string `json:"path"`
	}
	answer := make([]wireFile, len(files))
	for number := 1; number <= len(files); number++ {
		file := files[number]
		if err := u.keepFile(file); err != nil {
			return err
		}
		address := u.base(r)
		address.Path += file.path
		answer[number-1] = wireFile{URL: address.String(), Path: file.path}
	}
	wire.AnswerJSON(w, http.StatusOK, map[string][]wireFile{"files": answer})
	return nil
}

// readUpload reads the form. Files go to disk as they come, so that a request costs
// little memory whatever its size.
func (u *uploads) readUpload(w http.ResponseWriter, r *http.Request, into upload) error {
	form, err := wire.OpenForm(w, r, maxUpload)
	if err != nil {
		return err
	}
	for {
		part, err := form.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := u.readUploadPart(part, into); err != nil {
			return err
		}
		if len(into) > maxFiles {
			return wire.Refuse(http.StatusRequestEntityTooLarge, "the form has more than %d files: send them in several requests", maxFiles)
		}
	}
}

// readUploadPart reads fileN or fileN_path; any other part is passed over.
func (u *uploads) readUploadPart(part *multipart.Part, into upload) error {
	rest, ok := strings.CutPrefix(part.FormName(), "file")
	if !ok {
		return nil
	}
	digits, isPath := strings.CutSuffix(rest, "_path")
	number, err := strconv.Atoi(digits)
	if err != nil || number < 1 || digits != strconv.Itoa(number) {
		return nil
	}
	if isPath {
		text, err := wire.ReadField(part)
		if err != nil {
			return err
		}
		into.at(number).path = text
		return nil
	}
	if into.at(number).data != nil {
		return wire.Refuse(http.StatusBadRequest, "the form has the part file%d twice", number)
	}
	data, err := u.store.Stage(&wire.BodyReader{R: part}, store.PublicFileMode)
	if err != nil {
		var unread *wire.UnreadError
		if errors.As(err, &unread) {
			return wire.BodyError(unread.Err)
		}
		return fmt.Errorf("keeping file%d: %w", number, err)
	}
	into.at(number).data = data
	return nil
}

// checkUploaded refuses a file that lacks something or may not have the path it wants.
func (u *uploads) checkUploaded(number int, file *uploadedFile) error {
	switch {
	case file == nil:
		return wire.Refuse(http.StatusBadRequest, "the form has no part file%d, but one of a higher number: number the files from 1", number)
	case file.data == nil:
		return wire.Refuse(http.StatusBadRequest, "the form has file%d_path but no part file%d", number, number)
	case file.path == "":
		return wire.Refuse(http.StatusBadRequest, "the form has file%d but no field file%d_path", number, number)
	}
	if reason := strayPath(file.path); reason != "" {
		return wire.Refuse(http.StatusBadRequest, "file%d_path %q %s: use a path like %s/EXTENSION/VERSION/NAME", number, file.path, reason, u.userDir())
	}
	if !strings.HasPrefix(file.path, u.userDir()+"/") {
		return wire.Refuse(http.StatusForbidden, "file%d_path %q is not in your folder %s", number, file.path, u.userDir())
	}
	return nil
}

// strayPath says what is wrong with a path, as the end of a sentence; "" is nothing.
func strayPath(name string) string {
	switch {
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return "has characters that no file name should have"
	case strings.Contains(name, `\`):
		return "has a backslash"
	case !strings.HasPrefix(name, "/"):
		return "is not absolute"
	case path.Clean(name) != name:
		return "is not plain (it has '.', '..' or an empty part)"
	}
	for part := range strings.SplitSeq(name, "/") {
		const most = 255 // what common file systems take
		if len(part) > most {
			return "has a part that is longer than 255 bytes"
		}
	}
	return ""
}

func (u *uploads) keepFile(file *uploadedFile) error {
	name := path.Join(store.PublicDir, file.path)
	if info, err := u.store.Root.Lstat(name); err == nil && info.IsDir() {
		return wire.Refuse(http.StatusConflict, "%s is a folder with files in it: choose another name", file.path)
	}
	if err := u.store.MakeDir(path.Dir(name), store.PublicDirMode); store.OutOfSpace(err) {
		return fmt.Errorf("keeping %s: %w", file.path, err)
	} else if err != nil {
		return wire.Refuse(http.StatusConflict, "%s cannot be kept: %v", file.path, err)
	}
	if err := file.data.Keep(name); err != nil {
		return fmt.Errorf("keeping %s: %w", file.path, err)
	}
	return nil
}

// get serves an uploaded file.
func (u *uploads) get(w http.ResponseWriter, r *http.Request) error {
	address := "/" + store.FilesDir + "/" + r.PathValue("path")
	missing := wire.Refuse(http.StatusNotFound, "there is no file %s", address)
	if strayPath(address) != "" || u.store.Root == nil {
		return missing
	}
	file, info, err := u.store.Open(path.Join(store.PublicDir, address))
	if err != nil && u.readOnly {
		file, info, err = u.store.Open(strings.TrimPrefix(address, "/")) // where an earlier ksrelease kept them
	}
	if err != nil {
		return missing
	}
	defer file.Close()
	w.Header().Set("Content-Type", contentType(address))
	wire.AsData(w)
	http.ServeContent(w, r, "", info.ModTime(), file)
	return nil
}

// contentType goes by the name alone: what is inside comes from strangers.
func contentType(name string) string {
	if known := mime.TypeByExtension(path.Ext(name)); known != "" {
		return known
	}
	return "application/octet-stream"
}
