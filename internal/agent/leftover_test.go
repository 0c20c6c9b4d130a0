package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"promfleet"
	"promfleet/internal/render"
)

// TestLeftover: a server whose every manifest is refused, or whose every fetch
// fails half-way, does not fill the data path.
func TestLeftover(t *testing.T) {
	for _, c := range []struct {
		name string
		last func(c *controlPlane, m *promfleet.Manifest) // done to each manifest
	}{
		{"refused", func(c *controlPlane, m *promfleet.Manifest) { m.Parts[1] = c.job("node", `"more":1,`) }},
		{"not fetched", func(c *controlPlane, m *promfleet.Manifest) {
			// The index has a config that is not there, the base comes.
			p := c.job("node", `"more":1,`)
			for hash, body := range c.bodies {
				if body[:2] == `{"` {
					delete(c.bodies, hash)
				}
			}
			m.Parts[1] = p
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBed(t, func(t *testing.T, b *bed) {
				b.join()
				b.server.want("global: {}\n", oneJob("h1:9100"))
				b.start()
				b.expect(promfleet.StateInSync)
				const manifests = 40
				for i := range manifests {
					b.server.alter(func(m *promfleet.Manifest) {
						m.Parts[0] = b.server.part(render.BasePart, fmt.Sprintf("# %d\nglobal: {}\n", i))
						c.last(b.server, m)
					})
					b.after(10 * time.Second)
				}
				b.stop()
				entries, err := os.ReadDir(filepath.Join(b.dir, "data", "parts"))
				if err != nil {
					t.Fatal(err)
				}
				// What is applied is three bodies, what is on the way three more.
				if len(entries) > 6 {
					t.Errorf("%d bodies are kept after %d manifests", len(entries), manifests)
				}
				if b.server.last().RevisionLoaded != 1 {
					t.Errorf("%+v", b.server.last())
				}
				b.server.alter(func(m *promfleet.Manifest) { m.Revision += 10 })
				b.server.want("global: {}\n", oneJob("h2:9100"))
				b.start()
				b.expect(promfleet.StateInSync)
				b.stop()
			})
		})
	}
}

// job makes the index of a job whose configuration has more in it.
func (c *controlPlane) job(key, more string) promfleet.Part {
	config := c.part(render.ConfigName(key), fmt.Sprintf(`{%s"key":%q,"job_name":%q,"scrape_config":{"sample_limit":%d}}`, more, key, key, len(c.bodies)))
	index, err := render.IndexBody([]promfleet.Part{config})
	if err != nil {
		panic(err)
	}
	p := c.part(render.IndexName(key), string(index))
	p.Index = true
	return p
}
