package kuma

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// http takes over what a module of blackbox_exporter does.
func (r *blackboxReader) http(e *Entry, h value) {
	r.sending(e, h)
	r.access(e, h)
	r.tls(e, &e.Fields, h.get("tls_config"), true)
	r.proxy(e, &e.Fields, h)
	r.way(e, h)
	r.expect(e, h)
	r.unknown(e, h)
}

// sending takes over method, headers and body.
func (r *blackboxReader) sending(e *Entry, h value) {
	if method := strings.ToUpper(h.get("method").text()); method != "" {
		e.Fields.Set("method", method)
	}
	all := r.ownHeaders(e, h)
	for _, m := range h.get("http_headers").members() {
		for _, v := range m.value.get("values").texts() {
			all = append(all, Field{Key: m.key, Value: r.header(r.module, m.key, v)})
		}
		for _, v := range m.value.get("secrets").texts() {
			all = append(all, Field{Key: m.key, Value: r.doc.Vault.Secret(r.module, m.key, v)})
		}
		for _, v := range m.value.get("files").texts() {
			all = append(all, Field{Key: m.key, Value: r.secretFile(v)})
		}
	}
	if all = r.once(e, all); len(all) > 0 {
		e.Fields.Set("headers", all)
	}
	if body := h.get("body").text(); body != "" {
		e.Fields.Set("body", r.body(r.module, body))
	} else if path := h.get("body_file").text(); path != "" {
		e.Fields.Set("body", r.secretFile(path))
	}
}

// ownHeaders are those of `headers`, but one that proves who the module is, which
// becomes a credential.
func (r *blackboxReader) ownHeaders(e *Entry, h value) Fields {
	var all Fields
	for _, m := range h.get("headers").members() {
		if strings.EqualFold(m.key, "Authorization") && r.free(h) {
			r.authorization(e, r.module, m.value.text())
			continue
		}
		all = append(all, Field{Key: m.key, Value: r.header(r.module, m.key, m.value.text())})
	}
	return all
}

// once leaves the first of several headers of a name, as a mapping has it, and
// takes out what cannot be sent.
func (r *blackboxReader) once(e *Entry, f Fields) Fields {
	var out Fields
	for _, x := range f {
		text, _ := x.Value.(string)
		why := unfit(http.CanonicalHeaderKey(x.Key), text)
		switch {
		case why != "":
			r.object(e, "the header %q was left out: %s", x.Key, why)
		case slices.ContainsFunc(out, func(y Field) bool { return strings.EqualFold(x.Key, y.Key) }):
			r.object(e, "the header %s is sent once here, with the first of its values", x.Key)
		default:
			out = append(out, x)
		}
	}
	return out
}

// free says whether nothing else proves who the module is.
func (r *blackboxReader) free(h value) bool {
	return !slices.ContainsFunc([]string{"basic_auth", "authorization", "oauth2", "bearer_token", "bearer_token_file"}, func(key string) bool { return h.get(key).given() })
}

// tls takes over tls_config, in files or in itself.
func (r *blackboxReader) tls(e *Entry, f *Fields, t value, target bool) {
	if !t.get("insecure_skip_verify").flag(false) {
		r.pem(e, f, "tls.ca_file", t, "ca")
	}
	switch {
	case t.get("cert").given() && t.get("key").given():
		r.pem(e, f, "tls.cert_file", t, "cert")
		r.pem(e, f, "tls.key_file", t, "key")
	case t.get("cert_file").given():
		r.pair(e, f, t.get("cert_file").text(), t.get("key_file").text())
	}
	if name := t.get("server_name").text(); name != "" {
		f.Set("tls.server_name", name)
	}
	if t.get("insecure_skip_verify").flag(false) {
		f.Set("tls.insecure_skip_verify", true)
	}
	versions := map[string]string{"TLS10": "1.0", "TLS11": "1.1", "TLS12": "1.2", "TLS13": "1.3"}
	if v := versions[t.get("min_version").text()]; v != "" && target {
		f.Set("expect.tls_version", v)
	}
	if t.get("max_version").given() {
		r.object(e, "max_version of its tls_config did not come over")
	}
}

