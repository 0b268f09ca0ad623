package helmrepo

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
)

// readJSON reads an index in JSON, of which the beginning was read already. Helm
// decodes JSON with encoding/json: unknown keys are passed over, of a key that is
// there twice the last one counts. What begins as JSON and is none it decodes as
// YAML.
func (r *reader) readJSON(begun []byte) error {
	metered := &meter{source: io.MultiReader(bytes.NewReader(bytes.Clone(begun)), r.lines), line: r.number}
	d := json.NewDecoder(metered)
	j := &jsonReader{reader: r, decoder: d, meter: metered}
	err := j.read()
	var syntax *json.SyntaxError
	switch {
	case metered.failed != nil:
		return metered.failed
	case errors.As(err, &syntax), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errOtherLayout
	}
	return err
}

// meter bounds what is read for one value, and counts lines.
type meter struct {
	source io.Reader
	read   int64
	until  int64
	failed error   // of the source
	breaks []int64 // where lines end, behind line
	line   int     // that of the last break that was passed
}

// lineAt is the line of a place that is not before the last one asked for.
func (m *meter) lineAt(offset int64) int {
	passed := 0
	for passed < len(m.breaks) && m.breaks[passed] < offset {
		passed++
	}
	m.line += passed
	m.breaks = m.breaks[passed:]
	return m.line
}

func (m *meter) Read(p []byte) (int, error) {
	if m.read > m.until {
		m.failed = &LayoutError{Line: m.line, What: "a value"}
		return 0, m.failed
	}
	n, err := m.source.Read(p)
	for i, c := range p[:n] {
		if c == '\n' {
			m.breaks = append(m.breaks, m.read+int64(i))
		}
	}
	m.read += int64(n)
	if err != nil && err != io.EOF {
		m.failed = err
	}
	return n, err
}

// jsonReader takes JSON apart.
type jsonReader struct {
	*reader
	decoder *json.Decoder
	meter   *meter
}

// token is the next token.
func (j *jsonReader) token() (json.Token, error) {
	j.meter.until = j.decoder.InputOffset() + entryLimit
	return j.decoder.Token()
}

// value is the next value as it stands.
func (j *jsonReader) value() (json.RawMessage, error) {
	j.meter.until = j.decoder.InputOffset() + entryLimit
	var raw json.RawMessage
	err := j.decoder.Decode(&raw)
	return raw, err
}

func (j *jsonReader) read() error {
	if _, err := j.token(); err != nil {
		return err
	}
	for j.decoder.More() {
		key, err := j.key()
		if err != nil {
			return err
		}
		if strings.EqualFold(key, "entries") {
			j.entriesMet = true
			if err := j.readEntries(); err != nil {
				return err
			}
			continue
		}
		raw, err := j.value()
		if err != nil {
			return err
		}
		name, err := json.Marshal(key)
		if err != nil {
			return err
		}
		file := &indexFile{}
		err = json.Unmarshal(slices.Concat([]byte("{"), name, []byte(":"), raw, []byte("}")), file)
		switch {
		case err != nil:
			j.index.refuse(&Refused{Cause: plainCause(err)})
		case strings.EqualFold(key, "apiVersion") && !isNull(raw):
			j.apiVersion = file.APIVersion
		}
	}
	if _, err := j.token(); err != nil {
		return err
	}
	// What comes after it makes YAML of it.
	if _, err := j.token(); err != io.EOF {
		return errOtherLayout
	}
	return nil
}

// key is the next key.
func (j *jsonReader) key() (string, error) {
	token, err := j.token()
	if err != nil {
		return "", err
	}
	key, ok := token.(string)
	if !ok {
		return "", errOtherLayout
	}
	return key, nil
}

func (j *jsonReader) readEntries() error {
	switch is, err := j.opens('{'); {
	case err != nil:
		return err
	case is == opensNull:
		j.index.entries.clear()
		return nil
	case is == opensOther:
		return errors.New("it is no Helm index: entries has to be a mapping")
	}
	for j.decoder.More() {
		chart, err := j.key()
		if err != nil {
			return err
		}
		// The last of two counts.
		j.index.entries.drop(chart)
		is, err := j.opens('[')
		switch {
		case err != nil:
			return err
		case is == opensNull:
			continue
		case is == opensOther:
			j.index.breaks(chart, &Refused{Chart: chart, Cause: "it has to be a list"})
			continue
		}
		for j.decoder.More() {
			raw, err := j.value()
			if err != nil {
				return err
			}
			j.readEntry(chart, raw, j.meter.lineAt(j.decoder.InputOffset())-bytes.Count(raw, []byte("\n")))
		}
		if _, err := j.token(); err != nil {
			return err
		}
	}
	_, err := j.token()
	return err
}

type opening int

const (
	opensIt opening = iota
	opensNull
	opensOther
)

// opens goes into the next value where it begins so, and passes over it otherwise.
func (j *jsonReader) opens(want json.Delim) (opening, error) {
	token, err := j.token()
	if err != nil {
		return opensOther, err
	}
	switch token {
	case nil:
		return opensNull, nil
	case want:
		return opensIt, nil
	}
	depth := 0
	for {
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return opensOther, nil
		}
		if token, err = j.token(); err != nil {
			return opensOther, err
		}
	}
}

// readEntry reads one entry.
func (j *jsonReader) readEntry(chart string, raw json.RawMessage, line int) {
	refused := &Refused{Chart: chart, Line: line}
	if err := refuseTooMuch(raw); err != nil {
		refused.Cause = err.Error()
		j.index.breaks(chart, refused)
		return
	}
	if isNull(raw) {
		j.index.hasEmpty(chart, line)
		return
	}
	version := &chartVersion{}
	err := json.Unmarshal(raw, version)
	if err == nil {
		j.take(chart, version, line)
		return
	}
	refused = describe(err, raw, line, 0)
	refused.Chart = chart
	wire, failed := decodeLean(slices.Concat([]byte(`{"entries": {"x": [`), raw, []byte("]}}")))
	if failed != nil || len(wire.Entries["x"]) != 1 {
		j.index.breaks(chart, refused)
		return
	}
	entry := wire.Entries["x"][0].entry()
	refused.Version, entry.Line = entry.Version, line
	j.index.refuse(refused)
	j.index.entries.add(chart, entry.record())
}
