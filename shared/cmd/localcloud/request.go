package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"vpcinterconnect/shared/localcloud/world"
)

// request is what intake is asked for, as far as this command writes one.
type request struct {
	ID            string `json:"id"`
	Type          string `json:"type"`
	Specification string `json:"specification,omitempty"`
	Initiator     side   `json:"initiator"`
	Acceptor      side   `json:"acceptor"`
}

type side struct {
	RegionID       string  `json:"regionId"`
	VpcID          string  `json:"vpcId"`
	SecurityGroups []group `json:"securityGroups,omitempty"`
}

type group struct {
	SecurityGroupID string  `json:"securityGroupId"`
	Authorization   string  `json:"authorization"`
	Allow           []allow `json:"allow"`
}

type allow struct {
	Protocol string `json:"protocol"`
}

// requestBody returns the request to post, and the parts of it that this
// command needs to know. Without a file it is the tutorial's: the world's first
// VPC to its second, 2 Mb/s, the groups of the instances opened for ping by
// CIDR block.
func requestBody(file, kind string, w *world.World) ([]byte, request, error) {
	var r request
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, r, err
		}
		fields := map[string]any{}
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&fields); err != nil {
			return nil, r, fmt.Errorf("%s: %w", file, err)
		}
		if kind != "" {
			fields["type"] = kind
			if text, err = json.Marshal(fields); err != nil {
				return nil, r, err
			}
		}
		// What this command cannot read intake will refuse in better words.
		_ = json.Unmarshal(text, &r)
		return text, r, nil
	}
	if len(w.VPCs) < 2 {
		return nil, r, errors.New("the world has no two VPCs: say what to connect with --request")
	}
	if kind == "" {
		kind = "ExpressConnect"
	}
	r = request{ID: "tutorial", Type: kind, Initiator: sideOf(w.VPCs[0]), Acceptor: sideOf(w.VPCs[1])}
	if kind == "ExpressConnect" {
		r.Specification = "Mini.2"
	}
	text, err := json.MarshalIndent(r, "", "  ")
	return text, r, err
}

func sideOf(v world.VPC) side {
	s := side{RegionID: v.Region, VpcID: v.ID}
	seen := map[string]bool{}
	for _, i := range v.Instances {
		for _, g := range i.SecurityGroups {
			if !seen[g] {
				s.SecurityGroups = append(s.SecurityGroups, group{g, "CidrBlock", []allow{{"ICMP"}}})
			}
			seen[g] = true
		}
	}
	return s
}
