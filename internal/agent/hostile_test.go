package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"promfleet"
	"promfleet/internal/render"
)

// TestHostileServer: whoever has the server cannot have the agent write what, or
// where, it should not. The last good files stay, the reason is reported, and the
// agent does not go round in circles.
func TestHostileServer(t *testing.T) {
	rehash := func(c *controlPlane, p *promfleet.Part, body string) {
		*p = c.part(p.Name, body)
		p.Index = strings.Count(p.Name, "/") == 1
	}
	// part finds the part of the manifest with a name; index alters the index of
	// the job, in which the same names are.
	part := func(m *promfleet.Manifest, name string) *promfleet.Part {
		for i := range m.Parts {
			if m.Parts[i].Name == name {
				return &m.Parts[i]
			}
		}
		panic("no part " + name)
	}
	index := func(c *controlPlane, m *promfleet.Manifest, change func(parts []promfleet.Part) []promfleet.Part) {
		p := part(m, "jobs/node")
		var parts []promfleet.Part
		if err := strict([]byte(c.bodies[p.Hash]), &parts); err != nil {
			panic(err)
		}
		body, err := render.IndexBody(change(parts))
		if err != nil {
			panic(err)
		}
		rehash(c, p, string(body))
	}
	inIndex := func(name string, change func(c *controlPlane, p *promfleet.Part)) func(*controlPlane, *promfleet.Manifest) {
		return func(c *controlPlane, m *promfleet.Manifest) {
			index(c, m, func(parts []promfleet.Part) []promfleet.Part {
				for i := range parts {
					if parts[i].Name == name {
						change(c, &parts[i])
					}
				}
				return parts
			})
		}
	}
	const config, piece = "jobs/node/config", "jobs/node/targets/all"
	addPart := func(p promfleet.Part) func(*controlPlane, *promfleet.Manifest) {
		return func(c *controlPlane, m *promfleet.Manifest) {
			if p.Hash == "" {
				q := c.part(p.Name, "{}")
				p.Hash, p.Size = q.Hash, q.Size
			}
			m.Parts = append(m.Parts, p)
		}
	}
	renamed := func(from, to string) func(*controlPlane, *promfleet.Manifest) {
		return inIndex(from, func(_ *controlPlane, p *promfleet.Part) { p.Name = to })
	}
	body := func(name, body string) func(*controlPlane, *promfleet.Manifest) {
		return inIndex(name, func(c *controlPlane, p *promfleet.Part) {
			count := p.Count
			rehash(c, p, body)
			p.Count = count
		})
	}
	for _, c := range []struct {
		name   string
		change func(*controlPlane, *promfleet.Manifest)
		words  string
	}{
		{"protocol", func(_ *controlPlane, m *promfleet.Manifest) { m.Protocol = 2 }, "protocol 2"},
		{"another node", func(_ *controlPlane, m *promfleet.Manifest) { m.Node = "6f3f3dcb-0000-4000-8000-000000000000" }, "it is for node"},
		{"unknown part", addPart(promfleet.Part{Name: "rules/x"}), `what a part "rules/x" is`},
		{"escape by key", addPart(promfleet.Part{Name: "jobs/../../etc", Index: true}), "does not know what a part"},
		{"escape by piece", renamed(piece, "jobs/node/targets/../../x"), "does not know what a part"},
		{"absolute piece", renamed(piece, "jobs/node/targets//etc/passwd"), "does not know what a part"},
		{"part of another job", renamed(piece, "jobs/other/targets/all"), "not where it belongs"},
		{"config at the top", addPart(promfleet.Part{Name: "jobs/x/config"}), "not where it belongs"},
		{"index that is none", addPart(promfleet.Part{Name: "jobs/x"}), "not where it belongs"},
		{"twice", addPart(promfleet.Part{Name: "base"}), `part "base" is there twice`},
		{"twice in the index", func(c *controlPlane, m *promfleet.Manifest) {
			index(c, m, func(p []promfleet.Part) []promfleet.Part { return append(p, p[0]) })
		}, "is there twice"},
		{"no hash", addPart(promfleet.Part{Name: "jobs/x", Index: true, Hash: "../../../etc/passwd"}), "is not a hash"},
		{"huge", inIndex(piece, func(_ *controlPlane, p *promfleet.Part) { p.Size = maxBody + 1 }), "its size is"},
		{"negative", inIndex(piece, func(_ *controlPlane, p *promfleet.Part) { p.Size = -1 }), "its size is -1"},
		{"huge together", func(_ *controlPlane, m *promfleet.Manifest) {
			for i := range 600 {
				m.Parts = append(m.Parts, promfleet.Part{Name: fmt.Sprintf("jobs/j%d", i), Index: true, Size: maxIndex, Hash: promfleet.HashOf(nil)})
			}
		}, "bytes together"},
		{"many large configurations", func(c *controlPlane, m *promfleet.Manifest) {
			for i := range 20 {
				key := fmt.Sprintf("big%d", i)
				config := c.part(render.ConfigName(key), `{"key":"`+key+`","job_name":"`+key+`","scrape_config":{"metrics_path":"/`+strings.Repeat(key, 1<<17)+`"}}`)
				index, _ := render.IndexBody([]promfleet.Part{config})
				p := c.part(render.IndexName(key), string(index))
				p.Index = true
				m.Parts = append(m.Parts, p)
			}
		}, "configurations are more than"},
		{"many large indexes", func(_ *controlPlane, m *promfleet.Manifest) {
			for i := range 20 {
				m.Parts = append(m.Parts, promfleet.Part{Name: fmt.Sprintf("jobs/j%d", i), Index: true, Size: maxIndex, Hash: promfleet.HashOf(nil)})
			}
		}, "indexes are more than"},
		{"wrong hash", inIndex(piece, func(c *controlPlane, p *promfleet.Part) {
			p.Hash = promfleet.HashOf([]byte("something else"))
			c.bodies[p.Hash] = strings.Repeat(" ", int(p.Size))
		}), "does not have its hash"},
		{"not the size it says", func(c *controlPlane, m *promfleet.Manifest) {
			part(m, "base").Size++
			part(m, "base").Hash = c.part("x", "global: {} # and more").Hash
		}, "bytes and says"},
		{"wrong count", inIndex(piece, func(c *controlPlane, p *promfleet.Part) {
			rehash(c, p, `[{"targets":["h3:9100"]}]`)
			p.Count = 7
		}), "has 1 targets and says 7"},
		{"no targets file", body(piece, `{"targets": 1}`), `part "jobs/node/targets/all"`},
		{"targets and more", body(piece, `[] []`), `part "jobs/node/targets/all"`},
		{"key of another", body(config, `{"key":"other","job_name":"node","scrape_config":{}}`), `is that of "other"`},
		{"config and more", body(config, `{"key":"node","job_name":"node","scrape_config":{},"run":"sh"}`), "unknown field"},
		{"base of many values", func(c *controlPlane, m *promfleet.Manifest) {
			rehash(c, part(m, "base"), "x: ["+strings.Repeat("1,", 100_000)+"1]\n")
		}, "more than the 100000 values"},
		{"config of many values", body(config, `{"key":"node","job_name":"node","scrape_config":{"x":[`+strings.Repeat("0,", 100_000)+`0]}}`), "more than the 100000 values"},
		{"many targets", body(piece, `[{"targets":["`+strings.Repeat(`a","`, maxTargets)+`"]}]`), "allowed are 4096"},
		{"many groups", body(piece, `[`+strings.Repeat(`{},`, maxTargets)+`{}]`), "allowed are 4096"},
		{"many labels", body(piece, `[{"targets":["h:1"],"labels":{`+strings.Repeat(`"l":"",`, maxLabels)+`"z":""}}]`), "allowed are 100000"},
		{"targets deep", body(piece, strings.Repeat("[", 10)+strings.Repeat("]", 10)), "nests deeper"},
		{"no config", renamed(config, "jobs/node/targets/config"), "has no configuration"},
		{"invalid for Prometheus", body(config, `{"key":"node","job_name":"node","scrape_config":{"scrape_interval":"soon"}}`), "the configuration is not valid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBed(t, func(t *testing.T, b *bed) {
				b.join()
				b.server.want("global: {}\n", oneJob("h1:9100"))
				b.start()
				b.expect(promfleet.StateInSync)
				b.stop()
				before := b.tree()

				b.server.alter(func(m *promfleet.Manifest) { c.change(b.server, m) })
				b.start()
				b.after(5 * time.Minute)
				b.stop()
				r := b.server.last()
				same(t, promfleet.StateFailed, r.State)
				same(t, int64(1), r.RevisionLoaded)
				if !strings.Contains(r.Error, c.words) {
					t.Errorf("error %q, want one with %q", r.Error, c.words)
				}
				after := b.tree()
				for _, name := range []string{"prometheus.yml", "targets.d/node/all.json"} {
					same(t, before[filepath.Join(b.dir, name)], after[filepath.Join(b.dir, name)])
				}
				for name := range after {
					if _, ok := before[name]; !ok && !strings.HasPrefix(name, filepath.Join(b.dir, "data/parts/")) {
						t.Errorf("%s was written", name)
					}
				}
				same(t, 1, b.prom.counts())
				if w, _, _ := b.server.counts(); w > 60 {
					t.Errorf("%d watches in five minutes", w)
				}
			})
		})
	}
}

