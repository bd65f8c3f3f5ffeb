package engine

// stsFacts says what is known of the Security Token Service.
var stsFacts = []fact{
	{"GetCallerIdentity names the account, a RAM user or an assumed role, each with its ARN.", "STS API reference, GetCallerIdentity", "", "TestGetCallerIdentityNamesEachKindOfCaller"},
	{"AssumeRole gives a key with a token that ends after 15 minutes to the role's longest session.", "STS API reference, AssumeRole", "", "TestAssumeRoleGivesAKeyThatEnds"},
	{"The account itself may not assume a role; a user or role may if the role trusts it.", "STS documentation, common errors of AssumeRole", "", "TestWhoMayNotAssumeARole"},
}
