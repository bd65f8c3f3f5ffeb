package engine

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

type describeInstancesParams struct {
	ecsPaging
	RegionId                string   `api:",required"`
	AdditionalAttributes    []string `api:",max=20"`
	DeviceAvailable         *bool
	DryRun                  bool
	EipAddresses            string `ecs:"refused"`
	Filter1Key              string `api:"Filter.1.Key"`
	Filter1Value            string `api:"Filter.1.Value"`
	Filter2Key              string `api:"Filter.2.Key"`
	Filter2Value            string `api:"Filter.2.Value"`
	Filter3Key              string `api:"Filter.3.Key" ecs:"refused"`
	Filter3Value            string `api:"Filter.3.Value" ecs:"refused"`
	Filter4Key              string `api:"Filter.4.Key" ecs:"refused"`
	Filter4Value            string `api:"Filter.4.Value" ecs:"refused"`
	HpcClusterId            string `ecs:"refused"`
	HttpEndpoint            string `ecs:"refused"`
	HttpPutResponseHopLimit int    `ecs:"refused"`
	HttpTokens              string `ecs:"refused"`
	ImageId                 string
	InnerIpAddresses        string `ecs:"refused"`
	InstanceChargeType      string
	InstanceIds             string
	InstanceName            string
	InstanceNetworkType     string
	InstanceType            string
	InstanceTypeFamily      string
	InternetChargeType      string   `ecs:"refused"`
	IoOptimized             *bool    `ecs:"refused"`
	Ipv6Address             []string `ecs:"refused"`
	KeyPairName             string   `ecs:"refused"`
	LockReason              string   `ecs:"refused"`
	NeedSaleCycle           bool     `ecs:"refused"`
	PrivateIpAddresses      string
	PublicIpAddresses       string `ecs:"refused"`
	RdmaIpAddresses         string `ecs:"refused"`
	ResourceGroupId         string
	SecurityGroupId         string
	Status                  string
	Tag                     []ecsOldTag `api:",max=20"`
	VSwitchId               string
	VpcId                   string
	ZoneId                  string
}

type describeInstancesAnswer struct {
	Answer
	NextToken  string
	PageSize   int
	PageNumber int
	TotalCount int
	Instances  struct{ Instance []instanceAnswer }
}

// instanceAnswer has every documented field of an instance; those that this
// cloud has nothing to say of stay empty.
type instanceAnswer struct {
	InstanceId, InstanceName, HostName, Hostname, Description        string
	RegionId, ZoneId, ClusterId, Status, StoppedMode, SerialNumber   string
	ImageId, InstanceType, InstanceTypeFamily                        string
	OSType, OsType, OSName, OSNameEn, OsVersion                      string
	CreationTime, StartTime, ExpiredTime, AutoReleaseTime            string
	RegistrationTime, LastInvokedTime                                string
	InstanceNetworkType, NetworkType, IntranetIp, InternetIp, VlanId string
	InstanceChargeType, InternetChargeType, SaleCycle                string
	SpotStrategy, SpotInterruptionBehavior                           string
	CreditSpecification, KeyPairName, HpcClusterId, ResourceGroupId  string
	DeploymentSetId, GPUSpec, ISP, MachineId, SocketId, ActivationId string
	AgentVersion                                                     string
	PrivatePoolOptionsId, PrivatePoolOptionsMatchCriteria            string
	DeploymentSetGroupNo, GPUAmount, LocalStorageAmount              int
	CPU, Cpu, Memory, SpotDuration                                   int
	InternetMaxBandwidthIn, InternetMaxBandwidthOut                  int
	LocalStorageCapacity, InvocationCount, InstanceOwnerId           int64
	SpotPriceLimit                                                   float64
	DeviceAvailable, IoOptimized, Recyclable, DeletionProtection     bool
	IsSpot, Connected                                                bool

	SecurityGroupIds struct{ SecurityGroupId []string }
	InnerIpAddress   ipAddresses
	PublicIpAddress  ipAddresses
	RdmaIpAddress    ipAddresses
	VpcAttributes    struct {
		VpcId, VSwitchId, NatIpAddress string
		PrivateIpAddress               ipAddresses
	}
	EipAddress struct {
		IsSupportUnassociate                        bool
		InternetChargeType, IpAddress, AllocationId string
		Bandwidth                                   int
	}
	DedicatedHostAttribute struct {
		DedicatedHostName, DedicatedHostClusterId, DedicatedHostId string
	}
	DedicatedInstanceAttribute struct{ Affinity, Tenancy string }
	EcsCapacityReservationAttr struct {
		CapacityReservationPreference, CapacityReservationId string
	}
	CpuOptions struct {
		Core, CoreCount, CoreFactor, ThreadsPerCore int
		HyperThreadingAdjustable                    bool
		Numa, TopologyType                          string
		SupportedTopologyTypes                      struct{ SupportedTopologyType []string }
	}
	HibernationOptions    struct{ Configured bool }
	PrivateDnsNameOptions struct {
		EnableInstanceIdDnsARecord, EnableInstanceIdDnsAAAARecord bool
		EnableIpDnsARecord, EnableIpDnsPtrRecord                  bool
		HostnameType                                              string
	}
	AdditionalInfo struct{ EnableHighDensityMode bool }
	ImageOptions   struct {
		ImageFamily, ImageName, Description    string
		LoginAsNonRoot, CurrentOSNVMeSupported bool
		ImageFeatures                          struct{ NvmeSupport string }
		ImageTags                              struct{ ImageTag []imageTag }
	}
	MetadataOptions struct {
		HttpEndpoint, HttpTokens string
		HttpPutResponseHopLimit  int
	}
	Tags              ecsTags
	NetworkInterfaces struct{ NetworkInterface []interfaceOfInstance }
	OperationLocks    struct{ LockReason []operationLock }
}

