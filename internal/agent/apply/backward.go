package apply

import (
	"fmt"

	"promfleet"
)

// holding repeats why the configuration is held back.
func (m *Machine) holding() error {
	if m.Refused == nil {
		return fmt.Errorf("%w: Prometheus would not have it a moment ago", ErrRefused)
	}
	return fmt.Errorf("%w: %s", ErrRefused, m.Refused.Error)
}

// backDue tells whether what is there, while a configuration is held back, is not
// seen to be what runs: a way back was cut short.
func (m *Machine) backDue() bool {
	if !m.how.HoldConfig || m.Refused == nil || m.file == m.LoadedConfig {
		return false
	}
	return m.found.theirs == nil || m.file == m.TakenOver
}

// fetchBack begins the way back. The refusal is noted first, so that an agent
// killed on the way goes on with it.
func (m *Machine) fetchBack() []Effect {
	m.at = fetchingBack
	return []Effect{journal{m.State}, fetchBack{}}
}

// goBack puts the prometheus.yml last loaded back. A reload that Prometheus
// refused may have taken half effect, so the old one must be loaded again; one
// that was denied has had none.
func (m *Machine) goBack(body []byte) []Effect {
	m.at, m.back = goingBack, body
	hash := promfleet.HashOf(body)
	var do []Effect
	switch {
	case body == nil && m.found.config == nil && m.file == m.Refused.Hash:
		m.at = havingNone // there was none before this apply, so nothing can have loaded it
		return []Effect{removeConfig{}}
	case body == nil || hash == m.Refused.Hash:
		return m.close(m.refuse) // nothing that is better
	case hash != m.file:
		do = append(do, putConfig{body})
		m.file, m.fresh, m.ReloadPending = hash, false, true
	}
	if m.ReloadPending && !m.fresh && !m.down && m.ReloadAsked == "" && m.res.Outcome != Denied {
		m.ReloadAsked = hash
		do = append(do, journal{m.State}, askReload{})
	}
	if len(do) == 0 {
		return m.wentBack(results{})
	}
	return do
}

// wentBack has what was put back seen loaded.
func (m *Machine) wentBack(r results) []Effect {
	if r.config != nil {
		m.Config = r.config
	}
	if m.file == m.TakenOver {
		m.Config = nil // somebody else's again, to be looked at before the next try
	}
	if _, asked := lastOf[askReload](m.doing); asked && m.at == goingBack {
		if r.outcome != Unknown {
			m.ReloadAsked = ""
		}
		if r.outcome != Reloaded {
			return m.close(fmt.Errorf("%w; and the previous configuration, which is back in its place, could not be loaded again: %w", m.refuse, r.why))
		}
		m.ReloadPending, m.Accepted = false, m.file
	}
	if m.down {
		return m.close(m.refuse)
	}
	m.at = seeingBack
	return []Effect{verify{Look{Config: m.back}}}
}

func (m *Machine) sawBack(missing error) []Effect {
	m.ReloadAsked = ""
	if missing != nil {
		return m.close(fmt.Errorf("%w; and the previous configuration, which is back in its place, is not seen loaded: %w", m.refuse, missing))
	}
	m.ReloadPending, m.ReloadMark, m.LoadedConfig = false, 0, m.file
	return m.close(m.refuse)
}
