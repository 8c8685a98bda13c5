// [data-network]: asks from here whether the conference server is reached: by HTTPS, by WebSocket, and, where a STUN server
// is named, by UDP. Nothing is sent but the questions themselves; no answer is read but that there is one.
const PATIENCE_MS = 8_000;
const network = document.querySelector('[data-network][data-url]');

function tell(name, state) {
  const section = network.querySelector(`[data-check="${name}"]`);
  if (section.dataset.state === state) return;
  section.dataset.state = state;
  for (const item of section.querySelectorAll('[data-when]')) item.hidden = !item.dataset.when.split(' ').includes(state);
  section.dispatchEvent(new CustomEvent('check:changed', { bubbles: true, detail: { name, state } }));
}

async function isReached(url) {
  const patience = new AbortController();
  const clock = setTimeout(() => patience.abort(), PATIENCE_MS);
  try {
    // Where conferences connect (BOSH). Of another site's answer a page learns only that there is one, and that is enough.
    await fetch(`${url}/http-bind`, {
      mode: 'no-cors', cache: 'no-store', credentials: 'omit', referrerPolicy: 'no-referrer', signal: patience.signal,
    });
    return true;
  } catch {
    return false;
  } finally {
    clearTimeout(clock);
  }
}

function isLasting(url) {
  return new Promise((resolve) => {
    let socket;
    try {
      socket = new WebSocket(`${url}/xmpp-websocket`, 'xmpp');
    } catch {
      resolve(false);
      return;
    }
    const end = (result) => { clearTimeout(clock); resolve(result); socket.close(); };
    const clock = setTimeout(() => end(false), PATIENCE_MS);
    socket.addEventListener('open', () => end(true));
    socket.addEventListener('error', () => end(false));
  });
}

// An address of our own that everybody reaches: what a STUN server sees of it is nothing new, and browsers leave it out.
const PUBLIC = /^(?!10\.|127\.|169\.254\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)\d+\.\d+\.\d+\.\d+$/;

// A candidate of the kind „srflx” is what a STUN server has seen of us over UDP.
async function howUdpIs(stun) {
  const connection = new RTCPeerConnection({ iceServers: [{ urls: `stun:${stun}` }] });
  let hasFailed = false;
  let isPublic = false;
  try {
    const found = new Promise((resolve) => {
      // Whoever gets no answer asks again and again; browsers give up after ten seconds.
      setTimeout(() => resolve('blocked'), PATIENCE_MS * 1.5);
      connection.addEventListener('icecandidateerror', () => { hasFailed = true; });
      connection.addEventListener('icecandidate', ({ candidate }) => {
        if (!candidate) resolve(isPublic && !hasFailed ? 'unknown' : 'blocked');
        else if (/ typ srflx\b/.test(candidate.candidate)) resolve('works');
        else isPublic = isPublic || PUBLIC.test(candidate.candidate.split(' ')[4] || '');
      });
    });
    connection.createDataChannel('check');
    await connection.setLocalDescription(await connection.createOffer());
    return await found;
  } finally {
    connection.close();
  }
}

async function askServer() {
  tell('server', 'asking');
  tell('socket', 'asking');
  const [answers, lasts] = await Promise.all([isReached(network.dataset.url), isLasting(network.dataset.socket)]);
  if (answers || lasts) tell('server', 'works');
  else tell('server', navigator.onLine === false ? 'offline' : 'failed');
  tell('socket', lasts ? 'works' : 'failed');
}

async function askMedia() {
  tell('media', 'asking');
  if (!network.dataset.stun) {
    tell('media', 'unknown');
    return;
  }
  try {
    tell('media', await howUdpIs(network.dataset.stun));
  } catch {
    tell('media', 'unknown');
  }
}

if (network && window.RTCPeerConnection) {
  let isAsking = false;
  const ask = async () => {
    if (isAsking) return;
    isAsking = true;
    await Promise.all([askServer(), askMedia()]);
    isAsking = false;
  };
  network.addEventListener('click', ({ target }) => { if (target.closest('[data-act="network"]')) ask(); });
  ask();
}
