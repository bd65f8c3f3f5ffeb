package engine

// oosFacts says what is known of the Parameter Store. "SDK" is
// alibaba-cloud-sdk-go v1.63.107, services/oos.
var oosFacts = []fact{
	{"Each update makes a new version, of an equal value too; there is no conditional update.", "SDK; API metadata", "", "TestAParameterKeepsItsVersions"},
	{"The last 100 versions are kept.", "UNCONFIRMED: the number is not published", "", "TestAParametersHistoryIsBounded"},
	{"A value has 1 to 4,096 characters, a description up to 200, a name letters, digits, -, _ and /, and no reserved beginning.", "ROS ALIYUN::OOS::Parameter; Terraform alicloud_oos_parameter", "", "TestWhatAParameterMayBe"},
	{"A name has 2 to 180 characters.", "UNCONFIRMED: Terraform says 180, ROS 200", "LongParameterNames", "TestWhatAParameterMayBe"},
	{"What exists already is EntityAlreadyExists.Parameter (409), what does not EntityNotExists.Parameter (404); names are a region's.", "UNCONFIRMED: Terraform service_alicloud_oos.go has the second code; the first follows its form; the statuses are published nowhere", "ParameterErrorsAre400", "TestANameIsTakenOncePerRegion"},
	{"A client token makes a parameter once.", "API metadata; the cloud's general rule for tokens", "", "TestAClientTokenMakesAParameterOnce"},
	{"GetParametersByPath lists a folder, or with Recursive all below it, in pages of 1 to 100, 50 by default.", "API metadata; order and page sizes UNCONFIRMED", "", "TestParametersByPath"},
	{"ListParameters filters by part of a name, path, type, tags and group.", "API metadata; how names are matched is UNCONFIRMED", "", "TestListingParameters"},
	{"A secret's value is shown only with WithDecryption; common actions do not see secrets, though both share their names.", "SDK; the sharing is UNCONFIRMED", "", "TestASecretShowsItsValueOnlyDecrypted"},
	{"A read may see the past, a write does not.", "UNCONFIRMED for this store; the cloud's other reads do", "", "TestAReadMayLagAndAWriteMayNot"},
	{"Every answer has all documented fields.", "SDK", "", "TestNoDocumentedFieldOfAnAnswerIsLeftOut"},
	{"The parameters of each action are the published ones.", "API metadata of 2026-04-21", "", "TestParametersAreThePublishedOnes"},
}
