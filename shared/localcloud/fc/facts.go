package fc

import "vpcinterconnect/shared/localcloud/facts"

// Sections returns what is known of Function Compute and its triggers. "FC docs"
// is help.aliyun.com, product fc, version 3.0; "SDK" is fc-runtime-go-sdk v0.3.1;
// "fc3" is the Serverless Devs component's schema and source.
func Sections() []facts.Section {
	return []facts.Section{{Name: "Function Compute", Facts: instanceFacts}, {Name: "Triggers of functions", Facts: triggerFacts}}
}

var instanceFacts = []facts.Fact{
	{Behaviour: "An instance of the go1 runtime handles one invocation at a time; those at once get instances of their own, up to reservedConcurrency and the account's 100.", Source: "FC docs, instance concurrency and quotas; fc3, instanceConcurrency", Test: "TestInvocationsAtOnceGetInstancesOfTheirOwn"},
	{Behaviour: "A process gets the documented environment; each invocation brings the role's temporary keys anew.", Source: "FC docs, environment variables, and permissions; SDK, fccontext", Test: "TestAnInstanceGetsWhatFunctionComputeGives"},
	{Behaviour: "A new instance takes longer for its first invocation than for the next.", Source: "UNCONFIRMED: FC docs, cold starts, give no number for this runtime", Switch: "ColdStart", Test: "TestAColdStartTakesItsTime"},
	{Behaviour: "An error or a panic fails the invocation and leaves the process; one that exits, or runs into the timeout, is killed with all its children and replaced.", Source: "SDK, invoke loop, seen; FC docs, timeout", Test: "TestHowInvocationsFail"},
	{Behaviour: "An idle instance may be gone without notice; the next invocation starts another.", Source: "FC docs, instance lifecycle", Test: "TestAnIdleInstanceThatDiesIsReplacedUnnoticed"},
	{Behaviour: "Idle instances are reclaimed, here after 5 minutes.", Source: "UNCONFIRMED: FC docs, instance lifecycle, say some minutes", Switch: "Idle", Test: "TestIdleInstancesAreReclaimed"},
	{Behaviour: "A function whose role cannot be assumed is not run.", Source: "FC docs, permissions", Test: "TestAFunctionWhoseRoleIsMissingFails"},
	{Behaviour: "An asynchronous invocation that fails is tried again maxAsyncRetryAttempts times, within maxAsyncEventAgeInSeconds; destinations hear of its end; its event has up to 128 KB.", Source: "FC docs, asynchronous invocation and quotas; fc3, asyncInvokeConfig; the pauses between tries are UNCONFIRMED", Test: "TestAsynchronousInvocationsAreRetriedThenReported"},
}

var triggerFacts = []facts.Fact{
	{Behaviour: "A timer's expression is @every in minutes, or six fields in UTC or the zone that CRON_TZ names.", Source: "FC docs, timer trigger; fc3", Test: "manifest.TestSchedulesAreInUTCUnlessTheySayOtherwise"},
	{Behaviour: "A timer invokes asynchronously at each tick, with its payload as a string.", Source: "FC docs, timer trigger; SDK, events/timer.go", Test: "TestTimersTick"},
	{Behaviour: "A queue trigger with run options is an event stream, without them an event rule.", Source: "fc3; FC docs, EventBridge triggers", Test: "manifest.TestTheOlderFormOfAQueueTriggerIsEventDriven"},
	{Behaviour: "A stream pushes an array of CloudEvents, a rule a single one; RawData is their data only.", Source: "FC docs, EventBridge triggers; SDK, events/mns-queue.go", Test: "TestWhatAPushLooksLike"},
	{Behaviour: "The array's elements are objects.", Source: "UNCONFIRMED: FC docs show objects; SDK, README_KAFKA_EVENTBRIDGE.md, has strings of JSON", Switch: "EventsAsText", Test: "TestHowEventsAreWritten"},
	{Behaviour: "A message's body is a string, whatever is in it.", Source: "UNCONFIRMED: SDK, events/mns-queue.go, has a string; events of other sources hold JSON as it is", Switch: "BodiesAsJSON", Test: "TestHowEventsAreWritten"},
	{Behaviour: "A push is due when a batch is full or its window is over.", Source: "FC docs, advanced features of triggers", Test: "TestABatchIsFilledUntilItsWindowIsOver"},
	{Behaviour: "A message is deleted from its queue after its push has succeeded.", Source: "UNCONFIRMED: when EventBridge deletes it is not published", Switch: "DeleteFirst", Test: "TestWhenAMessageIsDeleted"},
	{Behaviour: "A trigger pushes several batches at a time, here 4.", Source: "UNCONFIRMED: the concurrency of a stream from a queue is not published", Switch: "Parallel", Test: "TestPushesAtATime"},
	{Behaviour: "A push is made at least once: one that succeeded may come again.", Source: "FC docs, event streams; how often is not published", Switch: "Chaos", Test: "TestASecondPushOfTheSameIsDrawnBySeed"},
	{Behaviour: "A push that fails is made again: with BACKOFF_RETRY 3 times after 10 to 20 s.", Source: "FC docs, advanced features of triggers", Test: "TestAFailingEventIsTriedFourTimesThenIsADeadLetter"},
	{Behaviour: "With EXPONENTIAL_DECAY_RETRY a push is made 176 times more, after 1, 2, 4 to 512 s.", Source: "FC docs, advanced features of triggers", Test: "TestExponentialDecayGoesOnForADay"},
	{Behaviour: "What is given up goes to the dead-letter queue as it was pushed, if errors are tolerated.", Source: "UNCONFIRMED: FC docs name the queue, not the form", Test: "TestAFailingEventIsTriedFourTimesThenIsADeadLetter"},
	{Behaviour: "With errorsTolerance NONE one event that is given up stops the stream.", Source: "FC docs, advanced features of triggers", Test: "TestWithoutToleranceOneBadEventStopsTheStream"},
	{Behaviour: "A process that is killed in its midst costs a try, not the message.", Source: "FC docs, event streams: at least once", Test: "TestAKilledProcessCostsATryNotTheMessage"},
	{Behaviour: "An HTTP request is delivered as the documented event, and the function's answer is the response.", Source: "FC docs, HTTP trigger; SDK, events/http.go", Test: "TestTheHTTPTriggerDeliversTheDocumentedEvent"},
	{Behaviour: "A body that is no text arrives in base64.", Source: "UNCONFIRMED: FC docs have the flag, not the rule", Switch: "Base64Bodies", Test: "TestBodiesInBase64"},
	{Behaviour: "Headers have up to 8 KB, path and query 4 KB, a body 32 MB; a method that the trigger does not list is refused.", Source: "FC docs, quotas and HTTP trigger; the statuses are UNCONFIRMED", Test: "TestTheHTTPTriggerRefuses"},
}
