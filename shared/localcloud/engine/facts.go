package engine

// Fact is one behaviour of the cloud that this engine has, and why we believe
// that the real one has it too.
type Fact struct {
	Behaviour string // one sentence
	Source    string // where it is published, or "UNCONFIRMED: ..." with the reading chosen
	Switch    string // field of Switches or Quotas that chooses the other reading; "" if the fact is sure
	Test      string // the test that shows it: Test function, with subtest after a slash; package prefix if not engine (openapi.TestX)
}

// Facts returns every row of the table of facts.
func Facts() []Fact {
	var all []Fact
	for _, list := range factLists() {
		all = append(all, list...)
	}
	return all
}

// factLists is every product's rows; each product's facts_<product>.go adds its
// own.
func factLists() [][]Fact {
	return [][]Fact{coreFacts, mnsFacts, oosFacts, stsFacts}
}

var coreFacts = []Fact{}
