package kuma

import (
	"cmp"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// scrapes reads the jobs of a Prometheus that go through a blackbox_exporter:
// they ask at /probe, or for a module of it.
func (r *blackboxReader) scrapes(root value, dir string) ([]target, error) {
	jobs := root.get("scrape_configs").list()
	more, err := r.files("scrape_config_files", dir, root.get("scrape_config_files").texts())
	if err != nil {
		return nil, err
	}
	for _, file := range more {
		jobs = append(jobs, file.get("scrape_configs").list()...)
	}
	var all []target
	for _, job := range jobs {
		ts, err := r.scrape(job, root.get("global"), dir)
		if err != nil {
			return nil, err
		}
		all = append(all, ts...)
	}
	return all, nil
}

// scrape reads one job.
func (r *blackboxReader) scrape(job, standard value, dir string) ([]target, error) {
	name := job.get("job_name").text()
	tell := func(what string) {
		r.doc.look("%s of relabel_configs of job %s was not carried out: look at its targets", what, name)
	}
	given := group(target{}, job.get("static_configs"))
	for _, sd := range job.get("file_sd_configs").list() {
		lists, err := r.files("job "+name, dir, sd.get("files").texts())
		if err != nil {
			return nil, err
		}
		for _, list := range lists {
			given = append(given, group(target{}, list)...)
		}
	}
	var all []target
	for _, g := range given {
		l := r.before(job, standard)
		l["__address__"] = g.url
		maps.Copy(l, g.labels)
		if relabel(l, job.get("relabel_configs").list(), tell) && (l["__metrics_path__"] == "/probe" || r.knows(l["__param_module"])) {
			all = append(all, l.target(g.url))
		}
	}
	r.discovered(job, len(all) > 0)
	return all, nil
}

// before returns what every target of a job has before its labels are changed.
func (r *blackboxReader) before(job, standard value) labelSet {
	l := labelSet{
		"job": job.get("job_name").text(), "__metrics_path__": cmp.Or(job.get("metrics_path").text(), "/metrics"),
		"__scrape_interval__": cmp.Or(job.get("scrape_interval").text(), standard.get("scrape_interval").text(), "1m"),
		"__scrape_timeout__":  cmp.Or(job.get("scrape_timeout").text(), standard.get("scrape_timeout").text(), "10s"),
	}
	for _, p := range job.get("params").members() {
		if all := p.value.texts(); len(all) > 0 {
			l["__param_"+p.key] = all[0]
		}
	}
	return l
}

// target is what Prometheus makes of a target's labels.
func (l labelSet) target(address string) target {
	span := func(name string) time.Duration { d, _ := parseSpan(l[name]); return d }
	return target{
		url: cmp.Or(l["__param_target"], address), module: l["__param_module"], job: l["job"], host: l["__param_hostname"],
		interval: span("__scrape_interval__"), timeout: span("__scrape_timeout__"), labels: l,
	}
}

// knows says whether there is a module, of whatever kind.
func (r *blackboxReader) knows(module string) bool {
	_, ok := r.modules[module]
	return ok || slices.ContainsFunc(r.doc.Stays, func(s Stay) bool { return s.What == "module" && s.Name == module })
}

// discovered tells of targets that only Prometheus knows.
func (r *blackboxReader) discovered(job value, ours bool) {
	ours = ours || job.get("metrics_path").text() == "/probe" || slices.ContainsFunc(job.get("params", "module").texts(), r.knows)
	for _, key := range keysOf(job) {
		if ours && strings.HasSuffix(key, "_sd_configs") && key != "file_sd_configs" {
			r.doc.look("the targets of job %s come from %s, which is asked while Prometheus runs: they did not come over", job.get("job_name").text(), key)
		}
	}
}

// files reads what a list of patterns names.
func (r *blackboxReader) files(who, dir string, patterns []string) ([]value, error) {
	var all []value
	for _, p := range patterns {
		if !filepath.IsAbs(p) {
			p = filepath.Join(dir, p)
		}
		files, err := filepath.Glob(p)
		if err != nil || len(files) == 0 {
			r.doc.look("there is no file %s, of which %s has targets", p, who)
			continue
		}
		slices.Sort(files)
		for _, file := range files {
			list, err := parseForeign(file, nil)
			if err != nil {
				return nil, err
			}
			all = append(all, list)
		}
	}
	return all, nil
}
