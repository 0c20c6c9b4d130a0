package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"

	"promfleet"
	"promfleet/internal/agent/apply"
)

// good is what Prometheus was last seen to have, job by job: what one that it
// will not have goes back to. It is kept in the data path, the bodies among the
// parts there.
type good struct {
	// Base is the hash of the base config; "": nothing was seen loaded yet.
	Base promfleet.Hash `json:"base"`
	// Local: the base is the host's own, and not the server's.
	Local bool               `json:"local,omitempty"`
	Jobs  map[string]goodJob `json:"jobs"` // by key
}

type goodJob struct {
	Name   string         `json:"job_name"`
	Config promfleet.Hash `json:"config"`
	Size   int64          `json:"size"`
}

// goodFile keeps it.
const goodFile = "good.json"

func readGood(data *apply.Data) (good, error) {
	g := good{}
	body, err := data.Read(goodFile)
	if errors.Is(err, fs.ErrNotExist) {
		return g, nil
	}
	if err != nil {
		return g, err
	}
	if err := json.Unmarshal(body, &g); err != nil {
		return g, fmt.Errorf("%s is damaged: %w", goodFile, err)
	}
	return g, nil
}

func (g good) known() bool { return g.Base != "" }

// has tells whether a suspect is what was last seen loaded.
func (g good) has(s suspect) bool {
	if s.isBase() {
		return g.Base == s.Config
	}
	return g.Jobs[s.Key].Config == s.Config
}

// goesBack tells whether there is another one of a suspect to go back to.
func (g good) goesBack(s suspect) bool {
	if s.isBase() {
		return g.known() && g.Base != s.Config
	}
	j, ok := g.Jobs[s.Key]
	return ok && j.Config != s.Config
}

// parts are the bodies that must stay in the data path.
func (g good) parts() []promfleet.Hash {
	var all []promfleet.Hash
	if g.known() {
		all = append(all, g.Base)
	}
	for _, j := range g.Jobs {
		all = append(all, j.Config)
	}
	return all
}

// loaded notes that Prometheus was seen to have all of a content but some jobs.
// What is in quarantine and was seen is so no longer.
func (q *quarantine) loaded(s *shipment, but map[string]bool) error {
	g := good{Base: s.baseHash, Local: s.content.base == nil || s.content.localBase, Jobs: map[string]goodJob{}}
	for _, j := range s.content.jobs {
		if !but[j.Key] {
			g.Jobs[j.Key] = goodJob{Name: j.Name, Config: j.part.Hash, Size: j.part.Size}
		} else if before, ok := q.good.Jobs[j.Key]; ok {
			g.Jobs[j.Key] = before
		}
	}
	if g.Base == q.good.Base && g.Local == q.good.Local && maps.Equal(g.Jobs, q.good.Jobs) {
		return q.discharge(but)
	}
	if _, ok := q.a.data.Part(g.Base); !ok {
		if err := q.a.data.KeepPart(s.base); err != nil {
			return fmt.Errorf("--data.path: %w", err)
		}
	}
	body, err := json.MarshalIndent(g, "", " ")
	if err != nil {
		return err
	}
	if err := q.a.data.Write(goodFile, body); err != nil {
		return fmt.Errorf("--data.path: %w", err)
	}
	q.good = g
	return q.discharge(but)
}

// named gives the key of the job of that name.
func (g good) named(name string) (string, bool) {
	for key, j := range g.Jobs {
		if j.Name == name {
			return key, true
		}
	}
	return "", false
}