func (r *blackboxReader) pem(e *Entry, f *Fields, key string, t value, name string) {
	if text := t.get(name).text(); text != "" {
		extension := ".crt"
		if name == "key" {
			extension = ".key"
		}
		f.Set(key, r.doc.Vault.File(r.module+" "+name, extension, text))
		return
	}
	r.setFile(e, f, key, t.get(name+"_file").text())
}

func (r *blackboxReader) proxy(e *Entry, f *Fields, h value) {
	if raw := h.get("proxy_url").text(); raw != "" {
		f.Set("proxy_url", r.url("proxy", raw))
		var hosts []string
		for host := range strings.SplitSeq(h.get("no_proxy").text(), ",") {
			if host = strings.TrimSpace(host); host != "" {
				hosts = append(hosts, host)
			}
		}
		if len(hosts) > 0 {
			f.Set("no_proxy", hosts)
		}
	}
	if h.get("proxy_from_environment").flag(false) {
		r.object(e, "proxy_from_environment did not come over: set proxy_url")
	}
	if h.get("proxy_connect_header").given() {
		r.object(e, "proxy_connect_header did not come over: user and password of a proxy stand in proxy_url")
	}
}

// way takes over addresses, redirects, versions and sizes.
func (r *blackboxReader) way(e *Entry, h value) {
	family := map[string]string{"ip4": "ipv4", "ip6": "ipv6"}[h.get("preferred_ip_protocol").text()]
	if !h.get("ip_protocol_fallback").flag(true) {
		if family == "" {
			family = "ipv6" // its default
		}
		e.Fields.Set("ip_family", family)
	}
	if !h.get("follow_redirects").flag(true) || h.get("no_follow_redirects").flag(false) {
		e.Fields.Set("max_redirects", 0)
	}
	if !h.get("enable_http2").flag(true) {
		e.Fields.Set("http_version", "1.1")
	}
	if h.get("enable_http3").flag(false) {
		r.object(e, "it spoke HTTP/3, which Watchword does not")
	}
	r.reading(e, h)
}

// reading takes over what is read of an answer.
func (r *blackboxReader) reading(e *Entry, h value) {
	if n, ok := sizeOf(h.get("body_size_limit").text()); ok {
		e.Fields.Set("max_body", size(n))
		e.Comment("max_body: a longer body fails here only if an expectation is undecided by then")
	}
	if c := h.get("compression").text(); c != "" && c != "gzip" && c != "identity" {
		r.object(e, "the compression %s did not come over: gzip is what Watchword asks for and reads", c)
	}
}

// sizeOf reads 10MB as blackbox_exporter does, with units of 1024.
func sizeOf(s string) (int64, bool) {
	m := regexp.MustCompile(`^([0-9]+) *([KMG]?)i?B?$`).FindStringSubmatch(strings.ToUpper(strings.TrimSpace(s)))
	if m == nil {
		return 0, false
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	n <<= map[string]int{"": 0, "K": 10, "M": 20, "G": 30}[m[2]]
	return min(n, 1<<30), err == nil && n > 0
}

// unknown tells of keys that nothing was made of.
func (r *blackboxReader) unknown(e *Entry, h value) {
	known := strings.Fields(`valid_status_codes valid_http_versions method headers http_headers body body_file body_size_limit compression follow_redirects
		no_follow_redirects fail_if_ssl fail_if_not_ssl fail_if_body_matches_regexp fail_if_body_not_matches_regexp fail_if_body_json_matches_cel
		fail_if_body_json_not_matches_cel fail_if_header_matches fail_if_header_not_matches tls_config basic_auth authorization oauth2 bearer_token
		bearer_token_file proxy_url no_proxy proxy_from_environment proxy_connect_header skip_resolve_phase_with_proxy enable_http2 enable_http3
		preferred_ip_protocol ip_protocol_fallback use_proxy_dns`)
	for _, m := range h.members() {
		if !slices.Contains(known, m.key) {
			r.object(e, "%s did not come over: it is not known here", m.key)
		}
	}
}