type ipAddresses struct{ IpAddress []string }

type imageTag struct{ TagKey, TagValue string }

type operationLock struct{ LockReason, LockMsg string }

type interfaceOfInstance struct {
	NetworkInterfaceId, NetworkInterfaceName, Description, Type           string
	NetworkInterfaceTrafficMode, InstanceType, SecurityGroupId, VSwitchId string
	MacAddress, PrimaryIpAddress                                          string
	DeleteOnRelease                                                       bool
	SecurityGroupIds                                                      struct{ SecurityGroupId []string }
	Ipv4PrefixSets                                                        struct{ Ipv4PrefixSet []ipv4Prefix }
	Ipv6PrefixSets                                                        struct{ Ipv6PrefixSet []ipv6Prefix }
	Ipv6Sets                                                              struct{ Ipv6Set []ipv6Address }
	PrivateIpSets                                                         struct{ PrivateIpSet []privateIP }
}

type (
	ipv4Prefix  struct{ Ipv4Prefix string }
	ipv6Prefix  struct{ Ipv6Prefix string }
	ipv6Address struct{ Ipv6Address string }
	privateIP   struct {
		PrivateIpAddress, PrivateDnsName string
		Primary                          bool
		AssociatedPublicIp               struct{ PublicIpAddress, AllocationId string }
	}
)

// creationWindow reads the two filters by time of creation.
func creationWindow(p *describeInstancesParams) (from, to time.Time, err error) {
	for _, f := range []struct {
		key, value, want string
		into             *time.Time
	}{
		{p.Filter1Key, p.Filter1Value, "CreationStartTime", &from},
		{p.Filter2Key, p.Filter2Value, "CreationEndTime", &to},
	} {
		if f.key == "" && f.value == "" {
			continue
		}
		if f.key != f.want {
			return from, to, unsupported("DescribeInstances's filter " + strconv.Quote(f.key))
		}
		at, perr := time.Parse("2006-01-02T15:04Z", f.value)
		if perr != nil {
			return from, to, &Error{400, "InvalidFilterValue.Malformed", "The specified filter value is not a time of the form yyyy-MM-ddTHH:mmZ."}
		}
		*f.into = at
	}
	return from, to, nil
}

// family of an instance type: ecs.g7.large is of ecs.g7.
func typeFamily(instanceType string) string {
	return instanceType[:max(strings.LastIndex(instanceType, "."), 0)]
}

func (e *Engine) apiDescribeInstances(t *tx, p *describeInstancesParams) (*describeInstancesAnswer, error) {
	ids, err := idList("InstanceIds", p.InstanceIds)
	if err != nil {
		return nil, err
	}
	addresses, err := idList("PrivateIpAddresses", p.PrivateIpAddresses)
	if err != nil {
		return nil, err
	}
	tags, err := tagsOf(p.Tag)
	if err != nil {
		return nil, err
	}
	from, to, err := creationWindow(p)
	if err != nil {
		return nil, err
	}
	if p.DryRun {
		return nil, errDryRun
	}
	none := p.InstanceNetworkType == "classic" || p.DeviceAvailable != nil && !*p.DeviceAvailable ||
		p.InstanceChargeType != "" && p.InstanceChargeType != "PostPaid"
	all := e.instances.list(t.seen, func(i Instance) bool {
		return !none && i.RegionID == t.region &&
			(ids == nil || slices.Contains(ids, i.ID)) &&
			(addresses == nil || slices.Contains(addresses, i.PrivateIP.String())) &&
			(p.VpcId == "" || i.VpcID == p.VpcId) &&
			(p.VSwitchId == "" || i.VSwitchID == p.VSwitchId) &&
			(p.ZoneId == "" || i.ZoneID == p.ZoneId) &&
			(p.SecurityGroupId == "" || slices.Contains(i.SecurityGroupIDs, p.SecurityGroupId)) &&
			(p.Status == "" || i.Status == p.Status) &&
			(p.InstanceName == "" || wildcard(p.InstanceName, i.Name)) &&
			(p.ImageId == "" || i.ImageID == p.ImageId) &&
			(p.InstanceType == "" || i.InstanceType == p.InstanceType) &&
			(p.InstanceTypeFamily == "" || typeFamily(i.InstanceType) == p.InstanceTypeFamily) &&
			(p.ResourceGroupId == "" || i.ResourceGroupID == p.ResourceGroupId) &&
			(from.IsZero() || !i.Created.Before(from)) &&
			(to.IsZero() || !i.Created.After(to)) &&
			tagged(i.Tags, tags)
	})
	cut, err := paginate(all, p.ecsPaging, 10, 100)
	if err != nil {
		return nil, err
	}
	a := &describeInstancesAnswer{NextToken: cut.next, PageSize: cut.size, PageNumber: cut.number, TotalCount: cut.total}
	a.Instances.Instance = []instanceAnswer{}
	for _, i := range cut.items {
		a.Instances.Instance = append(a.Instances.Instance, e.answerInstance(i))
	}
	return a, nil
}

