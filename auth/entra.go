package auth

import (
	"fmt"
	"strings"
)

// entra is about the App registration in Entra ID, by the number of its error.
func (s *Source) entra(f *finding) string {
	what := s.aadsts(f)
	if what == "" {
		what = s.entry()
	}
	if f.signs.aadsts != 0 {
		what = fmt.Sprintf("AADSTS%d: %s", f.signs.aadsts, what)
	}
	if f.signs.correlation != "" {
		what += "; correlation id " + f.signs.correlation
	}
	return what
}

func (s *Source) aadsts(f *finding) string {
	secrets := fmt.Sprintf("App registrations, %s, Certificates & secrets", s.o.ClientID)
	switch f.signs.aadsts {
	case 7000215:
		return secrets + ": the secret is wrong; what is wanted is its Value, which is shown once, not its Secret ID"
	case 7000222:
		return secrets + ": the secret has expired; make a new one"
	case 7000216, 7000218:
		return fmt.Sprintf("no secret and no assertion came: auth_method is %s; client_secret_post, private_key_jwt or federated is wanted", s.o.AuthMethod)
	case 700016:
		return fmt.Sprintf("there is no application %q in the tenant that %s names: compare Application (client) ID and Directory (tenant) ID on its Overview", s.o.ClientID, s.shownPlace())
	case 7000112:
		return "Enterprise applications, Properties: the application is disabled; set Enabled for users to sign-in to Yes"
	case 90002, 9001023:
		return fmt.Sprintf("the tenant in %s does not exist or is none for this grant: write its Directory (tenant) ID, not common", s.shownPlace())
	}
	if what := entraStrained(f); what != "" {
		return what
	}
	if what := s.aadstsAsked(f); what != "" {
		return what
	}
	if what := s.aadstsDenied(f); what != "" {
		return what
	}
	return s.aadstsAssertion(f, secrets)
}

// entraStrained is about Entra ID itself, "" where the error is about the client.
func entraStrained(f *finding) string {
	switch f.signs.aadsts {
	case 90055, 90024:
		return "the tenant is throttled: all that is asked of it together is too much; wait, and look for who asks so often"
	case 90033:
		return "the service is unwell for a moment: wait"
	}
	return ""
}

// aadstsDenied is about what the tenant has not allowed the application.
func (s *Source) aadstsDenied(f *finding) string {
	switch f.signs.aadsts {
	case 7000229:
		return fmt.Sprintf("the application %q has no service principal in the tenant that %s names: add it there under Enterprise applications (az ad sp create --id %s), or have an administrator of the tenant consent to it", s.o.ClientID, s.shownPlace(), s.o.ClientID)
	case 501051:
		return fmt.Sprintf("the resource of the scope %q lets in only applications with a role: App registrations, %s, API permissions: add one of its application permissions (app roles) and grant admin consent, or set Assignment required to No in the resource's Enterprise application",
			strings.Join(s.o.Scopes, " "), s.o.ClientID)
	case 53003:
		return fmt.Sprintf("a policy of Conditional Access for workload identities blocks the application: Protection, Conditional Access, and Sign-in logs, Service principal sign-ins of %s, which name the policy; this machine's address may have to be among the named locations", s.o.ClientID)
	case 650057:
		return fmt.Sprintf("App registrations, %s, API permissions: the resource of the scope %q is not listed: add it and grant admin consent", s.o.ClientID, strings.Join(s.o.Scopes, " "))
	}
	return ""
}

// aadstsAsked is about what the token was to be good for.
func (s *Source) aadstsAsked(f *finding) string {
	switch f.signs.aadsts {
	case 70011, 1002012:
		return fmt.Sprintf("scopes has to be the Application ID URI with /.default, such as api://APPLICATION/.default; sent was %q", strings.Join(s.o.Scopes, " "))
	case 500011, 50001:
		return fmt.Sprintf("the resource of the scope %q is not in this tenant, or disabled: compare it with Expose an API, Application ID URI", strings.Join(s.o.Scopes, " "))
	case 700022, 28000:
		return "the scopes are of more than one resource: leave one, and make a credential for each of the others"
	case 901002:
		return "the parameter resource is not for this endpoint: take `resource` out and name the resource in scopes, with /.default"
	}
	return ""
}

// aadstsAssertion is about assertions, of certificates and of other providers.
func (s *Source) aadstsAssertion(f *finding, secrets string) string {
	switch s.o.AuthMethod {
	case methodFederated:
		return s.aadstsForeign(f, secrets)
	case methodSecretJWT:
		switch f.signs.aadsts {
		case 700021, 700024, 700027, 700030, 50012, 5002723:
			return "Entra ID takes no assertion that is signed with a secret: set auth_method to client_secret_post, or to private_key_jwt with a certificate_file"
		}
	case methodKeyJWT:
		return s.aadstsCertificate(f, secrets)
	}
	return ""
}

func (s *Source) aadstsCertificate(f *finding, secrets string) string {
	switch f.signs.aadsts {
	case 700024:
		return s.clockHint(f)
	case 700021:
		return fmt.Sprintf("the assertion is not of the client that the request names: client_id, now %q, has to be the Application (client) ID of the App registration, to the letter", s.o.ClientID)
	case 700030, 5002723, 700027, 50012:
	default:
		return ""
	}
	switch {
	case s.o.CertificateFile == "":
		return "the assertion does not tell by which certificate it is signed: set certificate_file, which adds x5t#S256, and upload the certificate at " + secrets + ", Certificates"
	case f.signs.aadsts == 700030:
		return fmt.Sprintf("the subject of the certificate in %s is not authorized for the application, or it is a certificate of another cloud: upload it at %s, Certificates", s.o.CertificateFile, secrets)
	}
	return fmt.Sprintf("%s, Certificates: the certificate in %s has to be uploaded there; its %s is what it is found by, and PS256 goes with x5t#S256", secrets, s.o.CertificateFile, orNone(f.sent.thumb))
}

func (s *Source) aadstsForeign(f *finding, secrets string) string {
	switch f.signs.aadsts {
	case 700024:
		return s.clockHint(f)
	case 700021:
		return fmt.Sprintf("the assertion in %s is that of another application than client_id %q: it has %s", s.o.AssertionFile, s.o.ClientID, s.foreign(f))
	case 70025:
		return fmt.Sprintf("%s, Federated credentials: there is none; add one with the assertion's issuer (iss), subject (sub) and audience (aud) to the letter: it has %s", secrets, s.foreign(f))
	case 70021, 700211, 700212, 700213:
		return fmt.Sprintf("%s, Federated credentials: one has to name the assertion's issuer, subject and audience to the letter: it has %s", secrets, s.foreign(f))
	case 700027, 50012:
		return fmt.Sprintf("the signature of the assertion in %s was refused: the issuer in it has to show its keys at an address that Entra ID reaches; it has %s", s.o.AssertionFile, s.foreign(f))
	}
	return ""
}
