package desk

import "vpcinterconnect/shared/localcloud/facts"

// Sections returns what is known of ticket systems. "Jira docs" is Atlassian's
// documentation of webhooks and of the REST interfaces, versions 2 and 3;
// "ServiceNow docs" that of the Table interface and of sn_ws.
func Sections() []facts.Section {
	return []facts.Section{{Name: "Ticket systems", Facts: deskFacts}}
}

var deskFacts = []facts.Fact{
	{Behaviour: "Jira signs a webhook that has a secret: X-Hub-Signature is sha256= and the HMAC of the raw body; repeats have the identifier of the first.", Source: "Jira docs, webhooks", Test: "TestJiraDeliversAgainAfterSomeAnswersOnly"},
	{Behaviour: "Jira delivers a webhook again after 408, 409, 425, 429, 5xx and no answer, and after no other.", Source: "Jira docs, webhooks; that it is five times, 5 to 15 minutes apart, is UNCONFIRMED, and nothing goes by it", Test: "TestJiraDeliversAgainAfterSomeAnswersOnly"},
	{Behaviour: "A comment that a REST call makes is sent as a webhook, as anybody's is.", Source: "Jira docs, webhooks", Test: "TestACommentOfOursIsSentBackAsAnyOther"},
	{Behaviour: "Version 3 of Jira's interface, which Cloud alone has, takes and gives documents; version 2 takes wiki text.", Source: "Jira docs, REST; Atlassian Document Format", Test: "TestJiraRefusesWhatJiraWouldRefuse"},
	{Behaviour: "An issue's changelog is listed with the oldest change first.", Source: "UNCONFIRMED: so at Data Center; Cloud is said to begin with the newest", Switch: "NewestFirst", Test: "TestAnIssuesChangesHaveAnOrder"},
	{Behaviour: "ServiceNow's RESTMessageV2 repeats nothing and signs nothing.", Source: "ServiceNow docs, RESTMessageV2", Test: "TestServiceNowDeliversOnceWhateverTheAnswer"},
	{Behaviour: "A list that nothing fits is empty.", Source: "UNCONFIRMED: older releases are said to answer 404, No Record found", Switch: "EmptyIs404", Test: "TestAListThatNothingFits"},
	{Behaviour: "The Table interface gives a catalog item's variables as fields variables.<name>.", Source: "UNCONFIRMED: by reports of users; without it, variables have to be copied into fields of the table, and those mapped", Switch: "NoVariables", Test: "TestVariablesOfACatalogItem"},
}
