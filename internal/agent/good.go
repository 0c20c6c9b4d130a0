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

// good is what Prometheus has taken last, job by job: what one that it will not
// have goes back to. It is kept in the data path, the bodies among the parts there.
type good struct {
	// Base is the hash of the base config; "": nothing was taken yet.
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

// has tells whether a suspect is what was taken last.
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

// taken notes that Prometheus has loaded what was written. What of it is in
// quarantine is so no longer.
func (q *quarantine) taken(s *shipment) error {
	g := good{Base: s.baseHash, Local: s.content.base == nil || s.content.localBase, Jobs: map[string]goodJob{}}
	for _, j := range s.content.jobs {
		g.Jobs[j.Key] = goodJob{Name: j.Name, Config: j.part.Hash, Size: j.part.Size}
	}
	if g.Base == q.good.Base && g.Local == q.good.Local && maps.Equal(g.Jobs, q.good.Jobs) {
		return q.discharge()
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
	return q.discharge()
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