// TestRollback: an old revision is refused, whatever it says.
func TestRollback(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		b.server.manifest.Revision = 6
		b.server.want("", oneJob("h1:9100"))
		b.start()
		b.expect(promfleet.StateInSync)
		b.server.alter(func(m *promfleet.Manifest) { m.Revision, m.Parts = 3, nil })
		r := b.expect(promfleet.StateFailed)
		if !strings.Contains(r.Error, "revision 3") || r.RevisionLoaded != 7 {
			t.Errorf("%+v", r)
		}
		b.read("targets.d/node/all.json")
		b.server.alter(func(m *promfleet.Manifest) { m.Revision = 7 })
		b.server.want("", oneJob("h2:9100"))
		b.expect(promfleet.StateInSync)
		b.stop()
	})
}

func TestTakeOver(t *testing.T) {
	const sections = "# ours since 2019\nglobal:\n  scrape_interval: 20s\nrule_files:\n  - rules/*.yml\n"
	const theirJob = "scrape_configs:\n  - job_name: node\n    static_configs:\n      - targets: [h1:9100]\n        labels: {piece: all}\n"
	for _, c := range []struct {
		name, theirs, base, takeOver string
		addrs                        string
		state                        promfleet.NodeState
		has, hasNot                  string
	}{
		{"no jobs", sections, "", "", "h1:9100", promfleet.StateInSync, "# ours since 2019", ""},
		{"no jobs, base on the server", sections, "global: {scrape_interval: 7s}\n", "", "h1:9100", promfleet.StateInSync, "7s", "20s"},
		{"the same jobs", sections + theirJob, "", "", "h1:9100", promfleet.StateInSync, "rules/*.yml", "static_configs"},
		{"other jobs", sections + theirJob, "", "", "h2:9100", promfleet.StateFailed, "static_configs", ""},
		{"other jobs, discarded", sections + theirJob, "", TakeOverDiscard, "h2:9100", promfleet.StateInSync, "rules/*.yml", "static_configs"},
		{"no YAML", "global: [", "", "", "h1:9100", promfleet.StateFailed, "global: [", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBed(t, func(t *testing.T, b *bed) {
				b.opts.TakeOver = c.takeOver
				b.put("prometheus.yml", c.theirs)
				b.join()
				b.server.want(c.base, oneJob(c.addrs))
				b.start()
				r := b.expect(c.state)
				check := func() {
					t.Helper()
					yml := b.read("prometheus.yml")
					if !strings.Contains(yml, c.has) || c.hasNot != "" && strings.Contains(yml, c.hasNot) {
						t.Errorf("prometheus.yml:\n%s", yml)
					}
				}
				check()
				if c.state == promfleet.StateFailed {
					same(t, c.theirs, b.read("prometheus.yml"))
					if r.Error == "" || strings.Contains(r.Error, "\n") {
						t.Errorf("error %q", r.Error)
					}
					same(t, 0, b.prom.counts())
					b.stop()
					return
				}
				same(t, c.theirs, b.read("prometheus.yml.before-promfleet"))
				// What was taken over stays the base, also after a restart.
				b.stop()
				b.start()
				b.server.want(c.base, oneJob(c.addrs, "h3:9100"))
				b.expect(promfleet.StateInSync)
				check()
				same(t, 1, b.prom.counts())
				b.stop()
			})
		})
	}
}

