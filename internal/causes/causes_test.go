package causes

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/ksrelease/ksrelease/internal/results"
)

// found makes n findings of a code in an extension.
func found(n int, extension, code, severity string) (all []Found) {
	for i := range n {
		all = append(all, Found{extension, results.Finding{Code: code, Severity: severity, Message: fmt.Sprint(i)}})
	}
	return all
}

func join(parts ...[]Found) (all []Found) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

func TestWorstCausesFirst(t *testing.T) {
	causes := Group(join(
		found(6, "alc", "images/unlisted", "warning"),
		found(1, "alc", "readme/missing", "info"),
		found(1, "cat", "secrets/private-key", "warning"),
		found(2, "alc", "schema/unknown-key", "warning"),
		found(9, "bee", "images/unlisted", "warning"),
		found(4, "bee", "files/link", "error"),
		found(5, "cat", "rights/lacking", "error"),
		found(1, "cat", "images/unlisted", "error"),
	))
	var got []string
	for _, c := range causes {
		got = append(got, fmt.Sprintf("%s %s: %d, and %d in %v", c.Severity, c.Code, len(c.Shown), c.More, c.In))
	}
	want := []string{
		"error rights/lacking: 3, and 2 in [{cat 2}]",
		"error files/link: 4, and 0 in []",
		"error images/unlisted: 1, and 0 in []",
		"warning secrets/private-key: 1, and 0 in []",
		"warning images/unlisted: 1, and 14 in [{bee 9} {alc 5}]",
		"warning schema/unknown-key: 2, and 0 in []",
		"info readme/missing: 1, and 0 in []",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
	if first := causes[4].Shown[0]; first.Extension != "alc" || first.Finding.Message != "0" {
		t.Errorf("the first finding of a cause is not shown, but %+v", first)
	}
}

// What can be read through is left as it is, and so is what grouping would not shorten.
func TestFewAreNotGrouped(t *testing.T) {
	if causes := Group(found(few, "alc", "images/unlisted", "warning")); causes != nil {
		t.Errorf("%d findings are grouped: %+v", few, causes)
	}
	if causes := Group(found(few+1, "alc", "images/unlisted", "warning")); len(causes) != 1 {
		t.Errorf("%d findings are not grouped: %+v", few+1, causes)
	}
	var others []Found
	for i := range few {
		others = append(others, found(2, "alc", fmt.Sprintf("rule/%d", i), "warning")...)
	}
	if causes := Group(others); causes != nil {
		t.Errorf("grouped, though nothing is left out: %+v", causes)
	}
}

// Nothing is lost, whatever the findings are.
func TestEachIsCountedOnce(t *testing.T) {
	for n := range 200 {
		var all []Found
		for i := range n {
			all = append(all, found(1+i*7%5, fmt.Sprint("x", i%9), fmt.Sprint("r/", i%11), []string{"info", "warning", "error"}[i%3])...)
		}
		causes := Group(all)
		if causes == nil {
			continue
		}
		count, more := 0, 0
		for _, c := range causes {
			count += len(c.Shown) + c.More
			in := 0
			for _, x := range c.In {
				in += x.Findings
			}
			if in != c.More {
				t.Fatalf("%d more of %s, and %d in extensions", c.More, c.Code, in)
			}
			more += c.More
		}
		if count != len(all) || more == 0 {
			t.Fatalf("%d findings, %d in causes, %d of them not shown", len(all), count, more)
		}
	}
}
