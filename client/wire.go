package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"promfleet"
)

// What an agent is answered is read as it arrives, element by element, and given
// up at the first that cannot be one: an agent has little memory, and a server
// that is somebody else's by now may write a million elements in a few bytes each.

// readWatch reads a WatchReply.
func readWatch(r io.Reader, out *promfleet.WatchReply) error {
	d := json.NewDecoder(r)
	m := &out.Manifest
	err := object(d, func(name string) error {
		switch name {
		case "manifest":
			return object(d, func(name string) error {
				switch name {
				case "protocol":
					return d.Decode(&m.Protocol)
				case "node":
					return d.Decode(&m.Node)
				case "revision":
					return d.Decode(&m.Revision)
				case "confirmed":
					return d.Decode(&m.Confirmed)
				case "parts":
					return elements(d, &m.Parts, func(p promfleet.Part) promfleet.Hash { return p.Hash })
				}
				return d.Decode(&skipped{})
			})
		case "bodies":
			return elements(d, &out.Bodies, bodyHash)
		}
		return d.Decode(&skipped{})
	})
	return errors.Join(err, end(d, err))
}

// readFetch reads a FetchReply of so many bodies at the most.
func readFetch(r io.Reader, most int) (out []promfleet.PartBody, err error) {
	d := json.NewDecoder(r)
	err = object(d, func(name string) error {
		if name != "bodies" {
			return d.Decode(&skipped{})
		}
		return elements(d, &out, func(b promfleet.PartBody) promfleet.Hash {
			if len(out) >= most {
				return ""
			}
			return b.Hash
		})
	})
	return out, errors.Join(err, end(d, err))
}

func bodyHash(b promfleet.PartBody) promfleet.Hash { return b.Hash }

// object reads an object; field reads the value of each of its fields.
func object(d *json.Decoder, field func(name string) error) error {
	if err := delim(d, '{'); err != nil {
		return err
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := t.(string)
		if err := field(name); err != nil {
			return err
		}
	}
	return delim(d, '}')
}

// elements reads a list, or null, of what bears a hash.
func elements[T any](d *json.Decoder, list *[]T, hash func(T) promfleet.Hash) error {
	*list = nil
	t, err := d.Token()
	if err != nil || t == nil {
		return err
	}
	if t != json.Delim('[') {
		return fmt.Errorf("a list is wanted where %.20q is", fmt.Sprint(t))
	}
	for d.More() {
		var e T
		if err := d.Decode(&e); err != nil {
			return err
		}
		if hash(e) == "" || len(*list) == maxElements {
			return fmt.Errorf("element %d of a list has no hash, or was not asked for", len(*list))
		}
		*list = append(*list, e)
	}
	return delim(d, ']')
}

// maxElements is how long a list may be, which whoever reads it whole must hold.
const maxElements = 40_000

func delim(d *json.Decoder, want json.Delim) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	if t != want {
		return fmt.Errorf("%q is wanted where %.20q is", want.String(), fmt.Sprint(t))
	}
	return nil
}

// end makes sure that nothing follows.
func end(d *json.Decoder, before error) error {
	if before != nil {
		return nil
	}
	switch _, err := d.Token(); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	}
	return errors.New("something follows the answer")
}

// skipped takes any value and keeps nothing of it.
type skipped struct{}

// UnmarshalJSON implements json.Unmarshaler.
func (*skipped) UnmarshalJSON([]byte) error { return nil }

var errTooLarge = errors.New("it is too large")

// bounded is a reader of so many bytes at the most; one more is errTooLarge.
type bounded struct {
	from io.Reader
	left int64
}

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		var one [1]byte
		if n, err := b.from.Read(one[:]); n == 0 {
			return 0, err
		}
		return 0, errTooLarge
	}
	n, err := b.from.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// stay has no redirect followed to another server: that would bring the token, or a
// call that a server wants made by this host, to a place that nobody has named.
func stay(req *http.Request, via []*http.Request) error {
	const most = 10
	switch first := via[0].URL; {
	case req.URL.Scheme != first.Scheme || req.URL.Host != first.Host:
		return fmt.Errorf("it redirects to another server, %.200q, which is not followed: if that is the right one, use it as the server's URL", req.URL.Redacted())
	case len(via) >= most:
		return fmt.Errorf("it redirects more than %d times", most)
	}
	return nil
}
