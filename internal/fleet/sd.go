package fleet

import (
	"bytes"
	"context"
	"fmt"

	"promfleet/internal/render"
)

// SD gives the targets of a job as HTTP SD has them
// (https://prometheus.io/docs/prometheus/latest/http_sd/), with all meta labels:
// begin once, with a version that no other set has, then each for every
// piece of the list.
func (s *Service) SD(ctx context.Context, node, key string, begin func(version string) error, each func(groups []byte) error) error {
	return s.view(ctx, func(tx Tx) error {
		if _, err := liveNode(ctx, tx, node); err != nil {
			return err
		}
		job, err := tx.JobByKey(ctx, node, key)
		if _, err = found(job, err, "job", key); err != nil {
			return err
		}
		if err := begin(fmt.Sprintf("%d-%d", job.ID, job.SetVersion)); err != nil {
			return err
		}
		pieces, err := tx.PiecesInRange(ctx, job.ID, everything.Lo, everything.Hi())
		if err != nil {
			return err
		}
		for _, p := range pieces {
			if p.Count == 0 {
				continue
			}
			targets, err := tx.TargetsInRange(ctx, job.ID, p.Lo, p.Range().Hi())
			if err != nil {
				return err
			}
			body, err := s.targetFile(targets, render.Meta{ID: true, Name: true, Tags: true})
			if err != nil {
				return err
			}
			list := bytes.TrimSpace(body)
			if err := each(bytes.TrimSpace(list[1 : len(list)-1])); err != nil {
				return err
			}
		}
		return nil
	})
}
