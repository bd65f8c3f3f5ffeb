package interconnect

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
)

// Grammars of what a request names. Regions become part of host names and ids
// part of queries and names, so nothing else than these characters gets in.
// What exists, the cloud says.
var (
	idGrammar       = grammar{form(`^[a-z][a-z0-9-]*$`), 1, 48}
	regionGrammar   = form(`^[a-z]{2}(-[a-z0-9]{1,20}){1,4}$`)
	resourceGrammar = grammar{form(`^[A-Za-z][A-Za-z0-9-]*$`), 2, 64}
	accountGrammar  = grammar{form(`^[0-9]+$`), 1, 20}
)

// grammar is what a text has to look like, and how long it may be, in bytes. A
// regular expression that counts takes a function's start much longer to compile.
type grammar struct {
	form     func() *regexp.Regexp
	min, max int
}

// MatchString tells whether s is of the grammar.
func (g grammar) MatchString(s string) bool {
	return len(s) >= g.min && len(s) <= g.max && g.form().MatchString(s)
}

// form is a regular expression that is compiled when it is first needed: a
// function's cold start waits for none.
func form(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}

// reservedIDs cannot be connection ids: the first is the entry beside the
// records that freezes the deployment, and the Parameter Store refuses names
// that begin with the others.
var reservedIDs = []string{"freeze", "aliyun", "acs", "alibaba", "alicloud", "oos"}

// ValidID tells whether s can be a connection's id.
func ValidID(s string) bool {
	if !idGrammar.MatchString(s) {
		return false
	}
	return s != reservedIDs[0] && !slices.ContainsFunc(reservedIDs[1:], func(word string) bool { return strings.HasPrefix(s, word) })
}

// DefaultSpecification is the bandwidth of a request that names none: the
// tutorial's 2 Mb/s.
const DefaultSpecification = "Mini.2"

// Specifications are the bandwidths that a router interface can be bought
// with, in Mb/s (the VPC API's documentation of CreateRouterInterface).
// Negative, the acceptor's, is not among them: nobody asks for it.
var Specifications = map[string]int{
	"Mini.2": 2, "Mini.5": 5,
	"Small.1": 10, "Small.2": 20, "Small.5": 50,
	"Middle.1": 100, "Middle.2": 200, "Middle.5": 500,
	"Large.1": 1000, "Large.2": 2000, "Large.5": 5000,
	"Xlarge.1": 10000,
}

// specificationNames lists the specifications from slow to fast.
func specificationNames() string {
	names := make([]string, 0, len(Specifications))
	for name := range Specifications {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return Specifications[a] - Specifications[b] })
	return strings.Join(names, ", ")
}

// protocols are those of a security group rule, and whether they have ports.
var protocols = map[string]bool{"TCP": true, "UDP": true, "ICMP": false, "GRE": false, "ALL": false}

// noPorts is the port range of a protocol that has none.
const noPorts = "-1/-1"

// longestName is how long a name may be, in characters.
const longestName = 64

// plainName tells what a person or a system may be called: it goes into the
// record and the audit log, so it is kept short and plain. A regular expression
// of all letters there are would take a third of a function's start.
func plainName(name string) bool {
	n := 0
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsNumber(r) && !strings.ContainsRune(" ._@+-", r) {
			return false
		}
		n++
	}
	return n <= longestName
}

// Validate looks for everything that is wrong with a request by itself, before
// the cloud is asked anything.
func Validate(r *Request) []FieldProblem {
	var p problems
	if r.ID != "" && !ValidID(r.ID) {
		p.add("/id", "%q cannot be an id; use 1 to 48 characters, a lower-case letter first, then lower-case letters, digits and hyphens, neither \"freeze\" nor beginning with %s.",
			short(r.ID), strings.Join(reservedIDs[1:], ", "))
	}
	validateType(r, &p)
	validateLink(r, &p)
	if _, ok := Specifications[r.Specification]; r.Specification != "" && !ok {
		p.add("/specification", "%q is not a specification; choose one of %s.", short(r.Specification), specificationNames())
	}
	oneOf(&p, "/onFailure", r.OnFailure, OnFailureRollback, OnFailureKeep)
	oneOf(&p, "/repair", r.Repair, RepairOff, RepairReport, RepairAuto)
	if !plainName(r.RequestedBy) {
		p.add("/requestedBy", "%q cannot be who asks; use at most 64 letters, digits, spaces and . _ @ + -.", short(r.RequestedBy))
	}
	parseWindow(r, &p)
	for _, role := range []Role{Initiator, Acceptor} {
		validateSide(r, role, &p)
	}
	if len(p.list) == 0 && r.Initiator.RegionID == r.Acceptor.RegionID && r.Initiator.VpcID == r.Acceptor.VpcID {
		p.add("/acceptor/vpcId", "Both sides are the VPC %q; a VPC reaches itself already, so name another.", r.Acceptor.VpcID)
	}
	return p.list
}

