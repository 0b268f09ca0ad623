package indexedit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// addJSON adds entries, the newest first, to an index in JSON, as `helm repo index --json` writes
// it: at the beginning of the list of their chart. A new chart comes at the end.
func addJSON(data []byte, entries []Entry, generated time.Time) ([]byte, error) {
	places, err := jsonPlaces(data)
	if err != nil {
		return nil, err
	}
	var names []string
	grouped := map[string][][]byte{}
	for _, entry := range entries {
		made, err := json.Marshal(item{entry.Chart, entry.URLs, entry.Created, entry.Digest})
		if err != nil {
			return nil, fmt.Errorf("making the index entry of %s %s: %w", entry.Chart.Name, entry.Chart.Version, err)
		}
		if !slices.Contains(names, entry.Chart.Name) {
			names = append(names, entry.Chart.Name)
		}
		grouped[entry.Chart.Name] = append(grouped[entry.Chart.Name], made)
	}
	slices.Sort(names)
	t := &text{data: data, ends: "\n"}
	var changes []change
	any := places.charts > 0
	for _, name := range names {
		list := bytes.Join(grouped[name], []byte(","))
		if at, there := places.lists[name]; there {
			if !at.empty {
				list = append(list, ',')
			}
			changes = append(changes, change{at.open, at.open, list})
			continue
		}
		key, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		made := slices.Concat(key, []byte(":["), list, []byte("]"))
		if any {
			made = append([]byte(","), made...)
		}
		any = true
		changes = append(changes, change{places.end, places.end, made})
	}
	if places.generated.to > 0 {
		places.generated.text = fmt.Appendf(nil, "%q", generated.Format(time.RFC3339Nano))
		changes = append(changes, places.generated)
	}
	return t.edited(changes), nil
}

// places are where something can be put into an index in JSON, in bytes.
type places struct {
	lists     map[string]listPlace // by chart
	charts    int                  // how many there are
	end       int                  // behind the last chart, with its list
	generated change               // the value of the field generated
}

type listPlace struct {
	open  int // behind the bracket that opens it
	empty bool
}

// jsonPlaces goes through an index that can be read.
func jsonPlaces(data []byte) (*places, error) {
	p := &places{lists: map[string]listPlace{}}
	d := json.NewDecoder(bytes.NewReader(data))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, _ := key.(string)
		switch {
		case strings.EqualFold(name, "entries"):
			if p.end > 0 {
				return nil, errLayout // it is there twice
			}
			if err := p.entries(d); err != nil {
				return nil, err
			}
		case strings.EqualFold(name, "generated"):
			var raw json.RawMessage
			if err := d.Decode(&raw); err != nil {
				return nil, err
			}
			end := int(d.InputOffset())
			p.generated = change{from: end - len(raw), to: end}
		default:
			var raw json.RawMessage
			if err := d.Decode(&raw); err != nil {
				return nil, err
			}
		}
	}
	if p.end == 0 {
		return nil, errLayout
	}
	return p, nil
}

// entries goes through the field of that name.
func (p *places) entries(d *json.Decoder) error {
	open, err := d.Token()
	if err != nil {
		return err
	}
	if open != json.Delim('{') {
		return errLayout
	}
	p.end = int(d.InputOffset())
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := key.(string)
		if _, twice := p.lists[name]; twice {
			return errLayout
		}
		p.charts++
		open, err := d.Token()
		if err != nil {
			return err
		}
		if open != json.Delim('[') {
			return errLayout
		}
		at := listPlace{open: int(d.InputOffset()), empty: !d.More()}
		for d.More() {
			var raw json.RawMessage
			if err := d.Decode(&raw); err != nil {
				return err
			}
		}
		if _, err := d.Token(); err != nil {
			return err
		}
		p.lists[name] = at
		p.end = int(d.InputOffset())
	}
	if _, err := d.Token(); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}
