// The page: it asks for a token, reads the API and shows what it answers. The
// place is in the fragment: nothing for the list, else a connection's id.

const main = document.getElementById('main'), trouble = document.getElementById('trouble'), forget = document.getElementById('forget');
const soon = 2000, calm = 60000; // milliseconds between looks, while something runs and else
let timer, turn = 0; // a turn is a visit of a place; what an older one gets is thrown away

const clock = at => {
  if (!at) return '';
  const d = new Date(at), day = d.toDateString() === new Date().toDateString() ? '' : d.toLocaleDateString() + ' ';
  return day + d.toLocaleTimeString();
};
const long = ms => ms < 0 ? '0 s' : ms < 10000 ? (ms / 1000).toFixed(1) + ' s' : ms < 120000 ? Math.round(ms / 1000) + ' s' : ms < 7200000 ? Math.round(ms / 60000) + ' min' : Math.round(ms / 3600000) + ' h';

class Unknown extends Error {}

// read asks the API.
async function read(path) {
  const res = await fetch(path, { headers: { Authorization: 'Bearer ' + sessionStorage.getItem('token') }, cache: 'no-store' });
  if (res.status === 401) throw new Unknown();
  const text = await res.text();
  let body;
  try { body = JSON.parse(text); } catch { throw new Error(`The API answered ${res.status}, and no JSON.`); }
  if (!res.ok) throw new Error(body.detail || body.title);
  return body;
}

function complain(text) {
  trouble.textContent = text;
  trouble.hidden = !text;
}

// put shows what is new, and leaves the focus where it is.
function put(...content) {
  const focused = document.activeElement && document.activeElement.id;
  main.replaceChildren(...content.flat().filter(c => c !== ''));
  if (focused && document.getElementById(focused)) document.getElementById(focused).focus();
}

function askForToken(why) {
  sessionStorage.removeItem('token');
  forget.hidden = true;
  complain(why);
  const input = el('input', { id: 'token', type: 'password', autocomplete: 'off', required: true, 'aria-describedby': 'about' });
  put(el('form', { onsubmit: e => { e.preventDefault(); sessionStorage.setItem('token', input.value.trim()); visit(); } },
    el('label', { for: 'token' }, 'Token'), input,
    el('span', { id: 'about', class: 'soft' }, 'A read-only one is enough: this page changes nothing. It is kept until the tab is closed.'),
    el('button', { id: 'enter' }, 'Look')));
  input.focus();
}

// visit shows the place that the fragment names.
async function visit() {
  clearTimeout(timer);
  const mine = ++turn;
  if (!sessionStorage.getItem('token')) return askForToken('');
  forget.hidden = false;
  complain('');
  const id = decodeURIComponent(location.hash.slice(1));
  const look = id ? connection(id) : list();
  document.title = (id ? id + ' · ' : '') + 'VPC Interconnect';
  const again = async () => {
    if (mine !== turn) return;
    let wait = calm;
    try {
      if (!document.hidden) {
        const [next, content] = await look();
        if (mine !== turn) return;
        wait = next;
        complain('');
        put(content);
      }
    } catch (e) {
      if (mine !== turn) return;
      if (e instanceof Unknown) return askForToken('This deployment does not know that token.');
      complain(e.message + ' What is shown may be out of date; this page tries again.');
      wait = 5000;
    }
    timer = setTimeout(again, wait);
  };
  again();
}

