// Keeps the pages up to date. All works without it.
// Elements say what they follow (webui/frame/live.templ):
// data-live="line/1"   root: the resource that its parts show
// data-list="call"     container of such roots, with a <template> for one that appears;
//                      data-gone: states without one; data-order="first";
//                      data-max: no more; [data-empty] shows while there is none
// data-field="a.b"     text of a member; data-format: how; data-words: the word of a value
// data-attr="state"    data-state of the element
// data-value, -max     of a progress or meter; data-href, -src: an address with {members}
// data-if="trial"      hidden while it is nothing; "!trial": while not
// data-reload="a b"    [data-renew] is drawn anew once these are not data-seen
// data-countdown, -time, -elapsed: moments, spans, each second; data-clock: by the clock
'use strict';
(() => {
  const root = document.documentElement, body = document.body;
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  // The device's clock counts, not the browser's.
  const begun = body.dataset.now || '', skew = Date.now() - (Date.parse(begun) || Date.now());
  const now = () => Date.now() - skew;
  const zone = Date.parse(begun.slice(0, 23) + 'Z') - Date.parse(begun) || 0;
  const clock = t => new Date(t + zone).toISOString().slice(0, 19).replace('T', ' ');

  const two = n => String(n).padStart(2, '0');
  const span = s => {
    s = Math.max(0, Math.floor(s));
    const d = Math.floor(s / 86400), h = Math.floor(s / 3600) % 24, m = Math.floor(s / 60) % 60;
    const clock = s >= 3600 ? h + ':' + two(m) + ':' + two(s % 60) : m + ':' + two(s % 60);
    return d ? d + ' d ' + clock : clock;
  };
  const formats = {
    pct: v => v.toFixed(1) + ' %',
    ms: v => v.toFixed(0) + ' ms',
    mos: v => v.toFixed(1),
    bitrate: v => v + ' bit/s',
    number: v => v.toLocaleString(root.lang),
    duration: span,
    talk: (v, call) => span((Date.parse(call.ended) - Date.parse(v)) / 1000),
  };
  const member = (data, path) => path.split('.').reduce((v, name) => (v == null ? null : v[name]), data);

  const relative = new Intl.RelativeTimeFormat(root.lang, { numeric: 'auto' });
  const steps = [[60, 'second'], [3600, 'minute'], [86400, 'hour'], [7 * 86400, 'day']];
  function tellTime(el) {
    const t = Date.parse(el.dateTime);
    if (isNaN(t)) return;
    const s = (t - now()) / 1000, far = Math.abs(s);
    if (el.dataset.time === 'next_try') el.parentNode.hidden = s < 0;
    const i = steps.findIndex(step => far < step[0]);
    const local = new Date(t).toLocaleString(root.lang, { dateStyle: 'medium', timeStyle: 'medium' });
    const text = i < 0 ? local : i === 0 && far < 10 ? relative.format(0, 'second')
      : relative.format(Math.trunc(s / (i ? steps[i - 1][0] : 10)) * (i ? 1 : 10), steps[i][1]);
    const clocked = 'clock' in el.dataset, day = clock(now()).slice(0, 11);
    say(el, clocked ? clock(t).replace(day, '') : text);
    el.title = clocked ? text : local;
  }
  const say = (el, text) => { if (el.textContent !== text) el.textContent = text; };

  function count(el) {
    if (el.due === undefined) { // as the server wrote it
      const parts = el.textContent.trim().match(/\d+/g);
      if (!parts) return;
      const weight = [1, 60, 3600, 86400];
      el.due = Date.now() + 1000 * parts.reverse().reduce((s, p, i) => s + p * weight[i], 0);
    }
    if (el.due !== null) say(el, span((el.due - Date.now()) / 1000));
  }
  function elapse(el) {
    const t = Date.parse(el.dateTime);
    if (!isNaN(t)) say(el, span((now() - t) / 1000));
  }
  function tick() {
    all('[data-countdown]').forEach(count);
    all('[data-elapsed]').forEach(elapse);
    all('[data-time]').forEach(tellTime);
  }

  const address = (text, data) => text.replace(/\{([\w.]+)\}/g, (_, path) => encodeURIComponent(member(data, path) ?? ''));
  const bindings = {
    field(el, v, data) {
      const words = el.dataset.words, f = formats[el.dataset.format];
      let text = v == null || v === '' ? '–' : f ? f(v, data) : String(v);
      if (words) for (const w of words.split('|')) {
        const at = w.indexOf('=');
        if (w.slice(0, at) === String(v)) text = w.slice(at + 1);
      }
      say(el, text);
    },
    attr(el, v) { el.dataset.state = v ?? ''; },
    value(el, v) { v == null ? el.removeAttribute('value') : el.value = v; },
    max(el, v) { if (v) el.max = v; },
    if(el, v) { el.hidden = v == null || v === false || v === 0 || v === ''; },
    countdown(el, v) { el.hidden = v == null; el.due = v == null ? null : Date.now() + v * 1000; count(el); },
    time(el, v) { when(el, v); tellTime(el); },
    elapsed(el, v) { when(el, v); elapse(el); },
  };
  function when(el, v) {
    if (v) el.dateTime = v;
    else { el.removeAttribute('datetime'); say(el, '–'); }
  }
  // The element and its parts, but roots and lists inside.
  function apply(el, data) {
    for (const part of [el, ...all('*', el)]) {
      if (part !== el && part.closest('[data-live],[data-list],[data-answer]') !== el) continue;
      for (const name in bindings) {
        let path = part.dataset[name];
        if (!path || name === 'max' && part.dataset.list) continue;
        const not = path[0] === '!';
        if (not) path = path.slice(1);
        const v = member(data, path);
        bindings[name](part, not ? !v && v !== 0 : v, data); // 0 is a value
      }
      for (const name of ['href', 'src']) {
        const text = part.dataset[name];
        if (!text) continue;
        const to = text[0] === '/' ? address(text, data) : member(data, text);
        if (to?.[0] !== '/') continue;
        if (/\/(?:\.|\/|$)/.test(to) || part.getAttribute(name) === to) continue; // a member is missing
        if (name === 'src') picture(part, to);
        else part.setAttribute(name, to);
      }
    }
    const seen = el.dataset.reload && String(el.dataset.reload.split(' ').map(path => member(data, path)));
    if (seen && seen !== el.dataset.seen) { el.dataset.seen = seen; renew(); }
    el.dispatchEvent(new CustomEvent('live', { detail: data, bubbles: true }));
  }

  // An answer that is not the page (busy, away, logged out) leaves what is there until then.
  // What is asked for by itself is no visit.
  const byItself = { headers: { 'Tipring-Page': '1' } };
  let turns = 0, owed = false;
  async function renew() {
    const mine = ++turns;
    let text = null;
    try {
      const r = await fetch(location, byItself);
      if (r.ok && !r.redirected) text = await r.text();
    } catch {}
    if (mine !== turns) return;
    owed = text === null;
    if (owed) return;
    const page = new DOMParser().parseFromString(text, 'text/html');
    for (const old of all('[data-renew]')) {
      if (old.typed || old.querySelector('input:focus')) old.dataset.stale = '';
      else old.replaceWith(page.getElementById(old.id) || '');
    }
  }
  document.addEventListener('input', e => { const part = e.target.closest('[data-renew]'); if (part) part.typed = true; });

  // A picture is asked for anew when the one before is there.
  function picture(img, to) {
    img.next = to;
    if (img.busy) return;
    const load = () => { img.src = img.busy = img.next; };
    if (!img.known) {
      img.known = true;
      const done = ok => () => {
        const again = img.next !== img.busy;
        img.hidden = !ok;
        img.busy = '';
        if (again) load();
      };
      img.addEventListener('load', done(true));
      img.addEventListener('error', done(false));
    }
    load();
  }

  const itemsOf = list => [...list.children].filter(el => el.dataset.live);
  const listsOf = kind => all('[data-list]').filter(el => el.dataset.list === kind);
  const idOf = (kind, data) => data[kind === 'line' || kind === 'port' ? kind : 'id'];
  function take(kind, data) {
    const id = idOf(kind, data), name = id === undefined ? kind : kind + '/' + id;
    met?.add(name);
    const roots = all('[data-live]').filter(el => el.dataset.live === name);
    for (const list of listsOf(kind)) enlist(list, name, id, data, roots);
    roots.forEach(el => apply(el, data));
  }
  // All of a kind, in their order.
  function takeAll(kind, items) {
    const names = items.map(d => kind + '/' + idOf(kind, d));
    const lists = listsOf(kind), focus = document.activeElement;
    for (const list of lists) {
      for (const el of itemsOf(list)) if (!names.includes(el.dataset.live)) el.remove();
      tidy(list);
    }
    items.forEach(d => take(kind, d));
    for (const list of lists) names.forEach((name, i) => {
      const there = itemsOf(list), el = there.find(el => el.dataset.live === name);
      if (el && el !== there[i]) list.insertBefore(el, there[i]);
    });
    if (focus !== document.activeElement) focus.focus({ preventScroll: true });
  }
  // What a stream did not tell of is no more.
  function settle() {
    for (const list of met ? all('[data-gone]') : []) {
      for (const el of itemsOf(list)) if (!met.has(el.dataset.live)) el.remove();
      tidy(list);
    }
    met = null;
  }
  function enlist(list, name, id, data, roots) {
    const gone = (list.dataset.gone || '').split(' ').includes(data.state);
    const old = id === undefined ? null : roots.find(el => el.parentElement === list);
    if (old && gone) old.remove();
    const template = list.querySelector(':scope > template');
    if (!old && !gone && template) {
      const item = template.content.firstElementChild.cloneNode(true);
      for (const el of [item, ...all('[data-live]', item)]) {
        el.dataset.live = name;
        roots.push(el);
      }
      if (id !== undefined) item.dataset.key = id;
      list.dataset.order === 'first' ? template.after(item) : list.append(item);
      if (id === undefined) apply(item, data);
    }
    tidy(list);
  }
  function tidy(list) {
    const items = itemsOf(list);
    for (let i = 0; i < items.length - (list.dataset.max || Infinity); i++) items[list.dataset.order === 'first' ? items.length - 1 - i : i].remove();
    const empty = list.querySelector(':scope > [data-empty]');
    if (empty) empty.hidden = items.length > 0;
  }

  // What the page shows, of that which its reader may hear of.
  const names = (body.dataset.events || '').split(' ').filter(kind => all('[data-live],[data-list]').some(el => (el.dataset.list || el.dataset.live).split('/')[0] === kind));
  // met: what a stream told before its first alive: all that there is.
  let source = null, lost = 0, heard = 0, met = null;
  const note = show => { const el = document.querySelector('[data-offline]'); if (el) el.hidden = !show; body.classList.toggle('old', show); };
  function connect() {
    lost = clearTimeout(lost);
    source?.close();
    heard = Date.now();
    source = new EventSource('/api/v1/events?only=' + names);
    source.onopen = () => { lost = clearTimeout(lost); met = new Set(); note(false); };
    source.onerror = () => {
      lost = lost || setTimeout(() => note(true), 2000);
      if (source.readyState === 2) { // refused: the session may be over
        note(true);
        fetch('/api/v1/session', byItself).then(r => r.status === 401 && location.replace(location.pathname));
        setTimeout(() => document.hidden || connect(), 10000);
      }
    };
    for (const name of [...names, 'alive']) source.addEventListener(name, e => {
      let data;
      heard = Date.now();
      try { data = JSON.parse(e.data); } catch { return; }
      if (name === 'alive') settle();
      if (Array.isArray(data)) takeAll(name, data);
      else take(name, data);
      if (owed && name === 'alive') renew();
    });
  }
  if (names.length) connect();
  // The device says something every 15 s; a dead network does not.
  const listen = () => { if (Date.now() - heard > 35000) note(true), connect(); };
  // Unseen it asks for nothing.
  document.addEventListener('visibilitychange', () => {
    if (!source) return;
    source.close();
    if (!document.hidden) { connect(); tick(); }
  });
  tick();
  setInterval(() => { if (!document.hidden) tick(), source && listen(); }, 1000);

  all('[data-script]').forEach(el => { el.hidden = false; });
  document.addEventListener('submit', e => {
    const question = e.target.dataset.confirm;
    if (question && !confirm(question)) e.preventDefault();
  });
  document.addEventListener('keydown', e => {
    const menu = e.key === 'Escape' && document.querySelector('.fold[open]');
    if (menu) { menu.open = false; menu.firstElementChild.focus(); }
  });
  // data-drop: where a file can be dropped.
  for (const zone of all('[data-drop]')) {
    const over = on => e => { e.preventDefault(); zone.classList.toggle('over', on); };
    zone.addEventListener('dragover', over(true));
    zone.addEventListener('dragleave', over(false));
    zone.addEventListener('drop', e => {
      over(false)(e);
      const input = zone.querySelector('input[type=file]');
      if (!input || !e.dataTransfer.files.length) return;
      input.files = e.dataTransfer.files;
      input.dispatchEvent(new Event('change', { bubbles: true }));
    });
  }
  // data-filter="ID": hides rows that lack a word.
  for (const input of all('[data-filter]')) input.addEventListener('input', () => {
    const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of all('#' + CSS.escape(input.dataset.filter) + ' tbody tr')) {
      const text = row.textContent.toLowerCase();
      row.hidden = !wanted.every(w => text.includes(w));
    }
  });
  // data-ask="URL" on a form: posts its fields as JSON while one types; [data-answer] shows the
  // answer.
  for (const form of all('form[data-ask]')) {
    let timer = 0, turn = 0;
    form.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(ask, 120, ++turn); });
    const ask = async mine => {
      const answer = form.querySelector('[data-answer]');
      let data = null;
      try {
        const r = await fetch(form.dataset.ask, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(Object.fromEntries(new FormData(form))) });
        if (r.ok) data = await r.json();
      } catch {}
      if (mine !== turn || !answer) return;
      answer.hidden = !data;
      if (data) apply(answer, data);
    };
  }
})();
