// Package chain carries a connection through its steps: the message, the one
// table of actions and steps, the outcomes of a step, and the handler that
// turns a queue's event into a step's run and a step's outcome into the next
// message (README, rules 2 to 6).
//
// The table: for each action its stages by queue, after how long what waits is
// given up, what follows a stage that is done, and what one that is rejected.
//
//	connect  peering          10m     routes                              prune to what was connected
//	         routes           10m     security-groups                     prune to what was connected
//	         security-groups  3m      verification                        prune to what was connected
//	         verification     5m      end, or prune of a changed request  done, unproven
//	prune    security-groups  never   routes                              routes
//	         routes           never   peering                             peering
//	         peering          never   verification                        verification
//	         verification     never   end                                 prune again, 3 times; end
//	verify   verification     5m      end                                 done, unproven
//
// A connect that is to be kept ends where it is rejected; one that repairs goes
// on, to mend what can be mended. A prune goes on where it is rejected: the others
// remove theirs, and verification lists what is left, for intake's sweep to try
// again hourly. What came late, and
// no step of the round was refused, is removed at once: that is the prune again.
//
// A check that finds something of ours missing or changed ends in a connect that
// repairs, where the request has repair auto: at most 3 checks in a row.
//
// Whoever listens at the queue outcomes is told of each step's end and of every
// change of state; of checks only what they find anew, and of a connection that
// flaps once, with a count, until it is steady.
package chain
