'use strict';

// What a connection's answer means: where its packets stop, and the picture.
// Every text of an answer goes into the page as text, never as markup.

// el makes an element. A child is an element, or anything else as its text.
function el(name, props, ...children) {
  const e = document.createElement(name);
  for (const [k, v] of Object.entries(props || {})) {
    if (v === undefined || v === false) continue;
    if (k.startsWith('on')) e.addEventListener(k.slice(2), v);
    else e.setAttribute(k, v === true ? '' : v);
  }
  e.append(...children.flat().filter(c => c !== undefined && c !== null && c !== '').map(c => c instanceof Node ? c : String(c)));
  return e;
}

const sides = ['initiator', 'acceptor'];
const otherSide = { initiator: 'acceptor', acceptor: 'initiator' };
const route = 'route', rule = 'security-group-rule', interfaceKind = 'router-interface', peering = 'vpc-peering-connection';

// States and statuses: the class that colours them, and a mark that says the
// same without colour.
const states = {
  Connected: ['good', '✓'], Blocked: ['bad', '✕'], Failed: ['bad', '✕'], NeedsAttention: ['bad', '!'], Unproven: ['busy', '?'],
  Pending: ['busy', '…'], Connecting: ['busy', '…'], Disconnecting: ['busy', '…'], Disconnected: ['none', '–'],
};
const settled = ['', undefined, 'Available', 'Created', 'Active', 'Activated'];
const onTheWay = ['Creating', 'Pending', 'Modifying', 'Connecting', 'Activating', 'Accepting', 'Updating', 'Idle', 'AcceptingConnecting', 'Deleting', 'WaitingConnect', 'Expiring'];

const badge = state => {
  const [tone, mark] = states[state] || ['none', ''];
  return el('span', { class: 'state ' + tone }, mark + ' ' + state);
};

const wanted = a => a.state !== 'Disconnecting' && a.state !== 'Disconnected';
const vpcOf = (a, side) => a.request[side].vpcId;
// placeOf is the short name of a side.
const placeOf = (a, side) => a.request.initiator.regionId === a.request.acceptor.regionId ? vpcOf(a, side) : a.request[side].regionId;

// parts lists what the connection is made of, each with its tone: good, bad
// (missing, or not as it should be), or busy (on its way, or going away).
function parts(a) {
  const live = a.live;
  if (!live) return [];
  const missing = live.missing || [];
  const bad = a.ended ? 'bad' : 'busy';
  const list = missing.map(t => ({ ...t, tone: bad, gone: !t.id }));
  for (const t of live.things || []) {
    if (t.id && missing.some(m => m.id === t.id)) continue;
    const tone = settled.includes(t.status) ? 'good' : onTheWay.includes(t.status) && !a.ended ? 'busy' : bad;
    list.push({ ...t, tone });
  }
  for (const t of live.leftovers || []) list.push({ ...t, tone: 'busy', going: true });
  return list;
}

// says is a part that is not well, in a sentence.
function says(a, t) {
  const verb = a.ended ? 'is missing' : 'is not there yet';
  const vpc = vpcOf(a, t.side);
  if (t.going) return `${[t.kind.replaceAll('-', ' '), t.kind === route || t.kind === rule ? t.what : t.id].join(' ')} is still there, and no longer wanted.`;
  switch (t.kind) {
    case route:
      if (t.gone) return `The route to ${t.what} in route table ${t.in} of ${vpc} ${verb}.`;
      if (t.change) return `The route to ${t.what} in route table ${t.in} of ${vpc} leads to ${t.leadsTo}, and should be one that ${t.change}.`;
      return `The route to ${t.what} in route table ${t.in} of ${vpc} is ${t.status}.`;
    case rule:
      return `The rule "${t.what}" of security group ${t.in} in ${vpc} ${verb}.`;
    case interfaceKind:
      if (t.gone) return `The router interface of ${vpc} ${verb}.`;
      return `The router interface ${t.id} of ${vpc} is ${t.status}${t.change ? ': ' + t.change : ''}.`;
    default:
      if (t.gone) return `The VPC peering connection ${verb}.`;
      return `The VPC peering connection ${t.id} is ${t.status}${t.change ? ': ' + t.change : ''}.`;
  }
}

