package kuma_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/itchyny/gojq"
	"pgregory.net/rapid"

	"github.com/watchword/watchword/internal/config"
	"github.com/watchword/watchword/internal/secret"
)

// differ compares one field.
func differ(t *rapid.T, what string, got, want any) {
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s: got %#v, want %#v", what, got, want)
	}
}

// dig returns a field of a struct by its path.
func dig(v any, path string) any {
	at := reflect.ValueOf(v)
	for name := range strings.SplitSeq(path, ".") {
		at = at.FieldByName(name)
	}
	if text, ok := reflect.TypeAssert[secret.Text](at); ok {
		return must(text.Reveal())
	}
	return at.Interface()
}

func (m object) str(column string) string {
	if m[column] == nil {
		return ""
	}
	return fmt.Sprint(m[column])
}

func (m object) on(column string) bool { return m[column] == 1 }

// comes says whether a monitor comes over at all.
func (m object) comes() bool {
	return slices.Contains([]string{"http", "keyword", "json-query"}, m.str("type")) && m["auth_method"] != "ntlm"
}

// compare compares a site with the configuration that was made of it.
func (s *site) compare(t *rapid.T, got imported) {
	names, stays := map[string]int{}, 0
	n := 0
	for _, m := range s.monitors {
		if !m.comes() {
			stays++
			continue
		}
		n++
		name := strings.TrimSpace(m.str("name"))
		if names[name]++; names[name] > 1 {
			name = fmt.Sprintf("%s (%d)", name, names[name])
		}
		i := slices.IndexFunc(got.cfg.Monitors, func(c config.Monitor) bool { return c.Name == name })
		if i < 0 {
			t.Fatalf("there is no monitor %q in\n%s", name, got.yaml)
		}
		s.compareMonitor(t, m, got.cfg.Monitors[i], got)
	}
	differ(t, "number of monitors", len(got.cfg.Monitors), n)
	left := 0
	for _, x := range got.doc.Stays {
		if x.What == "monitor" {
			left++
			if x.Why == "" {
				t.Fatalf("%s stays for no reason", x.Name)
			}
		}
	}
	differ(t, "number of those that stay", left, stays)
	if n > 0 {
		s.compareNotifiers(t, got.cfg)
		s.compareMaintenance(t, got)
	}
}

func (s *site) compareMonitor(t *rapid.T, m object, c config.Monitor, got imported) {
	d := func(field string, want any) {
		differ(t, fmt.Sprintf("%s: %s in\n%s\n", c.Name, field, got.yaml), dig(c, field), want)
	}
	d("HTTP.URL", m.str("url"))
	d("HTTP.Method", strings.ToUpper(m.str("method")))
	s.compareBody(d, m)
	d("HTTP.MaxRedirects", m["maxredirects"])
	var codes []string
	_ = json.Unmarshal([]byte(m.str("accepted_statuscodes_json")), &codes)
	d("HTTP.Expect.Status", codes)
	compareTimes(d, m)
	d("HTTP.UpsideDown", m.on("upside_down"))
	d("HTTP.TLS.InsecureSkipVerify", m.on("ignore_tls"))
	d("HTTP.CacheBust", m.on("cache_bust"))
	d("HTTP.IPFamily", map[string]string{"": "any", "ipv4": "ipv4", "ipv6": "ipv6"}[m.str("ip_family")])
	d("Enabled", m.on("active"))
	d("Group", s.groupOf(m))
	s.compareLabels(t, m, c)
	s.compareNotify(t, m, c)
	s.compareProxy(d, m)
	s.compareWords(t, d, m, c)
	s.compareAccess(t, d, m, c, got.cfg)
	if strings.HasPrefix(m.str("url"), "https:") {
		var warn []time.Duration
		if m.on("expiry_notification") && !m.on("ignore_tls") {
			warn = []time.Duration{21 * day, 14 * day, 7 * day}
			if slices.ContainsFunc(s.settings, func(o object) bool { return o["key"] == "tlsExpiryNotifyDays" }) {
				warn = []time.Duration{30 * day, 10 * day}
			}
		}
		if len(c.CertificateWarn)+len(warn) > 0 {
			d("CertificateWarn", warn)
		}
	}
}

const day = 24 * time.Hour

