package fleet

import (
	"context"
	"encoding/json"

	"promfleet"
	"promfleet/internal/adopt"
)

// exported is what a node is, as it is given away.
type exported struct {
	node *NodeRecord
	base string
	jobs []adopt.Job // sorted by key, targets by addr, then name
}

// ExportDocuments gives what a node is as documents, secrets masked: the node first,
// then its jobs by key, targets sorted by addr, then name. Applied, they change
// nothing but who manages it.
func (s *Service) ExportDocuments(ctx context.Context, uuid string) ([]promfleet.FleetDocument, error) {
	e, err := s.export(ctx, uuid, true)
	if err != nil {
		return nil, err
	}
	tags := e.node.Tags
	if tags == nil {
		tags = []string{}
	}
	docs := []promfleet.FleetDocument{{Kind: promfleet.FleetNode, Node: uuid, Tags: &tags, BaseConfig: &e.base}}
	for _, j := range e.jobs {
		d := jobDocument(promfleet.Job{Node: uuid, Key: j.Key, JobName: j.JobName, Remark: j.Remark, ScrapeConfig: j.ScrapeConfig})
		targets := make([]promfleet.FleetTarget, len(j.Targets))
		for i, t := range j.Targets {
			targets[i] = fleetTarget(&TargetRecord{Target: t})
		}
		d.Targets = &targets
		docs = append(docs, *d)
	}
	return docs, nil
}

// ExportConfig gives the complete prometheus.yml of a node, its targets in
// static_configs, secrets masked.
func (s *Service) ExportConfig(ctx context.Context, uuid string) ([]byte, error) {
	return s.exportConfig(ctx, uuid, true)
}

// ExportPlain is ExportConfig with the secrets. It is for who has the database and
// its key, and nobody else: the API has no such call.
func (s *Service) ExportPlain(ctx context.Context, uuid string) ([]byte, error) {
	return s.exportConfig(ctx, uuid, false)
}

func (s *Service) exportConfig(ctx context.Context, uuid string, masked bool) ([]byte, error) {
	e, err := s.export(ctx, uuid, masked)
	if err != nil {
		return nil, err
	}
	return adopt.Export(e.base, e.jobs)
}

func (s *Service) export(ctx context.Context, uuid string, masked bool) (e exported, err error) {
	err = s.view(ctx, func(tx Tx) error {
		e = exported{}
		if e.node, err = liveNode(ctx, tx, uuid); err != nil {
			return err
		}
		base, err := s.open(e.node.SealedBase, baseContext(uuid))
		if err != nil {
			return err
		}
		if e.base = base.Text; masked {
			if e.base, err = maskYAML(base); err != nil {
				return err
			}
		}
		recs, err := tx.JobsOfNode(ctx, uuid)
		if err != nil {
			return err
		}
		for i := range recs {
			j, err := s.exportJob(ctx, tx, &recs[i], masked)
			if err != nil {
				return err
			}
			e.jobs = append(e.jobs, j)
		}
		return nil
	})
	return e, err
}

func (s *Service) exportJob(ctx context.Context, tx Tx, rec *JobRecord, masked bool) (adopt.Job, error) {
	j := adopt.Job{Key: rec.Key, JobName: rec.JobName, Remark: rec.Remark}
	config, err := s.open(rec.SealedScrapeConfig, jobContext(rec.Node))
	if err != nil {
		return j, err
	}
	if j.ScrapeConfig = json.RawMessage(config.Text); masked {
		if j.ScrapeConfig, err = maskJSON(config); err != nil {
			return j, err
		}
	}
	var addr, name string
	for {
		recs, err := tx.TargetsAfter(ctx, rec.ID, addr, name, readBatch)
		if err != nil {
			return j, err
		}
		for _, r := range recs {
			j.Targets = append(j.Targets, r.Target)
		}
		if len(recs) < readBatch {
			return j, nil
		}
		addr, name = recs[len(recs)-1].Addr, recs[len(recs)-1].Name
	}
}