// hops are what a packet from one side passes, in order, and its answer after
// it. A hop without parts is nothing that the connection asks for.
function hops(a, list, from) {
  const to = otherSide[from];
  const pick = (kind, side, more) => list.filter(t => !t.going && t.kind === kind && (!side || t.side === side) && (!more || more(t)));
  const outward = t => t.what.startsWith('egress'), inward = t => !outward(t);
  const joints = pick(peering).length > 0
    ? [['VPC peering connection', pick(peering)]]
    : [[`router interface, ${placeOf(a, from)}`, pick(interfaceKind, from)], [`router interface, ${placeOf(a, to)}`, pick(interfaceKind, to)]];
  return [
    [`security groups, ${placeOf(a, from)}, outward`, pick(rule, from, outward)],
    [`routes, ${placeOf(a, from)}`, pick(route, from)],
    ...joints,
    [`security groups, ${placeOf(a, to)}`, pick(rule, to, inward)],
    [`routes for the answer, ${placeOf(a, to)}`, pick(route, to)],
  ].filter(([, made]) => made.length > 0).map(([name, made]) => ({ name, worst: made.find(t => t.tone === 'bad') || made.find(t => t.tone === 'busy') }));
}

const lastPing = (a, from) => a.verdict && (a.verdict.pings || []).find(p => p.from === from);
const inWords = p => p.error ? 'the ping did not run: ' + p.error : `${p.received} of ${p.sent} pings came back` + (p.received ? `, ${p.avg} ms` : '');

// way draws one direction's hops, and marks where packets stop.
function way(a, list, from) {
  const items = [];
  let stopped = false;
  const add = (cls, ...lines) => {
    if (items.length) items.push(el('li', { class: 'arrow', 'aria-hidden': 'true' }, '→'));
    items.push(el('li', { class: cls }, lines.filter(Boolean).map(s => el('span', {}, s))));
  };
  add('', vpcOf(a, from), 'a packet leaves');
  for (const h of hops(a, list, from)) {
    if (stopped) add('beyond', h.name, 'not reached');
    else if (h.worst) { add(h.worst.tone, (h.worst.tone === 'bad' ? '✕ STOPS HERE: ' : '… not yet: ') + h.name, says(a, h.worst)); stopped = true; }
    else add('good', '✓ ' + h.name);
  }
  const ping = lastPing(a, from);
  if (stopped) add('beyond', vpcOf(a, otherSide[from]), 'no answer comes back');
  else if (ping && ping.received === 0 && a.verdict.stop) add('bad', `✕ STOPS AT: ${a.verdict.stop.layer}, ${a.verdict.stop.id || vpcOf(a, a.verdict.stop.side)}`, inWords(ping), a.verdict.stop.mend);
  else if (ping && ping.received === 0) add('bad', '✕ STOPS BEHIND ALL OF IT: ' + vpcOf(a, otherSide[from]), inWords(ping), a.verdict.why);
  else if (ping) add('good', '✓ ' + vpcOf(a, otherSide[from]), inWords(ping));
  else add('', vpcOf(a, otherSide[from]), 'not pinged yet');
  return el('div', {}, el('h3', {}, `From ${vpcOf(a, from)} (${a.request[from].regionId}) and back`), el('ol', { class: 'path' }, items));
}

