package engine

// ecsFacts says what is known of ECS, Cloud Assistant and what decides about
// packets. "SDK" is alibaba-cloud-sdk-go v1.63.107, services/ecs; "SDK V2" the
// documentation in alibabacloud-go/ecs-20140526 v7.9.2, which comes from the
// live API metadata; "ECS docs" AlibabaCloudDocs/ecs of 2021-07-19.
var ecsFacts = []fact{
	{"The parameters of each ECS action are the published ones, the members of Permissions those of the SDK.", "API metadata of 2026-04-21; SDK", "", "TestEcsParametersAreThePublishedOnes"},
	{"Every ECS answer has all documented fields.", "SDK", "", "TestNoDocumentedFieldOfAnEcsAnswerIsLeftOut"},
	{"A parameter that is published but not implemented is refused with UnsupportedParameter, in lists too.", "this cloud's own rule", "", "TestListingInstances"},
	{"Each ECS action takes 500 calls per region in 60 s.", "UNCONFIRMED: help.aliyun.com, api-ecs-2014-05-26-quota, has 500 to 1,000 without saying which action has which", "", "TestEcsCallsAreThrottled"},
	{"Lists come in pages by number or by token; with MaxResults or NextToken the page's number is of no effect.", "SDK V2, DescribeInvocationResults; the code for a token that is none is UNCONFIRMED", "", "TestListsOfGroupsAndRulesHavePages"},

	{"Authorizing a rule that exists succeeds and adds nothing; the description is not part of a rule's identity.", "SDK V2, AuthorizeSecurityGroup; ECS docs, AuthorizeSecurityGroup", "", "TestAuthorizingTwiceAddsOneRule"},
	{"Two rules that differ in priority only are two.", "UNCONFIRMED: ECS docs do not list the priority among what determines a rule", "RuleIdentityWithoutPriority", "TestWhetherPriorityIsPartOfARule"},
	{"A batch of up to 100 permissions is carried out whole or not at all.", "SDK V2, Permissions.N; that nothing is done of a bad batch is UNCONFIRMED", "", "TestBatchesAreAllOrNothing"},
	{"The deprecated flat parameters describe one rule; they are refused beside Permissions.N.", "SDK V2; what happens to both at once is not published", "", "TestTheOldFlatFormOfARule"},
	{"Revoking a rule id that is unknown fails with InvalidParam.SecurityGroupRuleId; revoking a permission that nothing matches succeeds.", "SDK V2, RevokeSecurityGroup: the former since 2024-07-08", "", "TestRevoking"},
	{"Protocol, ports, source, policy, priority, card and description of a rule are checked, each with its code.", "ECS docs, AuthorizeSecurityGroup, error codes", "", "TestRulesThatAreRefused"},
	{"The protocol may be in any case; a block is used before a group.", "ECS docs, AuthorizeSecurityGroup, InvalidIpProtocol.ValueNotSupported; SDK V2", "", "TestRulesThatAreTaken"},
	{"A rule may name a group of its own VPC only: InvalidSourceGroupId.Mismatch.", "UNCONFIRMED: ECS docs, AuthorizeSecurityGroup; the Express Connect tutorial allows it within a region", "GroupAcrossVPCsAllowed", "TestARuleThatNamesAGroupOfAnotherVPC"},
	{"An advanced group's rules cannot name groups, and an instance is in groups of one type.", "ECS docs, basic and advanced security groups; the code is UNCONFIRMED", "", "TestAnAdvancedGroup"},
	{"A group that another product manages cannot be edited: InvalidOperation.ResourceManagedByCloudProduct.", "SDK V2, error codes", "", "TestAServicesGroupCannotBeEdited"},
	{"A group has at most 200 rules, in and out together.", "ECS docs, AuthorizeSecurityGroup; since 2026 the limit is 1,000 per network interface", "RulesPerSecurityGroup", "TestRulesHaveAQuota"},
	{"An edit of rules takes a client token.", "SDK V2", "", "TestAnEditsClientToken"},
	{"Rules are read with a lag.", "terraform-provider-alicloud issue 2511, pull request 3102", "", "TestReadsOfRulesLagBehindWrites"},
	{"A group with instances in it, or named by another group's rule, is not deleted; an instance is in 1 to 5 groups of its VPC.", "ECS docs, JoinSecurityGroup and LeaveSecurityGroup, error codes; DependencyViolation from terraform-provider-alicloud", "", "TestAGroupsLife"},
	{"An account has at most 100 groups per region.", "ECS docs, limits", "SecurityGroupsPerRegion", "TestGroupsHaveAQuota"},

	{"An instance goes from Pending over Starting to Running, and over Stopping to Stopped; in the wrong state a call is IncorrectInstanceStatus.", "ECS docs, StartInstance, StopInstance, DeleteInstance, error codes", "", "TestAnInstancesLife"},
	{"An instance that a route leads to, or that is protected, is not deleted.", "ECS docs, DeleteInstance, error codes", "", "TestAnInstanceThatSomethingNeedsIsNotDeleted"},
	{"What RunInstances is asked for is checked, each with its code.", "ECS docs, RunInstances, error codes", "", "TestInstancesThatAreRefused"},
	{"The first and the last three addresses of a vSwitch are the cloud's.", "VPC docs, vSwitches", "", "TestInstancesGetFreeAddresses"},
	{"DescribeInstances filters by name with asterisks, ids, address, tags, times and more.", "ECS docs, DescribeInstances", "", "TestListingInstances"},

	{"A command is Pending, Running, then ended; its output is Base64 unless PlainText is asked for, and shown by DescribeInvocations with IncludeOutput only.", "SDK V2, DescribeInvocations; ECS docs", "", "TestACommandsLife"},
	{"DescribeInvocations tells each command's script, encoded as its output is.", "SDK V2, DescribeInvocations, CommandContent and ContentEncoding", "", "TestACommandsLife"},
	{"DescribeInvocations without InvokeStatus lists all.", "UNCONFIRMED: ECS docs, DescribeInvocations, name no default, and promise with InstanceId all of an instance's records", "", "TestACommandsLife"},
	{"A command that ends, is killed, cannot be delivered or is interrupted has its state and error code.", "SDK V2, InvocationStatus and ErrorCode; which code goes with an instance that stops is UNCONFIRMED", "", "TestHowCommandsEnd"},
	{"A command that does not reach the agent within a minute is Aborted.", "SDK V2, InvocationStatus", "", "TestACommandThatHasNotStarted"},
	{"One instance that cannot take a command fails the call for all.", "SDK V2, RunCommand, error codes", "", "TestCommandsThatAreRefused"},
	{"An instance whose agent is offline is accepted, and its invocation fails with ClientNotRunning.", "UNCONFIRMED: ErrorCode has ClientNotRunning; the usage notes of RunCommand name the agent as a condition of the call", "OfflineAgentRefusesCommand", "TestWhetherAnOfflineAgentRefusesACommand"},
	{"The content is plain text unless told otherwise.", "SDK V2, RunCommand, ContentEncoding", "", "TestPlainTextIsTheDefaultOfWhatIsSent"},
	{"RepeatMode DryRun checks the instance and its agent and runs nothing.", "SDK V2, RunCommand; what it answers is UNCONFIRMED: here no ids", "", "TestADryRunOfACommandRunsNothing"},
	{"A client token runs a command once.", "SDK V2", "", "TestACommandsClientToken"},
	{"Output beyond 24 KB is cut, and Dropped says by how much.", "SDK V2, DescribeInvocations; which end is cut is UNCONFIRMED", "", "TestLongOutputIsCut"},
	{"An invocation's state sums up its instances', in the new words and in the older ones.", "ECS docs, DescribeInvocations, InvokeStatus", "", "TestACommandOnSeveralInstances"},
	{"CloudAssistantStatus is true or false as a text; with InstanceId the pages are of no effect.", "SDK V2, DescribeCloudAssistantStatus", "", "TestCloudAssistantStatus"},

	{"Without rules a normal group lets its own members in and everything out, an advanced one nothing either way.", "help.aliyun.com, security group rules", "", "dataplane.TestDeliver/an advanced group without a rule lets nothing out"},
	{"All groups' rules of an instance are sorted together: the smallest priority wins, of equal ones drop.", "help.aliyun.com, security group rules; ECS docs, AuthorizeSecurityGroup", "", "dataplane.TestDeliver/a drop of smaller priority in a second group wins over an accept in the first"},
	{"A custom rule wins over the access that members of a group have to each other.", "alibabacloud.com, network isolation within a basic security group: internal policies have the lowest priority", "", "dataplane.TestDeliver/a rule that drops wins over the group's own inner access"},
	{"A rule that names a group is about its members' private addresses.", "help.aliyun.com, security group rules: authorization objects", "", "dataplane.TestDeliver/a rule that names a group lets that group's members in"},
	{"A network ACL's rules are tried in order, by the destination's port; what none accepts is dropped in silence; within a vSwitch nothing is filtered.", "alibabacloud.com, network ACLs of 2026-05; network ACL overview", "", "dataplane.TestDeliver/an ACL does not filter within its vSwitch"},
	{"A Linux client's port is one of 32768 to 60999; an ACL has to let replies to it pass.", "alibabacloud.com, network ACLs: ephemeral ports; ip-sysctl, ip_local_port_range", "", "dataplane.TestDeliver/an ACL that lets out only low ports stops a TCP answer to a client's port"},
	{"Security groups are stateful, network ACLs are not.", "help.aliyun.com, security group rules; VPC docs, network ACLs", "", "dataplane.TestDeliver/an ACL that lets nothing out stops the answer, for it is stateless"},
	{"Sessions go on where changed rules say the same of them; what a rule had allowed ends with it.", "help.aliyun.com, Security group rules: sessions are not affected if the new rules have the same actions", "", "kernel.TestARuleThatGoesEndsWhatItAllowedAndNothingElse"},
	{"A router interface carries traffic while both sides are Active and Normal.", "Express Connect API reference, DescribeRouterInterfaces", "", "dataplane.TestDeliver/an interface that is locked for an unpaid bill carries nothing"},
	{"What comes in from one VPC does not go on to a third.", "VPC docs, VPC peering connections are not transitive; for router interfaces between vRouters UNCONFIRMED", "", "dataplane.TestDeliver/what came in from one VPC does not go on to a third"},
	{"A container bridge inside an instance that covers the peer's block keeps the traffic inside.", "alibabacloud.com, VPC FAQ of 2025-11", "", "dataplane.TestDeliver/a container bridge over the peer's block keeps the ping inside"},
	{"bash connects by a redirection from /dev/tcp, and says what became of it in the system's words.", "bash(1), redirection", "", "dataplane.TestGuestPrograms/bash says that a port is refused"},
	{"ping prints what iputils prints, and exits 0, 1 or 2 as it does.", "iputils, ping(8)", "", "dataplane.TestPingPrintsWhatIputilsPrints"},
}
