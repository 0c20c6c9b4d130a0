package check

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery/targetgroup"
)

// LabelName says whether the linked Prometheus takes name as a label name in a
// file_sd file: any UTF-8 that is not empty.
func LabelName(name string) error {
	if !model.UTF8Validation.IsValidLabelName(name) {
		return fmt.Errorf("%q is not a valid label name", name)
	}
	return nil
}

// maxAddress is the length of an address in bytes: that of a URL that everything
// on its way takes.
const maxAddress = 2048

var urlScheme = regexp.MustCompile(`^[A-Za-z][0-9A-Za-z+.-]*://`)

// Address says whether addr can be a target's __address__: host, host:port or
// [v6]:port, which every job takes, or a URL, which a job takes whose
// relabel_configs move it elsewhere (probe jobs).
func Address(addr string) error {
	switch {
	case addr == "":
		return errors.New("the address is empty")
	case len(addr) > maxAddress:
		return fmt.Errorf("the address is %d bytes, more than %d", len(addr), maxAddress)
	case !utf8.ValidString(addr):
		return errors.New("the address is not valid UTF-8")
	}
	for _, r := range addr {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) {
			return fmt.Errorf("the address has a space or a control character in it: %q", addr)
		}
	}
	if urlScheme.MatchString(addr) {
		u, err := url.Parse(addr)
		if err != nil {
			return errors.New("not a valid URL: " + oneLine(err.Error()))
		}
		if u.Hostname() == "" {
			return fmt.Errorf("%q has no host", u.Redacted())
		}
		return port(u.Host, u.Port(), strings.HasSuffix(u.Host, ":"))
	}
	if err := config.CheckTargetAddress(model.LabelValue(addr)); err != nil {
		return fmt.Errorf("%w; give host:port, and the path as metrics_path or label __metrics_path__, or a whole URL with its scheme", err)
	}
	return hostPort(addr)
}

func hostPort(addr string) error {
	if inner, ok := strings.CutPrefix(addr, "["); ok {
		v6, rest, ok := strings.Cut(inner, "]")
		if ip, err := netip.ParseAddr(v6); !ok || err != nil || !ip.Is6() {
			return fmt.Errorf("%q is not a valid address: what is in brackets must be an IPv6 address", addr)
		}
		p, ok := strings.CutPrefix(rest, ":")
		if rest != "" && !ok {
			return fmt.Errorf("%q is not a valid address: after the bracket comes :port", addr)
		}
		return port(addr, p, ok && p == "")
	}
	if strings.Count(addr, ":") > 1 {
		if _, err := netip.ParseAddr(addr); err == nil {
			return fmt.Errorf("%q is an IPv6 address without brackets; write [%s] or [%s]:port", addr, addr, addr)
		}
		return fmt.Errorf("%q has too many colons", addr)
	}
	host, p, colon := strings.Cut(addr, ":")
	if host == "" {
		return fmt.Errorf("%q has no host", addr)
	}
	return port(addr, p, colon && p == "")
}

// port checks a port, "" meaning that there is none.
func port(addr, p string, missing bool) error {
	if missing {
		return fmt.Errorf("%q ends where its port should be", addr)
	}
	if p == "" {
		return nil
	}
	if _, err := strconv.ParseUint(p, 10, 16); err != nil {
		return fmt.Errorf("%q has no valid port: %q is not a number from 0 to 65535", addr, p)
	}
	return nil
}

// Group is a group of targets that share labels.
type Group struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels,omitempty"`
}

// MaxTargetGroups is the size of a file_sd file in bytes that TargetGroups takes.
const MaxTargetGroups = 64 << 20

// TargetGroups reads the body of a file_sd JSON file as Prometheus would, and
// refuses what Prometheus would pass over in silence: null, and bytes that are
// no UTF-8.
func TargetGroups(body []byte) (groups []Group, err error) {
	defer recoverAs(&err)
	if len(body) > MaxTargetGroups {
		return nil, fmt.Errorf("the target file is %d bytes, more than %d", len(body), MaxTargetGroups)
	}
	if !utf8.Valid(body) {
		return nil, errors.New("the target file is not valid UTF-8")
	}
	var read []*targetgroup.Group
	if err := json.Unmarshal(body, &read); err != nil {
		return nil, fmt.Errorf("the target file is not what Prometheus reads: %s", oneLine(err.Error()))
	}
	if at := findNull(body); at >= 0 {
		return nil, fmt.Errorf("the target file has a null at byte %d", at)
	}
	groups = make([]Group, 0, len(read))
	for _, g := range read {
		groups = append(groups, groupOf(g))
	}
	return groups, nil
}

func groupOf(g *targetgroup.Group) Group {
	out := Group{Targets: make([]string, 0, len(g.Targets))}
	for _, t := range g.Targets {
		out.Targets = append(out.Targets, string(t[model.AddressLabel]))
	}
	if len(g.Labels) > 0 {
		out.Labels = make(map[string]string, len(g.Labels))
		for name, value := range g.Labels {
			out.Labels[string(name)] = string(value)
		}
	}
	return out
}

// findNull gives where the first null stands in valid JSON, or -1. Outside of
// strings only null begins with an n.
func findNull(body []byte) int {
	inString := false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case !inString && c == 'n':
			return i
		}
	}
	return -1
}
