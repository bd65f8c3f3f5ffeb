package interconnect

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// small is the smallest request there is.
func small() *Request {
	return &Request{
		Initiator: RequestSide{RegionID: "cn-qingdao", VpcID: "vpc-1"},
		Acceptor:  RequestSide{RegionID: "cn-beijing", VpcID: "vpc-2"},
	}
}

func group(auth Authorization, allow ...RequestAllow) RequestGroup {
	return RequestGroup{SecurityGroupID: "sg-a", Authorization: auth, Allow: allow}
}

func TestTheSmallestRequestIsValid(t *testing.T) {
	t.Parallel()
	require.Empty(t, Validate(small()))
}

func TestValidationNamesTheFieldAndSaysWhatToDo(t *testing.T) {
	t.Parallel()
	allow := func(protocol, ports string) func(*Request) {
		return func(r *Request) {
			r.Acceptor.SecurityGroups = []RequestGroup{group("", RequestAllow{"ICMP", ""}, RequestAllow{protocol, ports})}
		}
	}
	const second = "/acceptor/securityGroups/0/allow/1"
	blocks := func(list ...string) func(*Request) {
		return func(r *Request) { r.Initiator.CidrBlocks = list }
	}
	for name, c := range map[string]struct {
		change      func(*Request)
		field, says string
	}{
		"an id of 300 characters":                {func(r *Request) { r.ID = strings.Repeat("a", 300) }, "/id", "1 to 48"},
		"an id that begins with a digit":         {func(r *Request) { r.ID = "1a" }, "/id", "lower-case letter first"},
		"an id in capitals":                      {func(r *Request) { r.ID = "Orders" }, "/id", "lower-case"},
		"the id of the freeze switch":            {func(r *Request) { r.ID = "freeze" }, "/id", "freeze"},
		"an id that the Parameter Store refuses": {func(r *Request) { r.ID = "oos-1" }, "/id", "oos"},
		"an unknown type":                        {func(r *Request) { r.Type = "Cen" }, "/type", "ExpressConnect"},
		"a type in other letter case":            {func(r *Request) { r.Type = "vpcpeering" }, "/type", "VpcPeering, ExpressConnect"},
		"a peering with a specification":         {func(r *Request) { r.Type, r.Specification = TypeVpcPeering, "Mini.2" }, "/specification", "bandwidth in Mb/s"},
		"interfaces with a bandwidth":            {func(r *Request) { r.Type, r.Bandwidth = TypeExpressConnect, new(5) }, "/bandwidth", "choose one of Mini.2"},
		"interfaces with a link type":            {func(r *Request) { r.Type, r.LinkType = TypeExpressConnect, "Gold" }, "/linkType", "VpcPeering"},
		"no bandwidth at all":                    {func(r *Request) { r.Bandwidth = new(0) }, "/bandwidth", "from 1 up"},
		"a link of silver":                       {func(r *Request) { r.LinkType = "Silver" }, "/linkType", "Gold, Platinum"},
		"a bandwidth within a region":            {func(r *Request) { r.Acceptor.RegionID, r.Bandwidth = "cn-qingdao", new(5) }, "/bandwidth", "leave the bandwidth out"},
		"a link type within a region":            {func(r *Request) { r.Acceptor.RegionID, r.LinkType = "cn-qingdao", "Gold" }, "/linkType", "leave it out"},
		"an unknown specification":               {func(r *Request) { r.Specification = "Mini.3" }, "/specification", "Mini.2, Mini.5, Small.1"},
		"the acceptor's specification":           {func(r *Request) { r.Specification = "Negative" }, "/specification", "choose one of"},
		"an unknown onFailure":                   {func(r *Request) { r.OnFailure = "panic" }, "/onFailure", "rollback, keep"},
		"an unknown repair":                      {func(r *Request) { r.Repair = "maybe" }, "/repair", "off, report, auto"},
		"no region":                              {func(r *Request) { r.Initiator.RegionID = "" }, "/initiator/regionId", "missing"},
		"a region that is a host":                {func(r *Request) { r.Initiator.RegionID = "evil.example/" }, "/initiator/regionId", "cn-qingdao"},
		"no VPC":                                 {func(r *Request) { r.Acceptor.VpcID = "" }, "/acceptor/vpcId", "missing"},
		"a VPC id with a quote":                  {func(r *Request) { r.Acceptor.VpcID = `vpc-"1` }, "/acceptor/vpcId", "letters"},
		"one VPC twice":                          {func(r *Request) { r.Acceptor = r.Initiator }, "/acceptor/vpcId", "name another"},
		"an account that is a name":              {func(r *Request) { r.Acceptor.Account = "bob" }, "/acceptor/account", "numeric"},
		"a block that is none":                   {blocks("10.0.0.0/8", "10.0.0/8"), "/initiator/cidrBlocks/1", "is not a CIDR block"},
		"a bare address":                         {blocks("10.0.0.1"), "/initiator/cidrBlocks/0", `write "10.0.0.1/32"`},
		"a block with host bits":                 {blocks("10.0.0.1/8"), "/initiator/cidrBlocks/0", `write "10.0.0.0/8"`},
		"an IPv6 block":                          {blocks("fd00::/8"), "/initiator/cidrBlocks/0", "only IPv4"},
		"the whole internet":                     {blocks("0.0.0.0/0"), "/initiator/cidrBlocks/0", "every address there is"},
		"the cloud's own block":                  {blocks("100.64.0.0/10"), "/initiator/cidrBlocks/0", "own services"},
		"a block around the cloud's own":         {blocks("100.0.0.0/8"), "/initiator/cidrBlocks/0", "own services"},
		"two blocks that overlap":                {blocks("10.0.0.0/8", "10.1.0.0/16"), "/initiator/cidrBlocks/1", "of the same list"},
		"a list of no blocks":                    {blocks([]string{}...), "/initiator/cidrBlocks", "leave the field out"},
		"a route table without a name":           {func(r *Request) { r.Initiator.RouteTableIDs = []string{""} }, "/initiator/routeTableIds/0", "missing"},
		"a route table twice":                    {func(r *Request) { r.Initiator.RouteTableIDs = []string{"vtb-1", "vtb-1"} }, "/initiator/routeTableIds/1", "twice"},
		"a probe with one instance and several": {func(r *Request) {
			r.Acceptor.Probe = &RequestProbe{InstanceID: "i-1", InstanceIDs: []string{"i-2"}}
		}, "/acceptor/probe/instanceIds", "named by instanceId already"},
		"a probe with no instances":        {func(r *Request) { r.Acceptor.Probe = &RequestProbe{InstanceIDs: []string{}} }, "/acceptor/probe/instanceIds", "empty"},
		"a probe with four instances":      {func(r *Request) { r.Acceptor.Probe = &RequestProbe{InstanceIDs: []string{"i-1", "i-2", "i-3", "i-4"}} }, "/acceptor/probe/instanceIds", "at most 3"},
		"a probe with an instance twice":   {func(r *Request) { r.Acceptor.Probe = &RequestProbe{InstanceIDs: []string{"i-1", "i-1"}} }, "/acceptor/probe/instanceIds/1", "listed twice"},
		"a probe with what is no instance": {func(r *Request) { r.Acceptor.Probe = &RequestProbe{InstanceIDs: []string{"i-1", "$(reboot)"}} }, "/acceptor/probe/instanceIds/1", "not the id"},
		"a probe of no packets":            {func(r *Request) { n := 0; r.Acceptor.Probe = &RequestProbe{Packets: &n} }, "/acceptor/probe/packets", "1 to 20"},
		"a probe of a thousand packets":    {func(r *Request) { n := 1000; r.Acceptor.Probe = &RequestProbe{InstanceID: "i-1", Packets: &n} }, "/acceptor/probe/packets", "1 to 20"},
		"a probe without an instance":      {func(r *Request) { r.Acceptor.Probe = &RequestProbe{} }, "/acceptor/probe/instanceId", "missing"},
		"a group without an id":            {func(r *Request) { r.Acceptor.SecurityGroups = []RequestGroup{{}} }, "/acceptor/securityGroups/0/securityGroupId", "missing"},
		"a group twice":                    {func(r *Request) { r.Acceptor.SecurityGroups = []RequestGroup{group(""), group("")} }, "/acceptor/securityGroups/1/securityGroupId", "one entry"},
		"an unknown authorization":         {func(r *Request) { r.Acceptor.SecurityGroups = []RequestGroup{group("Anybody")} }, "/acceptor/securityGroups/0/authorization", "CidrBlock, SecurityGroup"},
		"by security group across regions": {func(r *Request) { r.Acceptor.SecurityGroups = []RequestGroup{group(BySecurityGroup)} }, "/acceptor/securityGroups/0/authorization", "own region"},
		"an empty list of what to let in": {func(r *Request) {
			r.Acceptor.SecurityGroups = []RequestGroup{{SecurityGroupID: "sg-a", Allow: []RequestAllow{}}}
		}, "/acceptor/securityGroups/0/allow", "empty"},
		"no protocol":                          {allow("", ""), second + "/protocol", "missing"},
		"an unknown protocol":                  {allow("SCTP", ""), second + "/protocol", "TCP, UDP"},
		"a port range for ICMP":                {allow("ICMP", "1/2"), second + "/portRange", "no ports"},
		"a port range for GRE":                 {allow("GRE", "1/65535"), second + "/portRange", "no ports"},
		"a port range for ALL":                 {allow("all", "1/65535"), second + "/portRange", "no ports"},
		"no port range for TCP":                {allow("TCP", ""), second + "/portRange", "needs a port range"},
		"the range of no ports for TCP":        {allow("TCP", "-1/-1"), second + "/portRange", "1 to 65535"},
		"one port":                             {allow("UDP", "53"), second + "/portRange", `like "5432/5432"`},
		"ports the wrong way round":            {allow("TCP", "90/80"), second + "/portRange", "first and the last"},
		"port 0":                               {allow("TCP", "0/80"), second + "/portRange", "1 to 65535"},
		"port 65536":                           {allow("TCP", "1/65536"), second + "/portRange", "1 to 65535"},
		"a port with a sign":                   {allow("TCP", "+80/80"), second + "/portRange", "1 to 65535"},
		"a protocol that the list has already": {allow("icmp", "-1/-1"), second, "twice"},
		"a list of no route tables":            {func(r *Request) { r.Initiator.RouteTableIDs = []string{} }, "/initiator/routeTableIds", "leave the field out"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := small()
			c.change(r)
			list := Validate(r)
			require.Len(t, list, 1)
			require.Equal(t, c.field, list[0].Field)
			require.Contains(t, list[0].Sentence, c.says)
			require.Less(t, len(list[0].Sentence), 400)
		})
	}
}

func TestASecurityGroupCanOnlyBeNamedWhereTheOtherSideHasOne(t *testing.T) {
	t.Parallel()
	r := small()
	r.Acceptor.RegionID = r.Initiator.RegionID
	r.Initiator.SecurityGroups = []RequestGroup{group(BySecurityGroup)}
	list := Validate(r)
	require.Len(t, list, 1)
	require.Equal(t, "/initiator/securityGroups/0/authorization", list[0].Field)
	require.Contains(t, list[0].Sentence, "/acceptor/securityGroups")

	r.Acceptor.SecurityGroups = []RequestGroup{{SecurityGroupID: "sg-b"}}
	require.Empty(t, Validate(r))
}

func TestEverySpecificationOfTheTableIsTaken(t *testing.T) {
	t.Parallel()
	for name := range Specifications {
		r := small()
		r.Specification = name
		require.Empty(t, Validate(r), name)
	}
	require.Equal(t, "Mini.2, Mini.5, Small.1, Small.2, Small.5, Middle.1, Middle.2, Middle.5, Large.1, Large.2, Large.5, Xlarge.1", specificationNames())
}
