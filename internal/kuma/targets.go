package kuma

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/machine"
)

// target is one URL that Prometheus has probed.
type target struct {
	url, module, job  string
	interval, timeout time.Duration // 0: not said
	labels            []member
}

// targets reads all that is given.
func (r *blackboxReader) targets(o BlackboxOptions) ([]target, error) {
	var all []target
	for _, raw := range o.Targets {
		all = append(all, target{url: raw})
	}
	for _, path := range o.Files {
		more, err := r.targetFile(path)
		if err != nil {
			return nil, err
		}
		if len(more) == 0 {
			return nil, fmt.Errorf("there are no targets of blackbox_exporter in %s", path)
		}
		all = append(all, more...)
	}
	for _, t := range all {
		raw := t.url
		if !strings.Contains(raw, "://") {
			raw = "http://" + raw
		}
		if u, err := url.Parse(raw); err != nil || u.Host == "" || strings.ContainsAny(t.url, " \t") {
			return nil, fmt.Errorf("the target %q is no URL", t.url)
		}
	}
	return all, nil
}

// targetFile reads lines, a list of targets as file_sd has it, or a
// configuration of Prometheus.
func (r *blackboxReader) targetFile(path string) ([]target, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, errors.New(machine.Unusable(path, "read", err))
	}
	if ext := filepath.Ext(path); ext != ".yml" && ext != ".yaml" && ext != ".json" && !bytes.HasPrefix(bytes.TrimSpace(b), []byte("[")) {
		return targetLines(string(b)), nil
	}
	root, err := parseForeign(path, nil)
	if err != nil {
		return nil, err
	}
	if root.get("scrape_configs").given() {
		return r.scrapes(root, filepath.Dir(path))
	}
	return group(target{}, root), nil
}

func targetLines(text string) []target {
	var all []target
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, " #")
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			all = append(all, target{url: line})
		}
	}
	return all
}

// group reads a list of mappings with targets and labels.
func group(base target, list value) []target {
	var all []target
	for _, g := range list.list() {
		if !g.get("targets").given() { // a list of texts
			if text := g.text(); text != "" {
				t := base
				t.url = text
				all = append(all, t)
			}
			continue
		}
		for _, raw := range g.get("targets").texts() {
			t := base
			t.url, t.labels = raw, g.get("labels").members()
			for _, l := range t.labels {
				if l.key == "__param_module" {
					t.module = l.value.text()
				}
			}
			all = append(all, t)
		}
	}
	return all
}

// scrapes reads the jobs that go through a blackbox_exporter: they name a
// module or ask at /probe.
func (r *blackboxReader) scrapes(root value, dir string) ([]target, error) {
	var all []target
	standard := root.get("global")
	for _, job := range root.get("scrape_configs").list() {
		modules := job.get("params", "module").texts()
		if len(modules) == 0 && job.get("metrics_path").text() != "/probe" {
			continue
		}
		base := target{
			job: job.get("job_name").text(), interval: job.get("scrape_interval").duration(standard.get("scrape_interval").duration(time.Minute)),
			timeout: job.get("scrape_timeout").duration(standard.get("scrape_timeout").duration(10 * time.Second)),
		}
		if len(modules) > 0 {
			base.module = modules[0]
		}
		all = append(all, group(base, job.get("static_configs"))...)
		for _, sd := range job.get("file_sd_configs").list() {
			more, err := r.fileTargets(base, dir, sd.get("files").texts())
			if err != nil {
				return nil, err
			}
			all = append(all, more...)
		}
		for _, key := range keysOf(job) {
			if strings.HasSuffix(key, "_sd_configs") && key != "file_sd_configs" {
				r.doc.look("the targets of job %s come from %s, which is asked while Prometheus runs: they did not come over", base.job, key)
			}
		}
	}
	return all, nil
}

// fileTargets reads the files of file_sd_configs.
func (r *blackboxReader) fileTargets(base target, dir string, patterns []string) ([]target, error) {
	var all []target
	for _, p := range patterns {
		if !filepath.IsAbs(p) {
			p = filepath.Join(dir, p)
		}
		files, err := filepath.Glob(p)
		if err != nil || len(files) == 0 {
			r.doc.look("there is no file %s, of which job %s has targets", p, base.job)
			continue
		}
		slices.Sort(files)
		for _, file := range files {
			list, err := parseForeign(file, nil)
			if err != nil {
				return nil, err
			}
			all = append(all, group(base, list)...)
		}
	}
	return all, nil
}