// list looks at all connections, a page at a time.
function list() {
  let pages = 1;
  return async function look() {
    let all = [], next = 'connections', frozen, unreadable;
    for (let i = 0; i < pages && next; i++) {
      const page = await read(next);
      all = all.concat(page.connections);
      next = page.next && page.next.replace(/^\//, '');
      frozen = page.frozen; unreadable = page.unreadable;
    }
    const side = s => [el('span', { class: 'id' }, s.vpcId), ` ${s.regionId} ${(s.cidrBlocks || []).join(', ')}`];
    const rows = all.map(a => el('li', {}, el('div', { class: 'bar' }, el('a', { href: '#' + encodeURIComponent(a.id) }, a.id), badge(a.state)),
      el('p', {}, side(a.request.initiator), ' ↔ ', side(a.request.acceptor)),
      a.why ? el('p', { class: 'soft' }, a.why) : a.verdict ? el('p', { class: 'soft' }, `checked ${clock(a.verdict.at)}: ${a.verdict.outcome}`) : ''));
    return [all.some(a => !a.ended) ? soon : calm, [
      el('div', { class: 'bar' }, el('h1', {}, all.length === 1 ? '1 connection' : `${all.length}${next ? ' and more' : ''} connections`), el('button', { id: 'again', type: 'button', onclick: visit }, 'Read again')),
      frozen ? el('div', { class: 'say busy' }, el('p', {}, 'Changes are frozen; checks go on.'), el('p', {}, frozen)) : '',
      unreadable ? el('div', { class: 'say bad' }, el('p', {}, 'Some records cannot be read.'), el('p', {}, unreadable)) : '',
      all.length ? el('ul', { class: 'list' }, rows) : el('p', {}, 'None yet. Ask for one by POST /connections; /openapi.json says how.'),
      next ? el('button', { id: 'more', type: 'button', onclick: () => { pages++; visitSame(look); } }, 'More') : '',
    ]];
  };
}

// visitSame shows a look's content at once.
async function visitSame(look) {
  const mine = turn;
  try {
    const [, content] = await look();
    if (mine === turn) put(content);
  } catch (e) { complain(e.message); }
}

// connection looks at one connection. What exists is read when one first looks,
// when a step gets further or waits for something else, and at the end; in
// between the record is enough.
function connection(id) {
  let live, at;
  return async function look() {
    const path = 'connections/' + encodeURIComponent(id);
    let a = await read(path + '?live=false');
    const progress = JSON.stringify([a.generation, a.state, a.ended, a.steps.map(s => [s.progress, s.note]), a.verdict && a.verdict.at]);
    if (progress !== at) {
      a = await read(path);
      live = a.live;
      at = progress;
    }
    a.live = live;
    const fresh = () => { at = ''; visitSame(look); };
    return [a.ended ? calm : soon, [
      el('div', { class: 'bar' }, el('h1', {}, a.id), badge(a.state)),
      el('div', { class: 'bar soft' }, `generation ${a.generation}` + (a.requestedBy ? `, asked for by ${a.requestedBy}` : '') + `, ${clock(a.requestedAt)}` + (live ? `; the cloud as read at ${clock(live.at)}` : ''),
        el('button', { id: 'again', type: 'button', onclick: fresh }, 'Read the cloud again')),
      picture(a), wanted(a) && a.ended ? drift(a) : [], el('h2', {}, 'Steps'), steps(a), el('h2', {}, 'Checks'), checks(a),
    ].flat()];
  };
}

function steps(a) {
  const marks = { done: 'good', failed: 'bad', pending: 'none' };
  return el('table', { class: 'fold' }, el('thead', {}, el('tr', {}, ['step', 'progress', 'time', 'what'].map(s => el('th', {}, s)))),
    el('tbody', {}, a.steps.map(s => el('tr', {}, el('td', {}, el('strong', {}, s.step)),
      el('td', {}, el('span', { class: 'state ' + (marks[s.progress] || 'busy') }, s.progress)),
      el('td', s.since && s.progress !== 'done' && s.progress !== 'failed' ? { 'data-since': s.since } : {}, s.tookMs ? long(s.tookMs) : s.since && s.progress !== 'pending' ? long(Date.now() - Date.parse(s.since)) : ''),
      el('td', {}, [s.note, s.problem && s.problem.sentence, (s.resources || []).join(', ')].filter(Boolean).map(t => el('p', {}, t)))))));
}

// checks shows verdicts over time: a chart of round-trip times and losses, and
// the same in words.
function checks(a) {
  const history = a.history || [];
  if (!history.length) return el('p', { class: 'soft' }, 'none yet');
  const ping = (v, from) => (v.pings || []).find(p => p.from === from);
  const cell = (v, from) => {
    const p = ping(v, from), ports = (v.ports || []).filter(t => t.from === from).map(t => `TCP ${t.port} ${t.fate}`);
    return [p ? p.error || `${p.received ? p.avg + ' ms' : 'no answer'}, ${p.loss} % lost` : '', ...ports].filter(Boolean).join('; ') || '–';
  };
  return el('div', {}, chart(history.slice().reverse(), ping), el('table', { class: 'fold' },
    el('thead', {}, el('tr', {}, ['checked', 'verdict', 'from the initiator', 'from the acceptor', 'why'].map(s => el('th', {}, s)))),
    el('tbody', {}, history.map(v => el('tr', {}, el('td', {}, clock(v.at)),
      el('td', {}, el('span', { class: 'state ' + ({ connected: 'good', blocked: 'bad', 'one-way': 'bad', unproven: 'busy' }[v.outcome] || 'none') }, v.outcome)),
      sides.map(s => el('td', { 'data-as': 'from the ' + s }, cell(v, s))), el('td', {}, v.why))))));
}

function chart(history, ping) {
  const svg = (name, props, text) => {
    const e = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [k, v] of Object.entries(props)) e.setAttribute(k, v);
    if (text) e.textContent = text;
    return e;
  };
  const pings = history.map(v => sides.map(s => ping(v, s)));
  const most = Math.max(1, ...pings.flat().map(p => p && p.avg || 0));
  const width = 600, height = 80, base = 62, each = Math.min(60, width / history.length), box = svg('svg', { class: 'chart', viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'xMinYMid', role: 'img', 'aria-label': 'round-trip times and losses of the checks below' });
  history.forEach((v, i) => pings[i].forEach((p, j) => {
    const w = each * 0.35, x = i * each + each * 0.1 + j * each * 0.42;
    const up = !p || p.error ? 4 : p.received ? Math.max(3, p.avg / most * 46) : 46;
    const bar = svg('rect', { x, y: base - up, width: w, height: up, class: !p || p.error || v.outcome === 'isolated' ? 'unknown' : p.received ? 'rtt' : 'lost' });
    bar.append(svg('title', {}, `${clock(v.at)} from the ${sides[j]}: ${p ? p.error || `${p.avg || 0} ms, ${p.loss} % lost` : 'no ping'}`));
    box.append(bar);
    if (p && p.loss > 0) box.append(svg('text', { x: x + w / 2, y: base - up - 3, 'text-anchor': 'middle' }, p.loss === 100 ? '✕' : `${p.loss}%`));
  }));
  box.append(svg('text', { x: 0, y: height - 4 }, `${clock(history[0].at)} to ${clock(history[history.length - 1].at)}; two bars a check, from the initiator and from the acceptor; the highest is ${most} ms, ✕ is no answer`));
  return box;
}

forget.addEventListener('click', () => { turn++; clearTimeout(timer); askForToken(''); });
addEventListener('hashchange', visit);
document.addEventListener('visibilitychange', () => { if (!document.hidden) visit(); });
setInterval(() => document.querySelectorAll('[data-since]').forEach(e => { e.textContent = long(Date.now() - Date.parse(e.dataset.since)); }), 1000);
visit();
