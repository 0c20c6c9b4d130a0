package fleet

import (
	"reflect"
	"time"

	"promfleet"
)

// sameStep is how far apart two reports may put one step: each says how long ago it
// was, and takes another time to arrive.
const sameStep = 2 * time.Second

// steps say when a node got as far as a report says. An agent that does not say how
// long ago that was is believed to have just done it.
func steps(was, is NodeReport, ages *promfleet.StepAges, now time.Time) promfleet.Steps {
	if ages == nil {
		ages = &promfleet.StepAges{}
	}
	return promfleet.Steps{
		ReceivedAt: stepAt(was.Steps.ReceivedAt, ages.Received, was.Received != is.Received, now),
		WrittenAt:  stepAt(was.Steps.WrittenAt, ages.Written, was.Written != is.Written, now),
		ReloadedAt: stepAt(was.Steps.ReloadedAt, ages.Reloaded, false, now),
		LoadedAt:   stepAt(was.Steps.LoadedAt, ages.Loaded, was.Loaded != is.Loaded, now),
	}
}

// stepAt gives the time of one step: the one that is known already, unless it was
// done again.
func stepAt(known *time.Time, age *int64, again bool, now time.Time) *time.Time {
	if age == nil {
		if again {
			return &now
		}
		return known
	}
	at := now.Add(-min(time.Duration(*age)*time.Millisecond, longestAge))
	if !again && known != nil && at.Sub(*known).Abs() < sameStep {
		return known
	}
	return &at
}

// longestAge bounds what an agent may say.
const longestAge = 10 * 365 * 24 * time.Hour

// isNews tells whether a report says anything else than the one before, or anything
// after a long silence.
func (r NodeReport) isNews(was NodeReport) bool {
	if was.LastSeenAt == nil || r.LastSeenAt.Sub(*was.LastSeenAt) > StaleAfter {
		return true
	}
	was.LastSeenAt = r.LastSeenAt
	return !reflect.DeepEqual(r, was)
}
