package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
)

// When the time of `status --wait` is up, what is known is printed in each
// format, and what is not reviewed yet is named.
func TestStatusWaitsAsLongAsItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rehearse(t, parrotFiles())
		if printed := string(r.command("run")); !strings.Contains(printed, "2 released") {
			t.Fatal(printed)
		}
		for _, c := range []struct {
			words []string
			want  []string
		}{
			{[]string{"status", "--wait", "--timeout", "1s", "alc"}, []string{"alc        1.2.0    submitted", "--timeout of 1s is over; not reviewed yet: alc 1.2.0"}},
			{[]string{"status", "--wait", "--timeout", "1h", "alc"}, []string{"waiting for the review of alc 1.2.0", "--timeout of 1h is over; not reviewed yet: alc 1.2.0"}},
			{[]string{"status", "--wait", "--timeout", "1s", "--output", "json", "alc"}, []string{`"marketplace": "submitted"`, `"would": "exists"`, "not reviewed yet: alc 1.2.0"}},
			{[]string{"status", "--wait", "--timeout", "1s", "--output", "json"}, []string{`"name": "bee"`, "not reviewed yet: alc 1.2.0, bee 1.2.0"}},
		} {
			printed := string(r.command(c.words...))
			for _, want := range c.want {
				if !strings.Contains(printed, want) {
					t.Errorf("%v lacks %q:\n%s", c.words, want, printed)
				}
			}
		}
	})
}

// When the time of `run` is up, what was sent is unverified, and what goes on
// from there is named.
func TestRunEndsWhenTimeIsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rehearse(t, parrotFiles())
		r.front = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			if strings.HasSuffix(q.URL.Path, "/index.yaml") {
				_, _ = io.WriteString(w, "apiVersion: v1\nentries: {}\n")
				return
			}
			r.serveMarket(w, q)
		})
		printed := string(r.command("run", "--timeout", "5s", "--only", "alc"))
		for _, want := range []string{"alc        1.2.0    unverified", "--timeout of 5s is over: it is not in the Helm repository yet", "→ to go on: ksrelease run -f ", " --timeout 5s --only alc\n"} {
			if !strings.Contains(printed, want) {
				t.Errorf("lacks %q:\n%s", want, printed)
			}
		}
	})
}
