package wire

import (
	"errors"
	"io"
	"mime/multipart"
	"net/http"
)

const (
	// maxParts is the most parts of a form: 128 files and their paths, and some
	// that are passed over.
	maxParts = 320
	// maxField is the most bytes of a field.
	maxField = 512
	// maxPartHead is the most bytes of the headers of a part. The standard library
	// allows each 10 MiB, which a hundred clients at once would have kept in memory.
	maxPartHead = 64 << 10
)

// formReader reads the parts of a request one by one, within bounds.
type formReader struct {
	reader *multipart.Reader
	body   *gate
	part   *multipart.Part // the last one that next returned
	parts  int
}

// OpenForm begins to read the form that a request has for its body, of at most so
// many bytes.
func OpenForm(w http.ResponseWriter, r *http.Request, most int64) (*formReader, error) {
	body := &gate{r: http.MaxBytesReader(w, r.Body, most)}
	r.Body = body
	reader, err := r.MultipartReader()
	if err != nil {
		return nil, Refuse(http.StatusBadRequest, "the body is not a form: send it as multipart/form-data (%v)", err)
	}
	return &formReader{reader: reader, body: body}, nil
}

// Next returns the next part, or io.EOF after the last one. What is left of the one
// before is passed over.
func (f *formReader) Next() (*multipart.Part, error) {
	if f.part != nil {
		// An error comes again from NextPart.
		_ = f.part.Close()
	}
	f.body.bound = true
	f.body.left = maxPartHead
	part, err := f.reader.NextPart()
	f.body.bound = false
	switch {
	case errors.Is(err, io.EOF):
		return nil, io.EOF
	case err != nil && f.body.left <= 0:
		// Where the headers end in the middle of a line, that is what the reader says.
		return nil, errPartHead
	case err != nil:
		return nil, BodyError(err)
	}
	if f.parts++; f.parts > maxParts {
		return nil, Refuse(http.StatusRequestEntityTooLarge, "the form has more than %d parts: send them in several requests", maxParts)
	}
	f.part = part
	return part, nil
}

// gate is a body of which, while it is bound, no more than so many bytes can be read.
type gate struct {
	r     io.ReadCloser
	bound bool
	left  int
}

var errPartHead = Refuse(http.StatusRequestHeaderFieldsTooLarge, "the headers of a part of the form are larger than %d bytes", maxPartHead)

func (g *gate) Read(p []byte) (int, error) {
	if !g.bound {
		return g.r.Read(p)
	}
	if g.left <= 0 {
		return 0, errPartHead
	}
	n, err := g.r.Read(p[:min(len(p), g.left)])
	g.left -= n
	return n, err
}

func (g *gate) Close() error { return g.r.Close() }

// BodyReader marks the errors of the request, which are the client's, so that they can
// be distinguished from those of the disk when both meet in one copy.
type BodyReader struct{ R io.Reader }

type UnreadError struct{ Err error }

func (e *UnreadError) Error() string { return e.Err.Error() }

func (b *BodyReader) Read(p []byte) (int, error) {
	n, err := b.R.Read(p)
	if err != nil && err != io.EOF {
		err = &UnreadError{err}
	}
	return n, err
}

// ReadField reads the text of a field of a form.
func ReadField(part *multipart.Part) (string, error) {
	text, err := io.ReadAll(io.LimitReader(part, maxField+1))
	if err != nil {
		return "", BodyError(err)
	}
	if len(text) > maxField {
		return "", Refuse(http.StatusBadRequest, "the field %s is longer than %d bytes", part.FormName(), maxField)
	}
	return string(text), nil
}
