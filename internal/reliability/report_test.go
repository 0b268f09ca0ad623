package reliability

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// report reads a report in a place and holds that it is whole, as a parser of
// its form sees it; nil where there is none.
func (p *place) report(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(p.file(name))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = whole(filepath.Ext(name), data)
	}
	if err != nil {
		t.Errorf("%s is not whole: %v\n%s", name, err, data)
	}
	return data
}

func whole(ending string, data []byte) error {
	switch ending {
	case ".json", ".sarif":
		var any map[string]any
		return json.Unmarshal(data, &any)
	case ".xml":
		decoder := xml.NewDecoder(bytes.NewReader(data))
		for {
			if _, err := decoder.Token(); err == io.EOF {
				return nil
			} else if err != nil { // an element that is not closed is one
				return err
			}
		}
	case ".md": // its last line is one of text
		if !bytes.HasSuffix(data, []byte("\n")) {
			return io.ErrUnexpectedEOF
		}
	}
	return nil
}
