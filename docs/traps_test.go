package docs_test

import (
	"regexp"
	"strings"
	"testing"
)

// TestTrapsAreTested: every test that the page of Uptime Kuma names is there.
func TestTrapsAreTested(t *testing.T) {
	page := section(t, read(t, "docs/uptime-kuma.md"), "## Traps, and what holds here")
	found := regexp.MustCompile(`\[(Test\w+)\]\(\.\./([\w/]+_test\.go)\)`).FindAllStringSubmatch(page, -1)
	if len(found) < 20 {
		t.Fatalf("only %d tests are named", len(found))
	}
	for _, m := range found {
		if !strings.Contains(read(t, m[2]), "\nfunc "+m[1]+"(t *testing.T)") {
			t.Errorf("%s has no %s", m[2], m[1])
		}
	}
	for _, row := range regexp.MustCompile(`(?m)^\| .*$`).FindAllString(page, -1)[1:] {
		if !strings.Contains(row, "[Test") {
			t.Errorf("nothing tests this: %s", row)
		}
	}
}

// TestEveryFieldOfKuma: the page says of each field of an Uptime Kuma's monitor
// that the import reads, what becomes of it.
func TestEveryFieldOfKuma(t *testing.T) {
	page := read(t, "docs/uptime-kuma.md")
	for field := range strings.FieldsSeq(`type name description parent active url method interval retryInterval maxretries resendInterval retryOnlyOnStatusCodeFailure timeout
		upsideDown maxredirects accepted_statuscodes keyword invertKeyword jsonPath jsonPathOperator expectedValue ignoreTls expiryNotification domainExpiryNotification authMethod
		basic_auth_user basic_auth_pass authDomain authWorkstation bearer_token tlsCert tlsKey tlsCa headers body httpBodyEncoding proxyId cacheBust ipFamily saveResponse saveErrorResponse
		responseMaxLength conditions tags oauth_token_url oauth_client_id oauth_client_secret oauth_scopes oauth_audience oauth_auth_method`) {
		if !strings.Contains(page, "`"+field+"`") {
			t.Errorf("docs/uptime-kuma.md does not tell of %s", field)
		}
	}
}
