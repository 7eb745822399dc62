package kuma

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/watchword/watchword/internal/machine"
)

// target is one URL that Prometheus has probed.
type target struct {
	url, module, job  string
	host              string        // that blackbox_exporter asks the URL for; "": the URL's own
	interval, timeout time.Duration // 0: not said
	labels            labelSet
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
			t.url, t.labels = raw, labelSet{}
			for _, l := range g.get("labels").members() {
				t.labels[l.key] = l.value.text()
			}
			t.module = cmp.Or(t.labels["__param_module"], base.module)
			all = append(all, t)
		}
	}
	return all
}
