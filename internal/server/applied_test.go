package server_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"promfleet"
	"promfleet/client"
)

// Prune deletes what this manager manages on the nodes that are named, and nothing
// else.
func TestPrune(t *testing.T) {
	s := start(t)
	ctx := t.Context()
	a, b := nodeOf(1), nodeOf(2)
	s.join(a)
	s.join(b)
	must(s.Jobs().Create(ctx, promfleet.JobInput{Node: a, Key: "hand"}))
	for manager, key := range map[string]string{"mine": "mine", "other": "other"} {
		must(s.Apply(ctx, []promfleet.FleetDocument{jobDoc(a, key, `{}`, "a:1"), jobDoc(b, key, `{}`)}, client.ApplyHow{Manager: manager}, nil))
	}
	c := must(s.Apply(ctx, []promfleet.FleetDocument{nodeDoc(a, "")}, client.ApplyHow{Manager: "mine", Prune: true}, nil))
	if got := shape(c); got != "update node, delete job mine +0~0-1=0" {
		t.Errorf("changes %q", got)
	}
	var left []string
	for _, j := range must(s.Jobs().List(ctx, nil)).Items {
		left = append(left, j.Node[len(j.Node)-1:]+" "+j.Key)
	}
	slices.Sort(left)
	if want := []string{"1 hand", "1 other", "2 mine", "2 other"}; !slices.Equal(left, want) {
		t.Errorf("left are %v, want %v", left, want)
	}
}

// Two jobs exchange their names, and a new one takes a third's.
func TestApplyExchangesNames(t *testing.T) {
	onBoth(t, func(t *testing.T, s *started) {
		ctx := t.Context()
		a := nodeOf(1)
		agent := s.join(a)
		named := func(key, name string) promfleet.FleetDocument {
			d := jobDoc(a, key, `{}`, key+":1")
			d.JobName = name
			return d
		}
		must(s.Apply(ctx, []promfleet.FleetDocument{named("a", "x"), named("b", "y"), named("c", "z")}, client.ApplyHow{}, nil))
		must(s.Apply(ctx, []promfleet.FleetDocument{named("a", "y"), named("b", "x"), named("c", "w"), named("d", "z")}, client.ApplyHow{}, nil))
		yml := must(s.NodeConfig(ctx, a, 0)).PrometheusYML
		at := -1
		for _, name := range []string{"y", "x", "w", "z"} {
			i := strings.Index(yml, fmt.Sprintf("job_name: %s\n", name))
			if i < 0 { // y is quoted: YAML 1.1 has it for true
				i = strings.Index(yml, fmt.Sprintf("job_name: %q\n", name))
			}
			if i <= at {
				t.Errorf("%s is at %d, after %d, in\n%s", name, i, at, yml)
			}
			at = i
		}
		if w := must(agent.Watch(ctx, 0, 0)); len(w.Manifest.Parts) != 4 {
			t.Errorf("manifest %+v", w.Manifest)
		}
		if c := must(s.Apply(ctx, []promfleet.FleetDocument{named("a", "y"), named("b", "x")}, client.ApplyHow{}, nil)); len(c.Changes) != 0 {
			t.Errorf("again: %+v", c)
		}
	})
}

