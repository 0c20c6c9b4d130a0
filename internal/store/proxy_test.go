package store

import (
	"bytes"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
)

// proxy stands between a store and PostgreSQL, to fail as networks do.
type proxy struct {
	t      testing.TB
	server string
	l      net.Listener
	wg     sync.WaitGroup

	// mute: it forwards nothing, and nobody is told.
	mute atomic.Bool
	// atCommit, if not nil, decides about a connection that sends a commit.
	atCommit atomic.Pointer[func() verdict]

	mu    sync.Mutex
	conns []net.Conn
}

// verdict is what becomes of a commit.
type verdict int

const (
	pass       verdict = iota
	drop               // it does not arrive, and the connection breaks
	dropAnswer         // it arrives, and the connection breaks
)

// newProxy gives a proxy and the URL of a database through it.
func newProxy(t testing.TB, of string) (*proxy, string) {
	t.Helper()
	u, err := url.Parse(of)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{t: t, server: u.Host, l: l}
	u.Host = l.Addr().String()
	p.wg.Go(p.accept)
	t.Cleanup(func() {
		_ = l.Close()
		p.mu.Lock()
		for _, c := range p.conns {
			_ = c.Close()
		}
		p.mu.Unlock()
		p.wg.Wait()
	})
	return p, u.String()
}

func (p *proxy) accept() {
	for {
		client, err := p.l.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.server)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, client, server)
		p.mu.Unlock()
		var forgotten atomic.Bool // the client is gone, the server is not told
		p.wg.Go(func() { p.requests(client, server, &forgotten) })
		p.wg.Go(func() { p.answers(client, server, &forgotten) })
	}
}

func (p *proxy) requests(client, server net.Conn, forgotten *atomic.Bool) {
	defer client.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if err != nil {
			if !forgotten.Load() {
				_ = server.Close()
			}
			return
		}
		if p.mute.Load() {
			continue
		}
		v := pass
		if f := p.atCommit.Load(); f != nil && bytes.Contains(buf[:n], []byte("Q\x00\x00\x00\x0bcommit\x00")) {
			v = (*f)()
		}
		if v == drop {
			_ = server.Close()
			return
		}
		forgotten.Store(v == dropAnswer)
		if _, err := server.Write(buf[:n]); err != nil {
			return
		}
	}
}

func (p *proxy) answers(client, server net.Conn, forgotten *atomic.Bool) {
	defer server.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := server.Read(buf)
		if err != nil || forgotten.Load() {
			_ = client.Close()
			return
		}
		if p.mute.Load() {
			continue
		}
		if _, err := client.Write(buf[:n]); err != nil {
			return
		}
	}
}
