package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"promfleet"
	"promfleet/client"
)

// nodeOf gives the uuid of the n-th node of a test.
func nodeOf(n int) string { return fmt.Sprintf("7b0e8a2c-6f1d-4f52-9a52-%012d", n) }

// joinAs registers a node with a hostname.
func (s *started) joinAs(uuid, hostname string) {
	s.t.Helper()
	jt := must(s.JoinTokens().Create(s.t.Context(), promfleet.JoinTokenInput{}))
	r := registration(uuid)
	r.Hostname = hostname
	must(s.as(jt.Secret).Register(s.t.Context(), r))
}

func jobDoc(node, key, config string, addrs ...string) promfleet.FleetDocument {
	d := promfleet.FleetDocument{Kind: promfleet.FleetJob, Node: node, Key: key, ScrapeConfig: json.RawMessage(config), At: node + ".yml:" + key}
	targets := make([]promfleet.FleetTarget, len(addrs))
	for i, a := range addrs {
		targets[i] = promfleet.FleetTarget{Addr: a}
	}
	d.Targets = &targets
	return d
}

func nodeDoc(node, base string, tags ...string) promfleet.FleetDocument {
	return promfleet.FleetDocument{Kind: promfleet.FleetNode, Node: node, BaseConfig: &base, Tags: &tags, At: node + ".yml:node"}
}

// shape says what a change does, an action a word.
func shape(c promfleet.FleetChange) string {
	var out []string
	for _, o := range c.Changes {
		w := o.Action + " " + string(o.Kind)
		if o.Key != "" {
			w += " " + o.Key
		}
		if t := o.Targets; t != (promfleet.TargetSetChange{}) {
			w += fmt.Sprintf(" +%d~%d-%d=%d", t.Created, t.Updated, t.Deleted, t.Kept)
		}
		out = append(out, w)
	}
	return strings.Join(out, ", ")
}

// written sums up what was ever written: events and revisions.
func (s *started) written(nodes ...string) string {
	s.t.Helper()
	out := fmt.Sprint("events ", must(s.Events().List(s.t.Context(), map[string][]string{"limit": {"1"}})).Total)
	for _, n := range nodes {
		node, _, err := s.Nodes().Get(s.t.Context(), n)
		if err != nil {
			s.t.Fatal(err)
		}
		out += fmt.Sprintf(", %s at %d %s", n[len(n)-2:], node.Status.RevisionWanted, node.UpdatedAt)
	}
	return out
}

