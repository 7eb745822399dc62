package kuma

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// conditions gathers what the conditions of a Gatus endpoint expect.
type conditions struct {
	desk        *desk
	status      []bool // by code, nil while none is asked for
	asked       bool   // for a status that did not come over
	variable    string // the status, where it is in one
	keyword     []string
	absent      []string
	regex       []string
	absentRegex []string
	json        []string // jq
	headers     Fields
	notHeaders  Fields
	longest     time.Duration
	certificate []time.Duration
	length      bool // of the body as a whole
}

// An answer below 200 is never the last one.
const leastStatus, mostStatus = 200, 599

// comparison is one condition, taken apart: what is looked at stands left.
type comparison struct{ what, op, value string }

// add takes a condition in, or says why it cannot.
func (c *conditions) add(condition string) (why string) {
	x, ok := parseCondition(condition)
	if !ok {
		return "it compares nothing"
	}
	name, rest := placeholder(strings.ToUpper(x.what))
	path := x.what[len(x.what)-len(rest):]
	if isKnown(x.value) {
		c.asked = c.asked || name == "STATUS"
		return c.addPair(x)
	}
	switch name {
	case "STATUS":
		return c.addStatus(x)
	case "RESPONSE_TIME":
		return c.addTime(x)
	case "CERTIFICATE_EXPIRATION":
		return c.addCertificate(x)
	case "BODY":
		return c.addBody(x, path)
	case "HEADER":
		return c.addHeader(x, path)
	case "":
		return c.addFunction(x)
	}
	return noCounterpart(name, x)
}

// noCounterpart says why a placeholder has none.
func noCounterpart(name string, x comparison) string {
	switch name {
	case "CONNECTED":
		if x.op == "==" && x.value == "true" {
			return "" // every expectation takes a connection
		}
		return "a monitor that is up while nothing answers is one with upside_down"
	case "DOMAIN_EXPIRATION":
		return "Watchword does not look after the expiry of domains"
	case "IP":
		return "Watchword does not judge the address; resolve sets it"
	}
	return "it is not known here"
}

// parseCondition takes a condition apart, as Gatus does by the first operator of
// its list that is there. A value on the left changes sides.
func parseCondition(s string) (comparison, bool) {
	for _, op := range []string{"==", "!=", "<=", ">=", ">", "<"} {
		left, right, found := strings.Cut(s, " "+op+" ")
		if !found {
			continue
		}
		x := comparison{strings.TrimSpace(left), op, strings.TrimSpace(right)}
		if !isPlaceholder(x.what) && isPlaceholder(x.value) {
			turned := map[string]string{"<=": ">=", ">=": "<=", ">": "<", "<": ">"}
			x.what, x.value = x.value, x.what
			if t := turned[op]; t != "" {
				x.op = t
			}
		}
		return x, x.what != "" && x.value != ""
	}
	return comparison{}, false
}

func isPlaceholder(s string) bool {
	return strings.HasPrefix(s, "[") || strings.HasPrefix(s, "len([") || strings.HasPrefix(s, "has([") || strings.HasPrefix(s, "age([")
}

// placeholder returns the name within the brackets that a text begins with, and
// what follows them.
func placeholder(upper string) (name, rest string) {
	if !strings.HasPrefix(upper, "[") {
		return "", ""
	}
	name, rest, _ = strings.Cut(upper[1:], "]")
	return name, rest
}

// isKnown says whether a value is looked up in the answer, too.
func isKnown(s string) bool {
	if !isPlaceholder(s) {
		return false
	}
	_, inner, _ := strings.Cut(s, "[")
	name, _, _ := strings.Cut(strings.ToUpper(inner), "]")
	return slices.Contains([]string{"BODY", "HEADER", "STATUS", "IP", "RESPONSE_TIME", "CONNECTED", "CERTIFICATE_EXPIRATION", "DOMAIN_EXPIRATION", "DNS_RCODE", "CONTEXT"}, name)
}

// addStatus leaves the codes that the condition holds for.
func (c *conditions) addStatus(x comparison) string {
	if marked(x.value) {
		c.asked = true
		if x.op != "==" || c.variable != "" || c.status != nil || len(pieces(x.value)) > 1 {
			return "its status is in a variable"
		}
		c.variable = x.value
		return ""
	}
	if c.status == nil {
		c.status = slices.Repeat([]bool{true}, mostStatus+1)
	}
	for code := leastStatus; code <= mostStatus; code++ {
		holds := false
		switch text := strconv.Itoa(code); x.op {
		case "==", "!=":
			holds = equals(text, x.value) == (x.op == "==")
		default:
			n, _ := strconv.ParseFloat(x.value, 64)
			holds = compares(float64(code), x.op, float64(int64(n)))
		}
		c.status[code] = c.status[code] && holds
	}
	return ""
}

func compares(a float64, op string, b float64) bool {
	switch op {
	case "<":
		return a < b
	case "<=":
		return a <= b
	case ">":
		return a > b
	default:
		return a >= b
	}
}

// equals is Gatus' equality: of any(), of pat(), of whole numbers, of texts.
func equals(text, value string) bool {
	if glob, ok := function(value, "pat"); ok {
		re, err := regexp.Compile(globRegex(glob))
		return err == nil && re.MatchString(text)
	}
	if list, ok := function(value, "any"); ok {
		return slices.ContainsFunc(strings.Split(list, ","), func(s string) bool { return strings.TrimSpace(s) == text })
	}
	a, errA := strconv.ParseInt(text, 0, 64)
	b, errB := strconv.ParseInt(value, 0, 64)
	return errA == nil && errB == nil && a == b || text == value
}

func function(s, name string) (inner string, ok bool) {
	inner, ok = strings.CutPrefix(s, name+"(")
	if !ok || !strings.HasSuffix(inner, ")") {
		return "", false
	}
	return strings.TrimSuffix(inner, ")"), true
}

// ranges writes the codes that are left.
func (c *conditions) ranges() []string {
	var all []string
	for from := leastStatus; from <= mostStatus; from++ {
		if !c.status[from] {
			continue
		}
		to := from
		for to < mostStatus && c.status[to+1] {
			to++
		}
		if from == to {
			all = append(all, strconv.Itoa(from))
		} else {
			all = append(all, fmt.Sprintf("%d-%d", from, to))
		}
		from = to
	}
	return all
}

func (c *conditions) addTime(x comparison) string {
	d, ok := milliseconds(x.value)
	if x.op != "<" && x.op != "<=" || !ok || d <= 0 {
		return "only an upper limit of the time has a counterpart"
	}
	if c.longest == 0 || d < c.longest {
		c.longest = d
	}
	return ""
}

// milliseconds reads a number of them, or a duration.
func milliseconds(s string) (time.Duration, bool) {
	if n, err := strconv.ParseFloat(s, 64); err == nil {
		return time.Duration(n * float64(time.Millisecond)), true
	}
	d, err := time.ParseDuration(s)
	return d, err == nil
}

func (c *conditions) addCertificate(x comparison) string {
	d, ok := milliseconds(x.value)
	if x.op != ">" && x.op != ">=" || !ok {
		return "only a least life of the certificate has a counterpart"
	}
	if d > 0 && !slices.Contains(c.certificate, d) {
		c.certificate = append(c.certificate, d)
	}
	return ""
}