// More than half of a node's targets do not go unasked.
func TestRemovalGuard(t *testing.T) {
	s := start(t)
	ctx := t.Context()
	addrs := func(n, port int) (out []string) {
		for i := range n {
			out = append(out, fmt.Sprintf("10.0.0.%d:%d", i, port))
		}
		return out
	}
	a, small := nodeOf(1), nodeOf(2)
	s.joinAs(a, "large")
	s.joinAs(small, "small")
	one, two := jobDoc(a, "one", `{}`, addrs(60, 1)...), jobDoc(a, "two", `{}`, addrs(40, 2)...)
	must(s.Apply(ctx, []promfleet.FleetDocument{one, two, jobDoc(small, "one", `{}`, addrs(99, 1)...)}, client.ApplyHow{}, nil))
	docs := func(d ...promfleet.FleetDocument) []promfleet.FleetDocument { return d }
	renamed := two
	renamed.Key, renamed.JobName = "zwei", "two"
	for _, c := range []struct {
		name    string
		docs    []promfleet.FleetDocument
		how     client.ApplyHow
		refused string // figures
	}{
		{"just half", docs(jobDoc(a, "one", `{}`, addrs(10, 1)...)), client.ApplyHow{}, ""},
		{"one more", docs(jobDoc(a, "one", `{}`, addrs(9, 1)...)), client.ApplyHow{}, "51 of 100"},
		{"one more, allowed", docs(jobDoc(a, "one", `{}`, addrs(9, 1)...)), client.ApplyHow{AllowRemoval: true}, ""},
		{"a job that goes", docs(two), client.ApplyHow{Prune: true}, "60 of 100"},
		{"other addresses", docs(jobDoc(a, "one", `{}`, addrs(60, 7)...)), client.ApplyHow{}, "60 of 100"},
		{"other labels", docs(relabelled(one), relabelled(two)), client.ApplyHow{}, ""},
		{"another key", docs(one, renamed), client.ApplyHow{Prune: true}, ""},
		{"of 99 all", docs(jobDoc(small, "one", `{}`)), client.ApplyHow{}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.how.DryRun = true
			_, err := s.Apply(ctx, c.docs, c.how, nil)
			if c.refused == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantCode(t, err, promfleet.Conflict, "")
			if !strings.Contains(err.Error(), a) || !strings.Contains(err.Error(), "large") || !strings.Contains(err.Error(), c.refused) || !strings.Contains(err.Error(), "allow_removal") {
				t.Errorf("%v does not tell %s", err, c.refused)
			}
		})
	}
}

func relabelled(d promfleet.FleetDocument) promfleet.FleetDocument {
	targets := slices.Clone(*d.Targets)
	for i := range targets {
		targets[i].Labels = map[string]string{"dc": "x"}
	}
	d.Targets = &targets
	return d
}

