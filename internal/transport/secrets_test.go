package transport

import (
	"bufio"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/testutil/canary"
)

// echoes are the ways in which a server repeats what it was sent: each makes a
// whole answer, as it goes over the wire, of the Authorization header (or that
// for the proxy).
var echoes = map[string]func(authorization string) string{
	"JSON":              func(a string) string { return answering(401, `{"message": `+inJSON("bad key "+a)+`}`) },
	"JSON, value alone": func(a string) string { return answering(403, `{"error": {"message": `+inJSON(value(a))+`}}`) },
	"JSON in JSON": func(a string) string {
		return answering(400, `{"detail": `+inJSON(`{"authorization":`+inJSON(a)+`}`)+`}`)
	},
	"no JSON":    func(a string) string { return answering(500, "panic: header map[Authorization:["+a+"]]") },
	"with a 503": func(a string) string { return answering(503, "busy with "+a) },
	"HTML":       func(a string) string { return answering(502, "<html><body>Bad gateway for <b>"+a+"</b></body></html>") },
	"title":      func(a string) string { return answering(404, "<title>"+a+"</title>") },
	"base64": func(a string) string {
		return answering(400, base64.StdEncoding.EncodeToString([]byte("Authorization: "+a)))
	},
	"base64 of value": func(a string) string {
		return answering(400, "token="+base64.URLEncoding.EncodeToString([]byte(value(a))))
	},
	"hex":      func(a string) string { return answering(400, hex.EncodeToString([]byte(a))) },
	"decoded":  func(a string) string { return answering(400, "who is "+decoded(a)+"?") },
	"password": func(a string) string { _, p, _ := strings.Cut(decoded(a), ":"); return answering(400, "no "+p) },
	"address": func(a string) string {
		return answering(400, "see https://"+url.QueryEscape(decoded(a))+"@h/?a="+url.QueryEscape(value(a)))
	},
	"at the cut": func(a string) string { return answering(400, strings.Repeat("x", messageLength-20)+a) },
	"at the cut, JSON": func(a string) string {
		return answering(400, `{"message": "`+strings.Repeat("x ", messageLength/2-13)+value(a)+`"}`)
	},
	"at the end read": func(a string) string { return answering(400, strings.Repeat(" ", messageLimit-20)+value(a)) },
	"split":           func(a string) string { return answering(400, a[:len(a)/2]+"\u200b\x00"[:3]+a[len(a)/2:]) },
	"split over lines": func(a string) string {
		return answering(400, `{"message": `+inJSON(a[:len(a)/2]+"\r\n"+a[len(a)/2:])+`}`)
	},
	"header":             func(a string) string { return answering(401, "", "Www-Authenticate", "realm="+a, "X-Debug", a) },
	"retry after":        func(a string) string { return answering(429, "", "Retry-After", a) },
	"location":           func(a string) string { return answering(302, "", "Location", "/login/"+url.PathEscape(value(a))) },
	"location elsewhere": func(a string) string { return answering(307, "", "Location", "http://127.0.0.1:1/"+url.PathEscape(a)) },
	"location with user": func(a string) string {
		return answering(307, "", "Location", "http://u:"+url.QueryEscape(value(a))+"@127.0.0.1:1/")
	},
	"location, broken":  func(a string) string { return answering(302, "", "Location", "http://[::1"+a+"/%zz") },
	"location, scheme":  func(a string) string { return answering(302, "", "Location", "ftp://h/"+url.PathEscape(a)) },
	"a status line":     func(a string) string { return "HTTP/1.1 " + a + "\r\n\r\n" },
	"a status text":     func(a string) string { return "HTTP/1.1 400 " + a + "\r\nContent-Length: 0\r\n\r\n" },
	"no HTTP":           func(a string) string { return "Authorization: " + a + "\r\n\r\n" },
	"a broken header":   func(a string) string { return "HTTP/1.1 200 OK\r\n" + strings.ReplaceAll(a, ":", "") + "\r\n\r\n" },
	"a broken length":   func(a string) string { return "HTTP/1.1 200 OK\r\nContent-Length: " + a + "\r\n\r\n" },
	"a broken encoding": func(a string) string { return "HTTP/1.1 200 OK\r\nTransfer-Encoding: " + a + "\r\n\r\n" },
	"a broken chunk":    func(a string) string { return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + a + "\r\n" },
	"success": func(a string) string {
		return answering(200, `{"user_id": `+inJSON(value(a))+`, "url": "https://cdn/`+url.PathEscape(a)+`"}`)
	},
	"success, a page":  func(a string) string { return answering(200, "<title>hello "+a+"</title>") },
	"success, no JSON": func(a string) string { return answering(200, a) },
	"success, cut": func(a string) string {
		return "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{\"user_id\": \"" + value(a)
	},
}