// osNames are an operating system's names in the API's words.
var osNames = map[string][2]string{
	"linux":   {"Alibaba Cloud Linux 3.2104 LTS 64位", "Alibaba Cloud Linux 3.2104 LTS 64 bit"},
	"windows": {"Windows Server 2022 数据中心版 64位中文版", "Windows Server 2022 Datacenter 64 bit"},
}

// macOf is a network interface's address, made from its private address as the
// cloud's are from theirs: a prefix, then its bytes.
func macOf(a netip.Addr) string {
	b := a.As4()
	out := "00:16"
	for _, x := range b {
		out += ":" + string("0123456789abcdef"[x>>4]) + string("0123456789abcdef"[x&15])
	}
	return out
}

func (e *Engine) answerInstance(i Instance) instanceAnswer {
	owner, _ := strconv.ParseInt(e.opt.AccountID, 10, 64)
	ip := ipAddresses{[]string{i.PrivateIP.String()}}
	no := ipAddresses{[]string{}}
	a := instanceAnswer{
		InstanceId: i.ID, InstanceName: i.Name, HostName: i.HostName, Hostname: i.HostName, Description: i.Description,
		RegionId: i.RegionID, ZoneId: i.ZoneID, Status: i.Status, StoppedMode: "Not-applicable", SerialNumber: i.ID,
		ImageId: i.ImageID, InstanceType: i.InstanceType, InstanceTypeFamily: typeFamily(i.InstanceType),
		OSType: i.Guest.OS, OsType: i.Guest.OS, OSName: osNames[i.Guest.OS][0], OSNameEn: osNames[i.Guest.OS][1],
		CreationTime: ecsMinute(i.Created), StartTime: ecsMinute(i.Started), ExpiredTime: "2099-12-31T15:59Z",
		InstanceNetworkType: "vpc", NetworkType: "vpc", InstanceChargeType: "PostPaid", InternetChargeType: "PayByTraffic",
		SpotStrategy: "NoSpot", ResourceGroupId: i.ResourceGroupID, CPU: 2, Cpu: 2, Memory: 8192,
		DeviceAvailable: true, IoOptimized: true, DeletionProtection: i.DeletionProtection, InstanceOwnerId: owner,
		InnerIpAddress: no, PublicIpAddress: no, RdmaIpAddress: no, Tags: answerTags(i.Tags),
	}
	a.SecurityGroupIds.SecurityGroupId = append([]string{}, i.SecurityGroupIDs...)
	a.VpcAttributes.VpcId, a.VpcAttributes.VSwitchId, a.VpcAttributes.PrivateIpAddress = i.VpcID, i.VSwitchID, ip
	a.CpuOptions.Core, a.CpuOptions.CoreCount, a.CpuOptions.ThreadsPerCore = 1, 1, 2
	a.CpuOptions.SupportedTopologyTypes.SupportedTopologyType = []string{}
	a.DedicatedInstanceAttribute.Tenancy = "default"
	a.ImageOptions.ImageTags.ImageTag = []imageTag{}
	a.MetadataOptions.HttpEndpoint, a.MetadataOptions.HttpTokens, a.MetadataOptions.HttpPutResponseHopLimit = "enabled", "optional", 1
	a.OperationLocks.LockReason = []operationLock{}

	n := interfaceOfInstance{
		NetworkInterfaceId: i.InterfaceID, Type: "Primary", NetworkInterfaceTrafficMode: "Standard", VSwitchId: i.VSwitchID,
		MacAddress: macOf(i.PrivateIP), PrimaryIpAddress: i.PrivateIP.String(), DeleteOnRelease: true,
	}
	n.SecurityGroupIds.SecurityGroupId = append([]string{}, i.SecurityGroupIDs...)
	n.Ipv4PrefixSets.Ipv4PrefixSet = []ipv4Prefix{}
	n.Ipv6PrefixSets.Ipv6PrefixSet = []ipv6Prefix{}
	n.Ipv6Sets.Ipv6Set = []ipv6Address{}
	n.PrivateIpSets.PrivateIpSet = []privateIP{{PrivateIpAddress: i.PrivateIP.String(), Primary: true}}
	a.NetworkInterfaces.NetworkInterface = []interfaceOfInstance{n}
	return a
}
