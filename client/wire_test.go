package client

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"promfleet"
)

// A redirect to another server is not followed: neither the token nor the call
// itself goes there.
func TestRedirectElsewhere(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		called := ""
		elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { called = r.Method + " " + r.Header.Get("Authorization") }))
		c := serving(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+"/-/quit", status)
		})
		err := c.Report(context.Background(), promfleet.Report{})
		elsewhere.Close()
		if called != "" {
			t.Errorf("%d: another server was called: %s", status, called)
		}
		if promfleet.ErrorCode(err) != promfleet.Unavailable || !strings.Contains(err.Error(), "redirects to another server") || !strings.Contains(err.Error(), elsewhere.URL) {
			t.Errorf("%d: %v", status, err)
		}
	}
}

// One on the same server is.
func TestRedirectOnTheServer(t *testing.T) {
	c := serving(t, func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/moved") {
			http.Redirect(w, r, "/moved"+r.URL.Path, http.StatusTemporaryRedirect)
			return
		}
		if r.Method != http.MethodPost || r.Header.Get("Authorization") != "Bearer secret" {
			t.Errorf("%s, Authorization %q", r.Method, r.Header.Get("Authorization"))
		}
		w.WriteHeader(http.StatusNoContent)
	})
	if err := c.Report(context.Background(), promfleet.Report{}); err != nil {
		t.Error(err)
	}
}

// The words beside a status are the server's, and may be a screen's control
// sequences.
func TestWordsOfAStatus(t *testing.T) {
	c := serving(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = conn.Write([]byte("HTTP/1.1 499 all is well\x1b[2J\r\nContent-Length: 0\r\n\r\n"))
	})
	if err := c.Report(context.Background(), promfleet.Report{}); err == nil || strings.Contains(err.Error(), "well") {
		t.Errorf("%v", err)
	}
}

func TestAnswersToAgents(t *testing.T) {
	hash := strings.Repeat("0", 64)
	for _, tc := range []struct {
		name, body string
		ok         bool
	}{
		{"as a server writes it", `{"$schema":"https://x/","manifest":{"protocol":1,"node":"n","revision":7,"confirmed":3,"parts":[{"name":"base","hash":"` + hash + `","size":4,"index":false,"count":2,"more":{"x":[1]}}],"more":null},"bodies":[{"hash":"` + hash + `","body":"text"}],"more":[[[]]]}`, true},
		{"no lists", `{"manifest":{"protocol":1,"node":"n","revision":7,"parts":null},"bodies":null}`, true},
		{"empty", ``, false},
		{"null", `null`, false},
		{"a list", `[]`, false},
		{"cut short", `{"manifest":{"revision":7`, false},
		{"more after it", `{"manifest":{}}{}`, false},
		{"a list of nothing", `{"manifest":{"parts":[` + strings.Repeat(`{},`, 100) + `{}]}}`, false},
		{"a list of null", `{"manifest":{"parts":[null]}}`, false},
		{"too many", `{"manifest":{"parts":[` + strings.Repeat(`{"hash":"x"},`, maxElements) + `{"hash":"x"}]}}`, false},
		{"not a number", `{"manifest":{"revision":1e999}}`, false},
		{"not a list", `{"manifest":{"parts":{}}}`, false},
		{"deep", `{"x":` + strings.Repeat("[", 20_000), false},
		{"too large", `{"x":"` + strings.Repeat("x", 1<<20) + `"}`, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := serving(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(tc.body)) }).Within(1 << 20)
			reply, err := c.Watch(context.Background(), 0, 0)
			if tc.ok != (err == nil) || err != nil && promfleet.ErrorCode(err) != promfleet.Unavailable {
				t.Fatalf("%v", err)
			}
			if !tc.ok {
				return
			}
			if m := reply.Manifest; m.Protocol != 1 || m.Node != "n" || m.Revision != 7 {
				t.Errorf("%+v", reply)
			}
			if m := reply.Manifest; len(m.Parts) > 0 && (m.Parts[0] != (promfleet.Part{Name: "base", Hash: promfleet.Hash(hash), Size: 4, Count: 2}) || m.Confirmed != 3 || reply.Bodies[0].Body != "text") {
				t.Errorf("%+v", reply)
			}
		})
	}
}

// More bodies than were asked for are none.
func TestMoreThanAsked(t *testing.T) {
	c := serving(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"bodies":[{"hash":"a","body":"x"},{"hash":"b","body":"y"}]}`))
	})
	two := []promfleet.PartRef{{Name: "a", Hash: "a"}, {Name: "b", Hash: "b"}}
	if got, err := c.Fetch(context.Background(), two); err != nil || len(got) != 2 || got[1].Body != "y" {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := c.Fetch(context.Background(), two[:1]); err == nil {
		t.Errorf("%v", got)
	}
}

// An answer that ends in the middle has broken off; one that has an end and makes
// no sense is not a promfleet server's.
func TestBrokeOffWatch(t *testing.T) {
	c := serving(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte(`{"manifest":{"parts":[`))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	if _, err := c.Watch(context.Background(), 0, 0); err == nil || !strings.Contains(err.Error(), "broke off") {
		t.Error(err)
	}
}
