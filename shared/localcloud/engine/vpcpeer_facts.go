package engine

// vpcPeerFacts' sources: "API" is the published API metadata of VpcPeer
// 2022-01-01 with its error tables; "help" is help.aliyun.com; "TF" is
// terraform-provider-alicloud.
var vpcPeerFacts = []fact{
	{"VpcPeer's actions have the published parameters, most of them in the body, and every answer all fields that the SDK decodes.", "aliyun-openapi-meta; SDK services/vpcpeer", "", "TestVpcPeerAnswersHaveEveryFieldThatTheSDKDecodes"},
	{"RegionId is taken from the query too, where the older SDK always sends it.", "SDK: RegionId is no field of its requests", "", "openapi.TestThePeeringServiceThroughTheSDK"},
	{"Within an account a peering connection is Creating, then Activated: it is accepted by itself. How long that takes is not published.", "API, CreateVpcPeerConnection; help, VPC peering overview", "", "TestPeeringLifecycle"},
	{"A deletion is Deleting, then a read is ResourceNotFound.InstanceId.", "UNCONFIRMED: TF waits for the code; API documents the status Deleted too", "DeletedPeeringStaysListed", "TestSwitchesOfPeering/DeletedPeeringStaysListed"},
	{"An Accepting connection is accepted over Updating to Activated, and expires after seven days.", "API, AcceptVpcPeerConnection; help, VPC peering overview", "", "TestAnAcceptingPeeringIsAcceptedOrExpires"},
	{"Within a region the bandwidth is unlimited, -1, and neither it nor the link type can be given; across regions it is 1,024 Mb/s at most and by default, the link Gold or Platinum.", "API; help, VPC quotas", "", "TestPeeringBandwidthAndLink"},
	{"Two VPCs have one peering connection: ResourceAlreadyExist.VpcPeer.", "API, error table of CreateVpcPeerConnection", "", "TestPeeringsThatAreRefused/a second connection of the same two VPCs, either way round"},
	{"Two VPCs that router interfaces join get a peering connection too.", "UNCONFIRMED: API lists ResourceAlreadyExist.RouterInterface for CreateVpcPeerConnection and does not say when", "PeeringBesideInterfacesRefused", "TestSwitchesOfPeering/PeeringBesideInterfacesRefused"},
	{"While a peering connection of one of the VPCs is being made, changed or deleted, another is refused: Conflict.Operation.", "API, CreateVpcPeerConnection and the service's error table", "", "TestPeeringsThatAreRefused/a second connection of a VPC while the first is being made"},
	{"A VPC has 10 peering connections within its region: QuotaExceeded.IntraRegionVpcPeerCountPerVpc.", "help, VPC quotas; API", "PeeringsPerVpcWithinRegion", "TestPeeringQuotas"},
	{"A VPC has 20 peering connections across regions: QuotaExceeded.CrossRegionVpcPeerCountPerVpc.", "help, VPC quotas; API", "PeeringsPerVpcAcrossRegions", "TestPeeringQuotas"},
	{"An account has 20 peering connections in a region: QuotaExceeded.VpcPeerCountPerUserPerRegion.", "help, VPC quotas; API; that those initiated there count is this cloud's guess", "PeeringsPerRegion", "TestPeeringQuotas"},
	{"A connection that routes lead to is not deleted, OperationDenied.RouteEntryExist, unless by Force, which deletes the routes of both VPCs.", "UNCONFIRMED: API says the VPC route table, one or both it does not say", "PeeringForceDeletesOneSide", "TestSwitchesOfPeering/PeeringForceDeletesOneSide"},
	{"A dry run of the peering service that finds nothing wrong is a 400 DryRunOperation.", "API, error table", "", "TestPeeringLifecycle/a dry run makes nothing"},
	{"Both regions' reads show a peering connection.", "UNCONFIRMED: API says the region to query, and filters by VPC on either side", "PeeringSeenByInitiatorOnly", "TestSwitchesOfPeering/PeeringSeenByInitiatorOnly"},
	{"A list is filtered by one VPC or by both of a connection's, whichever asked.", "API, ListVpcPeerConnections", "", "TestPeeringLists"},
	{"Peering connections are tagged as PeerConnection; listing tags needs an id or a tag, else BothEmpty.TagsAndResources.", "API, TagResources and ListTagResources", "", "TestPeeringTags"},
	{"A connection in the wrong state is IncorrectStatus.VpcPeer; while one of the account is locked for money none is made or changed: IncorrectBusinessStatus.VpcPeer.", "API, error tables; that any one of the account counts is this cloud's guess, as with router interfaces", "", "TestPeeringsThatAreRefused/one while another of the account is locked for money"},
	{"A route leads to an Activated peering connection of its VPC, as VpcPeer; else IncorrectStatus.VpcPeer or ResourceNotFound.VpcPeer.", "error table of CreateRouteEntry; TF retries the first", "", "TestRoutesToAPeering"},
	{"ModifyRouteEntry repoints a route to a peering connection.", "UNCONFIRMED: SDK V2 says it modifies the next hop; older documents say name and description only", "RepointToPeeringRefused", "TestSwitchesOfPeering/RepointToPeeringRefused"},
	{"A VPC with a peering connection is not deleted.", "this cloud's reading of DependencyViolation, as with router interfaces", "", "TestAVPCWithAPeeringIsNotDeleted"},
}
