// The check of camera, microphone and speakers ([data-check-all]): shows what works, with words for what does not, and
// notes on the server that all of it was tested. Nothing is recorded, and nothing of picture or sound is sent.
// A part's state is a word; [data-when="word word"] inside a part is shown in these states (network-check.js likewise).
const HEARD_LEVEL = 0.02; // of 1, the root mean square of a voice at arm's length
const LOUD_LEVEL = 0.35;
const HEARD_FOR_MS = 300;
const SILENT_AFTER_MS = 8_000;
const LOOK_EVERY_MS = 100;
const WORDS = {
  NotAllowedError: 'denied', SecurityError: 'denied', NotFoundError: 'missing', OverconstrainedError: 'missing',
  NotReadableError: 'busy', AbortError: 'busy',
};
const all = document.querySelector('[data-check-all]');
const part = (name) => document.querySelector(`[data-check="${name}"]`);
const states = {};
const streams = {};
let audio = null;
let beat = 0;
let isSaved = false;

function show(name, state) {
  if (states[name] === state) return;
  states[name] = state;
  const section = part(name);
  section.dataset.state = state;
  for (const item of section.querySelectorAll('[data-when]')) item.hidden = !item.dataset.when.split(' ').includes(state);
  section.dispatchEvent(new CustomEvent('check:changed', { bubbles: true, detail: { name, state } }));
}

function whatIsMissing() {
  if (!window.isSecureContext) return 'insecure';
  if (!navigator.mediaDevices || !navigator.mediaDevices.getUserMedia || !window.AudioContext) return 'browser';
  return window.RTCPeerConnection ? '' : 'webrtc';
}

function stop(kind) {
  for (const track of streams[kind] ? streams[kind].getTracks() : []) track.stop();
  delete streams[kind];
  if (kind === 'microphone') clearInterval(beat);
  if (kind === 'camera') part('camera').querySelector('video').srcObject = null;
}

function stopAll() {
  stop('camera');
  stop('microphone');
}

async function ask(kind, wanted) {
  stop(kind);
  show(kind, 'asking');
  const which = wanted ? { deviceId: { exact: wanted } } : true;
  return navigator.mediaDevices.getUserMedia(kind === 'camera' ? { video: which } : { audio: which });
}

async function begin(kind, wanted = '', given = null) {
  try {
    const stream = given || await ask(kind, wanted);
    streams[kind] = stream;
    const [track] = stream.getTracks();
    track.addEventListener('ended', () => { if (streams[kind] === stream) fail(kind, 'failed'); });
    if (kind === 'camera') await look(stream);
    else await listen(stream, track);
  } catch (error) {
    fail(kind, WORDS[error.name] || 'failed');
  }
  await list();
}

function fail(kind, state) {
  stop(kind);
  show(kind, state);
}

// Both at once where that works, so that the browser asks once; else one by one, since one of them may be missing.
async function beginBoth() {
  stopAll();
  show('devices', 'asking');
  show('camera', 'asking');
  show('microphone', 'asking');
  audio = audio || new AudioContext();
  await audio.resume();
  try {
    const both = await navigator.mediaDevices.getUserMedia({ video: true, audio: true });
    await begin('camera', '', new MediaStream(both.getVideoTracks()));
    await begin('microphone', '', new MediaStream(both.getAudioTracks()));
  } catch (error) {
    if (WORDS[error.name] === 'denied') {
      fail('camera', 'denied');
      fail('microphone', 'denied');
    } else {
      await begin('camera');
      await begin('microphone');
    }
  }
  show('devices', 'begun');
}

async function look(stream) {
  const video = part('camera').querySelector('video');
  video.srcObject = stream;
  const hasPicture = await new Promise((resolve) => {
    video.addEventListener('loadeddata', () => resolve(video.videoWidth > 0), { once: true });
    setTimeout(() => resolve(video.videoWidth > 0), SILENT_AFTER_MS);
  });
  if (streams.camera !== stream) return;
  if (hasPicture) show('camera', 'works');
  else fail('camera', 'failed');
}

