package conformance_test

// fact is something about the cloud that the project relies on, and how to ask
// for it.
type fact struct {
	says   string // a sentence
	writes bool   // asking makes something
	ask    func(*session) string

	// local is what the local cloud says; with, if not empty, is the switch
	// (engine.Switches) by which it says other.
	local, with, other string

	// fine are further readings with which the project works. Those of the
	// local cloud are among them: the simulation tries it with both.
	fine []string
}

// works tells whether the project works with a cloud of which this was seen.
func (f fact) works(seen string) bool {
	if seen == f.local || f.with != "" && seen == f.other {
		return true
	}
	for _, s := range f.fine {
		if s == seen {
			return true
		}
	}
	return false
}

// facts are asked in this order, one after the other.
func facts() []fact {
	var all []fact
	for _, list := range [][]fact{gatewayFacts, readFacts, parameterFacts, queueFacts, groupFacts, interfaceFacts, routeFacts, peeringFacts, reachabilityFacts, commandFacts} {
		all = append(all, list...)
	}
	return all
}
