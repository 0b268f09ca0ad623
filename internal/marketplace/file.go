package marketplace

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxUpload is the most bytes of one upload of files, all parts together.
	maxUpload = 64 << 20
	// maxFiles is the most files of one upload.
	maxFiles = 128
	// maxFilePath is the most bytes of the path of a file, and of a field of a form.
	maxFilePath = 512
)

// userDir is the folder of the user: in files/ of what is public, and /files/ of the server.
func (m *Marketplace) userDir() string { return "/" + filesDir + "/" + m.options.User }

func (m *Marketplace) getFilesUsage(w http.ResponseWriter, _ *http.Request) error {
	answerJSON(w, http.StatusOK, map[string]string{"dir": m.userDir()})
	return nil
}

// uploadedFile is one file of an upload: part fileN and field fileN_path.
type uploadedFile struct {
	data *staged
	path string
}

// upload is one request with files, by the number in their names.
type upload map[int]*uploadedFile

func (u upload) discard() {
	for _, file := range u {
		if file.data != nil {
			file.data.discard()
		}
	}
}

// at returns the file of that number, making a place for it.
func (u upload) at(number int) *uploadedFile {
	if u[number] == nil {
		u[number] = &uploadedFile{}
	}
	return u[number]
}

// uploadFiles takes files in, none unless all of a request are in order, and answers
// with the URL of each in the order of their numbers. A file replaces one of the same
// path, as on KubeSphere Cloud.
func (m *Marketplace) uploadFiles(w http.ResponseWriter, r *http.Request) error {
	if m.options.ReadOnly {
		return errReadOnly
	}
	files := upload{}
	defer files.discard()
	if err := m.readUpload(w, r, files); err != nil {
		return err
	}
	if len(files) == 0 {
		return refuse(http.StatusBadRequest, "the form has no file: send the parts file1 and file1_path, file2 and file2_path, …")
	}
	for number := 1; number <= len(files); number++ {
		if err := m.checkUploaded(number, files[number]); err != nil {
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
		if err := m.keepFile(file); err != nil {
			return err
		}
		address := m.base(r)
		address.Path += file.path
		answer[number-1] = wireFile{URL: address.String(), Path: file.path}
	}
	answerJSON(w, http.StatusOK, map[string][]wireFile{"files": answer})
	return nil
}

// readUpload reads the form. Files go to disk as they come, so that a request costs
// little memory whatever its size.
func (m *Marketplace) readUpload(w http.ResponseWriter, r *http.Request, into upload) error {
	form, err := openForm(w, r, maxUpload)
	if err != nil {
		return err
	}
	for {
		part, err := form.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := m.readUploadPart(part, into); err != nil {
			return err
		}
		if len(into) > maxFiles {
			return refuse(http.StatusRequestEntityTooLarge, "the form has more than %d files: send them in several requests", maxFiles)
		}
	}
}

// readUploadPart reads fileN or fileN_path; any other part is passed over.
func (m *Marketplace) readUploadPart(part *multipart.Part, into upload) error {
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
		text, err := readField(part)
		if err != nil {
			return err
		}
		into.at(number).path = text
		return nil
	}
	if into.at(number).data != nil {
		return refuse(http.StatusBadRequest, "the form has the part file%d twice", number)
	}
	data, err := m.store.stage(&bodyReader{r: part}, publicFileMode)
	if err != nil {
		var unread *unreadError
		if errors.As(err, &unread) {
			return bodyError(unread.err)
		}
		return fmt.Errorf("keeping file%d: %w", number, err)
	}
	into.at(number).data = data
	return nil
}

// bodyReader marks the errors of the request, which are the client's, so that they can
// be distinguished from those of the disk when both meet in one copy.
type bodyReader struct{ r io.Reader }

type unreadError struct{ err error }

func (e *unreadError) Error() string { return e.err.Error() }

func (b *bodyReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err != nil && err != io.EOF {
		err = &unreadError{err}
	}
	return n, err
}

// readField reads the text of a field of a form.
func readField(part *multipart.Part) (string, error) {
	text, err := io.ReadAll(io.LimitReader(part, maxFilePath+1))
	if err != nil {
		return "", bodyError(err)
	}
	if len(text) > maxFilePath {
		return "", refuse(http.StatusBadRequest, "the field %s is longer than %d bytes", part.FormName(), maxFilePath)
	}
	return string(text), nil
}

// checkUploaded refuses a file that lacks something or may not have the path it wants.
func (m *Marketplace) checkUploaded(number int, file *uploadedFile) error {
	switch {
	case file == nil:
		return refuse(http.StatusBadRequest, "the form has no part file%d, but one of a higher number: number the files from 1", number)
	case file.data == nil:
		return refuse(http.StatusBadRequest, "the form has file%d_path but no part file%d", number, number)
	case file.path == "":
		return refuse(http.StatusBadRequest, "the form has file%d but no field file%d_path", number, number)
	}
	if reason := strayPath(file.path); reason != "" {
		return refuse(http.StatusBadRequest, "file%d_path %q %s: use a path like %s/EXTENSION/VERSION/NAME", number, file.path, reason, m.userDir())
	}
	if !strings.HasPrefix(file.path, m.userDir()+"/") {
		return refuse(http.StatusForbidden, "file%d_path %q is not in your folder %s", number, file.path, m.userDir())
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

func (m *Marketplace) keepFile(file *uploadedFile) error {
	name := path.Join(publicDir, file.path)
	if info, err := m.store.root.Lstat(name); err == nil && info.IsDir() {
		return refuse(http.StatusConflict, "%s is a folder with files in it: choose another name", file.path)
	}
	if err := m.store.makeDir(path.Dir(name), publicDirMode); outOfSpace(err) {
		return fmt.Errorf("keeping %s: %w", file.path, err)
	} else if err != nil {
		return refuse(http.StatusConflict, "%s cannot be kept: %v", file.path, err)
	}
	if err := file.data.keep(name); err != nil {
		return fmt.Errorf("keeping %s: %w", file.path, err)
	}
	return nil
}

// getFile serves an uploaded file.
func (m *Marketplace) getFile(w http.ResponseWriter, r *http.Request) error {
	address := "/" + filesDir + "/" + r.PathValue("path")
	missing := refuse(http.StatusNotFound, "there is no file %s", address)
	if strayPath(address) != "" || m.store.root == nil {
		return missing
	}
	file, info, err := m.store.open(path.Join(publicDir, address))
	if err != nil && m.options.ReadOnly {
		file, info, err = m.store.open(strings.TrimPrefix(address, "/")) // where an earlier ksrelease kept them
	}
	if err != nil {
		return missing
	}
	defer file.Close()
	w.Header().Set("Content-Type", contentType(address))
	asData(w)
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

// asData keeps a browser from running what strangers uploaded: an SVG or HTML file
// opened by its address could otherwise act as this server.
func asData(w http.ResponseWriter) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox")
}