// Several who apply different files at the same time leave what one of them wrote
// last, whole.
func TestApplyAtTheSameTime(t *testing.T) {
	onBoth(t, func(t *testing.T, s *started) {
		ctx := t.Context()
		nodes := []string{nodeOf(1), nodeOf(2), nodeOf(3)}
		for _, n := range nodes {
			s.join(n)
		}
		fleet := func(version int) (docs []promfleet.FleetDocument) {
			for _, n := range nodes {
				docs = append(docs, nodeDoc(n, fmt.Sprintf("global: {external_labels: {v: %q}}\n", fmt.Sprint(version))))
				for j := range 3 {
					docs = append(docs, jobDoc(n, fmt.Sprintf("j%d_%d", j, version), `{}`, fmt.Sprintf("v%d:1", version), fmt.Sprintf("v%d:2", version)))
				}
			}
			return docs
		}
		var all sync.WaitGroup
		for version := range 4 {
			all.Go(func() {
				for range 3 {
					if _, err := s.Apply(ctx, fleet(version), client.ApplyHow{Prune: true}, nil); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		last := must(s.ExportDocuments(ctx, nodes[0]))
		version := strings.Split(last[1].Key, "_")[1]
		for _, n := range nodes {
			docs := must(s.ExportDocuments(ctx, n))
			if len(docs) != 4 || !strings.Contains(*docs[0].BaseConfig, `"`+version+`"`) {
				t.Fatalf("node %s is %+v, and the first has version %s", n, docs, version)
			}
			for _, d := range docs[1:] {
				if !strings.HasSuffix(d.Key, "_"+version) || (*d.Targets)[1].Addr != "v"+version+":2" {
					t.Errorf("job %s of version %s: %+v", d.Key, version, d)
				}
			}
		}
	})
}

// The second apply of many files writes nothing: no event, no revision, no time.
func TestSecondApplyWritesNothing(t *testing.T) {
	s := start(t)
	ctx := t.Context()
	const nodes, jobs = 50, 10
	var uuids []string
	var docs []promfleet.FleetDocument
	for n := range nodes {
		uuid := nodeOf(n + 1)
		s.join(uuid)
		uuids = append(uuids, uuid)
		docs = append(docs, nodeDoc(uuid, fmt.Sprintf("global: {external_labels: {node: n%d}}\nremote_write:\n- url: http://x/\n  bearer_token: s3cret\n", n), "prod", fmt.Sprint("rack-", n%7)))
		for j := range jobs {
			docs = append(docs, jobDoc(uuid, fmt.Sprint("job_", j), fmt.Sprintf(`{"scrape_interval":"%ds"}`, j+10), fmt.Sprintf("10.0.%d.%d:9100", n, j), "b:1"))
		}
	}
	first := must(s.Apply(ctx, docs, client.ApplyHow{}, nil))
	if len(first.Changes) != nodes*(jobs+1) || first.Unchanged != 0 {
		t.Fatalf("%d changes, %d unchanged", len(first.Changes), first.Unchanged)
	}
	before := s.written(uuids...)
	for _, how := range []client.ApplyHow{{}, {Prune: true}, {DryRun: true}} {
		again := must(s.Apply(ctx, docs, how, nil))
		if len(again.Changes) != 0 || again.Unchanged != len(docs) {
			t.Errorf("%d changes, %d unchanged", len(again.Changes), again.Unchanged)
		}
	}
	if after := s.written(uuids...); after != before {
		t.Errorf("the second apply wrote: %s, before %s", after, before)
	}
}

// The files of a job that was applied are those of one that was made by hand.
func TestAppliedPieces(t *testing.T) {
	s := start(t)
	ctx := t.Context()
	a := nodeOf(1)
	s.join(a)
	const config = `{"relabel_configs":[{"source_labels":["__meta_promfleet_tags","__meta_promfleet_target_name"],"target_label":"x"}]}`
	var targets []promfleet.FleetTarget
	var inputs []promfleet.TargetInput
	for i := range 2500 {
		tg := promfleet.FleetTarget{Addr: fmt.Sprintf("h%d:1", i*7919%2500), Name: fmt.Sprint("n", i%9)}
		if i%3 > 0 {
			tg.Labels, tg.Tags = map[string]string{"rack": fmt.Sprint(i % 40), "empty": ""}, []string{"b", "a"}
		}
		targets = append(targets, tg)
		inputs = append(inputs, promfleet.TargetInput{Addr: tg.Addr, Name: tg.Name, Labels: tg.Labels, Tags: tg.Tags})
	}
	doc := jobDoc(a, "applied", config)
	doc.Targets = &targets
	must(s.Apply(ctx, []promfleet.FleetDocument{doc}, client.ApplyHow{}, nil))
	hand := must(s.Jobs().Create(ctx, promfleet.JobInput{Node: a, Key: "hand", ScrapeConfig: []byte(config)}))
	must(s.ReplaceTargets(ctx, hand.ID, inputs))
	files := map[string][]string{}
	for _, f := range must(s.NodeConfig(ctx, a, 0)).Files {
		key, name, _ := strings.Cut(f.Path, "/")
		files[key] = append(files[key], fmt.Sprint(name, f.Hash, f.Size, f.Targets))
	}
	if len(files["applied"]) < 2 || !slices.Equal(files["applied"], files["hand"]) {
		t.Errorf("applied: %v\nby hand: %v", files["applied"], files["hand"])
	}
	if c := must(s.Apply(ctx, []promfleet.FleetDocument{doc}, client.ApplyHow{}, nil)); len(c.Changes) != 0 {
		t.Errorf("again: %+v", c)
	}
	if _, h, _ := s.call("GET", fmt.Sprintf("/api/v1/jobs/%d/targets", must(s.Jobs().List(ctx, map[string][]string{"key": {"applied"}})).Items[0].ID), ""); h.Get("ETag") != `"1"` {
		t.Errorf("ETag of the set: %s", h.Get("ETag"))
	}
}