func answering(status int, body string, headers ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\nContent-Length: %d\r\nConnection: close\r\n", status, http.StatusText(status), len(body))
	for i := 0; i+1 < len(headers); i += 2 {
		fmt.Fprintf(&b, "%s: %s\r\n", headers[i], headers[i+1])
	}
	return b.String() + "\r\n" + body
}

func inJSON(s string) string {
	data, _ := json.Marshal(s) // a string never fails
	return string(data)
}

// value is a header without its scheme, decoded what it holds.
func value(authorization string) string {
	_, value, _ := strings.Cut(authorization, " ")
	return value
}

func decoded(authorization string) string {
	if plain, err := base64.StdEncoding.DecodeString(value(authorization)); err == nil {
		return string(plain)
	}
	return value(authorization)
}

// rawServer answers each connection with what echo makes of a header of the
// request, byte by byte as it is.
func rawServer(t *testing.T, header string, echo func(string) string) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	t.Cleanup(func() {
		_ = listener.Close()
		all.Wait()
	})
	all.Go(func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer connection.Close()
				request, err := http.ReadRequest(bufio.NewReader(connection))
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, request.Body)
				_, _ = io.WriteString(connection, echo(request.Header.Get(header)))
			})
		}
	})
	return listener.Addr().String()
}

// No answer, sound or broken, brings the credentials of its request into an
// error, its advice, a line of progress, or an answer in JSON that is used.
func TestNoEchoIsShown(t *testing.T) {
	watch := canary.New()
	told := 0
	for name, echo := range echoes {
		for scheme, authorization := range map[string]string{
			"bearer": "Bearer " + canary.Token,
			"basic":  canary.Basic(canary.Username, canary.Password),
		} {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				t.Run(name+"/"+scheme+"/"+method, func(t *testing.T) {
					address := rawServer(t, "Authorization", echo)
					client := New(Options{
						Attempts: 2, FirstWait: time.Nanosecond, Patience: time.Second,
						Notify: func(r Retry) { watch.Check(t, "a retry", []byte(r.String())) },
					})
					defer client.Close()
					answer, err := client.Do(t.Context(), Request{
						Op: "asking", Method: method, URL: "http://" + address, Authorization: authorization, JSON: true, Repeatable: true,
						Check: func(answer *Response) error {
							if strings.HasPrefix(name, "success, ") {
								return fmt.Errorf("no answer: it begins with %s", Excerpt(answer.Body))
							}
							return nil
						},
					})
					if err != nil {
						told++
						failure, _ := As(err)
						watch.Check(t, "the error", fmt.Appendf(nil, "%v\n%#q\n%s\n%s", err, err.Error(), advice(err), failure.Summary()))
					} else {
						watch.Check(t, "the answer", append(answer.Body, answer.URL...))
					}
				})
			}
		}
	}
	outputs, bytes := watch.Searched()
	t.Logf("%d answers, %d outputs with %d bytes searched", 4*len(echoes), outputs, bytes)
	if told < 100 {
		t.Errorf("only %d errors: the servers do not get to say anything", told)
	}
}

// Neither does a proxy, which is asked in the open and for a tunnel.
func TestNoEchoOfAProxyIsShown(t *testing.T) {
	watch := canary.New()
	for name, echo := range echoes {
		for _, target := range []string{"http://cloud.example/x", "https://cloud.example/x"} {
			t.Run(name+"/"+target[:5], func(t *testing.T) {
				proxy, err := url.Parse(canary.ProxyURL(rawServer(t, "Proxy-Authorization", echo)))
				if err != nil {
					t.Fatal(err)
				}
				client := New(Options{
					Attempts: 2, FirstWait: time.Nanosecond, Patience: time.Second, Proxy: http.ProxyURL(proxy),
					Notify: func(r Retry) { watch.Check(t, "a retry", []byte(r.String())) },
				})
				defer client.Close()
				answer, err := client.Do(t.Context(), Request{Op: "asking", URL: target, JSON: true})
				if err != nil {
					failure, _ := As(err)
					watch.Check(t, "the error", fmt.Appendf(nil, "%v\n%s\n%s", err, advice(err), failure.Summary()))
				} else {
					watch.Check(t, "the answer", append(answer.Body, answer.URL...))
				}
			})
		}
	}
}
