// Package tickets makes connections of tickets: it takes what ticket systems
// send, plans what a ticket asks for, carries out what was approved, and
// tells the ticket how it goes.
//
// A ticket is handled as a step handles the cloud: observe, compare, act. A
// delivery names a ticket and says nothing else that counts. The ticket is
// read, with its comments and the connection's record; what is to be done and
// what is to be said follows from these, so a delivery that comes twice, late
// or out of order changes nothing. There is no store of deliveries:
//
//   - The connection's id is made of the ticket's key, and the key of the id.
//   - Every comment bears a marker (see Marker). Comments are read before one is
//     written, and all that are missing are written, the oldest first.
//   - What was approved is the newest plan that was on the ticket when it was
//     approved, by the ticket system's own clock; its hash is in the marker.
//   - Comments cannot be written conditionally, so tickets are handled one run
//     at a time, by a lease (see Leases).
//
// Deliveries travel on a queue of their own, tickets, as CloudEvents beside the
// outcomes: what an outcome could not tell comes round on it too, later. The
// queue outcomes itself stays what its schema says, and holds nothing up. A
// ticket system that is down delays comments only, and the approvals that cannot
// be read meanwhile: what is under way goes on.
//
// The package knows no ticket system. Packages jira, servicenow and cloudevents
// do: each has a Gate, where deliveries come in, and a Desk, where tickets are
// read and comments written. Package settings reads the configuration.
package tickets
