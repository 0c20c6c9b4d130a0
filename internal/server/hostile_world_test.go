package server_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
)

// world is what the callers have learnt from answers: records that exist or did,
// and values by the name of their field.
type world struct {
	document *apiDocument

	lock    sync.Mutex
	records map[string]records // by resource, e.g. job, jointoken
	words   map[string][]any
	bodies  map[string][]sent   // that succeeded, by operation
	secrets map[string][]string // credentials by x-role
}

type sent struct {
	media string
	body  []byte
}

// cookieWord is where the cookies are that were given: no field is called so.
const cookieWord = "cookie "

func (w *world) learnCookie(c *http.Cookie) {
	if c.Value == "" {
		return // it is taken back
	}
	w.lock.Lock()
	defer w.lock.Unlock()
	w.words[cookieWord] = []any{c.Name + "=" + c.Value}
}

func (w *world) learnBody(op *apiOperation, s sent) {
	w.lock.Lock()
	defer w.lock.Unlock()
	w.bodies[op.String()] = remember(w.bodies[op.String()], s)
}

const goneKind = "gone " // before the kind of a record that was deleted

const remembered = 40 // of each kind; the older ones make room

// learn remembers what an answer has told; scope is whom alone it concerns, "": all.
func (w *world) learn(op *apiOperation, scope string, status int, body []byte) {
	content, _, err := op.response(status)
	if err != nil || content["application/json"].Schema == nil {
		return
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return
	}
	w.lock.Lock()
	defer w.lock.Unlock()
	w.see(content["application/json"].Schema, scope, v)
}

// forget remembers what was deleted, as such.
func (w *world) forget(op *apiOperation, r record) {
	segs := strings.Split(op.path, "/")
	kind := goneKind + strings.TrimSuffix(strings.ReplaceAll(segs[len(segs)-2], "-", ""), "s")
	w.lock.Lock()
	defer w.lock.Unlock()
	w.records[kind] = remember(w.records[kind], r)
}

func (w *world) see(s *apiSchema, scope string, v any) {
	s, name := w.document.resolve(s)
	switch v := v.(type) {
	case record:
		if name != "" {
			kind := scope + strings.TrimPrefix(strings.ToLower(name), "new") // a NewToken is a token
			w.records[kind] = remember(w.records[kind], v)
		}
		for field, value := range v {
			if _, isText := value.(string); isText && len(value.(string)) < 400 {
				w.words[field] = remember(w.words[field], value)
			} else if _, isNumber := value.(json.Number); isNumber {
				w.words[field] = remember(w.words[field], value)
			}
			w.see(s.Properties[field], scope, value)
		}
	case []any:
		for _, e := range v[:min(len(v), 20)] {
			w.see(s.Items, scope, e)
		}
	}
}

func remember[T any](list []T, v T) []T {
	if len(list) >= remembered {
		list = list[1:]
	}
	return append(list, v)
}