func oneOf[T ~string](p *problems, field string, value T, choices ...T) {
	if value == "" || slices.Contains(choices, value) {
		return
	}
	names := make([]string, len(choices))
	for i, c := range choices {
		names[i] = string(c)
	}
	p.add(field, "%q is not known here; use one of %s.", short(string(value)), strings.Join(names, ", "))
}

func validateSide(r *Request, role Role, p *problems) {
	s, path := r.Side(role), "/"+string(role)
	if s.Account != "" && !accountGrammar.MatchString(s.Account) {
		p.add(path+"/account", "%q is not an account; give the main account's numeric id, or leave the field out.", short(s.Account))
	}
	switch {
	case s.RegionID == "":
		p.add(path+"/regionId", "The region is missing; give the id of the VPC's region, like \"cn-qingdao\".")
	case !regionGrammar().MatchString(s.RegionID):
		p.add(path+"/regionId", "%q is not a region's id; give one like \"cn-qingdao\".", short(s.RegionID))
	}
	named(p, path+"/vpcId", s.VpcID, "VPC")
	validateBlocks(s.CidrBlocks, path+"/cidrBlocks", p)
	notEmpty(p, path+"/routeTableIds", s.RouteTableIDs)
	for i, id := range s.RouteTableIDs {
		field := item(path+"/routeTableIds", i)
		if named(p, field, id, "route table") && slices.Contains(s.RouteTableIDs[:i], id) {
			p.add(field, "%s is listed twice; list it once.", id)
		}
	}
	validateProbe(s.Probe, path+"/probe", p)
	for i := range s.SecurityGroups {
		validateGroup(r, role, i, p)
	}
}

func validateProbe(probe *RequestProbe, path string, p *problems) {
	if probe == nil {
		return
	}
	list := path + "/instanceIds"
	notEmpty(p, list, probe.InstanceIDs)
	switch {
	case probe.InstanceID != "" && probe.InstanceIDs != nil:
		p.add(list, "One instance is named by instanceId already; name all of them here, the one that pings first, or none.")
	case probe.InstanceID == "" && probe.InstanceIDs == nil && probe.Packets == nil:
		p.add(path+"/instanceId", "The instance is missing; give its id, or leave the probe out.")
	case probe.InstanceID != "":
		named(p, path+"/instanceId", probe.InstanceID, "instance")
	case len(probe.InstanceIDs) > MaxProbes:
		p.add(list, "%d instances are named; name at most %d.", len(probe.InstanceIDs), MaxProbes)
	}
	for i, id := range probe.InstanceIDs {
		if named(p, item(list, i), id, "instance") && slices.Contains(probe.InstanceIDs[:i], id) {
			p.add(item(list, i), "%s is listed twice; list it once.", id)
		}
	}
	if n := probe.Packets; n != nil && (*n < 1 || *n > MaxPackets) {
		p.add(path+"/packets", "%d packets cannot be sent; ask for 1 to %d.", *n, MaxPackets)
	}
}

// named checks the id of a thing of the cloud.
func named(p *problems, field, id, kind string) bool {
	switch {
	case id == "":
		p.add(field, "The %s is missing; give its id.", kind)
	case !resourceGrammar.MatchString(id):
		p.add(field, "%q is not the id of a %s; ids are letters, digits and hyphens, at most 64.", short(id), kind)
	default:
		return true
	}
	return false
}

// notEmpty refuses a list that is given but names nothing: its default is
// not nothing, so it cannot be told which of the two is meant.
func notEmpty(p *problems, field string, list []string) {
	if list != nil && len(list) == 0 {
		p.add(field, "The list is empty; name something, or leave the field out to get its default.")
	}
}