func compareTimes(d func(string, any), m object) {
	interval := time.Duration(m["interval"].(int)) * time.Second
	d("Interval", interval)
	d("Retries", m["maxretries"])
	retry := time.Duration(m["retry_interval"].(int)) * time.Second
	if retry == 0 {
		retry = interval
	}
	d("RetryInterval", retry)
	d("RemindEvery", time.Duration(m["resend_interval"].(int))*interval)
	timeout := time.Duration(m["timeout"].(float64) * float64(time.Second))
	if timeout == 0 || timeout >= interval {
		timeout = interval * 8 / 10
	}
	d("Timeout", timeout)
}

func (s *site) compareBody(d func(string, any), m object) {
	d("HTTP.Body", m.str("body"))
	kind := m.str("http_body_encoding")
	if m.str("body") == "" {
		kind = ""
	} else if kind == "" {
		kind = "json"
	}
	d("HTTP.BodyType", kind)
}

func (s *site) groupOf(m object) string {
	if m["parent"] == nil {
		return ""
	}
	return s.pathOf(s.monitors[m["parent"].(int)-1])
}

// pathOf is the path of a group, which has a number where one before it beside
// it has its name.
func (s *site) pathOf(g object) string {
	name, n := strings.TrimSpace(g.str("name")), 1
	for _, other := range s.monitors[:g["id"].(int)-1] {
		if other["type"] == "group" && other["parent"] == g["parent"] && strings.TrimSpace(other.str("name")) == name {
			n++
		}
	}
	if n > 1 {
		name = fmt.Sprintf("%s (%d)", name, n)
	}
	return strings.TrimPrefix(s.groupOf(g)+" / "+name, " / ")
}

func (s *site) compareLabels(t *rapid.T, m object, c config.Monitor) {
	names := []string{"env", "Team_One", "tag_url", "gr_e", "env"}
	want := map[string]string{}
	for _, tag := range s.tagged {
		if tag["monitor_id"] != m["id"] {
			continue
		}
		name, value := names[tag["tag_id"].(int)-1], tag.str("value")
		if value == "" {
			value = "true"
		}
		if want[name] != "" {
			value = want[name] + "," + value
		}
		want[name] = value
	}
	if len(want)+len(c.Labels) > 0 {
		differ(t, c.Name+" labels", c.Labels, want)
	}
}

func (s *site) compareNotify(t *rapid.T, m object, c config.Monitor) {
	want := []string{}
	for _, n := range s.told {
		if name := s.notifications[n["notification_id"].(int)-1].str("name"); n["monitor_id"] == m["id"] && name != "to smtp" {
			want = append(want, name)
		}
	}
	slices.Sort(want)
	differ(t, c.Name+" notify", slices.Sorted(slices.Values(c.Notify)), slices.Sorted(slices.Values(want)))
}

func (s *site) compareProxy(d func(string, any), m object) {
	if m["proxy_id"] == nil {
		d("HTTP.ProxyURL", "")
		return
	}
	p := s.proxies[m["proxy_id"].(int)-1]
	scheme := map[string]string{"http": "http", "socks": "socks5h", "socks5": "socks5"}[p.str("protocol")]
	if !p.on("active") || scheme == "" {
		d("HTTP.ProxyURL", "")
		return
	}
	u := url.URL{Scheme: scheme, Host: fmt.Sprintf("proxy.example.com:%d", p["port"])}
	if p.on("auth") {
		u.User = url.UserPassword("pu", p.str("password"))
	}
	d("HTTP.ProxyURL", u.String())
}

func (s *site) compareWords(t *rapid.T, d func(string, any), m object, c config.Monitor) {
	var keyword, absent []string
	word, looks := m.str("keyword"), strings.ToUpper(m.str("method")) != "HEAD"
	if looks && m["type"] == "keyword" && word != "" {
		if m.on("invert_keyword") {
			absent = []string{word}
		} else {
			keyword = []string{word}
		}
	}
	d("HTTP.Expect.Keyword", keyword)
	d("HTTP.Expect.Absent", absent)
	queries := c.HTTP.Expect.JSON
	if m["type"] == "json-query" && looks {
		s.compareQuery(t, m, queries)
	} else if len(queries) > 0 {
		t.Fatalf("%s asks for %v", c.Name, queries)
	}
}