// TestLostData: an agent that has lost its data path knows the files again that
// say what it wants.
func TestLostData(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.join()
		b.server.want("", oneJob("h1:9100"))
		b.start()
		b.expect(promfleet.StateInSync)
		b.stop()
		before := b.tree()
		if err := os.RemoveAll(filepath.Join(b.dir, "data")); err != nil {
			t.Fatal(err)
		}
		b.server.joins = 1
		b.join()
		b.server.alter(func(*promfleet.Manifest) {})
		b.start()
		b.expect(promfleet.StateInSync)
		b.stop()
		after := b.tree()
		same(t, before[b.prom.file], after[b.prom.file])
		same(t, 1, b.prom.counts())
	})
}

func TestLocalBase(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.put("base.yml", "global:\n  scrape_interval: 11s\nscrape_configs:\n  - job_name: not_this\n")
		b.opts.BaseConfig = filepath.Join(b.dir, "base.yml")
		b.join()
		b.server.want("", oneJob("h1:9100"))
		b.start()
		b.expect(promfleet.StateInSync)
		if yml := b.read("prometheus.yml"); !strings.Contains(yml, "11s") || strings.Contains(yml, "not_this") {
			t.Errorf("prometheus.yml:\n%s", yml)
		}
		b.put("base.yml", "global:\n  scrape_interval: 12s\n")
		b.after(time.Minute)
		if yml := b.read("prometheus.yml"); !strings.Contains(yml, "12s") {
			t.Errorf("prometheus.yml:\n%s", yml)
		}
		same(t, 2, b.prom.counts())
		b.server.want("global:\n  scrape_interval: 13s\n", oneJob("h1:9100"))
		b.expect(promfleet.StateInSync)
		if yml := b.read("prometheus.yml"); !strings.Contains(yml, "13s") {
			t.Errorf("prometheus.yml:\n%s", yml)
		}
		b.stop()
	})
}
