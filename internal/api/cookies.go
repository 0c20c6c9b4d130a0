package api

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// sessionCookie is the cookie that has the token of a browser's session.
const sessionCookie = "promfleet_session"

// request is what handlers must know of an HTTP request beside their input.
type request struct {
	address netip.Addr // of the caller; invalid if it is not known
	session string     // the session cookie; "" if there is none
	secure  bool       // it came by TLS, as far as the browser is concerned
}

func requestOf(ctx context.Context) request {
	r, _ := ctx.Value(requestKey).(request)
	return r
}

// withRequest lets requestOf tell about a request.
func (h *handlers) withRequest(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in := request{
			address: h.clientAddress(r),
			secure:  r.TLS != nil || h.external != nil && h.external.Scheme == "https",
		}
		if c, err := r.Cookie(sessionCookie); err == nil {
			in.session = c.Value
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestKey, in)))
	})
}

// clientAddress gives the address that a request comes from. X-Forwarded-For is
// believed as far as trusted proxies wrote it: each appends the address of its
// caller, so from the end, up to the first that is not one of them.
func (h *handlers) clientAddress(r *http.Request) netip.Addr {
	addr := parseAddress(r.RemoteAddr)
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && h.trusts(addr); i-- {
		hop := parseAddress(strings.TrimSpace(hops[i]))
		if !hop.IsValid() {
			break
		}
		addr = hop
	}
	return addr
}

func (h *handlers) trusts(a netip.Addr) bool {
	for _, p := range h.proxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// parseAddress reads an address with or without a port.
func parseAddress(s string) netip.Addr {
	if p, err := netip.ParseAddrPort(s); err == nil {
		return p.Addr().Unmap().WithZone("")
	}
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}

// cookie makes the session cookie; one without a token deletes it. It has no
// lifetime of its own: the browser forgets it when it is closed, and the server
// knows when the session has ended.
func (h *handlers) cookie(ctx context.Context, token string) string {
	c := http.Cookie{Name: sessionCookie, Value: token, Path: "/", Secure: requestOf(ctx).secure, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if h.external != nil {
		c.Path += strings.Trim(h.external.EscapedPath(), "/")
	}
	if token == "" {
		c.MaxAge = -1
	}
	return c.String()
}

// crossOriginProtection refuses writes that a browser makes for a page of somebody
// else's: the session cookie would go with them. external is trusted, for browsers
// behind a proxy that asks with another Host.
func crossOriginProtection(external *url.URL) (*http.CrossOriginProtection, error) {
	p := http.NewCrossOriginProtection()
	p.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeProblem(w, &Problem{Status: http.StatusForbidden, Detail: "this request was made for a page of another origin; if this server is behind a proxy, start it with --web.external-url"})
	}))
	if external != nil {
		if err := p.AddTrustedOrigin(origin(external)); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// origin gives the origin of a URL as browsers write it (RFC 6454, 6.2).
func origin(u *url.URL) string {
	scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	if port := u.Port(); scheme == "https" && port == "443" || scheme == "http" && port == "80" {
		host = strings.TrimSuffix(host, ":"+port)
	}
	return scheme + "://" + host
}
