package agent

import (
	"fmt"
	"strings"
	"testing"
	"time"

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

// TestHeldOlder: a removal that waits can be confirmed also after the server went
// back to a revision before it.
func TestHeldOlder(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		b.server.manifest.Revision = 6
		b.server.want("", oneJob(addrs(0, 200)...)) // 7
		b.start()
		b.expect(promfleet.StateInSync)
		b.server.want("", oneJob(addrs(0, 50)...)) // 8
		b.held("takes 150 of 200")
		b.server.alter(func(m *promfleet.Manifest) { m.Revision = 3 })
		b.expect(promfleet.StateFailed)
		if _, err := Confirm(b.opts.DataPath, 3); err != nil {
			t.Fatal(err)
		}
		b.after(3 * time.Second)
		b.held("revision 3 takes 150 of 200")
		if _, err := Confirm(b.opts.DataPath, 0); err != nil {
			t.Fatal(err)
		}
		b.after(3 * time.Second)
		b.expect(promfleet.StateInSync)
		same(t, 50, len(b.scraped("node")))
		b.stop()
	})
}

// TestHeldSaysTwoThings: a server cannot put a larger removal under the number of
// the one that is confirmed.
func TestHeldSaysTwoThings(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.policy("removal_confirm: local")
		b.join()
		b.server.want("", oneJob(addrs(0, 200)...))
		b.start()
		b.expect(promfleet.StateInSync)
		b.server.want("", oneJob(addrs(0, 90)...)) // 2
		b.held("takes 110 of 200")
		b.stop()
		if _, err := Confirm(b.opts.DataPath, 0); err != nil {
			t.Fatal(err)
		}
		b.server.manifest.Revision = 1
		b.server.want("", oneJob("x:1")) // 2 again
		b.start()
		b.after(time.Minute)
		if n := len(b.scraped("node")); n < 200 {
			t.Errorf("%d of 200 targets are there", n)
		}
		if r := b.server.last(); !strings.Contains(r.Error, "another thing of the same revision") {
			t.Errorf("%+v", r)
		}
		b.server.want("", oneJob("x:1")) // 3
		b.held("revision 3 takes 200 of 200")
		b.stop()
	})
}

// TestHeldLongLabels: what is held back can be read again after a restart, however
// long its labels are.
func TestHeldLongLabels(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		const pieces, each = 2, 950
		for i := range pieces {
			var groups []string
			for _, a := range addrs(i*each, (i+1)*each) {
				groups = append(groups, `{"targets":["`+a+`"],"labels":{"l":"`+strings.Repeat("x", 4000)+a+`"}}`)
			}
			b.server.raw = append(b.server.raw, rawPiece{"node", fmt.Sprintf("%d-1", 8*i), "[" + strings.Join(groups, ",") + "]", each})
		}
		b.server.want("", map[string]wantedJob{"node": {}})
		b.start()
		b.expect(promfleet.StateInSync)
		b.server.raw = nil
		b.server.want("", oneJob("x:1"))
		b.held("takes 1900 of 1900")
		b.stop()
		b.start()
		b.server.want("", oneJob("x:1", "y:1"))
		if r := b.held("takes 1900 of 1900"); strings.Contains(r.Error, "nothing of the revision is applied") {
			t.Errorf("error %q", r.Error)
		}
		same(t, 1902, len(b.scraped("node")))
		b.stop()
	})
}