func validateBlocks(blocks []string, path string, p *problems) {
	notEmpty(p, path, blocks)
	var good []netip.Prefix
	for i, text := range blocks {
		field := item(path, i)
		b, err := ParseBlock(text)
		if err != nil {
			p.add(field, "%s.", err)
			continue
		}
		if b.Overlaps(sharedBlock) {
			p.add(field, "%s overlaps %s, which the cloud keeps for its own services; leave it out.", b, sharedBlock)
			continue
		}
		if other, _, found := overlap(good, []netip.Prefix{b}); found {
			p.add(field, "%s overlaps %s of the same list; keep the one that you mean.", b, other)
		}
		good = append(good, b)
	}
}

func validateGroup(r *Request, role Role, i int, p *problems) {
	groups := r.Side(role).SecurityGroups
	g, path := groups[i], item("/"+string(role)+"/securityGroups", i)
	if named(p, path+"/securityGroupId", g.SecurityGroupID, "security group") &&
		slices.ContainsFunc(groups[:i], func(other RequestGroup) bool { return other.SecurityGroupID == g.SecurityGroupID }) {
		p.add(path+"/securityGroupId", "%s is listed twice; put all that it lets in into one entry.", g.SecurityGroupID)
	}
	oneOf(p, path+"/authorization", g.Authorization, ByCidrBlock, BySecurityGroup)
	if g.Authorization == BySecurityGroup {
		switch {
		case r.Initiator.RegionID != r.Acceptor.RegionID:
			p.add(path+"/authorization", "A rule can name a security group of its own region only, and the sides are in two; use CidrBlock.")
		case len(r.Side(role.Other()).SecurityGroups) == 0:
			p.add(path+"/authorization", "There is no security group to let in; name one under /%s/securityGroups, or use CidrBlock.", role.Other())
		}
	}
	if g.Allow != nil && len(g.Allow) == 0 {
		p.add(path+"/allow", "The list is empty, so the group would let nothing in; name protocols, or leave the field out for ICMP.")
	}
	var seen []Allow
	for j, a := range g.Allow {
		field := item(path+"/allow", j)
		resolved, ok := resolveAllow(a, field, p)
		if !ok {
			continue
		}
		if slices.Contains(seen, resolved) {
			p.add(field, "%s %s is listed twice; list it once.", resolved.Protocol, resolved.PortRange)
		}
		seen = append(seen, resolved)
	}
}

// resolveAllow spells one protocol and port range as the API does.
func resolveAllow(a RequestAllow, path string, p *problems) (Allow, bool) {
	protocol := strings.ToUpper(a.Protocol)
	hasPorts, known := protocols[protocol]
	switch {
	case a.Protocol == "":
		p.add(path+"/protocol", "The protocol is missing; give one of TCP, UDP, ICMP, GRE, ALL.")
	case !known:
		p.add(path+"/protocol", "%q is not a protocol that a rule can name; give one of TCP, UDP, ICMP, GRE, ALL.", short(a.Protocol))
	case !hasPorts && a.PortRange != "" && a.PortRange != noPorts:
		p.add(path+"/portRange", "%s has no ports; leave the port range out.", protocol)
	case !hasPorts:
		return Allow{Protocol: protocol, PortRange: noPorts}, true
	case a.PortRange == "":
		p.add(path+"/portRange", "%s needs a port range; give one like \"5432/5432\", or \"1/65535\" for every port.", protocol)
	default:
		from, to, ok := parsePorts(a.PortRange)
		if !ok {
			p.add(path+"/portRange", "%q is not a port range; give the first and the last port, 1 to 65535, like \"5432/5432\".", short(a.PortRange))
			return Allow{}, false
		}
		return Allow{Protocol: protocol, PortRange: strconv.Itoa(from) + "/" + strconv.Itoa(to)}, true
	}
	return Allow{}, false
}

func parsePorts(s string) (from, to int, ok bool) {
	first, last, found := strings.Cut(s, "/")
	from, ok1 := parsePort(first)
	to, ok2 := parsePort(last)
	return from, to, found && ok1 && ok2 && from <= to
}

func parsePort(s string) (int, bool) {
	n, err := strconv.ParseUint(s, 10, 16)
	return int(n), err == nil && n >= 1 && strconv.FormatUint(n, 10) == s
}
