package fleet

import (
	"context"
	"encoding/json"

	"promfleet"
)

// ExportDocuments gives what a node is as documents, secrets masked: the node first,
// then its jobs by key, targets sorted by addr, then name. Applied, they change
// nothing but who manages it.
func (s *Service) ExportDocuments(ctx context.Context, uuid string) (docs []promfleet.FleetDocument, err error) {
	return s.exportDocuments(ctx, uuid, true)
}

func (s *Service) exportDocuments(ctx context.Context, uuid string, masked bool) (docs []promfleet.FleetDocument, err error) {
	err = s.view(ctx, func(tx Tx) error {
		rec, err := liveNode(ctx, tx, uuid)
		if err != nil {
			return err
		}
		base, err := s.open(rec.SealedBase, baseContext(uuid))
		if err != nil {
			return err
		}
		if masked {
			if base.Text, err = maskYAML(base); err != nil {
				return err
			}
		}
		tags := rec.Tags
		if tags == nil {
			tags = []string{}
		}
		docs = []promfleet.FleetDocument{{Kind: promfleet.FleetNode, Node: uuid, Tags: &tags, BaseConfig: &base.Text}}
		jobs, err := tx.JobsOfNode(ctx, uuid)
		if err != nil {
			return err
		}
		for i := range jobs {
			d, err := s.exportJob(ctx, tx, &jobs[i], masked)
			if err != nil {
				return err
			}
			docs = append(docs, *d)
		}
		return nil
	})
	return docs, err
}

func (s *Service) exportJob(ctx context.Context, tx Tx, rec *JobRecord, masked bool) (*promfleet.FleetDocument, error) {
	config, err := s.open(rec.SealedScrapeConfig, jobContext(rec.Node))
	if err != nil {
		return nil, err
	}
	shown := rec.Job
	shown.ScrapeConfig = json.RawMessage(config.Text)
	if masked {
		if shown.ScrapeConfig, err = maskJSON(config); err != nil {
			return nil, err
		}
	}
	d := jobDocument(shown)
	targets := []promfleet.FleetTarget{}
	var addr, name string
	for {
		recs, err := tx.TargetsAfter(ctx, rec.ID, addr, name, readBatch)
		if err != nil {
			return nil, err
		}
		for i := range recs {
			targets = append(targets, fleetTarget(&recs[i]))
		}
		if len(recs) < readBatch {
			break
		}
		addr, name = recs[len(recs)-1].Addr, recs[len(recs)-1].Name
	}
	d.Targets = &targets
	return d, nil
}
