package api

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"promfleet"
	"promfleet/internal/announce"
	"promfleet/internal/fleet"
	"promfleet/internal/secret"
	"promfleet/internal/store"
)

// countingStore counts the transactions that may write.
type countingStore struct {
	fleet.Store
	updates atomic.Int64
}

func (s *countingStore) Update(ctx context.Context, fn func(tx fleet.Tx) error) error {
	s.updates.Add(1)
	return s.Store.Update(ctx, fn)
}

// A session is written once a minute at most, however many calls come with it, and
// a call under way does not bring back one that has been ended.
func TestSessionIsWrittenOnceAMinute(t *testing.T) {
	st, err := store.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "promfleet.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	box, err := secret.NewBox(make([]byte, secret.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	counting := &countingStore{Store: st}
	f := fleet.New(counting, box, &announce.Hub{}, time.Now)
	handler, err := New(t.Context(), f, Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	password, _, err := f.FirstAdmin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h := &handlers{fleet: f, sessions: newSessions()}
	var token string
	_, err = f.Login(t.Context(), "admin", password, netip.Addr{}, func(p fleet.Principal, began time.Time) (s fleet.NewSession, err error) {
		token, s, err = h.beginSession(t.Context(), p.User, began)
		return s, err
	})
	if err != nil {
		t.Fatal(err)
	}
	call := func(want int) {
		t.Helper()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, Prefix+"/session", nil)
		r.AddCookie(&http.Cookie{Name: sessionCookie, Value: token})
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("status %d %s, want %d", w.Code, w.Body, want)
		}
	}
	writes := func(want int64, do func()) {
		t.Helper()
		before := counting.updates.Load()
		do()
		if got := counting.updates.Load() - before; got != want {
			t.Errorf("%d writes, want %d", got, want)
		}
	}
	seen := func() (at time.Time, again func(time.Time) error) {
		m, _ := h.requestSessions()
		ctx, err := m.Load(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		return time.UnixMicro(m.GetInt64(ctx, sessionSeen)), func(at time.Time) error {
			m.Put(ctx, sessionSeen, at.UnixMicro())
			_, _, err := m.Commit(ctx)
			return err
		}
	}
	writes(0, func() {
		for range 20 {
			call(http.StatusOK)
		}
	})
	_, again := seen()
	minuteAgo := time.Now().Add(-sessionTouch)
	if err := again(minuteAgo); err != nil {
		t.Fatal(err)
	}
	writes(1, func() {
		for range 20 {
			call(http.StatusOK)
		}
	})
	if at, _ := seen(); !at.After(minuteAgo) {
		t.Errorf("last seen %s", at)
	}

	// Many at the same time each find it due; one of them writes.
	_, again = seen()
	if err := again(minuteAgo); err != nil {
		t.Fatal(err)
	}
	var late [8]func(time.Time) error
	for i := range late {
		_, late[i] = seen()
	}
	var all sync.WaitGroup
	for i := range late {
		all.Go(func() {
			if err := late[i](time.Now().Add(time.Duration(i) * time.Second)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	first, again := seen()
	if err := late[0](first.Add(time.Hour)); err != nil {
		t.Error(err)
	}
	if now, _ := seen(); !now.Equal(first) {
		t.Errorf("written twice: %s, then %s", first, now)
	}

	ctx := context.WithValue(t.Context(), requestKey, request{session: token})
	if err := h.endSession(ctx); err != nil {
		t.Fatal(err)
	}
	if err := again(time.Now()); err != nil {
		t.Error(err)
	}
	call(http.StatusUnauthorized)
	if _, err := h.sessionPrincipal(t.Context(), token); promfleet.ErrorCode(err) != promfleet.Unauthorized {
		t.Errorf("after the end: %v", err)
	}
}

// The address that logins are counted by is what trusted proxies wrote, from the
// end of the list up to the first hop that is none.
func TestClientAddress(t *testing.T) {
	h := &handlers{proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}}
	for _, c := range []struct {
		remote    string
		forwarded []string
		want      string
	}{
		{"192.0.2.1:1", nil, "192.0.2.1"},
		{"192.0.2.1:1", []string{"198.51.100.1"}, "192.0.2.1"},
		{"127.0.0.1:1", nil, "127.0.0.1"},
		{"127.0.0.1:1", []string{"198.51.100.1"}, "198.51.100.1"},
		{"127.0.0.1:1", []string{"203.0.113.1, 198.51.100.1,10.1.1.1"}, "198.51.100.1"},
		{"127.0.0.1:1", []string{"203.0.113.1", "198.51.100.1", "10.1.1.1"}, "198.51.100.1"},
		{"127.0.0.1:1", []string{"10.2.2.2, 10.1.1.1"}, "10.2.2.2"},
		{"127.0.0.1:1", []string{"198.51.100.1, unknown, 10.1.1.1"}, "10.1.1.1"},
		{"127.0.0.1:1", []string{"198.51.100.1:443"}, "198.51.100.1"},
		{"127.0.0.1:1", []string{"[2001:db8::1]:443"}, "2001:db8::1"},
		{"[::ffff:127.0.0.1]:1", []string{"2001:db8::1"}, "2001:db8::1"},
		{"[fd00::1]:1", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		{"[fe80::1%eth0]:1", nil, "fe80::1"},
		{"@", []string{"198.51.100.1"}, "invalid IP"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.RemoteAddr, r.Header["X-Forwarded-For"] = c.remote, c.forwarded
		if got := h.clientAddress(r).String(); got != c.want {
			t.Errorf("%s, forwarded for %q: %s, want %s", c.remote, c.forwarded, got, c.want)
		}
	}
}
