package engine

// mnsFacts says what is known of the Message Service. "MNS Go SDK" is
// aliyun-mns-go-sdk v1.0.11; "MNS API reference" is help.aliyun.com, product mns.
var mnsFacts = []fact{
	{"A received message is hidden for the visibility timeout, its dequeue count rises, and it has a new receipt handle.", "MNS API reference, ReceiveMessage", "", "TestAReceivedMessageIsHiddenUntilItsTimeoutEnds"},
	{"A receipt handle is good until the message's next visible time; changing the visibility counts from the call and gives a new handle, and the old one dies.", "MNS API reference, ChangeMessageVisibility", "", "TestAReceiptHandleIsGoodUntilTheMessageIsVisibleAgain"},
	{"Deleting by the handle of a message that is gone answers MessageNotExist, by any other bad handle ReceiptHandleError.", "UNCONFIRMED: both codes are published for both cases; our clients take either for gone", "", "TestAReceiptHandleIsGoodUntilTheMessageIsVisibleAgain"},
	{"Higher priorities (1 is the highest, 16 the lowest, 8 the default) come first; a delayed message comes when its delay is over.", "MNS API reference, SendMessage", "", "TestTheOrderOfMessages"},
	{"A message's own DelaySeconds counts, not the queue's, if it has any; the Go SDK always sends it.", "MNS Go SDK, message.go", "", "TestAQueuesDelayHoldsForMessagesThatSayNothing"},
	{"Priority 0, which the Go SDK sends if not told better, is taken as the default.", "UNCONFIRMED: out of the published range, but sent every day by users of the SDK", "PriorityZeroRefused", "TestWhatAQueueDoesNotTake"},
	{"A message is dropped when the retention period since its sending is over, received or not.", "MNS API reference, CreateQueue", "", "TestAMessageIsDroppedAfterTheRetentionPeriod"},
	{"A message that was received MaxReceiveCount times moves to the dead-letter queue when it would be visible again; its age goes on.", "MNS documentation, dead-letter queues; the moment of the move is UNCONFIRMED", "", "TestADeadLetterPolicyMovesWhatWasReceivedTooOften"},
	{"A dead-letter queue is another queue, of the same region.", "MNS documentation, dead-letter queues; that it must exist first is UNCONFIRMED", "", "TestADeadLetterTarget"},
	{"A dead-letter target may be given as a name or as an ARN.", "UNCONFIRMED: ROS and Terraform word it as a name; both are understood", "", "TestADeadLetterPolicyMovesWhatWasReceivedTooOften"},
	{"Queues have ranges: delay 0 to 604800 s, size 1024 to 65536, retention 60 to 604800 s, visibility 1 to 43200 s, polling 0 to 30 s.", "ROS ALIYUN::MNS::Queue; the SDK's own checks are wider", "", "TestTheRangesOfAQueuesAttributes"},
	{"A batch has 1 to 16 messages, 64 KB together.", "MNS documentation, limits", "", "TestWhatAQueueDoesNotTake"},
	{"Creating a queue that exists succeeds if the attributes are equal (204), else QueueAlreadyExist (409).", "MNS Go SDK, queue_manager.go", "", "TestMakingQueues"},
	{"A region has 1,000 queues.", "MNS documentation, limits; the error's code is UNCONFIRMED", "QueuesPerRegion", "TestMakingQueues"},
	{"The name of a deleted queue can be used again at once.", "UNCONFIRMED: a code QueueDeletedRecently is published, its time is not", "QueueNameCoolsDown", "TestTheNameOfADeletedQueueIsFreeAtOnceUnlessSwitched"},
	{"A standard queue delivers at least once, in no strict order.", "MNS documentation, queues", "", "TestABadCourierKeepsToTheContract"},
	{"A queue's times are Unix milliseconds.", "UNCONFIRMED: the English API reference says milliseconds, the Chinese one seconds, the examples fit seconds", "QueueTimesInSeconds", "TestTheSwitchesOfAQueuesDescription"},
	{"A queue's numbers of messages are answered.", "mns-open GetQueueAttributes: they will be withdrawn and answer 0", "MessageCountsWithdrawn", "TestTheSwitchesOfAQueuesDescription"},
	{"mns-open answers Code 200 as a number, Status, Success and Data on success, and the data plane's codes as errors.", "alibaba-cloud-sdk-go v1.63.107, services/mns-open; the errors are UNCONFIRMED", "", "TestTheControlPlaneAndTheDataPlaneShareTheQueues"},
	{"A message goes through the official SDK: send, peek, receive, hide, delete.", "MNS Go SDK", "", "mns.TestAMessageGoesThroughTheOfficialSDK"},
	{"Deleting a batch in part answers 404 with the failures; sending one in part answers both kinds of entries.", "MNS API reference; the status of a send is UNCONFIRMED", "", "mns.TestBatchesGoThroughTheOfficialSDK"},
	{"A batch may be taken in part.", "MNS API reference, BatchSendMessage", "", "mns.TestABatchThatIsTakenInPart"},
	{"A long poll of up to 30 s ends with the first message, or with MessageNotExist.", "MNS API reference, ReceiveMessage", "", "mns.TestALongPoll"},
	{"Requests are signed with HMAC-SHA1 over method, digest, type, date, x-mns headers and resource; a clock may be 15 minutes off; Content-MD5 comes in two forms.", "MNS Go SDK, credential.go, and requests seen", "", "mns.TestWhoMayCall"},
	{"A temporary key needs its token; a wrong or expired one is refused with AccessDenied.", "UNCONFIRMED: the published list of codes has none for tokens", "", "mns.TestATemporaryKey"},
	{"An unknown URL, query item or element is refused with the published code.", "MNS API reference, error codes", "", "mns.TestWhatIsNotUnderstoodIsRefused"},
	{"The SDK sends a message again, up to five times, if the connection closes before an answer.", "MNS Go SDK over fasthttp, seen", "", "mns.TestAHostileWire"},
	{"Documents are in the namespace http://mns.aliyuncs.com/doc/v1/; each answer has x-mns-request-id.", "MNS API reference, common parameters", "", "mns.TestTheDocumentsHaveTheServicesNamespaceAndForms"},
}
