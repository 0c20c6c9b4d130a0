package fleetfile

import (
	"encoding/json"
	"sync"

	"promfleet/internal/check"
)

// Schema gives the JSON Schema (2020-12) of a document, for editors. It knows all
// fields of a scrape_config and of a base_config, as the linked version of Prometheus
// has them. Callers must not change it.
func Schema() []byte { return schema() }

var schema = sync.OnceValue(func() []byte {
	b, err := json.Marshal(makeSchema())
	if err != nil {
		panic(err) // it is made of maps and text
	}
	return b
})

type object = map[string]any

func described(text string, o object) object {
	o["description"] = text
	return o
}

func makeSchema() object {
	s := check.NewSchemas()
	name := object{"type": []string{"string", "number", "boolean"}, "minLength": 1}
	tags := func() object { return object{"type": "array", "items": name} }
	node := described("The node, or the node of the job: its uuid, or its hostname where one live node alone has it.", object{"$ref": "#/$defs/name"})
	ignored := object{"type": "string"} // $schema, of JSON files
	s.Defs["name"] = name
	s.Defs["target"] = object{
		"anyOf": []object{
			described("The address alone.", object{"type": "string", "minLength": 1}),
			{
				"type": "object", "additionalProperties": false, "required": []string{"addr"},
				"properties": object{
					"addr":   described("host, host:port, [v6]:port, or a URL for probe jobs.", object{"$ref": "#/$defs/name"}),
					"name":   described("With addr, tells the targets of a job apart.", anyText()),
					"remark": described("What it is.", anyText()),
					"labels": described("Labels of the target.", object{"anyOf": []object{{"$ref": "#/$defs/texts"}, {"type": "null"}}}),
					"tags":   described("Tags; new ones are created.", object{"anyOf": []object{tags(), {"type": "null"}}}),
				},
			},
		},
	}
	s.Defs["node"] = object{
		"type": "object", "additionalProperties": false, "required": []string{"kind", "node"},
		"properties": object{
			"$schema": ignored, "kind": object{"const": "node"}, "node": node,
			"tags": described("All tags of the node; new ones are created. Absent: they stay.", tags()),
			"base_config": described("prometheus.yml without scrape_configs, as a mapping or as text; <secret> stays what it was. Absent: it stays.",
				object{"anyOf": []object{{"type": "string"}, {"$ref": "#/$defs/base_config"}}}),
		},
	}
	s.Base["type"], s.ScrapeConfig["type"] = "object", "object" // null could mean none, or as it is
	s.Defs["base_config"] = s.Base
	s.Defs["job"] = object{
		"type": "object", "additionalProperties": false, "required": []string{"kind", "node", "key"},
		"properties": object{
			"$schema": ignored, "kind": object{"const": "job"}, "node": node,
			"key":           described("Tells the jobs of a node apart.", object{"type": "string", "pattern": "^[a-zA-Z][0-9a-zA-Z_]*$", "maxLength": 128}),
			"job_name":      described("Prometheus's job_name; default: the key.", anyText()),
			"remark":        described("What it is for.", anyText()),
			"scrape_config": described("Any field of a scrape_config but job_name; <secret> stays what it was. Absent: it stays.", object{"$ref": "#/$defs/scrape_config"}),
			"targets": described("All targets of the job. Absent: they are edited elsewhere.",
				object{"type": "array", "items": object{"$ref": "#/$defs/target"}}),
		},
	}
	s.Defs["scrape_config"] = s.ScrapeConfig
	is := func(kind string) object {
		return object{
			"if":   object{"properties": object{"kind": object{"const": kind}}, "required": []string{"kind"}},
			"then": object{"$ref": "#/$defs/" + kind},
		}
	}
	return object{
		"$schema":     "https://json-schema.org/draft/2020-12/schema",
		"title":       "promfleet fleet file",
		"description": "A document of a fleet file: what a node or a job should be.",
		"type":        "object", "required": []string{"kind", "node"},
		"properties": object{"kind": described("What the document is about.", object{"enum": []string{"node", "job"}})},
		"allOf":      []object{is("node"), is("job")},
		"$defs":      s.Defs,
	}
}

// anyText gives a schema of its own each time, to be described.
func anyText() object { return object{"$ref": "#/$defs/text"} }