async function listen(stream, track) {
  audio = audio || new AudioContext();
  await audio.resume();
  const analyser = new AnalyserNode(audio, { fftSize: 2048 });
  audio.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const meter = part('microphone').querySelector('meter');
  const word = part('microphone').querySelector('[data-level]');
  const began = performance.now();
  let heardFor = 0;
  show('microphone', track.muted ? 'muted' : 'listening');
  clearInterval(beat);
  beat = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const level = Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);
    meter.value = Math.min(100, Math.round(Math.sqrt(level) * 140));
    const name = level >= LOUD_LEVEL ? 'loud' : level >= HEARD_LEVEL ? 'good' : 'quiet';
    if (word.textContent !== word.dataset[name]) word.textContent = word.dataset[name];
    if (level >= HEARD_LEVEL) heardFor += LOOK_EVERY_MS;
    if (heardFor >= HEARD_FOR_MS) show('microphone', 'works');
    else if (track.muted) show('microphone', 'muted');
    else if (performance.now() - began > SILENT_AFTER_MS) show('microphone', 'silent');
    else show('microphone', 'listening');
  }, LOOK_EVERY_MS);
}

// Names are known once the browser has let the page use a device.
async function list() {
  const found = await navigator.mediaDevices.enumerateDevices();
  for (const choice of all.querySelectorAll('[data-choice]')) {
    const kind = choice.dataset.choice === 'videoinput' ? 'camera' : 'microphone';
    const [track] = streams[kind] ? streams[kind].getTracks() : [];
    const used = track ? track.getSettings().deviceId : choice.value;
    const devices = found.filter((device) => device.kind === choice.dataset.choice && device.deviceId);
    choice.replaceChildren(...devices.map((device, index) => {
      const name = device.label || `${choice.dataset.name} ${index + 1}`;
      return new Option(name, device.deviceId, false, device.deviceId === used);
    }));
  }
}

// Three tones, made here.
async function play() {
  show('speaker', 'playing');
  try {
    audio = audio || new AudioContext();
    await audio.resume();
    const volume = new GainNode(audio, { gain: 0 });
    const tone = new OscillatorNode(audio, { frequency: 523.25 });
    tone.connect(volume).connect(audio.destination);
    for (const [index, frequency] of [523.25, 659.25, 783.99].entries()) {
      const at = audio.currentTime + 0.1 + index * 0.5;
      tone.frequency.setValueAtTime(frequency, at);
      volume.gain.setValueAtTime(0, at);
      volume.gain.linearRampToValueAtTime(0.25, at + 0.05);
      volume.gain.setValueAtTime(0.25, at + 0.3);
      volume.gain.linearRampToValueAtTime(0, at + 0.4);
    }
    tone.addEventListener('ended', () => show('speaker', 'asked'));
    tone.start();
    tone.stop(audio.currentTime + 1.7);
  } catch {
    show('speaker', 'failed');
  }
}

function isComplete() {
  const network = states.server === 'works' && ['works', 'unknown'].includes(states.media);
  return network && states.microphone === 'works' && ['works', 'none'].includes(states.camera);
}

async function save() {
  if (isSaved || !isComplete()) return;
  isSaved = true;
  show('result', 'saving');
  const body = new URLSearchParams(new FormData(document.querySelector('[data-result]')));
  body.set('how', 'test');
  try {
    const headers = { 'X-Requested-With': 'fetch' };
    const response = await fetch(location.pathname, { method: 'POST', body, headers });
    show('result', response.ok ? 'saved' : 'unsaved');
  } catch {
    show('result', 'unsaved');
  }
}

const ACTS = {
  begin: beginBoth,
  end: () => { stopAll(); show('devices', 'idle'); show('microphone', 'idle'); show('camera', 'idle'); },
  again: (kind) => begin(kind),
  without: () => { stop('camera'); show('camera', 'none'); },
  play,
  heard: () => show('speaker', 'works'),
  unheard: () => show('speaker', 'unheard'),
};

const missing = all ? whatIsMissing() : 'nothing';
if (missing) {
  for (const why of document.querySelectorAll('[data-why]')) why.hidden = why.dataset.why !== missing;
} else {
  document.querySelector('[data-check-plain]').hidden = true;
  all.hidden = false;
  document.addEventListener('check:changed', ({ detail }) => {
    states[detail.name] = detail.state;
    save();
  });
  all.addEventListener('click', ({ target }) => {
    const button = target.closest('[data-act]');
    const act = button && ACTS[button.dataset.act];
    if (act) act(button.closest('[data-check]').dataset.check);
  });
  all.addEventListener('change', ({ target }) => {
    if (target.dataset.choice) begin(target.closest('[data-check]').dataset.check, target.value);
  });
  navigator.mediaDevices.addEventListener('devicechange', () => { if (streams.camera || streams.microphone) list(); });
  // Also where the page is kept for going back: nobody is watched by a page that they have left.
  window.addEventListener('pagehide', stopAll);
  window.addEventListener('pageshow', ({ persisted }) => { if (persisted) location.reload(); });
}
