// Fills the lists of the page. Text is set as text, never as markup; there is no other script, and no network.
(function () {
  'use strict';
  var rowsPerPage = 200, mostPrinted = 5000;
  var byId = function (id) { return document.getElementById(id); };
  // files: p path (a line break between its components), v volume, d folder, s state, c content, z size, r reference, pr parent's, pu path not wholly known, g grade of the path,
  //   pn note on it, t times of $STANDARD_INFORMATION, n of $FILE_NAME when they differ, x removed, cb created, es estimates by sequence numbers (w of what, e, l, m by what), f flags, ps paths,
  //   st streams, k sightings, km how many more. Bounds: e, l ends, eb, lb what sets them; ge, gl, gm an estimate. Sentences are in `words`.
  var data = JSON.parse(byId('file-data').textContent);
  var files = data.files, words = data.words;
  // By number: e evidence, i integrity, v volume, s what it states, h SHA-256, r ranges [space, offset, length], n their length, b bytes.
  var sightings = null;
  function sighting(n) {
    if (!sightings) sightings = JSON.parse(byId('sighting-data').textContent);
    return sightings[n];
  }

  function make(tag, className, text) {
    var element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  }
  function put(parent) {
    for (var i = 1; i < arguments.length; i++)
      if (arguments[i] !== null) parent.append(arguments[i]);
    return parent;
  }
  function commas(n) { return String(n).replace(/\B(?=(\d{3})+$)/g, ','); }
  function chip(state) { return make('span', 'chip s-' + state, state); }
  function time(iso) {
    var dot = iso.indexOf('.');
    var element = make('time', '', iso.slice(0, 10) + '\u00a0' + iso.slice(11, dot));
    element.dateTime = iso;
    return put(element, make('small', '', iso.slice(dot)));
  }
  function interval(b) {
    var span = make('span');
    if (!b) return span;
    if (b.e && b.l) return b.e === b.l ? put(span, time(b.e)) : put(span, time(b.e), ' to ', time(b.l));
    if (b.e) return put(span, 'after ', time(b.e));
    if (b.l) return put(span, 'before ', time(b.l));
    return span;
  }
  function bytesOf(base64) {
    var text = atob(base64), bytes = new Uint8Array(text.length);
    for (var i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    return bytes;
  }
  // Sixteen bytes a line, each line with where it lies in the image; a stretch elsewhere begins a line of its own.
  function hexOf(bytes, ranges) {
    var lines = [], at = 0, wide = 0;
    ranges.forEach(function (r) { wide = Math.max(wide, (r[1] + r[2]).toString(16).length); });
    wide = Math.max(wide, 8);
    ranges.forEach(function (r) {
      for (var done = 0; done < r[2] && at < bytes.length;) {
        var n = Math.min(16 - (r[1] + done) % 16, r[2] - done, bytes.length - at), skip = (r[1] + done) % 16;
        var hex = '   '.repeat(skip), text = ' '.repeat(skip);
        for (var i = 0; i < n; i++) {
          var b = bytes[at + i];
          hex += (b < 16 ? '0' : '') + b.toString(16) + ' ';
          text += b >= 32 && b < 127 ? String.fromCharCode(b) : '.';
        }
        lines.push((r[1] + done - skip).toString(16).padStart(wide, '0') + '  ' + hex.padEnd(48) + ' ' + text);
        at += n;
        done += n;
      }
    });
    return lines.join('\n');
  }
  function rangeText(r) { return (r[0] === 'disk' ? '' : r[0] + ' ') + commas(r[1]) + ' + ' + commas(r[2]); }

  function sightingCard(n) {
    var s = sighting(n), card = make('div', 'card sighting');
    card.id = 'sighting-' + n;
    put(card, make('h5', '', 'Sighting ' + n));
    if (!s) return put(card, make('p', 'note', 'Not in this page: see findings.json.'));
    put(card.firstChild, ' ', make('span', 'chip', s.e), ' ', s.i === 'good' ? null : make('span', 'chip warn', s.i));
    if (s.s) put(card, make('p', 'states', s.s));
    var dl = make('dl');
    s.r.forEach(function (r, i) {
      put(dl, make('dt', '', i ? '' : 'in the image'), make('dd', '', rangeText(r) + '  (0x' + r[1].toString(16) + ')'));
    });
    put(dl, make('dt', '', 'SHA-256'), make('dd', 'hash', s.h || 'none: the bytes could not be read'));
    put(card, dl);
    if (s.b) {
      var bytes = bytesOf(s.b);
      put(card, make('pre', 'hex', hexOf(bytes, s.r)));
      if (bytes.length < s.n) put(card, make('p', 'note', 'The first ' + commas(bytes.length) + ' of ' + commas(s.n) + ' bytes.'));
    }
    return card;
  }

  // ---- files
  var shown = files, first = 0;
  var rows = byId('file-rows'), text = byId('file-text'), content = byId('file-content'), state = byId('file-state');

  function option(select, value, count) {
    var o = make('option', '', value + ' (' + commas(count) + ')');
    o.value = value;
    select.append(o);
  }
  function fillSelects() {
    var contents = {}, states = {};
    files.forEach(function (f) {
      var c = f.d ? 'folder' : f.c;
      contents[c] = (contents[c] || 0) + 1;
      states[f.s] = (states[f.s] || 0) + 1;
    });
    Object.keys(contents).sort().forEach(function (c) { option(content, c, contents[c]); });
    Object.keys(states).sort().forEach(function (s) { option(state, s, states[s]); });
  }
  function nameOf(path) { return path.slice(path.lastIndexOf('\n') + 1) || shownPath(path); }
  function shownPath(path) { return path.replaceAll('\n', '\\'); }
  function prefix(f) { return [f.v === undefined ? '' : 'volume ' + f.v, f.pu ? 'place not known' : ''].filter(Boolean).join(', '); }

  function detail(f) {
    var box = make('div', 'detail'), dl = make('dl');
    function field(label, value) { put(dl, make('dt', '', label), put(make('dd'), value)); }
    field('path', make('code', '', shownPath(f.p)));
    if (f.g || f.pn) field('of the path', [f.g, f.pn].filter(Boolean).join('; '));
    if (f.r) field('reference', f.r + (f.pr ? ', in ' + f.pr : ''));
    var names = ['created', 'modified', 'changed', 'accessed'];
    [['t', '$STANDARD_INFORMATION'], ['n', '$FILE_NAME']].forEach(function (kind) {
      if (!f[kind[0]]) return;
      var span = make('span');
      f[kind[0]].forEach(function (t, i) { if (t) put(span, make('span', 'basis', names[i] + ' '), time(t), ' '); });
      field(kind[1], span);
    });
    if (f.t && !f.n) field('$FILE_NAME', 'the same, or not back');
    [['x', 'removed'], ['cb', 'created, by copies']].forEach(function (kind) {
      var b = f[kind[0]];
      if (!b) return;
      var span = interval(b);
      if (b.eb !== undefined && b.eb === b.lb && b.e === b.l) put(span, make('div', 'basis', words[b.eb]));
      else if (b.eb !== undefined) put(span, make('div', 'basis', 'not before: ' + words[b.eb]));
      if (b.lb !== undefined && (b.eb !== b.lb || b.e !== b.l)) put(span, make('div', 'basis', 'not after: ' + words[b.lb]));
      if (b.gm !== undefined) put(span, put(make('div', 'basis', 'estimate: '), interval({e: b.ge, l: b.gl}), ' (' + words[b.gm] + ')'));
      field(kind[1], span);
    });
    (f.es || []).forEach(function (e) {
      field(words[e.w] + ', about', put(make('span'), interval(e), make('div', 'basis', words[e.m])));
    });
    if (f.f) field('flags', f.f.map(function (w) { return words[w]; }).join(', '));
    (f.ps || []).forEach(function (p) {
      field('had the path', put(make('span'), make('code', '', p.p), ' ', interval(p), ' ' + p.g + (p.n ? '; ' + p.n : '')));
    });
    put(box, dl);
    (f.st || []).forEach(function (s) { stream(box, s); });
    if (f.k.length) {
      var more = make('details'), done = false;
      put(more, make('summary', '', commas(f.k.length + (f.km || 0)) + ' sightings'));
      more.addEventListener('toggle', function () {
        if (done || !more.open) return;
        done = true;
        f.k.forEach(function (n) { more.append(sightingCard(n)); });
        if (f.km) put(more, make('p', 'note', 'and ' + commas(f.km) + ' more: in findings.json'));
      });
      put(box, more);
    }
    return box;
  }
  function stream(box, s) {
    var head = make('h5', '', s.n ? 'Stream ' + s.n : 'Content');
    put(box, put(head, ' ', chip(s.c), ' ' + commas(s.z) + ' bytes' + (s.re ? ', resident' : '') + (s.co ? ', compressed' : '') +
      (s.en ? ', encrypted' : '')));
    if (s.w !== undefined) put(box, make('p', 'note', words[s.w]));
    if (s.h) put(box, make('p', 'hash', 'SHA-256 ' + s.h));
    if (s.r) {
      var table = make('table', 'runs');
      put(table, put(make('thead'), put(make('tr'), make('th', '', 'VCN'), make('th', '', 'LCN'), make('th', '', 'Clusters'),
        make('th', '', 'State'), make('th', '', 'Of'))));
      var body = make('tbody');
      s.r.forEach(function (r) {
        put(body, put(make('tr'), make('td', 'n', commas(r[0])), make('td', 'n', r[1] < 0 ? '' : commas(r[1])),
          make('td', 'n', commas(r[2])), put(make('td'), chip(r[3]), r[5] ? ' ' + r[5] : null), make('td', 'wrap', r[4])));
      });
      put(box, put(table, body));
      if (s.rm) put(box, make('p', 'note', 'and ' + commas(s.rm) + ' more runs'));
    }
    (s.pa || []).forEach(function (p) {
      put(box, make('p', 'note', commas(p.z) + ' bytes at ' + commas(p.o) + (p.oi ? ' (place inferred)' : '') + (p.so ? ', from ' + p.so : '') +
        (p.a ? ': ' + p.a : '')));
      if (p.t !== undefined) put(box, make('pre', '', p.t));
      if (p.b) put(box, make('pre', 'hex', hexOf(bytesOf(p.b), [['disk', p.o, p.z]])));
      if (p.cut || (p.b && p.z > 256)) put(box, make('p', 'note', 'Only its beginning is shown.'));
    });
    if (s.pm) put(box, make('p', 'note', 'and ' + commas(s.pm) + ' more parts'));
  }

  // `label` is what stands for it below the folder above it, `level` how deep that is.
  function fileRow(f, label, level) {
    var row = make('tr', f.d ? 'folder' : ''), name = make('td', 'name wrap');
    var button = make('button', 'open', label);
    button.type = 'button';
    button.setAttribute('aria-expanded', 'false');
    indent(name, level);
    put(name, button, prefix(f) ? make('span', 'basis', ' ' + prefix(f)) : null);
    put(row, name, put(make('td'), f.d ? null : chip(f.c)), make('td', 'n', f.d || f.z === undefined ? '' : commas(f.z)),
      put(make('td'), chip(f.s)));
    var times = f.t || f.n;
    put(row, put(make('td', 't'), times && times[0] ? time(times[0]) : null),
      put(make('td', 't'), f.s !== 'deleted' ? null : f.x ? f.x.e || f.x.l ? interval(f.x) : f.x.ge || f.x.gl ?
        put(make('span', '', 'about '), interval({e: f.x.ge, l: f.x.gl})) : 'time unknown' : 'time unknown'));
    button.addEventListener('click', function () {
      var open = button.getAttribute('aria-expanded') === 'true';
      button.setAttribute('aria-expanded', String(!open));
      if (open) return row.nextSibling.remove();
      var cell = make('td');
      cell.colSpan = 6;
      row.after(put(make('tr', 'opened'), put(cell, detail(f))));
    });
    return row;
  }

  function indent(cell, level) { cell.style.paddingLeft = .6 + Math.min(level, 12) * 1.1 + 'rem'; }

  // A tree: a folder of which there is no file of its own has a row too, once, with all of its path that no row above it has.
  function drawFiles(count) {
    var end = Math.min(first + count, shown.length), list = document.createDocumentFragment(), above = [], volume;
    function below(path) {
      while (above.length && !path.startsWith(above[above.length - 1])) above.pop();
      return path.slice(above.length ? above[above.length - 1].length : 0);
    }
    for (var i = first; i < end; i++) {
      var f = shown[i], folder = f.p.slice(0, f.p.lastIndexOf('\n', f.d ? f.p.length - 2 : f.p.length) + 1);
      if (f.v !== volume) above = [];
      volume = f.v;
      var rest = below(f.d ? f.p : folder);
      if (!f.d && rest) {
        var cell = make('td', 'name wrap', shownPath(rest));
        if (prefix(f)) put(cell, make('span', 'basis', ' ' + prefix(f)));
        cell.colSpan = 6;
        indent(cell, above.length);
        put(list, put(make('tr', 'folder above'), cell));
        above.push(folder);
      }
      var whole = f.d && !f.p.endsWith('\n') ? f.p + '\n' : f.p;
      put(list, fileRow(f, f.d ? shownPath(below(whole) || whole) : nameOf(f.p), above.length));
      if (f.d) above.push(whole);
    }
    rows.replaceChildren(list);
    byId('file-count').textContent = shown.length === 0 ? 'none' : commas(first + 1) + ' to ' + commas(end) + ' of ' + commas(shown.length);
    byId('file-rest').textContent = end < shown.length ? 'and ' + commas(shown.length - end) + ' more' : '';
    byId('file-back').disabled = first === 0;
    byId('file-next').disabled = end >= shown.length;
  }
  function filterFiles() {
    var wanted = text.value.toLowerCase(), c = content.value, s = state.value;
    shown = !wanted && !c && !s ? files : files.filter(function (f) {
      return (!c || (f.d ? 'folder' : f.c) === c) && (!s || f.s === s) && (!wanted || shownPath(f.p).toLowerCase().includes(wanted));
    });
    first = 0;
    drawFiles(rowsPerPage);
  }
  function step(by) {
    first = Math.max(0, first + by);
    drawFiles(rowsPerPage);
    byId('files').scrollIntoView();
  }

  // ---- findings
  var findings = Array.from(document.querySelectorAll('details.finding'));
  function fillFinding(details) {
    var box = details.querySelector('.sightings');
    if (!box || box.dataset.done) return;
    box.dataset.done = '1';
    box.replaceChildren();
    box.dataset.sightings.split(' ').forEach(function (n) { box.append(sightingCard(n)); });
  }
  function filterFindings() {
    var wanted = byId('finding-text').value.toLowerCase(), grade = byId('finding-grade').value, count = 0;
    findings.forEach(function (details) {
      var keep = (!grade || details.dataset.grade === grade) &&
        (!wanted || details.querySelector('summary').textContent.toLowerCase().includes(wanted));
      details.hidden = !keep;
      if (keep) count++;
    });
    byId('finding-count').textContent = commas(count) + ' of ' + commas(findings.length);
  }
  findings.forEach(function (details) {
    details.addEventListener('toggle', function () { if (details.open) fillFinding(details); });
  });

  // A link to a sighting opens the first finding that cites it.
  function follow() {
    var id = decodeURIComponent(location.hash.slice(1)), target = id && byId(id);
    if (target && target.tagName === 'DETAILS') target.open = true;
    var number = /^sighting-(\d+)$/.exec(id);
    if (!number) return;
    var holder = findings.find(function (f) {
      var box = f.querySelector('.sightings');
      return box && (' ' + box.dataset.sightings + ' ').includes(' ' + number[1] + ' ');
    });
    if (holder) {
      holder.hidden = false;
      fillFinding(holder);
      holder.open = true;
    } else if (!target) {
      byId('finding-list').after(sightingCard(number[1]));
    }
    byId(id).scrollIntoView();
  }

  document.querySelectorAll('.script').forEach(function (element) { element.hidden = false; });
  fillSelects();
  filterFiles();
  filterFindings();
  var waiting = 0;
  text.addEventListener('input', function () {
    clearTimeout(waiting);
    waiting = setTimeout(filterFiles, 120);
  });
  content.addEventListener('change', filterFiles);
  state.addEventListener('change', filterFiles);
  byId('file-back').addEventListener('click', function () { step(-rowsPerPage); });
  byId('file-next').addEventListener('click', function () { step(rowsPerPage); });
  byId('finding-text').addEventListener('input', filterFindings);
  byId('finding-grade').addEventListener('change', filterFindings);
  byId('finding-open').addEventListener('click', function () { findings.forEach(function (f) { if (!f.hidden) f.open = true; }); });
  byId('finding-close').addEventListener('click', function () { findings.forEach(function (f) { f.open = false; }); });
  window.addEventListener('hashchange', follow);
  // On paper the rows that the filter leaves, not only those of the page.
  window.addEventListener('beforeprint', function () { first = 0; drawFiles(mostPrinted); });
  window.addEventListener('afterprint', function () { drawFiles(rowsPerPage); });
  follow();
  document.documentElement.dataset.ready = '1';
})();
