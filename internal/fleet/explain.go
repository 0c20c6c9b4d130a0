package fleet

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"promfleet"
)

// Limits of an explanation.
const (
	maxExplainedNodes  = 100
	maxExplainedChains = 50   // of a node
	maxAddrRecords     = 1000 // looked at
	maxDeletedRecords  = 5    // of a node
	maxNearest         = 5
)

// addrRecord is a target that has the address.
type addrRecord struct {
	rec     TargetRecord
	job     JobRecord
	matched promfleet.AddrMatch
	file    promfleet.ExplainedFile // of a live one
	gone    *time.Time              // it, or its job, is deleted
	goneBy  string
	jobGone bool
}

// addrNode is a node on which an address is looked for.
type addrNode struct {
	rec     NodeRecord
	records []addrRecord
	asked   asked
}

// Explain tells why an address is, or is not, scraped. Agents are given wait to
// say what they and their Prometheus know of it; with 0 they are not asked.
func (s *Service) Explain(ctx context.Context, in promfleet.ExplainRequest, wait time.Duration) (promfleet.Explained, error) {
	out := promfleet.Explained{Addr: in.Addr, Items: []promfleet.ExplainedNode{}, Nearest: []string{}, Notes: []string{}}
	var f fields
	f.text("body.addr", in.Addr, 2048, false)
	f.text("body.job", in.Job, MaxName, false)
	if strings.TrimSpace(in.Addr) == "" {
		f.add("body.addr", "is empty")
	}
	if err := f.err(); err != nil {
		return out, err
	}
	nodes, err := s.lookForAddr(ctx, in, &out)
	if err != nil {
		return out, err
	}
	if err := s.askAbout(ctx, in, nodes, wait); err != nil {
		return out, err
	}
	everywhere := in.Node == "" && !slices.ContainsFunc(nodes, func(n *addrNode) bool { return len(n.records) > 0 })
	silent := 0
	for _, n := range nodes {
		item := s.explainNode(n)
		if everywhere && len(item.Chains) == 0 { // one of many that were asked
			if item.Agent != promfleet.AgentAnswered {
				silent++
			}
			continue
		}
		out.Items = append(out.Items, item)
	}
	if everywhere && silent > 0 {
		out.Notes = append(out.Notes, fmt.Sprintf("of %d nodes it is not known, as their agents did not answer", silent))
	}
	if !slices.ContainsFunc(out.Items, func(n promfleet.ExplainedNode) bool { return len(n.Chains) > 0 }) {
		if out.Nearest, err = s.nearest(ctx, in); err != nil {
			return out, err
		}
	}
	concludeFleet(&out, silent)
	return out, nil
}

// lookForAddr finds the nodes that are concerned, and their records.
func (s *Service) lookForAddr(ctx context.Context, in promfleet.ExplainRequest, out *promfleet.Explained) (nodes []*addrNode, err error) {
	err = s.view(ctx, func(tx Tx) error {
		nodes = nil
		out.Notes = []string{}
		uuid, err := nodeNamed(ctx, tx, in.Node)
		if err != nil {
			return err
		}
		records, err := s.recordsOf(ctx, tx, in, uuid)
		if err != nil {
			return err
		}
		byNode := map[string][]addrRecord{}
		for _, r := range records {
			byNode[r.job.Node] = append(byNode[r.job.Node], r)
		}
		if uuid != "" && byNode[uuid] == nil {
			byNode[uuid] = []addrRecord{}
		}
		uuids := slices.Sorted(maps.Keys(byNode))
		if len(uuids) > maxExplainedNodes {
			out.Notes = append(out.Notes, fmt.Sprintf("%d nodes have the address; these are %d of them", len(uuids), maxExplainedNodes))
			uuids = uuids[:maxExplainedNodes]
		}
		for _, id := range uuids {
			rec, err := tx.Node(ctx, id)
			if err != nil {
				return err
			}
			nodes = append(nodes, &addrNode{rec: *rec, records: byNode[id]})
		}
		if len(uuids) == 0 {
			if nodes, err = s.anyNodes(ctx, tx, out); err != nil {
				return err
			}
		}
		slices.SortFunc(nodes, func(a, b *addrNode) int {
			return cmp.Or(strings.Compare(a.rec.Hostname, b.rec.Hostname), strings.Compare(a.rec.UUID, b.rec.UUID))
		})
		return nil
	})
	return nodes, err
}

// anyNodes gives nodes whose agents are asked where no record has the address.
func (s *Service) anyNodes(ctx context.Context, tx Tx, out *promfleet.Explained) (nodes []*addrNode, err error) {
	page, err := tx.ListNodes(ctx, NodeQuery{ListQuery: ListQuery{Limit: 1000, Sort: "-last_seen_at"}, Now: s.now()})
	if err != nil {
		return nil, err
	}
	live := 0
	for _, rec := range page.Items {
		if st := rec.State(s.now()); st == promfleet.StateStale || st == promfleet.StatePending {
			continue
		}
		if live++; live <= maxExplainedNodes {
			nodes = append(nodes, &addrNode{rec: rec})
		}
	}
	note := fmt.Sprintf("no target has the address; the agents of %d of %d nodes were asked whether Prometheus has it all the same", len(nodes), page.Total)
	out.Notes = append(out.Notes, note)
	return nodes, nil
}

// nodeNamed gives the uuid of a live node by uuid or hostname; "" for "".
func nodeNamed(ctx context.Context, tx Tx, name string) (string, error) {
	if name == "" {
		return "", nil
	}
	rec, why, err := findNode(ctx, tx, name)
	if err != nil {
		return "", err
	}
	if rec == nil {
		return "", promfleet.BadField("body.node", "%s", why)
	}
	return rec.UUID, nil
}

// askAbout asks the agents of those nodes that are heard of.
func (s *Service) askAbout(ctx context.Context, in promfleet.ExplainRequest, nodes []*addrNode, wait time.Duration) error {
	questions := map[string]promfleet.Question{}
	for _, n := range nodes {
		if n.asked = s.notToAsk(n.rec, wait); n.asked.part == "" {
			questions[n.rec.UUID] = promfleet.Question{Kind: promfleet.QuestionExplain, Explain: &promfleet.ExplainQuestion{Addr: in.Addr, Job: in.Job}}
		}
	}
	if len(questions) == 0 {
		return nil
	}
	answers, err := s.ask(ctx, questions, wait)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if a, ok := answers[n.rec.UUID]; ok {
			n.asked = a.of(n.rec, wait)
		}
	}
	return nil
}
