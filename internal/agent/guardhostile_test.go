package agent

import (
	"strings"
	"testing"

	"promfleet"
	"promfleet/internal/render"
)

// saying alters what the index of a job says of its pieces, the bodies being the same.
func (c *controlPlane) saying(m *promfleet.Manifest, key string, change func(p *promfleet.Part)) {
	for i, p := range m.Parts {
		if p.Name != render.IndexName(key) {
			continue
		}
		var parts []promfleet.Part
		if err := strict([]byte(c.bodies[p.Hash]), &parts); err != nil {
			panic(err)
		}
		for j := range parts {
			if name, _ := render.ParseName(parts[j].Name); !name.Config {
				change(&parts[j])
			}
		}
		body, err := render.IndexBody(parts)
		if err != nil {
			panic(err)
		}
		m.Parts[i] = c.part(p.Name, string(body))
		m.Parts[i].Index = true
	}
}

// TestCountOfKnownPiece: a server cannot have the guard think that a piece which
// is here already has fewer targets, or more, than it has.
func TestCountOfKnownPiece(t *testing.T) {
	for _, n := range []int64{0, 1, 1 << 40} {
		inBed(t, func(t *testing.T, b *bed) {
			b.policy("removal_confirm: local")
			b.join()
			b.server.want("", oneJob(addrs(0, 200)...))
			b.start()
			b.expect(promfleet.StateInSync)
			b.server.alter(func(m *promfleet.Manifest) {
				b.server.saying(m, "node", func(p *promfleet.Part) { p.Count = n })
			})
			if r := b.expect(promfleet.StateFailed); !strings.Contains(r.Error, "has 200 targets and says") {
				t.Errorf("error %q", r.Error)
			}
			b.server.want("", oneJob("x:1"))
			b.held("takes 200 of 200")
			same(t, 201, len(b.scraped("node")))
			b.stop()
		})
	}
}