// headline says in a few sentences how things stand: tone, then texts.
function headline(a, list) {
  const broken = list.filter(t => t.tone === 'bad');
  if (!wanted(a)) {
    const left = (a.live && a.live.leftovers || []).length;
    return a.ended ? ['none', 'Taken away: the two VPCs are not connected by this deployment.', a.why]
      : ['busy', `Being taken away${left ? `: ${left} thing(s) are still there` : ''}.`, a.why];
  }
  if (!a.ended) {
    const s = a.steps.find(s => s.progress !== 'done');
    return ['busy', s ? `Being made: step ${s.step} is ${s.progress}.` : 'Being made.', s && s.note ? 'It waits: ' + s.note : '', a.why];
  }
  if (broken.length) {
    return ['bad', 'Packets stop: ' + says(a, broken[0]), ...broken.slice(1).map(t => says(a, t)),
      a.state === 'Connected' ? `The check at ${clock(a.verdict && a.verdict.at)} still passed; this has happened since.` : a.why];
  }
  switch (a.state) {
    case 'Connected': return ['good', a.live ? 'All is there, and pings pass both ways.' : 'Pings pass both ways.'];
    case 'Unproven': return ['busy', 'All is there, but nothing could be pinged, so it is not proven.', a.why];
    case 'Blocked': return ['bad', (a.live ? 'All that was made is there, and yet packets stop' : 'Packets stop') + (a.verdict && a.verdict.outcome === 'one-way' ? ', one way only.' : '.'), a.why];
  }
  return [states[a.state] ? states[a.state][0] : 'none', a.why || a.state];
}

// drift lists how what exists differs from what is wanted.
function drift(a) {
  const all = a.live && a.live.drift || a.verdict && a.verdict.drift || [];
  return all.length ? [el('h2', {}, 'What differs'), el('ul', { class: 'things', id: 'drift' }, all.map(d => el('li', { class: d.kind === 'uncovered' ? 'busy' : 'bad' }, el('strong', {}, d.kind + ': '), d.what)))] : [];
}

function thing(a, t) {
  const mark = { good: '✓', bad: '✕', busy: '…' }[t.tone];
  let text;
  if (t.tone !== 'good') text = says(a, t);
  else if (t.kind === route) text = `${t.what} → ${t.leadsTo}`;
  else text = [t.id, t.kind === rule ? '' : t.what, t.status].filter(Boolean).join(', ');
  if (t.kind === rule && t.tone === 'good') text = t.what;
  return el('li', { class: t.tone }, el('span', { class: 'mark' }, mark), text,
    t.id && !t.owner ? el('span', { class: 'soft' }, ' (not made by this deployment)') : '');
}

// vpc draws one side.
function vpc(a, list, side) {
  const asked = a.request[side], seen = a.live && a.live[side];
  const mine = list.filter(t => t.side === side);
  const box = el('section', { class: 'vpc', 'data-side': side }, el('h3', {}, asked.vpcId),
    el('div', {}, `${asked.regionId}, the ${side}`),
    el('div', {}, seen && !seen.cidrBlocks.length && !a.live.problems ? '✕ This VPC is not there any more.' : 'blocks ' + (seen && seen.cidrBlocks.length ? seen.cidrBlocks : asked.cidrBlocks || []).join(', ')),
    (asked.cidrBlocks || []).length ? el('div', { class: 'soft' }, 'the other side may reach ' + asked.cidrBlocks.join(', ')) : '');
  const section = (title, ...inside) => box.append(el('section', {}, el('h3', {}, title), ...inside));

  const ends = mine.filter(t => t.kind === interfaceKind);
  if (ends.length) section('Router interface', el('ul', { class: 'things' }, ends.map(t => thing(a, t))));

  const tables = seen ? seen.routeTables.filter(t => t.connected).map(t => t.id) : asked.routeTableIds || [];
  for (const t of mine) if (t.kind === route && !tables.includes(t.in)) tables.push(t.in);
  for (const id of tables) {
    const table = seen && seen.routeTables.find(t => t.id === id);
    const own = mine.filter(t => t.kind === route && t.in === id);
    const others = (table ? table.routes : []).filter(r => !own.some(t => t.id === r.id && r.id || t.what === r.destination));
    const serves = seen ? seen.vSwitches.filter(v => v.routeTableId === id) : [];
    section('Route table ' + id,
      el('ul', { class: 'things' }, own.map(t => thing(a, t)),
        others.map(r => el('li', { class: 'soft' }, `${r.destination} → ${r.nextHop}, ${r.status} (not of this connection)`)),
        own.length + others.length === 0 ? el('li', { class: 'soft' }, 'no routes besides the VPC\'s own') : ''),
      serves.map(v => el('div', { class: 'soft' }, `serves vSwitch ${v.id}, ${v.cidrBlock}` + (v.zoneId ? ', ' + v.zoneId : '') + (v.networkAclId ? `, behind network ACL ${v.networkAclId}` : ''))));
  }

  const groups = (asked.securityGroups || []).map(g => g.securityGroupId);
  for (const t of mine) if (t.kind === rule && !groups.includes(t.in)) groups.push(t.in);
  for (const id of groups) section('Security group ' + id, el('ul', { class: 'things' }, mine.filter(t => t.kind === rule && t.in === id).map(t => thing(a, t))));
  if (!groups.length) section('Security groups', el('div', { class: 'soft' }, 'none is asked for, so no rules are made here'));
  return box;
}

