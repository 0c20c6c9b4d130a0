package inotify

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// listener is a socket that listens.
type listener struct {
	addr  netip.AddrPort
	uid   uint32
	inode string
}

// listening finds the socket that a connection to addr would reach. ErrElsewhere
// if that is not one of this host.
func listening(root, addr string) (listener, error) {
	host, port, err := split(addr)
	if err != nil {
		return listener{}, err
	}
	wanted, err := addresses(host)
	if err != nil {
		return listener{}, fmt.Errorf("%w: %w", ErrElsewhere, err)
	}
	if !slices.ContainsFunc(wanted, here) {
		return listener{}, fmt.Errorf("%w: %s is not an address of it", ErrElsewhere, host)
	}
	var all []listener
	for _, table := range []string{"net/tcp", "net/tcp6"} {
		found, err := listeners(filepath.Join(root, table))
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // without IPv6 there is but one
			return listener{}, fmt.Errorf("%w: %w", ErrNoProc, err)
		}
		all = append(all, found...)
	}
	for _, exact := range []bool{true, false} {
		for _, l := range all {
			if l.addr.Port() != port {
				continue
			}
			if exact && slices.Contains(wanted, l.addr.Addr()) || !exact && l.addr.Addr().IsUnspecified() {
				return l, nil
			}
		}
	}
	return listener{}, fmt.Errorf("%w: nobody listens at %s", ErrElsewhere, net.JoinHostPort(host, strconv.Itoa(int(port))))
}

func split(addr string) (host string, port uint16, err error) {
	if strings.Contains(addr, "://") {
		u, err := url.Parse(addr)
		if err != nil {
			return "", 0, err
		}
		addr = u.Host
		if u.Port() == "" {
			port := "80"
			if u.Scheme == "https" {
				port = "443"
			}
			addr = net.JoinHostPort(u.Hostname(), port)
		}
	}
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, fmt.Errorf("%q is not HOST:PORT", addr)
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("%q is not HOST:PORT: the port must be a number", addr)
	}
	return host, uint16(n), nil
}

// lookupFor is how long the name of a host may take to be resolved.
const lookupFor = 2 * time.Second

func addresses(host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		if a.IsUnspecified() { // which connects to this host
			return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}, nil
		}
		return []netip.Addr{a.Unmap()}, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookupFor)
	defer cancel()
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	for i := range found {
		found[i] = found[i].Unmap()
	}
	return found, err
}

// here tells whether an address is one of this host.
func here(a netip.Addr) bool {
	if a.IsLoopback() {
		return true
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	return slices.ContainsFunc(own, func(n net.Addr) bool {
		p, err := netip.ParsePrefix(n.String())
		return err == nil && p.Addr().Unmap() == a.WithZone("")
	})
}

// listeners reads a table of /proc/net.
func listeners(path string) ([]listener, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var all []listener
	for line := range strings.Lines(string(text)) {
		// sl local rem st queues tr:when retrnsmt uid timeout inode …
		f := strings.Fields(line)
		const listens = "0A"
		if len(f) < 10 || f[3] != listens {
			continue
		}
		at, err := parseAddr(f[1])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		uid, err := strconv.ParseUint(f[7], 10, 32)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, listener{addr: at, uid: uint32(uid), inode: f[9]})
	}
	return all, nil
}

// parseAddr reads 0100007F:1F90: words of 4 bytes, each printed as a number of the
// host's byte order.
func parseAddr(s string) (netip.AddrPort, error) {
	ip, port, _ := strings.Cut(s, ":")
	raw, err := hex.DecodeString(ip)
	if err != nil {
		return netip.AddrPort{}, err
	}
	for i := 0; i+4 <= len(raw); i += 4 {
		binary.NativeEndian.PutUint32(raw[i:], binary.BigEndian.Uint32(raw[i:]))
	}
	a, ok := netip.AddrFromSlice(raw)
	n, err := strconv.ParseUint(port, 16, 16)
	if !ok || err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q is not an address", s)
	}
	return netip.AddrPortFrom(a.Unmap(), uint16(n)), nil
}
