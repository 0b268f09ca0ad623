package marketplace

import (
	"errors"
	"io"
	"mime/multipart"
	"net/http"
)

const (
	// maxParts is the most parts of a form: the files and paths of an upload, and some
	// that are passed over.
	maxParts = 2*maxFiles + 64
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

// openForm begins to read the form that a request has for its body, of at most so
// many bytes.
func openForm(w http.ResponseWriter, r *http.Request, most int64) (*formReader, error) {
	body := &gate{r: http.MaxBytesReader(w, r.Body, most)}
	r.Body = body
	reader, err := r.MultipartReader()
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "the body is not a form: send it as multipart/form-data (%v)", err)
	}
	return &formReader{reader: reader, body: body}, nil
}

// next returns the next part, or io.EOF after the last one. What is left of the one
// before is passed over.
func (f *formReader) next() (*multipart.Part, error) {
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
		return nil, bodyError(err)
	}
	if f.parts++; f.parts > maxParts {
		return nil, refuse(http.StatusRequestEntityTooLarge, "the form has more than %d parts: send them in several requests", maxParts)
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

var errPartHead = refuse(http.StatusRequestHeaderFieldsTooLarge, "the headers of a part of the form are larger than %d bytes", maxPartHead)

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