const typeNames = { ExpressConnect: 'Express Connect', VpcPeering: 'VPC peering' };

// joint draws what joins the two sides.
function joint(a, list) {
  const all = list.filter(t => t.kind === interfaceKind || t.kind === peering), kept = all.filter(t => !t.going), made = kept.length ? kept : all;
  const worst = made.find(t => t.tone === 'bad') || made.find(t => t.tone === 'busy') || made[0];
  const tone = worst ? worst.tone : 'none';
  const word = { good: '✓ joined', bad: '✕ broken', busy: worst && worst.going ? '… still joined, being taken away' : '… being joined', none: a.live ? '– not joined' : 'not read yet' }[tone];
  const type = [typeNames[a.request.type] || a.request.type, a.request.specification].filter(Boolean).join(' ');
  const pinged = wanted(a) && a.ended && a.verdict ? sides.map(s => [s, lastPing(a, s)]).filter(([, p]) => p) : [];
  return el('div', { class: 'joint ' + tone }, el('div', {}, type), el('strong', {}, word),
    pinged.map(([s, p]) => el('div', p.received ? {} : { class: 'bad' }, (s === 'initiator' ? '─► ' : '◄─ ') + (p.received ? `${p.avg} ms, ` : '') + (p.error ? 'no ping' : `${p.loss} % lost`))),
    pinged.length ? el('div', { class: 'soft' }, 'checked ' + clock(a.verdict.at)) : '',
    made.filter(t => t.kind === peering).map(t => el('div', {}, t.tone === 'good' ? `${t.id}, ${t.status}` : says(a, t))));
}

const named = t => [t.kind.replaceAll('-', ' '), t.id, 'in', t.in + ':', t.what, t.leadsTo ? '→ ' + t.leadsTo : '', t.status].filter(Boolean).join(' ');

// picture draws a connection with all that is known of it.
function picture(a) {
  const list = parts(a);
  const [tone, ...texts] = headline(a, list);
  const live = a.live || {};
  const said = (title, lines, cls) => lines && lines.length ? el('div', { class: 'say ' + cls }, el('p', {}, title), lines.map(s => el('p', {}, s))) : '';
  return [
    el('div', { class: 'say ' + tone, id: 'headline' }, texts.filter(Boolean).map(s => el('p', {}, s))),
    a.frozen ? said('Changes are frozen; checks go on.', [a.frozen], 'busy') : '',
    said('Not all could be read, so it is not said what is missing.', live.problems, 'busy'),
    said('What is missing cannot be made:', live.conflicts, 'bad'),
    said('In the way, or waited for:', (live.notes || []).filter(n => a.ended || !n.startsWith('Waits: ')), 'busy'),
    said('There, and no longer wanted:', a.ended ? (live.leftovers || []).map(named) : [], 'busy'),
    said('Could not be removed:', (a.leftovers || []).map(p => p.sentence), 'bad'),
    said('In use or in the way, and not made by this deployment:', (live.foreign || []).map(named), 'none'),
    el('div', { class: 'picture' }, vpc(a, list, 'initiator'), joint(a, list), vpc(a, list, 'acceptor')),
    list.length && wanted(a) ? [el('h2', {}, 'The way of a packet'), way(a, list, 'initiator'), way(a, list, 'acceptor')] : '',
  ].flat();
}
