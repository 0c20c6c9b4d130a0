package reload

import "context"

// Identity tells one running Prometheus from another: of another version, or
// started anew.
type Identity struct {
	Version  string // like 2.42.0
	Revision string // of its source
	Started  string // when, as it says
}

// Identity asks for it.
func (p *Prometheus) Identity(ctx context.Context) (Identity, error) {
	var build struct {
		Version  string `json:"version"`
		Revision string `json:"revision"`
	}
	if err := p.data(ctx, "api/v1/status/buildinfo", maxAnswer, &build); err != nil {
		return Identity{}, err
	}
	var runtime struct {
		StartTime string `json:"startTime"`
	}
	err := p.data(ctx, "api/v1/status/runtimeinfo", maxAnswer, &runtime)
	return Identity{Version: build.Version, Revision: build.Revision, Started: runtime.StartTime}, err
}