// compareQuery asks documents, and Uptime Kuma's way of comparing beside it.
func (s *site) compareQuery(t *rapid.T, m object, queries []string) {
	at := map[string]string{"status": ".status", "$.a.b": ".a.b", "list[0].v": ".list[0].v", "checks[name='db'].ms": `.checks[1].ms`}[m.str("json_path")]
	if at == "" || slices.Contains([]string{"<", ">="}, m.str("json_path_operator")) && m["expected_value"] != "12" {
		differ(t, "queries that cannot be", len(queries), 0)
		return
	}
	for _, v := range []string{`"ok"`, `"12"`, `12`, `12.0`, `""`, `true`, `"true"`, `null`, `{}`, `[]`, `7`, `100`, `"x12y"`} {
		doc := fmt.Sprintf(`{"status":%[1]s,"a":{"b":%[1]s},"list":[{"v":%[1]s}],"checks":[{"name":"web","ms":1},{"name":"db","ms":%[1]s}]}`, v)
		var parsed, value any
		_ = json.Unmarshal([]byte(doc), &parsed)
		_ = json.Unmarshal([]byte(v), &value)
		q := must(gojq.Parse(queries[0]))
		got, _ := q.Run(parsed).Next()
		if want := kumaSays(value, m.str("json_path_operator"), m.str("expected_value")); (got == true) != want {
			t.Fatalf("%s %s %s with %s: Uptime Kuma says %v, %s says %v", m["json_path"], m["json_path_operator"], m["expected_value"], v, want, queries[0], got)
		}
	}
}

// kumaSays is how Uptime Kuma compares what it found.
func kumaSays(value any, operator, expected string) bool {
	switch value.(type) {
	case string, float64, bool:
	default:
		return false
	}
	text := fmt.Sprint(value)
	var a, b float64
	_, err := fmt.Sscanf(text+" "+expected, "%g %g", &a, &b)
	switch operator {
	case "", "==":
		return text == expected
	case "!=":
		return text != expected
	case "contains":
		return strings.Contains(text, expected)
	case "<":
		return err == nil && a < b
	}
	return err == nil && a >= b
}

func (s *site) compareAccess(t *rapid.T, d func(string, any), m object, c config.Monitor, cfg *config.Config) {
	o := cfg.Credentials[c.Credential]
	reveal := func(x secret.Text) string { return must(x.Reveal()) }
	switch method := m.str("auth_method"); {
	case method == "basic" && m.str("basic_auth_user") == "probe":
		differ(t, "basic", []string{o.Type, o.Username, reveal(o.Password)}, []string{"basic", "probe", m.str("basic_auth_pass")})
	case method == "basic": // a colon in the name
		value := base64.StdEncoding.EncodeToString([]byte(m.str("basic_auth_user") + ":" + m.str("basic_auth_pass")))
		differ(t, "basic", []string{o.Type, o.Name, reveal(o.Value)}, []string{"header", "Authorization", "Basic " + value})
	case method == "bearer":
		differ(t, "bearer", []string{o.Type, reveal(o.Token)}, []string{"bearer", strings.TrimSpace(m.str("bearer_token"))})
	case method == "oauth2-cc":
		authMethod := m.str("oauth_auth_method")
		if authMethod == "" {
			authMethod = "client_secret_basic"
		}
		differ(t, "oauth", []string{o.Type, o.TokenURL, o.ClientID, reveal(o.ClientSecret), o.AuthMethod, strings.Join(o.Scopes, " "), strings.Join(o.Audience, " ")},
			[]string{"client_credentials", m.str("oauth_token_url"), m.str("oauth_client_id"), m.str("oauth_client_secret"), authMethod, strings.Join(strings.Fields(m.str("oauth_scopes")), " "), m.str("oauth_audience")})
	default:
		d("Credential", "")
	}
	if m["auth_method"] != "mtls" {
		d("HTTP.TLS.CertFile", "")
		return
	}
	differ(t, "certificate", string(must(os.ReadFile(c.HTTP.TLS.CertFile)))+string(must(os.ReadFile(c.HTTP.TLS.KeyFile))), m.str("tls_cert")+m.str("tls_key"))
	if !m.on("ignore_tls") {
		differ(t, "authority", string(must(os.ReadFile(c.HTTP.TLS.CAFile))), m.str("tls_ca"))
	}
}
