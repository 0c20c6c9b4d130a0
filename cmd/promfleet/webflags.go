package main

import (
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"strings"
)

// externalURL is the value of a flag for the URL of a server.
type externalURL struct{ to **url.URL }

// String implements kingpin.Value.
func (v externalURL) String() string {
	if *v.to == nil {
		return ""
	}
	return (*v.to).String()
}

// Set implements kingpin.Value.
func (v externalURL) Set(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errorf("not a URL like https://monitoring.example.com/promfleet")
	}
	if u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return errorf("a URL with a user, a query or a fragment")
	}
	// What it is served below must be a path as it is written.
	u.Path = strings.TrimRight(u.Path, "/")
	if u.Path != "" && (path.Clean(u.Path) != u.Path || u.EscapedPath() != u.Path) {
		return errorf("the path %q is not a plain one", u.Path)
	}
	*v.to = u
	return nil
}

// networks is the value of a flag for addresses and networks; it may be repeated.
type networks struct{ to *[]netip.Prefix }

// String implements kingpin.Value.
func (v networks) String() string { return fmt.Sprint(*v.to) }

// IsCumulative implements kingpin.remainderArg.
func (v networks) IsCumulative() bool { return true }

// Set implements kingpin.Value.
func (v networks) Set(s string) error {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		var a netip.Addr
		if a, err = netip.ParseAddr(s); err == nil {
			p, err = a.WithZone("").Unmap().Prefix(a.Unmap().BitLen())
		}
	}
	if err != nil {
		return errorf("neither an address, as 10.0.0.7, nor a network, as 10.0.0.0/24")
	}
	*v.to = append(*v.to, p.Masked())
	return nil
}
