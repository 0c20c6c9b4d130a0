package storetest

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"pgregory.net/rapid"

	"promfleet/internal/fleet"
)

func jobOf(id int64) string    { return fmt.Sprintf("job/%d", id) }
func targetOf(id int64) string { return fmt.Sprintf("target/%d", id) }

// addContacts makes what the records may name.
func (m *machine) addContacts(rt *rapid.T) {
	user := seedUser(rt, m.s, "北京")
	for _, addr := range []string{"a", "b", "c"} {
		c := newContact(user, addr)
		insertContacts(rt, m.s, c)
		c.UserName = "北京"
		m.contacts[c.ID] = *c
	}
}

func (m *machine) node(uuid string) fleet.NodeRecord {
	n := m.nodes[uuid]
	n.Tags, n.Contacts = m.shownTags("node/"+uuid), m.shownContacts("node/"+uuid)
	for _, j := range m.jobs {
		if j.Node == uuid && j.DeletedAt == nil {
			n.JobCount++
		}
	}
	return n
}

func (m *machine) job(id int64) fleet.JobRecord {
	j := m.jobs[id]
	j.Contacts = m.shownContacts(jobOf(id))
	return j
}

func (m *machine) target(id int64) fleet.TargetRecord {
	r := m.targets[id]
	r.Tags = m.shownTags(targetOf(id))
	return r
}

func (m *machine) shownTags(owner string) (names []string) {
	for id := range m.tagged[owner] {
		if g := m.tags[id]; g.DeletedAt == nil {
			names = append(names, g.Name)
		}
	}
	slices.Sort(names)
	return names
}

func (m *machine) shownContacts(owner string) (ids []int64) {
	for id := range m.named[owner] {
		if m.contacts[id].DeletedAt == nil {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// liveTag gives the live tag of a name, 0 if there is none.
func (m *machine) liveTag(name string) int64 {
	for id, g := range m.tags {
		if g.Name == name && g.DeletedAt == nil {
			return id
		}
	}
	return 0
}

// setTags is what a write of a record with these tags does to its links: nothing
// if it shows them already.
func (m *machine) setTags(rt *rapid.T, owner string, names []string) {
	if slices.Equal(m.shownTags(owner), names) {
		return
	}
	links := map[int64]bool{}
	for _, name := range names {
		if m.liveTag(name) == 0 { // it was made by being named
			view(rt, m.s, func(ctx context.Context, tx fleet.Tx) error {
				g, err := tx.TagByName(ctx, name)
				if err == nil {
					m.tags[g.ID] = *g
				}
				return err
			})
		}
		links[m.liveTag(name)] = true
	}
	m.tagged[owner] = links
}

func (m *machine) setContacts(owner string, ids []int64) {
	if slices.Equal(m.shownContacts(owner), ids) {
		return
	}
	m.named[owner] = map[int64]bool{}
	for _, id := range ids {
		m.named[owner][id] = true
	}
}

// drawContacts draws some that live, as fleet does not let others through.
func (m *machine) drawContacts(rt *rapid.T) (ids []int64) {
	for _, id := range sortedKeys(m.contacts) {
		if m.contacts[id].DeletedAt == nil && rapid.Bool().Draw(rt, "names the contact") {
			ids = append(ids, id)
		}
	}
	return ids
}

func (m *machine) updateContact(rt *rapid.T) {
	c := m.contacts[pick(rt, m.contacts, "contact")]
	c.DeletedAt = m.mark(rt, c.DeletedAt)
	m.change(rt, pick(rt, m.nodes, "node"), nil,
		func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateContact(ctx, &c) },
		func() { m.contacts[c.ID] = c })
}

func (m *machine) updateTag(rt *rapid.T) {
	g := m.tags[pick(rt, m.tags, "tag")]
	right := g.Version
	g.Version = m.version(rt, right)
	g.Name = rapid.SampledFrom([]string{g.Name, g.Name, "开发", "测试"}).Draw(rt, "name")
	g.DeletedAt = m.mark(rt, g.DeletedAt)
	var wrong error
	if other := m.liveTag(g.Name); g.Version != right {
		wrong = fleet.ErrVersion
	} else if g.DeletedAt == nil && other != 0 && other != g.ID {
		wrong = fleet.ErrExists
	}
	m.change(rt, pick(rt, m.nodes, "node"), wrong,
		func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateTag(ctx, &g) },
		func() { m.tags[g.ID] = g })
}

// updateTargets changes some targets of a job in one call.
func (m *machine) updateTargets(rt *rapid.T) {
	job := m.targets[pick(rt, m.targets, "target")].Job
	ids := slices.DeleteFunc(sortedKeys(m.targets), func(id int64) bool { return m.targets[id].Job != job })
	ids = rapid.SliceOfNDistinct(rapid.SampledFrom(ids), 1, min(3, len(ids)), rapid.ID).Draw(rt, "ids")
	after := maps.Clone(m.targets)
	stale := false
	var rows []*fleet.TargetRecord
	for _, id := range ids {
		r := m.targets[id]
		r.Version = m.version(rt, r.Version)
		stale = stale || r.Version != m.targets[id].Version
		m.drawTarget(rt, &r)
		r.DeletedAt = m.mark(rt, r.DeletedAt)
		after[id] = r
		rows = append(rows, &r)
	}
	var wrong error
	for _, r := range rows {
		if r.DeletedAt != nil {
			continue
		}
		if (&machine{targets: after}).targetTaken(*r) {
			wrong = fleet.ErrExists
			break
		}
		// Whether one may take what another of the same call gives up is not said.
		for _, o := range rows {
			was := m.targets[o.ID]
			if o.ID != r.ID && was.DeletedAt == nil && o.DeletedAt == nil && was.Addr == r.Addr && was.Name == r.Name {
				rt.Skip()
			}
		}
	}
	if stale {
		wrong = fleet.ErrVersion
	}
	m.change(rt, m.jobs[job].Node, wrong,
		func(ctx context.Context, tx fleet.Tx) error { return tx.UpdateTargets(ctx, rows) },
		func() {
			for _, r := range rows {
				m.targets[r.ID] = *r
				m.setTags(rt, targetOf(r.ID), r.Tags)
			}
		})
}
