package agent

import (
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Prometheus's own words about a prometheus.yml: of what they are about they name
// the line, or the job.

// accused is what words say of each job, by its name; of the base under "".
type accused map[string]string

var (
	lineWords  = regexp.MustCompile(`\bline (\d+): `)
	fieldWords = regexp.MustCompile(`^field (\S+) (?:not found in type|already set in type)`)
	jobWords   = regexp.MustCompile(`scrape configs? with job name ("(?:[^"\\]|\\.)*")`)
)

// accuse finds what words, all on one line, say of which job of a prometheus.yml
// that this agent has rendered.
func accuse(yml []byte, words string) accused {
	all := accused{}
	for _, m := range jobWords.FindAllStringSubmatch(words, -1) {
		if name, err := strconv.Unquote(m[1]); err == nil {
			all[name] = words
		}
	}
	at := lineWords.FindAllStringSubmatchIndex(words, -1)
	if len(at) == 0 {
		return all
	}
	jobAt := jobLines(yml)
	lines := strings.Split(string(yml), "\n")
	for i, m := range at {
		n, err := strconv.Atoi(words[m[2]:m[3]])
		if err != nil || n < 1 || n > len(lines) {
			continue
		}
		end := len(words)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		// A line number of another file points anywhere: what it says is there must be.
		field := fieldWords.FindStringSubmatch(words[m[1]:end])
		if len(field) > 1 && !strings.Contains(lines[n-1], field[1]+":") {
			continue
		}
		said := strings.TrimSpace(words[m[1]:end]) // the line is of a file that does not stay
		name := jobAt[n]
		if all[name] != "" {
			said = all[name] + ", " + said
		}
		all[name] = said
	}
	return all
}

// jobLines gives the job_name of which each line is, from 1; "": of none.
func jobLines(yml []byte) []string {
	at := make([]string, strings.Count(string(yml), "\n")+2)
	var doc yaml.Node
	if err := yaml.Unmarshal(yml, &doc); err != nil || len(doc.Content) == 0 {
		return at
	}
	root := doc.Content[0]
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value != "scrape_configs" {
			continue
		}
		end := len(at)
		if i+2 < len(root.Content) {
			end = root.Content[i+2].Line
		}
		jobs := root.Content[i+1].Content
		for n, job := range jobs {
			next := end
			if n+1 < len(jobs) {
				next = jobs[n+1].Line
			}
			for line := job.Line; line < next; line++ {
				at[line] = nameIn(job)
			}
		}
	}
	return at
}

func nameIn(job *yaml.Node) string {
	for i := 0; i+1 < len(job.Content); i += 2 {
		if job.Content[i].Value == "job_name" {
			return job.Content[i+1].Value
		}
	}
	return ""
}
