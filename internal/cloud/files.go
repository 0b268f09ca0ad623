package cloud

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"

	"github.com/ksrelease/ksrelease/internal/redact"
	"github.com/ksrelease/ksrelease/internal/transport"
)

// FilesDir asks for the folder that the user's files go into, such as
// "/files/usr-0001".
func (c *Client) FilesDir(ctx context.Context, user string) (string, error) {
	usage, err := c.FilesUsage(ctx, user)
	return usage.Dir, err
}

// Usage is where a user's files go, and how much of it is taken.
type Usage struct {
	Dir string
	// Quota and Used are bytes; 0 where the server says nothing of them.
	Quota, Used int64
}

// FilesUsage asks for the folder of the user's files and what may be in it.
func (c *Client) FilesUsage(ctx context.Context, user string) (Usage, error) {
	var usage Usage
	err := c.call(ctx, transport.Request{Op: "asking where files may be uploaded to"}, func(body []byte) error {
		var answer struct {
			Dir   string `json:"dir"`
			Quota amount `json:"quota"`
			Used  amount `json:"used"`
		}
		if err := decode(body, &answer); err != nil {
			return err
		}
		if usage = (Usage{answer.Dir, int64(answer.Quota), int64(answer.Used)}); usage.Dir == "" {
			return missing("dir", body)
		}
		return nil
	}, "extension", "v1", "users", user, "files", "usage")
	return usage, err
}

// amount is a number of bytes that may be anything else as well: no document says it.
type amount int64

func (a *amount) UnmarshalJSON(data []byte) error {
	var n int64
	if json.Unmarshal(data, &n) == nil && n > 0 {
		*a = amount(n)
	}
	return nil
}

// Upload is a file to upload.
type Upload struct {
	// Name is the file's name, without folders.
	Name string
	// Path is where it goes: {dir}/{extension}/{version}/{file name}, dir as FilesDir gives it.
	Path string
	// Data is the content.
	Data []byte
}

// UploadFiles uploads files in one request and returns their addresses in the
// same order; without files it sends nothing. what names them for errors: "the
// assets of alc 1.2.0". An answer with another number of addresses than files,
// or with one that is not http or https, is an error, and so is an address at
// which something else is. It is sent again where no verdict came: the same
// bytes go to the same paths.
func (c *Client) UploadFiles(ctx context.Context, user, what string, files []Upload) ([]string, error) {
	if len(files) == 0 {
		return nil, nil
	}
	form := newForm()
	for i, file := range files {
		part := fmt.Sprintf("file%d", i+1)
		form.file(part, file.Name, file.Data)
		form.field(part+"_path", file.Path)
	}
	request := transport.Request{Op: "uploading " + what, Method: http.MethodPost, Repeatable: true}
	form.into(&request)
	var addresses []string
	err := c.call(ctx, request, func(body []byte) (err error) {
		addresses, err = readAddresses(body, files)
		return err
	}, "extension", "v1", "users", user, "files")
	if err != nil {
		return nil, err
	}
	for i, file := range files {
		if err := c.holds(ctx, addresses[i], file); err != nil {
			return nil, err
		}
	}
	return addresses, nil
}

// holds makes sure that an address is that of a file. One that ends as the file
// was to be called is believed; at any other the file has to be, for which it is
// asked without the key, as a browser will.
func (c *Client) holds(ctx context.Context, address string, file Upload) error {
	if u, err := url.Parse(address); err == nil && strings.HasSuffix(u.Path, file.Path) {
		return nil
	}
	_, err := c.transport.Do(ctx, transport.Request{
		Op:  "looking for the uploaded " + file.Name + " at the address it was given",
		URL: address,
		Check: func(answer *transport.Response) error {
			if !bytes.Equal(answer.Body, file.Data) {
				return errors.New("something else is there")
			}
			return nil
		},
	})
	return err
}

// readAddresses takes the addresses that are going to be published: none that
// would show a secret to everybody is among them.
func readAddresses(body []byte, files []Upload) ([]string, error) {
	var answer struct {
		Files []struct {
			URL string `json:"url"`
		} `json:"files"`
	}
	if err := decode(body, &answer); err != nil {
		return nil, err
	}
	if len(answer.Files) != len(files) {
		return nil, fmt.Errorf("the answer lists %d files where %d were sent%s", len(answer.Files), len(files), quoted(body))
	}
	addresses := make([]string, len(files))
	for i, file := range answer.Files {
		u, err := url.Parse(file.URL)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, fmt.Errorf("the answer has no usable address for file %d%s", i+1, quoted(body))
		}
		hidden := strings.Contains(file.URL, redact.Placeholder) && !strings.Contains(files[i].Path, redact.Placeholder)
		if hidden || u.User != nil {
			return nil, fmt.Errorf("the address of file %d has the API key in it, or a user and password: everybody who gets the package could read them", i+1)
		}
		addresses[i] = file.URL
	}
	return addresses, nil
}

// form is a multipart/form-data body in memory, so that it can be sent again.
// Writing to memory does not fail.
type form struct {
	body   bytes.Buffer
	writer *multipart.Writer
}

func newForm() *form {
	f := &form{}
	f.writer = multipart.NewWriter(&f.body)
	return f
}

func (f *form) file(part, name string, data []byte) {
	f.body.Grow(len(data))
	w, _ := f.writer.CreateFormFile(part, name)
	_, _ = w.Write(data)
}

func (f *form) field(part, value string) {
	_ = f.writer.WriteField(part, value)
}

func (f *form) into(r *transport.Request) {
	_ = f.writer.Close()
	r.Body, r.ContentType = f.body.Bytes(), f.writer.FormDataContentType()
}
