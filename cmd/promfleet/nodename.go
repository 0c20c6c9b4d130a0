package main

import (
	"strings"

	"github.com/google/uuid"

	"promfleet"
	"promfleet/client"
)

// nodeUUID gives the uuid of a node that is named by it, or by its hostname where
// one live node alone has that.
func (c *command) nodeUUID(cl *client.Client, name string) (string, error) {
	if len(name) == len(uuid.Nil.String()) && uuid.Validate(name) == nil {
		return strings.ToLower(name), nil
	}
	var uuids []string
	l := &list{all: true}
	l.add("q", func(*client.Client) (string, error) { return name, nil })
	page, err := pages(c.ctx, cl, cl.Nodes(), l)
	if err != nil {
		return "", err
	}
	for _, n := range page.Items {
		if n.Hostname == name {
			uuids = append(uuids, n.UUID)
		}
	}
	switch len(uuids) {
	case 0:
		return "", errorf("there is no node %q, neither by uuid nor by hostname; hint: promfleet node list shows both", name)
	case 1:
		return uuids[0], nil
	}
	const shown = 5
	if more := len(uuids) - shown; more > 0 {
		return "", errorf("%d nodes have the hostname %q: give the uuid of one, %s and %d more", len(uuids), name, strings.Join(uuids[:shown], ", "), more)
	}
	return "", errorf("%d nodes have the hostname %q: give the uuid of one, %s", len(uuids), name, strings.Join(uuids, ", "))
}

// nodes gives all live nodes.
func (c *command) nodes(cl *client.Client) ([]promfleet.Node, error) {
	page, err := pages(c.ctx, cl, cl.Nodes(), &list{all: true})
	if err != nil {
		return nil, err
	}
	return page.Items, nil
}

// fileNames gives each node the name of a file: its hostname, made safe for any file
// system, with a part of its uuid where that is not unique.
func fileNames(nodes []promfleet.Node) map[string]string {
	hosts := map[string]int{}
	for _, n := range nodes {
		hosts[strings.ToLower(fileName(n.Hostname))]++
	}
	taken, names := map[string]bool{}, map[string]string{}
	for _, n := range nodes {
		name := fileName(n.Hostname)
		if hosts[strings.ToLower(name)] > 1 {
			name += "-" + n.UUID[:8]
		}
		if taken[strings.ToLower(name)] {
			name = fileName(n.Hostname) + "-" + n.UUID
		}
		taken[strings.ToLower(name)] = true
		names[n.UUID] = name + ".yml"
	}
	return names
}

func fileName(hostname string) string {
	safe := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r) {
			return r
		}
		return '_'
	}, hostname)
	safe = safe[:min(len(safe), 100)]
	if safe == "" || safe[0] == '.' || safe[0] == '-' { // hidden, or taken for an option
		return "_" + strings.TrimLeft(safe, ".-")
	}
	return safe
}
