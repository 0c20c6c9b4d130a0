package agent

import (
	"slices"

	"promfleet"
)

// suspect is something new in a configuration that Prometheus refused: the config
// of a job, or with no key the base.
type suspect struct {
	Key    string         `json:"key,omitempty"`
	Config promfleet.Hash `json:"config"`
}

func (s suspect) isBase() bool { return s.Key == "" }

// search finds the suspects that Prometheus will not have, by trials: each is all
// that it has, those that have passed, and some more. It knows nothing of time,
// disk and Prometheus.
type search struct {
	passed []suspect // taken in a trial
	bad    []suspect // there is at least one among them that Prometheus will not have
	rest   []suspect // of which nothing is known
	// ground: what Prometheus has, without any suspect, is known to be taken.
	ground bool
	// spent counts reloads.
	spent int
}

// maxReloads bounds a search. One that is bad among n costs 2·log2(n)+2: each
// trial that is refused is a reload and the one back.
const maxReloads = 64

// trial is what comes next.
type trial struct {
	try     []suspect // beside those that have passed
	ground  bool      // nothing is tried but the ground
	culprit *suspect  // no trial: this one it is
	over    bool      // no trial: nothing is left
}

func (s *search) next() trial {
	switch {
	case len(s.bad) > 0 && !s.ground:
		return trial{ground: true}
	case len(s.bad) == 1:
		return trial{culprit: &s.bad[0]}
	case len(s.bad) > 1:
		return trial{try: s.bad[:len(s.bad)/2]}
	case len(s.rest) > 0:
		return trial{try: s.rest}
	default:
		return trial{over: true}
	}
}

// accepted notes that Prometheus has taken the trial that next gives.
func (s *search) accepted() {
	t := s.next()
	s.ground = true
	switch {
	case t.ground:
	case len(s.bad) > 0:
		s.passed = append(s.passed, t.try...)
		s.bad = slices.Clone(s.bad[len(t.try):])
	default:
		s.passed = append(s.passed, s.rest...)
		s.rest = nil
	}
}

// refused notes that it has not.
func (s *search) refused() {
	t := s.next()
	if len(s.bad) > 0 {
		s.rest = append(slices.Clone(s.bad[len(t.try):]), s.rest...)
	} else {
		s.rest = nil
	}
	s.bad = slices.Clone(t.try)
}

// found takes those out that it is. What is left of the bad ones may be good.
func (s *search) found(all ...suspect) {
	is := setOf(all)
	in := func(x suspect) bool { return is[x] }
	if slices.ContainsFunc(s.bad, in) {
		s.rest = append(s.bad, s.rest...)
		s.bad = nil
	}
	s.rest = slices.DeleteFunc(slices.Clone(s.rest), in)
	s.passed = slices.DeleteFunc(slices.Clone(s.passed), in)
}

func setOf[T comparable](all []T) map[T]bool {
	set := make(map[T]bool, len(all))
	for _, x := range all {
		set[x] = true
	}
	return set
}

// review brings the search to the suspects that there are now.
func (s *search) review(now []suspect) {
	known, wanted := setOf(slices.Concat(s.passed, s.bad, s.rest)), setOf(now)
	var gone []suspect
	for x := range known {
		if !wanted[x] {
			gone = append(gone, x)
		}
	}
	s.found(gone...)
	for _, x := range now {
		if !known[x] {
			s.rest = append(s.rest, x)
		}
	}
}

// open gives those of which it is not known yet whether it is they.
func (s *search) open() []suspect { return slices.Concat(s.bad, s.rest) }

// withheld gives those that the next trial is without.
func (s *search) withheld() []suspect {
	try := setOf(s.next().try)
	return slices.DeleteFunc(s.open(), func(x suspect) bool { return try[x] })
}
