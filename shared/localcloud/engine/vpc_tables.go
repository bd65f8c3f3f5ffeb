package engine

import "time"

// systemTable returns a VPC's system route table.
func (e *Engine) systemTable(asOf time.Time, vpcID string) RouteTable {
	for _, rt := range e.tablesOf(asOf, vpcID) {
		if rt.Type == "System" {
			return rt
		}
	}
	return RouteTable{}
}

type createRouteTableParams struct {
	RegionId       string `api:",required"`
	VpcId          string `api:",required"`
	AssociateType  string
	ClientToken    string
	Description    string
	RouteTableName string
	Tag            []Tag
}

type createRouteTableAnswer struct {
	Answer
	RouteTableId string
}

func (e *Engine) apiCreateRouteTable(t *tx, p *createRouteTableParams) (*createRouteTableAnswer, error) {
	v, err := e.findVPC(t, latest, p.VpcId)
	if err != nil {
		return nil, err
	}
	if v.Status != StatusAvailable {
		return nil, &Error{400, "IncorrectVpcStatus", "Current VPC status does not support this operation."}
	}
	if kind := orDefault(p.AssociateType, "VSwitch"); kind != "VSwitch" {
		return nil, unsupported("route tables of type " + kind)
	}
	if err := checkTexts(p.RouteTableName, p.Description); err != nil {
		return nil, err
	}
	if len(e.tablesOf(latest, v.ID))-1 >= orInt(e.opt.Quotas.CustomRouteTablesPerVpc, 9) {
		return nil, &Error{400, "QuotaExceeded.RouteTable", "Route table quota exceeded in this VPC."}
	}
	rt := RouteTable{
		ID: e.newID("vtb"), RegionID: v.RegionID, VpcID: v.ID, RouterID: v.RouterID, Name: p.RouteTableName, Description: p.Description,
		Type: "Custom", AssociateType: "VSwitch", Status: StatusPending, Created: t.now, ResourceGroupID: v.ResourceGroupID, Tags: p.Tag,
	}
	e.createRouteTable(rt)
	e.afterPart(vpcPart, func() {
		e.routeTables.update(e.now, rt.ID, func(r *RouteTable) { r.Status = StatusAvailable })
	})
	return &createRouteTableAnswer{RouteTableId: rt.ID}, nil
}

type deleteRouteTableParams struct {
	RegionId     string `api:",required"`
	RouteTableId string `api:",required"`
}

func (e *Engine) apiDeleteRouteTable(t *tx, p *deleteRouteTableParams) (*Answer, error) {
	rt, err := e.findRouteTable(t, latest, p.RouteTableId)
	if err != nil {
		return nil, err
	}
	if rt.Type == "System" {
		return nil, &Error{400, "OperationDenied.SystemRouteTable", "A system route table cannot be deleted."}
	}
	if rt.Status != StatusAvailable {
		return nil, &Error{400, "IncorrectRouteTableStatus", "The current status of the route table does not support this operation."}
	}
	if len(e.vSwitches.list(latest, func(s VSwitch) bool { return s.RouteTableID == rt.ID })) > 0 {
		return nil, dependency("VSwitch")
	}
	if err := e.checkRouteTask(rt.VpcID); err != nil {
		return nil, err
	}
	e.routeTables.update(t.now, rt.ID, func(r *RouteTable) { r.Status = StatusDeleting })
	e.afterPart(vpcPart, func() { e.removeRouteTable(rt) })
	return &Answer{}, nil
}

type associateTableParams struct {
	RegionId     string `api:",required"`
	RouteTableId string `api:",required"`
	VSwitchId    string `api:",required"`
	ClientToken  string
}

// apiAssociateRouteTable makes a table serve a vSwitch, after a while.
func (e *Engine) apiAssociateRouteTable(t *tx, p *associateTableParams) (*Answer, error) {
	s, rt, err := e.associationEnds(t, p)
	if err != nil {
		return nil, err
	}
	if s.RouteTableID == rt.ID {
		return nil, &Error{400, "OperationDenied.AlreadyAssociated", "The route table is associated with the vSwitch already."}
	}
	e.associate(s.ID, rt.ID)
	return &Answer{}, nil
}

// apiUnassociateRouteTable gives a vSwitch back to the system table.
func (e *Engine) apiUnassociateRouteTable(t *tx, p *associateTableParams) (*Answer, error) {
	s, rt, err := e.associationEnds(t, p)
	if err != nil {
		return nil, err
	}
	if s.RouteTableID != rt.ID || rt.Type == "System" {
		return nil, &Error{400, "OperationDenied.NotAssociated", "The route table is not associated with the vSwitch."}
	}
	e.associate(s.ID, e.systemTable(latest, s.VpcID).ID)
	return &Answer{}, nil
}

func (e *Engine) associationEnds(t *tx, p *associateTableParams) (VSwitch, RouteTable, *Error) {
	s, err := e.findVSwitch(t, latest, p.VSwitchId)
	if err != nil {
		return s, RouteTable{}, err
	}
	rt, err := e.findRouteTable(t, latest, p.RouteTableId)
	switch {
	case err != nil:
	case rt.VpcID != s.VpcID:
		err = &Error{400, "InvalidVSwitchId.Mismatch", "The vSwitch and the route table are not of the same VPC."}
	case s.Status != StatusAvailable:
		err = &Error{400, "IncorrectVSwitchStatus", "The current status of the vSwitch does not support this operation."}
	case rt.Status != StatusAvailable:
		err = &Error{400, "IncorrectRouteTableStatus", "The current status of the route table does not support this operation."}
	}
	return s, rt, err
}

func (e *Engine) associate(vSwitchID, tableID string) {
	e.vSwitches.update(e.now, vSwitchID, func(s *VSwitch) { s.Status = StatusPending })
	e.afterPart(associationPart, func() {
		e.vSwitches.update(e.now, vSwitchID, func(s *VSwitch) { s.RouteTableID, s.Status = tableID, StatusAvailable })
	})
}

func routeTableActions() []Action {
	return []Action{
		write(vpcProduct, "CreateRouteTable", 0, (*Engine).apiCreateRouteTable),
		write(vpcProduct, "DeleteRouteTable", 0, (*Engine).apiDeleteRouteTable),
		write(vpcProduct, "AssociateRouteTable", 0, (*Engine).apiAssociateRouteTable),
		write(vpcProduct, "UnassociateRouteTable", 0, (*Engine).apiUnassociateRouteTable),
	}
}