func TestApply(t *testing.T) {
	onBoth(t, func(t *testing.T, s *started) {
		ctx := t.Context()
		a, b := nodeOf(1), nodeOf(2)
		s.joinAs(a, "alpha")
		s.joinAs(b, "beta")
		const secret = "hunter2-canary"
		docs := []promfleet.FleetDocument{
			jobDoc("alpha", "web", `{"basic_auth":{"username":"u","password":"`+secret+`"}}`, "a:1", "a:2"),
			nodeDoc(a, "global:\n  scrape_interval: 30s\n", "prod", "东"),
			jobDoc(b, "web", `{}`, "b:1"),
			{Kind: promfleet.FleetJob, Node: b, Key: "own", JobName: "own name", Remark: "r", At: "b.yml:1"},
		}
		steps := 0
		apply := func(want string, docs []promfleet.FleetDocument, how client.ApplyHow) promfleet.FleetChange {
			t.Helper()
			c, err := s.Apply(ctx, docs, how, func(done, total int) {
				if steps++; total != len(docs) || done > total {
					t.Errorf("progress %d of %d", done, total)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := shape(c); got != want {
				t.Errorf("changes %q, want %q", got, want)
			}
			return c
		}
		before := s.written(a, b)
		const all = "update node, create job web +2~0-0=0, create job own, create job web +1~0-0=0"
		dry := apply(all, docs, client.ApplyHow{DryRun: true})
		if dry.Preview == nil || len(dry.Preview.Nodes) != 2 || len(*dry.Changes[1].After.Targets) != 2 || dry.Changes[1].Before != nil || *dry.Changes[0].Before.BaseConfig != "" {
			t.Errorf("dry run: %+v", dry)
		}
		if got := s.written(a, b); got != before {
			t.Errorf("a dry run wrote: %s, before %s", got, before)
		}
		if c := apply(all, docs, client.ApplyHow{}); c.Preview != nil || c.Changes[1].After != nil || steps == 0 {
			t.Errorf("%d steps, change %+v", steps, c)
		}
		after := s.written(a, b)
		if c := apply("", docs, client.ApplyHow{}); c.Unchanged != 4 {
			t.Errorf("%d unchanged", c.Unchanged)
		}
		masked := slices.Clone(docs)
		masked[0].ScrapeConfig = json.RawMessage(`{"basic_auth":{"password":"<secret>","username":"u"}}`)
		apply("", masked, client.ApplyHow{Prune: true})
		if got := s.written(a, b); got != after {
			t.Errorf("the second apply wrote: %s, before %s", got, after)
		}

		// Another name, other targets, and a job that goes.
		masked[0].JobName, masked[0].Targets = "web frontend", &[]promfleet.FleetTarget{{Addr: "a:2", Labels: map[string]string{"dc": "x"}}, {Addr: "a:3"}}
		c := apply("update job web +1~1-1=0, delete job own", masked[:3], client.ApplyHow{DryRun: true, Prune: true})
		if w := c.Changes[0]; len(*w.Before.Targets) != 2 || len(*w.After.Targets) != 2 || w.Before.JobName != "web" || w.After.JobName != "web frontend" {
			t.Errorf("dry run of an update: %+v %+v", w.Before, w.After)
		}
		apply("update job web +1~1-1=0, delete job own", masked[:3], client.ApplyHow{Prune: true})
		// What was deleted comes back as another one.
		was := must(s.Jobs().List(ctx, map[string][]string{"deleted": {"true"}})).Items[0]
		apply("create job own", docs[3:], client.ApplyHow{})
		if is := must(s.Jobs().List(ctx, map[string][]string{"key": {"own"}})).Items[0]; is.ID == was.ID || is.Remark != "r" || is.ManagedBy != "fleetfile" {
			t.Errorf("%+v after %+v", is, was)
		}

		// Exported, it says what it is; applied again, nothing.
		exported := must(s.ExportDocuments(ctx, a))
		if len(exported) != 2 || exported[0].Kind != promfleet.FleetNode || len(*exported[1].Targets) != 2 || !strings.Contains(string(exported[1].ScrapeConfig), "<secret>") {
			t.Errorf("exported %+v", exported)
		}
		apply("", exported, client.ApplyHow{})

		var shown strings.Builder
		for _, path := range []string{"/jobs", "/jobs?deleted=true", "/nodes", "/events?limit=1000", "/nodes/" + a + "/config", "/nodes/" + a + "/export"} {
			st, _, body := s.call("GET", "/api/v1"+path, "")
			if st != http.StatusOK {
				t.Errorf("GET %s: %d %s", path, st, body)
			}
			shown.WriteString(body)
		}
		shown.Write(must(json.Marshal(c)))
		shown.Write(must(json.Marshal(dry)))
		if strings.Contains(shown.String(), secret) {
			t.Error("a secret is shown")
		}
	})
}

// What cannot be is refused whole, and all of it is told.
func TestApplyRefuses(t *testing.T) {
	s := start(t)
	ctx := t.Context()
	a := nodeOf(1)
	s.joinAs(a, "alpha")
	s.joinAs(nodeOf(2), "twin")
	s.joinAs(nodeOf(3), "twin")
	must(s.Jobs().Create(ctx, promfleet.JobInput{Node: a, Key: "hand", ScrapeConfig: json.RawMessage(`{"scrape_timeout":"30s"}`)}))
	good := jobDoc(a, "good", `{}`, "a:1")
	at := func(d promfleet.FleetDocument, at string) promfleet.FleetDocument { d.At = at; return d }
	name := func(d promfleet.FleetDocument, name string) promfleet.FleetDocument { d.JobName = name; return d }
	for _, c := range []struct {
		name string
		docs []promfleet.FleetDocument
		want []string // location | part of the message
	}{
		{"a bad key and a bad address", []promfleet.FleetDocument{good, at(jobDoc(a, "1a", `{}`), "x.yml:3"), at(jobDoc(a, "b", `{}`, "no good"), "y.yml:4")},
			[]string{"x.yml:3: key | letter", "y.yml:4: targets[0].addr | "}},
		{"what Prometheus refuses", []promfleet.FleetDocument{good, at(jobDoc(a, "b", `{"scrape_intervall":"1m"}`), "x.yml:3"), at(jobDoc(a, "c", `{"relabel_configs":[{"regex":"("}]}`), "")},
			[]string{"x.yml:3: scrape_config.scrape_intervall | ", "line[3].scrape_config.relabel_configs[0].regex | "}},
		{"secrets that stand for none", []promfleet.FleetDocument{good, at(jobDoc(a, "b", `{"basic_auth":{"username":"u","password":"<secret>"},"oauth2":null}`), "x.yml:3"),
			at(nodeDoc(nodeOf(2), "remote_write:\n- url: http://x/\n  bearer_token: <secret>\n- url: http://y/\n  bearer_token: <secret>\n"), "y.yml:4")},
			[]string{"x.yml:3: scrape_config.basic_auth.password | ", "y.yml:4: base_config.remote_write[0].bearer_token | ", "y.yml:4: base_config.remote_write[1].bearer_token | "}},
		{"a base that is none", []promfleet.FleetDocument{good, at(nodeDoc(a, "globl: {}"), "x.yml:3")}, []string{"x.yml:3: base_config.globl | "}},
		{"a base beside which a job cannot be", []promfleet.FleetDocument{good, at(nodeDoc(a, "global: {scrape_interval: 10s}"), "x.yml:3")}, []string{"x.yml:3: base_config | job hand"}},
		{"nodes that are not there, or are two", []promfleet.FleetDocument{good, at(jobDoc("gamma", "b", `{}`), "x.yml:3"), at(jobDoc("twin", "b", `{}`), "y.yml:4")},
			[]string{"x.yml:3: node | no node", "y.yml:4: node | " + nodeOf(2) + ", " + nodeOf(3)}},
		{"the same job twice", []promfleet.FleetDocument{at(good, "x.yml:1"), at(jobDoc("alpha", "good", `{}`), "y.yml:2")}, []string{"y.yml:2: key | x.yml:1"}},
		{"the same node twice", []promfleet.FleetDocument{at(nodeDoc(a, ""), "x.yml:1"), at(nodeDoc("alpha", ""), "y.yml:2")}, []string{"y.yml:2: node | x.yml:1"}},
		{"the same name twice", []promfleet.FleetDocument{at(good, "x.yml:1"), at(name(jobDoc(a, "b", `{}`), "good"), "y.yml:2")}, []string{"y.yml:2: job_name | x.yml:1"}},
		{"a name that another job has", []promfleet.FleetDocument{at(name(good, "hand"), "x.yml:1")}, []string{"x.yml:1: job_name | (hand)"}},
		{"fields of the other kind", []promfleet.FleetDocument{{Kind: promfleet.FleetNode, Node: a, Key: "k", At: "x.yml:1"}}, []string{"x.yml:1: key | belongs to a job"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := s.written(a)
			for _, how := range []client.ApplyHow{{}, {DryRun: true}} {
				_, err := s.Apply(ctx, c.docs, how, func(int, int) {})
				e, ok := err.(*promfleet.Error) //nolint:errorlint // the client gives it so
				if !ok || e.Code != promfleet.Invalid || len(e.Fields) != len(c.want) {
					t.Fatalf("%v, want %q", err, c.want)
				}
				for _, w := range c.want {
					location, message, _ := strings.Cut(w, " | ")
					if !slices.ContainsFunc(e.Fields, func(f promfleet.FieldError) bool {
						return strings.HasPrefix(f.Location, location) && strings.Contains(f.Message, message)
					}) {
						t.Errorf("%v does not tell %q", e.Fields, w)
					}
				}
			}
			if after := s.written(a); after != before {
				t.Errorf("it wrote: %s, before %s", after, before)
			}
		})
	}
}
