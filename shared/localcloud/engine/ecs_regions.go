package engine

// ECS tells which regions and zones there are.

type describeRegionsParams struct {
	RegionId           string
	AcceptLanguage     string
	InstanceChargeType string
	ResourceType       string
}

type describeRegionsAnswer struct {
	Answer
	Regions struct{ Region []regionAnswer }
}

type regionAnswer struct {
	RegionId       string
	LocalName      string
	RegionEndpoint string
	Status         string
}

func (e *Engine) apiDescribeRegions(*tx, *describeRegionsParams) (*describeRegionsAnswer, error) {
	a := &describeRegionsAnswer{}
	a.Regions.Region = []regionAnswer{}
	for _, r := range e.regions {
		a.Regions.Region = append(a.Regions.Region, regionAnswer{RegionId: r.ID, LocalName: r.ID, RegionEndpoint: "ecs." + r.ID + ".aliyuncs.com", Status: "available"})
	}
	return a, nil
}

type describeZonesParams struct {
	RegionId           string `api:",required"`
	AcceptLanguage     string
	InstanceChargeType string
	SpotStrategy       string
	Verbose            bool
}

type describeZonesAnswer struct {
	Answer
	Zones struct{ Zone []ecsZoneAnswer }
}

type ecsZoneAnswer struct {
	ZoneId                      string
	ZoneNo                      string
	ZoneType                    string
	LocalName                   string
	AvailableResourceCreation   struct{ ResourceTypes []string }
	AvailableVolumeCategories   struct{ VolumeCategories []string }
	AvailableInstanceTypes      struct{ InstanceTypes []string }
	AvailableDedicatedHostTypes struct{ DedicatedHostType []string }
	NetworkTypes                struct{ NetworkType []string }
	DedicatedHostGenerations    struct{ DedicatedHostGeneration []string }
	AvailableDiskCategories     struct{ DiskCategories []string }
	AvailableResources          struct{ ResourcesInfo []zoneResources }
}

type zoneResources struct {
	IoOptimized          bool
	SystemDiskCategories struct {
		Supported []string `json:"supportedSystemDiskCategory"`
	}
	DataDiskCategories struct {
		Supported []string `json:"supportedDataDiskCategory"`
	}
	InstanceGenerations struct {
		Supported []string `json:"supportedInstanceGeneration"`
	}
	InstanceTypes struct {
		Supported []string `json:"supportedInstanceType"`
	}
	InstanceTypeFamilies struct {
		Supported []string `json:"supportedInstanceTypeFamily"`
	}
	NetworkTypes struct {
		Supported []string `json:"supportedNetworkCategory"`
	}
}

// What every zone of this cloud sells. Other instance types are sold too: the
// list is what a client that asks first gets to choose from.
var (
	soldTypes    = []string{"ecs.g7.large", "ecs.g7.xlarge", "ecs.t6-c1m1.large"}
	soldFamilies = []string{"ecs.g7", "ecs.t6"}
	soldDisks    = []string{"cloud_essd", "cloud_efficiency"}
)

func (e *Engine) apiDescribeZones(t *tx, _ *describeZonesParams) (*describeZonesAnswer, error) {
	a := &describeZonesAnswer{}
	a.Zones.Zone = []ecsZoneAnswer{}
	for _, r := range e.regions {
		if r.ID != t.region {
			continue
		}
		for _, id := range r.Zones {
			z := ecsZoneAnswer{ZoneId: id, ZoneNo: id, ZoneType: "AvailabilityZone", LocalName: id}
			z.AvailableResourceCreation.ResourceTypes = []string{"VSwitch", "IoOptimized", "Instance", "DedicatedHost", "Disk"}
			z.AvailableVolumeCategories.VolumeCategories = []string{}
			z.AvailableInstanceTypes.InstanceTypes = soldTypes
			z.AvailableDedicatedHostTypes.DedicatedHostType = []string{}
			z.NetworkTypes.NetworkType = []string{"vpc"}
			z.DedicatedHostGenerations.DedicatedHostGeneration = []string{}
			z.AvailableDiskCategories.DiskCategories = soldDisks
			info := zoneResources{IoOptimized: true}
			info.SystemDiskCategories.Supported = soldDisks
			info.DataDiskCategories.Supported = soldDisks
			info.InstanceGenerations.Supported = []string{"ecs-5"}
			info.InstanceTypes.Supported = soldTypes
			info.InstanceTypeFamilies.Supported = soldFamilies
			info.NetworkTypes.Supported = []string{"vpc"}
			z.AvailableResources.ResourcesInfo = []zoneResources{info}
			a.Zones.Zone = append(a.Zones.Zone, z)
		}
	}
	return a, nil
}

func ecsRegionActions() []Action {
	return []Action{
		ecsRead("DescribeRegions", (*Engine).apiDescribeRegions),
		ecsRead("DescribeZones", (*Engine).apiDescribeZones),
	}
}
