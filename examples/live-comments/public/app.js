'use strict';
// The page's side of the conversation: one WebSocket, opened again with growing pauses when it is lost, and comments that
// cross the picture in lanes.

const $ = (id) => document.getElementById(id);
const stage = $('sky');
const LONGEST_LOG = 200;

// --- Comments that fly

const LANE = 46; // px
let lanes = []; // when each lane's last comment has left the right edge

function freeLane() {
  const count = Math.max(3, Math.floor((stage.clientHeight * 0.72) / LANE));
  if (lanes.length !== count) lanes = Array.from({ length: count }, (_, i) => lanes[i] ?? 0);
  const now = performance.now();
  // The title stands in the first lanes: they come last.
  const order = [...lanes.keys()].sort((a, b) => (a < 2) - (b < 2));
  return order.find((i) => lanes[i] <= now) ?? lanes.indexOf(Math.min(...lanes));
}

function fly({ name, text, hue }, mine, delay = 0) {
  const comment = document.createElement('div');
  comment.className = mine ? 'comment mine' : 'comment';
  comment.style.setProperty('--hue', hue);
  const who = document.createElement('b');
  who.textContent = name;
  comment.append(who, document.createTextNode(text));
  stage.append(comment);
  const lane = freeLane();
  const width = comment.offsetWidth;
  const way = stage.clientWidth + width;
  const speed = 90 + Math.min(90, [...text].length) + Math.random() * 25; // px a second: long ones hurry
  const top = stage.clientHeight * 0.12 + lane * LANE * 0.94;
  lanes[lane] = performance.now() + delay + ((width + 60) / speed) * 1000;
  const reduced = matchMedia('(prefers-reduced-motion: reduce)').matches;
  const path = reduced
    ? [{ transform: `translate(1.5rem, ${top}px)`, opacity: 0 }, { transform: `translate(1.5rem, ${top}px)`, opacity: 1, offset: 0.1 },
       { transform: `translate(1.5rem, ${top}px)`, opacity: 0 }]
    : [{ transform: `translate(${stage.clientWidth}px, ${top}px)` }, { transform: `translate(${-width}px, ${top}px)` }];
  const flight = comment.animate(path, { duration: reduced ? 6000 : (way / speed) * 1000, delay, fill: 'backwards', easing: 'linear' });
  flight.onfinish = () => comment.remove();
}

function write({ name, text, hue, at }) {
  const item = document.createElement('li');
  item.style.setProperty('--hue', hue);
  item.title = new Date(at).toLocaleTimeString();
  const who = document.createElement('b');
  who.textContent = name;
  item.append(who, document.createTextNode(text));
  $('list').prepend(item);
  while ($('list').childElementCount > LONGEST_LOG) $('list').lastElementChild.remove();
}

// --- The line

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 15_000;
const MEANINGS = {
  1000: 'closed normally', 1001: 'the other side is going away', 1002: 'protocol error', 1003: 'kind of data not accepted',
  1006: 'lost without a word', 1008: 'against the rules', 1009: 'message too big', 1011: 'error on the other side',
  1012: 'restarting', 1013: 'try again later',
};
let socket;
let attempts = 0;
let wasOpen = false;
let timer;
let newest = 0; // id of the newest comment seen: history is not flown twice
let ref = 0;
const sentAt = new Map();

function show(state, word) {
  $('status').dataset.state = state;
  $('state').textContent = word;
  $('send').disabled = state !== 'open';
}

function connect() {
  clearInterval(timer);
  timer = undefined;
  show('connecting', attempts ? `connecting, attempt ${attempts + 1}` : 'connecting');
  const address = new URL('comments', location.href);
  address.protocol = address.protocol.replace('http', 'ws');
  socket = new WebSocket(address);
  socket.onopen = () => {
    wasOpen = true;
    $('lost').hidden = true;
    show('open', location.protocol === 'https:' ? 'connected, wss' : 'connected, ws');
  };
  socket.onmessage = ({ data }) => heard(JSON.parse(data));
  socket.onclose = lost;
}

function lost({ code, reason }) {
  show('closed', 'disconnected');
  $('online').textContent = '';
  sentAt.clear();
  // Full jitter: a harbour full of pages must not come back in one wave.
  const pause = Math.random() * Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** attempts) + 250;
  // An attempt that got nowhere says 1006, always: what ended the conversation stays on the screen.
  if (wasOpen) $('lost-why').textContent = `Close ${code}: ${reason || MEANINGS[code] || 'no reason given'}`;
  else if (!attempts) $('lost-why').textContent = 'No connection so far';
  const failed = wasOpen || !attempts ? '' : `Attempt ${attempts} failed. `;
  wasOpen = false;
  attempts += 1;
  $('lost').hidden = false;
  const due = Date.now() + pause;
  const count = () => {
    const left = due - Date.now();
    $('lost-next').textContent = `${failed}Next attempt in ${Math.max(0, left / 1000).toFixed(0)} s`;
    if (left <= 0) connect();
  };
  clearInterval(timer);
  timer = setInterval(count, 100);
  count();
}

function heard(message) {
  switch (message.type) {
    case 'welcome':
      attempts = 0; // the origin spoke: the way is good all through, not only up to the edge
      $('online').textContent = here(message.online);
      message.history.filter((c) => c.id > newest).forEach((comment, i) => {
        newest = comment.id;
        write(comment);
        fly(comment, false, i * 350);
      });
      break;
    case 'comment':
      newest = Math.max(newest, message.id);
      write(message);
      fly(message, message.ref !== undefined);
      if (sentAt.has(message.ref)) {
        $('delay').textContent = `${Math.max(1, Math.round(performance.now() - sentAt.get(message.ref)))} ms`;
        sentAt.delete(message.ref);
      }
      break;
    case 'online':
      $('online').textContent = here(message.count);
      break;
    case 'problem':
      hint(message.text);
      break;
  }
}

const here = (count) => (count === 1 ? 'only you here' : `${count} here`);

function hint(text) {
  $('hint').textContent = text;
  clearTimeout(hint.timer);
  hint.timer = setTimeout(() => ($('hint').textContent = ''), 3000);
}

$('say').addEventListener('submit', (event) => {
  event.preventDefault();
  const text = $('text').value.trim();
  if (!text) return hint('An empty comment does not fly.');
  if (socket.readyState !== WebSocket.OPEN) return hint('Not connected: your words stay here until the line is back.');
  localStorage.setItem('name', $('name').value);
  ref += 1;
  sentAt.set(ref, performance.now());
  socket.send(JSON.stringify({ type: 'comment', name: $('name').value, text, ref }));
  $('text').value = '';
  $('text').focus();
});
$('again').addEventListener('click', connect);
addEventListener('online', () => socket.readyState === WebSocket.CLOSED && connect());

$('name').value = localStorage.getItem('name') ?? '';
drawScene($('scene'));
connect();
